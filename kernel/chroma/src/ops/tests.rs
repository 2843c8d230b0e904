use abi::fs::{AccessFlags, MountFlags, OpenFlags, RenameFlags};
use abi::{Errno, Gid, Mode, Uid};
use std::vec::Vec;

use super::{Node, access, chmod, chown};
use crate::file::OpenFile;
use crate::inode::FileKind;
use crate::io::{Sink, Source};
use crate::listing::{DirBuffer, Format};
use crate::testing::{World, new_tmpfs, read_all};
use crate::walk::View;

fn rename(view: &View<'_>, from: &str, to: &str, flags: RenameFlags) -> Result<(), Errno> {
    view.rename(from.as_bytes(), view, to.as_bytes(), flags)
}

fn mv(view: &View<'_>, from: &str, to: &str) -> Result<(), Errno> {
    rename(view, from, to, RenameFlags::empty())
}

fn list(file: &OpenFile, bytes: usize) -> Vec<std::string::String> {
    let mut names = Vec::new();
    loop {
        let mut buffer = DirBuffer::new(bytes, Format::New).unwrap();
        file.with_position(|position| file.ops().read_dir(file, position, &mut buffer)).unwrap();
        let mut rest = buffer.bytes();
        if rest.is_empty() {
            return names;
        }
        while !rest.is_empty() {
            let len = usize::from(u16::from_le_bytes([rest[16], rest[17]]));
            let name = rest[19..len].split(|b| *b == 0).next().unwrap();
            names.push(std::string::String::from_utf8(name.to_vec()).unwrap());
            rest = &rest[len..];
        }
    }
}

#[test]
fn making_what_exists_fails_and_slashes_mean_directories() {
    let world = World::new();
    let view = world.view();
    view.dir("d/");
    assert_eq!(view.mkdir(b"d", Mode(0o755), Mode(0)), Err(Errno::EEXIST));
    assert_eq!(view.mkdir(b"/", Mode(0o755), Mode(0)), Err(Errno::EEXIST));
    assert_eq!(view.mkdir(b"none/d", Mode(0o755), Mode(0)), Err(Errno::ENOENT));
    assert_eq!(view.symlink(b"x", b"link/"), Err(Errno::ENOENT));
    assert_eq!(view.symlink(b"", b"link"), Err(Errno::ENOENT));
    assert_eq!(view.try_open("new/", OpenFlags::CREAT | OpenFlags::WRONLY).err(), Some(Errno::EISDIR));
    assert_eq!(view.try_open("d", OpenFlags::CREAT).err(), Some(Errno::EISDIR));
}

#[test]
fn removing_has_an_error_for_every_wrong_kind() {
    let world = World::new();
    let view = world.view();
    view.dir("d");
    view.dir("d/e");
    view.write_file("f", "");
    assert_eq!(view.unlink(b"d"), Err(Errno::EISDIR));
    assert_eq!(view.unlink(b"f/"), Err(Errno::ENOTDIR));
    assert_eq!(view.unlink(b"none"), Err(Errno::ENOENT));
    assert_eq!(view.unlink(b"d/."), Err(Errno::EISDIR));
    assert_eq!(view.rmdir(b"f"), Err(Errno::ENOTDIR));
    assert_eq!(view.rmdir(b"d"), Err(Errno::ENOTEMPTY));
    assert_eq!(view.rmdir(b"d/."), Err(Errno::EINVAL));
    assert_eq!(view.rmdir(b"d/e/.."), Err(Errno::ENOTEMPTY));
    assert_eq!(view.rmdir(b"/"), Err(Errno::EBUSY));
    assert_eq!(view.links("d"), 3);
    view.rmdir(b"d/e").unwrap();
    assert_eq!(view.links("d"), 2);
    view.rmdir(b"d").unwrap();
    view.unlink(b"f").unwrap();
}

