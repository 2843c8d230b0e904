//! All threads that were started and have not ended, but for the idle ones. Debuggers walk the list too
//! (`xtask/src/debugger/helpers.py`).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use hal::{LockClass, SpinLock};

use crate::growing;
use crate::thread::Thread;

// Taken with interrupts off: what a timer's handler takes comes before it in the order.
static CLASS: LockClass = LockClass::new("all threads", 862);
static THREADS: SpinLock<Vec<Arc<Thread>>> = SpinLock::new(&CLASS, Vec::new());

/// Enters a thread that is started.
pub(crate) fn enter(thread: &Arc<Thread>) {
    loop {
        {
            let mut threads = THREADS.lock_irq();
            if threads.len() < threads.capacity() {
                thread.place.store(threads.len(), Ordering::Relaxed);
                return threads.push(thread.clone());
            }
        }
        let inspect = || {
            let threads = THREADS.lock_irq();
            (threads.len(), threads.capacity())
        };
        growing::make_room(inspect, |larger| growing::swap_storage(&mut THREADS.lock_irq(), larger));
    }
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
