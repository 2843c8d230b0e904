//! Where files are dropped that messages carried.
//!
//! A dropped file may be a socket, whose messages carry files, which may be sockets … A program makes such chains as long as it
//! likes. So a thread drops them one after the other: what is found on the way is put behind, and the outermost call drops all,
//! and looks for what that made unreachable.

use alloc::vec::Vec;
use chroma::fdtable::FileCapability;
use hal::SpinLock;

use super::flight;
use crate::lock_classes;

/// What a thread still has to drop.
struct Grave {
    thread: u64,
    files: Vec<Vec<FileCapability>>,
}

/// One for each thread that drops at this moment.
static GRAVES: SpinLock<Vec<Grave>> = SpinLock::new(&lock_classes::BURIED, Vec::new());

fn thread() -> u64 {
    chronos::thread::with_current(|task| task.map_or(0, chronos::Thread::id))
}

/// Drops files: at once, or when the call of this thread that is dropping others comes to them. May sleep.
pub(super) fn bury(files: Vec<FileCapability>) {
    let own = thread();
    {
        let mut graves = GRAVES.lock();
        if let Some(grave) = graves.iter_mut().find(|grave| grave.thread == own) {
            grave.files.push(files);
            return;
        }
        graves.push(Grave { thread: own, files: Vec::new() });
    }
    drop(files);
    loop {
        let next = {
            let mut graves = GRAVES.lock();
            graves.iter_mut().find(|grave| grave.thread == own).and_then(|grave| grave.files.pop())
        };
        let files = next.unwrap_or_else(flight::unreachable);
        if files.is_empty() && leave(own) {
            return;
        }
        drop(files);
    }
}

/// Drops what nobody can reach any more. May sleep.
pub(super) fn sweep() {
    if flight::any() {
        bury(Vec::new());
    }
}

/// Gives the thread's grave up if it is empty.
fn leave(own: u64) -> bool {
    let mut graves = GRAVES.lock();
    let empty = graves.iter().position(|grave| grave.thread == own && grave.files.is_empty());
    if let Some(index) = empty {
        graves.swap_remove(index);
    }
    empty.is_some()
}
