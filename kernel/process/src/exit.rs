//! The end of threads and processes, and telling parents.

use crate::current::Current;
use crate::futex;
use crate::hooks;
use crate::ipc;
use crate::memory;
use crate::process::Process;
use crate::signal::{Info, send};
use crate::table::{self, ProcessTree};
use crate::terminals;
use crate::timer;
use crate::tree::{Adopted, ExitStatus};
use crate::usage::{Usage, ticks};
use crate::user::Place;
use abi::signal::{SIG_IGN, SaFlags, code};
use abi::{Signal, Uid};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chronos::{Events, WaitKind, WaitQueue};
use core::sync::atomic::{AtomicBool, Ordering};
use hal::{UserAddr, user};

/// What a parent waits for after `vfork`.
#[derive(Default)]
pub struct VforkWait {
    done: AtomicBool,
    queue: WaitQueue,
}

impl VforkWait {
    /// The child needs the parent's memory no longer.
    pub fn finish(&self) {
        self.done.store(true, Ordering::Release);
        self.queue.wake_all(Events::all());
    }

    /// Waits for that. A parent that is killed need not.
    pub fn wait(&self) {
        let done = || self.done.load(Ordering::Acquire).then_some(());
        let _ = self.queue.wait(WaitKind::Killable, None, done); // killed: the way out of the call ends the thread
    }
}

/// Ends the process: all its threads, with `status` unless something else is ending it already.
pub fn end_process(current: &mut Current, status: ExitStatus) {
    let status = {
        let mut signals = current.process.signals.lock_irq();
        signals.end(status);
        signals.ending.unwrap_or(status)
    };
    current.process.thread_events.wake_all(Events::all());
    current.finish(status);
}

/// Gives back what the thread holds of a program's memory: the last words are written, robust futexes are passed on, and who
/// waits after `vfork` goes on. At the thread's end and at exec.
pub(crate) fn leave_memory(current: &mut Current) {
    let robust = core::mem::take(&mut current.robust_list);
    if !robust.is_null() {
        futex::abandon_robust_list(current, robust);
    }
    let word = core::mem::take(&mut current.clear_child_tid);
    if !word.is_null() && Arc::strong_count(&current.program) > 2 {
        // Nobody else looks at it otherwise. A bad address is the program's own affair.
        if user::write(word, &0u32).is_ok() {
            futex::wake_address(current, word);
        }
    }
}

/// Lets go of a parent that waits for the memory to be free again.
pub(crate) fn finish_vfork(current: &mut Current) {
    if let Some(vfork) = current.vfork.take() {
        vfork.finish();
    }
}

/// Ends the thread; the last one's end is the process's.
pub(crate) fn end_thread(mut current: Current, status: ExitStatus) {
    let process = current.process.clone();
    let thread = current.thread.clone();
    let is_first = thread.tid() == process.pid();
    let forget = || drop(table::with(|tree| tree.remove_thread(thread.tid())));
    if !is_first {
        forget(); // who waits for the thread's last word finds its number gone afterwards
    }
    leave_memory(&mut current);
    {
        let usage = Usage::of_thread(&thread);
        process.accounts.lock_irq().own.add(&usage);
    }
    if is_first {
        process.set_last_name(thread.name());
    }
    let parts = thread.change_parts(|parts| {
        (parts.program.take(), parts.files.take(), parts.fs.take(), parts.namespaces.take())
    });
    let Current { program, files, fs, namespaces, task, vfork, .. } = current;
    drop((parts.1, parts.2));
    drop((files, fs)); // may close files, and sleep at it
    drop((parts.3, namespaces)); // who waits for the end finds its mounts gone, and a zombie keeps none
    if let Some(context) = task.context() {
        context.set_space(None);
    }
    drop((parts.0, program));
    if let Some(vfork) = vfork {
        vfork.finish();
    }

    let last = {
        let mut signals = process.signals.lock_irq();
        // `thread` itself keeps the object: nothing is freed under the lock.
        signals.threads.retain(|other| !Arc::ptr_eq(other, &thread));
        signals.threads.is_empty()
    };
    process.thread_events.wake_all(Events::all()); // exec waits for the others' end
    memory::given_back(&process);
    send_parent_death_signals(&process, thread.tid());
    let completed = process.signals.lock_irq().complete_stop();
    if let Some(signal) = completed.filter(|_| !last) {
        tell_stopped(&process, signal);
    }
    if is_first {
        forget();
    }
    if last {
        let status = process.signals.lock_irq().ending.unwrap_or(status);
        timer::stop_all(&process);
        let user = thread.parts(|parts| parts.user.clone());
        let _ = process.place.set(Place::new(user)); // the last thread is the only one to do so
        end_of_process(&process, status);
    }
}