#[test]
fn nothing_can_be_made_in_a_removed_directory() {
    let world = World::new();
    let view = world.view();
    view.dir("d");
    let inside = View { cred: &world.superuser, root: world.root.clone(), start: view.at("d").unwrap() };
    view.rmdir(b"d").unwrap();
    assert_eq!(inside.mkdir(b"x", Mode(0o755), Mode(0)), Err(Errno::ENOENT));
    assert_eq!(inside.try_open("x", OpenFlags::CREAT | OpenFlags::WRONLY).err(), Some(Errno::ENOENT));
    assert!(inside.at(".").is_ok());
}

#[test]
fn rename_follows_the_rules_of_kinds() {
    let world = World::new();
    let view = world.view();
    view.dir("d");
    view.dir("d/sub");
    view.dir("empty");
    view.write_file("f", "f");
    assert_eq!(mv(&view, "d", "d/sub/x"), Err(Errno::EINVAL));
    assert_eq!(mv(&view, "d/sub", "d"), Err(Errno::ENOTEMPTY));
    assert_eq!(mv(&view, "f", "empty"), Err(Errno::EISDIR));
    assert_eq!(mv(&view, "empty", "f"), Err(Errno::ENOTDIR));
    assert_eq!(mv(&view, "empty", "d"), Err(Errno::ENOTEMPTY));
    assert_eq!(mv(&view, "f", "g/"), Err(Errno::ENOTDIR));
    assert_eq!(mv(&view, "none", "x"), Err(Errno::ENOENT));
    assert_eq!(mv(&view, ".", "x"), Err(Errno::EBUSY));
    assert_eq!(mv(&view, "f", "."), Err(Errno::EBUSY));
    assert_eq!(rename(&view, "f", "d", RenameFlags::NOREPLACE), Err(Errno::EEXIST));
    assert_eq!(rename(&view, "f", "g", RenameFlags::EXCHANGE), Err(Errno::ENOENT));
    assert_eq!(rename(&view, "f", "d", RenameFlags::EXCHANGE | RenameFlags::NOREPLACE), Err(Errno::EINVAL));
    mv(&view, "d", "empty").unwrap();
    assert_eq!(view.links("empty"), 3);
    assert_eq!(view.links("/"), 3);
    assert_eq!(view.at("d").err(), Some(Errno::ENOENT));
    mv(&view, "empty/sub", "sub").unwrap();
    assert_eq!((view.links("empty"), view.links("/")), (2, 4));
}

#[test]
fn exchanging_swaps_both_names_and_link_counts() {
    let world = World::new();
    let view = world.view();
    view.dir("d");
    view.dir("d/x");
    view.write_file("f", "file");
    rename(&view, "f", "d/x", RenameFlags::EXCHANGE).unwrap();
    assert_eq!(view.read_file("d/x"), "file");
    assert!(view.at("f").unwrap().dentry.inode().unwrap().is_directory());
    assert_eq!((view.links("d"), view.links("/")), (2, 4));
    assert_eq!(rename(&view, "d", "d/x", RenameFlags::EXCHANGE), Err(Errno::EINVAL));
    // The cache agrees with the file system afterwards.
    crate::dentry::shrink(usize::MAX);
    assert_eq!(view.read_file("d/x"), "file");
}

#[test]
fn renaming_one_link_onto_another_of_the_same_file_does_nothing() {
    let world = World::new();
    let view = world.view();
    view.write_file("a", "x");
    view.link(&view.at("a").unwrap(), b"b").unwrap();
    mv(&view, "a", "b").unwrap();
    assert_eq!(view.links("a"), 2);
    view.unlink(b"a").unwrap();
    assert_eq!(view.links("b"), 1);
    assert_eq!(view.link(&view.at("/").unwrap(), b"c"), Err(Errno::EPERM));
}

#[test]
fn a_sticky_directory_lets_only_owners_remove() {
    let world = World::new();
    let view = world.view();
    view.mkdir(b"tmp", Mode(0o1777), Mode(0)).unwrap();
    chmod(&world.superuser, &view.at("tmp").unwrap(), Mode(0o1777)).unwrap();
    view.write_file("tmp/theirs", "");
    let user = world.user_view();
    user.write_file("tmp/mine", "");
    assert_eq!(user.unlink(b"tmp/theirs"), Err(Errno::EPERM));
    assert_eq!(mv(&user, "tmp/mine", "tmp/theirs"), Err(Errno::EPERM));
    user.unlink(b"tmp/mine").unwrap();
    assert_eq!(user.mkdir(b"no", Mode(0o755), Mode(0)), Err(Errno::EACCES));
}

