//! All threads that were started and have not ended, but for the idle ones. Debuggers walk the list too
//! (`xtask/src/debugger/helpers.py`).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use hal::{LockClass, NoMemory, SpinLock};

use crate::growing;
use crate::thread::Thread;

// Taken with interrupts off: what a timer's handler takes comes before it in the order.
static CLASS: LockClass = LockClass::new("all threads", 862);
static THREADS: SpinLock<Vec<Arc<Thread>>> = SpinLock::new(&CLASS, Vec::new());

/// Makes room for so many threads.
///
/// # Errors
/// [`NoMemory`].
pub(crate) fn make_room(wanted: usize) -> Result<(), NoMemory> {
    if THREADS.lock_irq().capacity() < wanted {
        let mut larger = Vec::new();
        larger.try_reserve_exact(wanted.saturating_mul(2)).map_err(|_| NoMemory)?;
        growing::swap_storage(&mut THREADS.lock_irq(), &mut larger);
    }
    Ok(())
}

/// Enters a thread that is started; there is room for every one that there is.
pub(crate) fn enter(thread: &Arc<Thread>) {
    let mut threads = THREADS.lock_irq();
    thread.place.store(threads.len(), Ordering::Relaxed);
    threads.push(thread.clone());
}

/// Takes a thread off that ends.
pub(crate) fn leave(thread: &Thread) {
    let mut threads = THREADS.lock_irq();
    let place = thread.place.load(Ordering::Relaxed);
    let found = threads.get(place).is_some_and(|other| core::ptr::eq(&**other, thread));
    let gone = found.then(|| threads.swap_remove(place));
    if let Some(moved) = threads.get(place) {
        moved.place.store(place, Ordering::Relaxed);
    }
    drop(threads);
    drop(gone);
}

/// The thread at a place of the list; another may be there a moment later.
pub(crate) fn get(place: usize) -> Option<Arc<Thread>> {
    THREADS.lock_irq().get(place).cloned()
}