/// `PR_SET_PDEATHSIG`: children of the thread that asked for it get their signal.
fn send_parent_death_signals(process: &Arc<Process>, tid: u32) {
    let children: Vec<Arc<Process>> = table::with(|tree| {
        let own = tree.children(process.pid()).filter(|(_, node)| node.creator == tid);
        own.map(|(_, node)| node.process.clone()).collect()
    });
    for child in children {
        for thread in child.threads() {
            if let Some(signal) = thread.parent_death_signal() {
                send::to_process(&child, Info::user(signal, process.pid(), process.cred().uid));
            }
        }
    }
}

/// What becomes of the relations of a process whose last thread has ended.
fn end_of_process(process: &Arc<Process>, status: ExitStatus) {
    let pid = process.pid();
    if process.is_init() {
        hooks::init_ended(status);
    }
    terminals::process_ends(process);
    ipc::semaphores::undo_of(pid);
    let orphaned_group = table::with(|tree| leave_group(tree, pid));
    let next_orphan = || {
        table::with(|tree| {
            let child = tree.orphan_child(pid)?;
            if let Some(node) = tree.get(child.pid) {
                node.process.set_parent(child.parent);
            }
            Some(child)
        })
    };
    while let Some(child) = next_orphan() {
        greet_adopted(&child);
        child.orphaned_group.into_iter().for_each(wake_orphaned_group);
    }
    orphaned_group.into_iter().for_each(wake_orphaned_group);
    become_zombie(process, status);
}

/// Notes that the process ends; gives its group, if that takes away the group's last link to its session.
fn leave_group(tree: &mut ProcessTree, pid: u32) -> Option<u32> {
    let node = tree.get(pid)?;
    let group = node.group;
    let links =
        tree.get(node.parent).is_some_and(|parent| parent.group != group && parent.session == node.session);
    tree.get_mut(pid)?.is_leaving = true;
    (links && tree.is_orphaned(group)).then_some(group)
}

/// An adopted child that has ended already is reported to its new parent.
fn greet_adopted(child: &Adopted) {
    if child.is_zombie
        && let Some(process) = table::process(child.pid)
    {
        tell_ended(&process);
    }
}

/// A process group that nobody can continue any more and that has stopped members gets SIGHUP and SIGCONT (POSIX, `exit`).
fn wake_orphaned_group(group: u32) {
    table::with(|tree| {
        if tree.members(group).any(|(_, node)| send::is_stopped(&node.process)) {
            for (_, node) in tree.members(group) {
                send::to_process(&node.process, Info::kernel(Signal::SIGHUP));
                send::to_process(&node.process, Info::kernel(Signal::SIGCONT));
            }
        }
    });
}