#[test]
fn set_group_id_directories_hand_their_group_down() {
    let world = World::new();
    let view = world.view();
    view.dir("d");
    let path = view.at("d").unwrap();
    chown(&world.superuser, &path, Uid::KEEP, Gid(77)).unwrap();
    chmod(&world.superuser, &path, Mode(0o2777)).unwrap();
    let user = world.user_view();
    user.dir("d/sub");
    user.write_file("d/file", "");
    let of =
        |name: &str| view.at(name).unwrap().dentry.inode().unwrap().read_attributes(|a| (a.gid, a.mode.0));
    assert_eq!(of("d/sub"), (Gid(77), 0o2755));
    assert_eq!(of("d/file").0, Gid(77));
    assert_eq!(
        user.mknod(b"d/null", &Node::new(FileKind::CharDevice, Mode(0o666), Mode(0))),
        Err(Errno::EPERM)
    );
}

#[test]
fn chown_and_writing_take_set_id_bits_away() {
    let world = World::new();
    let view = world.view();
    view.write_file("f", "");
    let path = view.at("f").unwrap();
    let mode = || path.dentry.inode().unwrap().read_attributes(|a| a.mode.0);
    chmod(&world.superuser, &path, Mode(0o6777)).unwrap();
    let file = world.user_view().try_open("f", OpenFlags::WRONLY).unwrap();
    file.write(&mut Source::kernel(b"x")).unwrap();
    assert_eq!(mode(), 0o777);
    chmod(&world.superuser, &path, Mode(0o6745)).unwrap();
    chown(&world.superuser, &path, Uid(5), Gid::KEEP).unwrap();
    assert_eq!(mode(), 0o2745);
    assert_eq!(chown(&world.user, &path, Uid(1000), Gid::KEEP), Err(Errno::EPERM));
    assert_eq!(chmod(&world.user, &path, Mode(0o777)), Err(Errno::EPERM));
}

#[test]
fn open_creates_truncates_and_appends() {
    let world = World::new();
    let view = world.view();
    let flags = OpenFlags::CREAT | OpenFlags::EXCL | OpenFlags::WRONLY;
    let file = view.try_open("f", flags).unwrap();
    assert_eq!(view.try_open("f", flags).err(), Some(Errno::EEXIST));
    file.write(&mut Source::kernel(b"hello")).unwrap();
    let appender = view.try_open("f", OpenFlags::WRONLY | OpenFlags::APPEND).unwrap();
    file.write(&mut Source::kernel(b" world")).unwrap();
    appender.write_at(0, &mut Source::kernel(b"!")).unwrap();
    assert_eq!(view.read_file("f"), "hello world!");
    view.write_file("f", "short");
    assert_eq!(view.read_file("f"), "short");
    view.symlink(b"f", b"link").unwrap();
    assert_eq!(view.try_open("link", flags).err(), Some(Errno::EEXIST));
    assert_eq!(view.try_open("link", OpenFlags::NOFOLLOW).err(), Some(Errno::ELOOP));
    view.symlink(b"fresh", b"dangling").unwrap();
    view.write_file("dangling", "made");
    assert_eq!(view.read_file("fresh"), "made");
    assert_eq!(view.try_open("f", OpenFlags::DIRECTORY).err(), Some(Errno::ENOTDIR));
    assert_eq!(view.try_open("/", OpenFlags::WRONLY).err(), Some(Errno::EISDIR));
}

