//! The tree of all processes, behind its lock.

use crate::lock_classes;
use crate::process::Process;
use crate::thread::Thread;
use crate::tree::Tree;
use alloc::sync::Arc;
use hal::SpinLock;

/// The tree of all processes and threads.
pub type ProcessTree = Tree<Arc<Process>, Arc<Thread>>;

static TREE: SpinLock<ProcessTree> = SpinLock::new(&lock_classes::TREE, Tree::new());

/// Looks at the tree or changes it. `f` runs under a spinlock.
pub fn with<R>(f: impl FnOnce(&mut ProcessTree) -> R) -> R {
    f(&mut TREE.lock())
}

/// A process by its number, also a zombie.
pub fn process(pid: u32) -> Option<Arc<Process>> {
    with(|tree| tree.get(pid).map(|node| node.process.clone()))
}

/// A thread by its number.
pub fn thread(tid: u32) -> Option<Arc<Thread>> {
    with(|tree| tree.thread(tid).cloned())
}

/// The process group of a process.
pub fn group_of(pid: u32) -> Option<u32> {
    with(|tree| tree.get(pid).map(|node| node.group))
}

/// The session of a process.
pub fn session_of(pid: u32) -> Option<u32> {
    with(|tree| tree.get(pid).map(|node| node.session))
}
