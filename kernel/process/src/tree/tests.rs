use super::{ExitStatus, Tree};
use abi::{Errno, Signal};

/// 1 (init) ← 2 (a shell in a session of its own) ← 3, 4 in the group 3.
fn shell_with_job() -> Tree<(), ()> {
    let mut tree = Tree::new(());
    tree.add_process(1, 0, 0, None, ());
    tree.add_process(2, 1, 1, Some(Signal::SIGCHLD), ());
    tree.set_session(2).unwrap();
    for pid in [3, 4] {
        tree.add_process(pid, 2, 2, Some(Signal::SIGCHLD), ());
        tree.set_group(2, pid, 3).unwrap();
    }
    tree
}

fn end(tree: &mut Tree<(), ()>, pid: u32) {
    tree.get_mut(pid).unwrap().report.ended = Some(ExitStatus::exited(0));
}

#[test]
fn numbers_ascend_and_wrap_past_those_taken() {
    let mut tree = shell_with_job();
    tree.last = 2;
    assert_eq!(tree.choose_number(), Ok(5));
    tree.last = super::PID_MAX - 1;
    assert_eq!(tree.choose_number(), Ok(super::RESERVED));
}

#[test]
fn a_groups_number_stays_taken_while_it_has_members() {
    let mut tree = shell_with_job();
    end(&mut tree, 3);
    tree.reap(3);
    assert!(tree.is_taken(3));
    end(&mut tree, 4);
    tree.reap(4);
    assert!(!tree.is_taken(3));
}

#[test]
fn setpgid_follows_posix() {
    let mut tree = shell_with_job();
    assert_eq!(tree.set_group(2, 0, 0), Err(Errno::EPERM), "a session leader stays");
    assert_eq!(tree.set_group(3, 4, 4), Err(Errno::ESRCH), "not a child");
    assert_eq!(tree.set_group(2, 4, 99), Err(Errno::EPERM), "no such group");
    assert_eq!(tree.set_group(2, 4, 1), Err(Errno::EPERM), "a group of another session");
    tree.get_mut(4).unwrap().has_executed = true;
    assert_eq!(tree.set_group(2, 4, 4), Err(Errno::EACCES));
    assert_eq!(tree.set_group(4, 0, 0), Ok(()));
    assert_eq!(tree.get(4).unwrap().group, 4);
}

#[test]
fn setsid_is_not_for_group_leaders() {
    let mut tree = shell_with_job();
    assert_eq!(tree.set_session(3), Err(Errno::EPERM));
    assert_eq!(tree.set_session(4), Ok(4));
    assert_eq!(tree.session_of_group(4), Some(4));
}

#[test]
fn a_job_is_orphaned_when_its_shell_ends() {
    let mut tree = shell_with_job();
    assert!(!tree.is_orphaned(3));
    let adopted: std::vec::Vec<_> = core::iter::from_fn(|| tree.orphan_child(2)).collect();
    assert_eq!(adopted.len(), 2);
    assert!(adopted.iter().all(|child| child.parent == 1 && !child.is_zombie));
    assert_eq!(adopted[1].orphaned_group, Some(3));
    assert_eq!(tree.children(1).count(), 3);
    assert!(tree.is_orphaned(3));
}

#[test]
fn a_job_is_orphaned_when_its_last_link_begins_to_end() {
    let mut tree = shell_with_job();
    tree.add_process(5, 3, 3, None, ());
    assert!(!tree.is_orphaned(3));
    end(&mut tree, 4);
    assert!(!tree.is_orphaned(3));
    tree.get_mut(3).unwrap().is_leaving = true;
    assert!(tree.is_orphaned(3), "the child of a member does not continue the group");
}

#[test]
fn the_nearest_subreaper_adopts() {
    let mut tree = shell_with_job();
    tree.get_mut(2).unwrap().is_subreaper = true;
    tree.add_process(5, 3, 3, None, ());
    assert_eq!(tree.orphan_child(3).unwrap().parent, 2);
    assert_eq!(tree.get(5).unwrap().exit_signal, Some(Signal::SIGCHLD));
}

#[test]
fn children_come_in_the_order_of_their_making() {
    let mut tree = shell_with_job();
    tree.add_process(9, 2, 2, None, ());
    tree.add_process(6, 2, 2, None, ());
    let order: std::vec::Vec<u32> = tree.children(2).map(|(pid, _)| pid).collect();
    assert_eq!(order, [3, 4, 9, 6]);
    end(&mut tree, 9);
    tree.reap(9);
    assert_eq!(tree.children(2).count(), 3);
}

#[test]
fn exit_statuses_are_encoded_as_wait_expects() {
    assert_eq!(ExitStatus::exited(0x1ff).0, 0xff00);
    assert_eq!(ExitStatus::killed(Signal::SIGKILL).0, 9);
    assert_eq!(ExitStatus::exited(3).detail(), 3);
    assert_eq!(ExitStatus::killed(Signal::SIGTERM).detail(), 15);
}
