//! The tree of all processes, behind its lock; what a number means is found without it.

use crate::lock_classes;
use crate::numbers::Numbers;
use crate::process::Process;
use crate::thread::Thread;
use crate::tree::Tree;
use alloc::sync::Arc;
use hal::SpinLock;

pub use crate::numbers::{group_of, process, session_of, thread};

/// The tree of all processes and threads.
pub type ProcessTree = Tree<Arc<Process>, Arc<Thread>, Numbers>;

static TREE: SpinLock<ProcessTree> = SpinLock::new(&lock_classes::TREE, Tree::new(Numbers));

/// Looks at the tree or changes it. `f` runs under a spinlock.
pub fn with<R>(f: impl FnOnce(&mut ProcessTree) -> R) -> R {
    f(&mut TREE.lock())
}