#[test]
fn a_mode_that_forbids_everything_does_not_matter_to_the_creator() {
    let world = World::new();
    let user = world.user_view();
    chmod(&world.superuser, &world.root, Mode(0o777)).unwrap();
    let mut request = super::OpenRequest::existing(OpenFlags::CREAT | OpenFlags::RDWR);
    request.mode = Mode(0);
    assert!(user.open(b"f", &request).is_ok());
    assert_eq!(user.open(b"f", &request).err(), Some(Errno::EACCES));
}

#[test]
fn holes_read_as_zeroes_and_take_no_pages() {
    let world = World::new();
    let view = world.view();
    let file = view.try_open("f", OpenFlags::CREAT | OpenFlags::RDWR).unwrap();
    file.write_at(1 << 20, &mut Source::kernel(b"end")).unwrap();
    assert_eq!(file.inode().stat().unwrap().st_blocks, 8);
    let mut bytes = [1; 8];
    assert_eq!(file.read_at(4093, &mut Sink::kernel(&mut bytes)), Ok(8));
    assert_eq!(bytes, [0; 8]);
    assert_eq!(file.seek(0, crate::file::Whence::Data), Ok(1 << 20));
    super::truncate_inode(&world.superuser, file.inode(), 5).unwrap();
    assert_eq!(read_all(&view.try_open("f", OpenFlags::empty()).unwrap()), [0; 5]);
    assert_eq!(file.inode().stat().unwrap().st_blocks, 0);
}

#[test]
fn a_read_only_mount_refuses_changes_through_it_only() {
    let world = World::new();
    let view = world.view();
    view.dir("there");
    view.dir("here");
    view.write_file("here/f", "x");
    world.namespace.bind(&view.at("here").unwrap(), &view.at("there").unwrap(), false).unwrap();
    world.namespace.remount_bind(&view.at("there").unwrap(), MountFlags::RDONLY).unwrap();
    assert_eq!(view.read_file("there/f"), "x");
    assert_eq!(view.try_open("there/f", OpenFlags::WRONLY).err(), Some(Errno::EROFS));
    assert_eq!(view.unlink(b"there/f"), Err(Errno::EROFS));
    assert_eq!(view.mkdir(b"there/f", Mode(0o755), Mode(0)), Err(Errno::EEXIST));
    assert_eq!(view.mkdir(b"there/g", Mode(0o755), Mode(0)), Err(Errno::EROFS));
    assert_eq!(access(&world.superuser, &view.at("there/f").unwrap(), AccessFlags::W_OK), Err(Errno::EROFS));
    assert_eq!(mv(&view, "here/f", "there/f"), Err(Errno::EXDEV));
    view.write_file("here/f", "y");
    assert_eq!(view.read_file("there/f"), "y");
}

#[test]
fn mounts_hide_what_is_below_and_are_busy_while_used() {
    let world = World::new();
    let view = world.view();
    view.dir("m");
    view.write_file("m/under", "");
    world.namespace.attach(new_tmpfs(), &view.at("m").unwrap()).unwrap();
    assert_eq!(view.at("m/under").err(), Some(Errno::ENOENT));
    view.write_file("m/over", "");
    assert_eq!(view.rmdir(b"m"), Err(Errno::EBUSY));
    assert_eq!(mv(&view, "m", "n"), Err(Errno::EBUSY));
    assert_eq!(view.at("m/..").unwrap().spell(&world.root).text, b"/");
    let held = view.try_open("m/over", OpenFlags::empty()).unwrap();
    let flags = crate::mount::UmountFlags::empty();
    assert_eq!(world.namespace.umount(view.at("m").unwrap(), flags, &world.root.mount), Err(Errno::EBUSY));
    assert_eq!(
        world.namespace.umount(view.at("m/over").unwrap(), flags, &world.root.mount),
        Err(Errno::EINVAL)
    );
    drop(held);
    world.namespace.umount(view.at("m").unwrap(), flags, &world.root.mount).unwrap();
    assert!(view.at("m/under").is_ok());
}