fn become_zombie(process: &Arc<Process>, status: ExitStatus) {
    let wish = loop {
        let wish = parent_wish(process);
        // In one step: a parent that discards its children never sees a zombie.
        let reaped = table::with(|tree| {
            let Some(node) = tree.get_mut(process.pid()) else { return Some(None) };
            if wish.as_ref().is_some_and(|wish| wish.parent.pid() != node.parent) {
                return None; // it ended, too
            }
            node.report.ended = Some(status);
            let discards = wish.as_ref().is_some_and(|wish| wish.discards);
            Some(if discards { tree.reap(process.pid()) } else { None })
        });
        if reaped.is_some() {
            break wish;
        }
    };
    if let Some(wish) = wish {
        tell_end(process, &wish, status);
    }
    process.end_events.wake_all(Events::IN | Events::RDNORM);
}

/// What the parent wants of its children's ends.
struct ParentWish {
    parent: Arc<Process>,
    signal: Option<Signal>,
    /// Nobody will wait for the child.
    discards: bool,
}

fn parent_wish(process: &Process) -> Option<ParentWish> {
    let (parent, exit_signal) = table::with(|tree| {
        let node = tree.get(process.pid())?;
        Some((tree.get(node.parent)?.process.clone(), node.exit_signal))
    })?;
    let action = parent.signals.lock_irq().actions.get(Signal::SIGCHLD);
    let by_child_signal = exit_signal == Some(Signal::SIGCHLD);
    let ignored = by_child_signal && action.handler == SIG_IGN;
    let discards = by_child_signal && (ignored || action.flags.contains(SaFlags::NOCLDWAIT));
    Some(ParentWish { parent, signal: exit_signal.filter(|_| !ignored), discards })
}

fn child_info(process: &Process, code: i32, status: i32) -> Info {
    let usage = process.usage();
    let uid: Uid = process.cred().uid;
    Info::child(code, process.pid(), uid, status, ticks(usage.user), ticks(usage.system))
}

/// Tells a new parent that a process has ended; it is gone if the parent discards its children.
fn tell_ended(process: &Arc<Process>) {
    let Some(wish) = parent_wish(process) else { return };
    let status = table::with(|tree| tree.get(process.pid()).and_then(|node| node.report.ended));
    let Some(status) = status else { return };
    let reaped = if wish.discards { table::with(|tree| tree.reap(process.pid())) } else { None };
    drop(reaped);
    tell_end(process, &wish, status);
}

fn tell_end(process: &Process, wish: &ParentWish, status: ExitStatus) {
    if let Some(signal) = wish.signal {
        let code = if status.signal().is_some() { code::CLD_KILLED } else { code::CLD_EXITED };
        let info = Info { signal, ..child_info(process, code, status.detail()) };
        send::to_process(&wish.parent, info);
    }
    wish.parent.child_events.wake_all(Events::all());
}

/// Tells the parent of a stop or its end.
fn tell_state(process: &Arc<Process>, code: i32, status: Signal) {
    let Some(wish) = parent_wish(process) else { return };
    let action = wish.parent.signals.lock_irq().actions.get(Signal::SIGCHLD);
    if action.handler != SIG_IGN && !action.flags.contains(SaFlags::NOCLDSTOP) {
        send::to_process(&wish.parent, child_info(process, code, status.as_i32()));
    }
    wish.parent.child_events.wake_all(Events::all());
}

/// Tells the parent that the process has stopped.
pub(crate) fn tell_stopped(process: &Arc<Process>, signal: Signal) {
    table::with(|tree| {
        if let Some(node) = tree.get_mut(process.pid()) {
            node.report.stopped = Some(signal);
            node.report.continued = false;
        }
    });
    tell_state(process, code::CLD_STOPPED, signal);
}

/// Tells the parent that the process goes on.
pub(crate) fn tell_continued(process: &Arc<Process>) {
    table::with(|tree| {
        if let Some(node) = tree.get_mut(process.pid()) {
            node.report.stopped = None;
            node.report.continued = true;
        }
    });
    tell_state(process, code::CLD_CONTINUED, Signal::SIGCONT);
}

/// `set_tid_address`.
pub fn set_clear_child_tid(current: &mut Current, word: UserAddr) {
    current.clear_child_tid = word;
}