#[test]
fn listing_survives_removals_and_additions_in_between() {
    let world = World::new();
    let view = world.view();
    for index in 0..100 {
        view.write_file(&std::format!("f{index}"), "");
    }
    let file = view.try_open("/", OpenFlags::DIRECTORY).unwrap();
    let mut buffer = DirBuffer::new(400, Format::New).unwrap();
    file.with_position(|position| file.ops().read_dir(&file, position, &mut buffer)).unwrap();
    for index in (0..100).step_by(2) {
        view.unlink(std::format!("f{index}").as_bytes()).unwrap();
    }
    view.write_file("new", "");
    let rest = list(&file, 100);
    let expected = (0..100).filter(|i| i % 2 == 1).map(|i| std::format!("f{i}"));
    let listed_before = buffer.bytes().len();
    assert!(listed_before > 0);
    let mut missing: Vec<_> = expected.filter(|name| !rest.contains(name)).collect();
    missing.retain(|name| {
        !buffer.bytes().windows(name.len() + 1).any(|w| w == [name.as_bytes(), &[0]].concat())
    });
    assert_eq!(missing, Vec::<std::string::String>::new());
    assert!(!rest.contains(&"new".into()), "the newest entry is before all others");
    let mut unique = rest.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), rest.len());
}

#[test]
fn entries_come_newest_first_and_seeking_counts_them_anew() {
    let world = World::new();
    let view = world.view();
    for name in ["a", "b", "c", "d"] {
        view.write_file(name, "");
    }
    let file = view.try_open("/", OpenFlags::DIRECTORY).unwrap();
    assert_eq!(list(&file, 400), [".", "..", "d", "c", "b", "a"]);
    view.unlink(b"d").unwrap();
    file.seek(3, crate::file::Whence::Set).unwrap();
    assert_eq!(list(&file, 400), ["b", "a"]);
    mv(&view, "a", "e").unwrap();
    rename(&view, "b", "c", RenameFlags::EXCHANGE).unwrap();
    file.seek(0, crate::file::Whence::Set).unwrap();
    assert_eq!(list(&file, 64), [".", "..", "c", "b", "e"]);
    file.seek(9, crate::file::Whence::Set).unwrap();
    assert_eq!(list(&file, 400), Vec::<std::string::String>::new());
}

#[test]
fn an_unnamed_file_gets_a_name_by_linking() {
    let world = World::new();
    let view = world.view();
    let file = view.try_open("/", OpenFlags::TMPFILE | OpenFlags::RDWR).unwrap();
    file.write(&mut Source::kernel(b"secret")).unwrap();
    assert_eq!(file.inode().stat().unwrap().st_nlink, 0);
    view.link(file.path(), b"named").unwrap();
    assert_eq!(view.read_file("named"), "secret");
    assert_eq!(view.try_open("/", OpenFlags::TMPFILE).err(), Some(Errno::EINVAL));
}

#[test]
fn a_running_program_can_not_be_written_nor_a_written_one_run() {
    let world = World::new();
    let view = world.view();
    view.write_file("prog", "");
    let inode = view.at("prog").unwrap().dentry.inode().unwrap().clone();
    let running = inode.deny_writers().unwrap();
    assert_eq!(view.try_open("prog", OpenFlags::WRONLY).err(), Some(Errno::ETXTBSY));
    drop(running);
    let writer = view.try_open("prog", OpenFlags::WRONLY).unwrap();
    assert_eq!(inode.deny_writers().err(), Some(Errno::ETXTBSY));
    drop(writer);
    assert!(inode.deny_writers().is_ok());
}

#[test]
fn names_looked_for_in_vain_do_not_keep_a_removed_directory() {
    let world = World::new();
    let view = world.view();
    for directory in ["d", "e"] {
        view.dir(directory);
        let kept = std::sync::Arc::downgrade(view.at(directory).unwrap().dentry.inode().unwrap());
        for name in 0..10 {
            assert_eq!(view.at(&std::format!("{directory}/{name}")).err(), Some(Errno::ENOENT));
        }
        if directory == "d" {
            view.rmdir(b"d").unwrap();
        } else {
            view.dir("f");
            view.rename(b"f", &view, b"e", RenameFlags::empty()).unwrap();
        }
        assert!(kept.upgrade().is_none(), "{directory}");
    }
}
