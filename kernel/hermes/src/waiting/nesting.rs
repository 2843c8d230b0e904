//! Epoll files that watch epoll files.
//!
//! Asking one whether it has something to tell asks those it watches, and a wake-up goes the other way: both are calls within
//! calls. So chains of them are short, and have no loops. One lock guards all changes to the net they form.

use abi::Errno;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::OpenFile;
use chronos::{Mutex, MutexGuard};

use super::epoll::EpollFile;
use crate::lock_classes;

/// How many epoll files a chain may have below the first.
const DEPTH: usize = 5;

static NESTING: Mutex<()> = Mutex::new(&lock_classes::EPOLL_NESTING, ());

/// Keeps the net as it is. May sleep.
pub(super) fn lock() -> MutexGuard<'static, ()> {
    NESTING.lock()
}

/// Whether `outer` may watch `inner`, which is noted then; the net is locked.
///
/// # Errors
/// `ELOOP`: `inner` reaches `outer`, or is the begin of a chain that is too long; `EINVAL`: the chain that ends with `outer` is too
/// long for one more; `ENOMEM`.
pub(super) fn check(outer: &Arc<OpenFile>, inner: &Arc<OpenFile>) -> Result<(), Errno> {
    let below = levels(inner, outer, EpollFile::watched)?;
    let above = levels(outer, inner, EpollFile::watchers)?;
    if above + below >= DEPTH {
        return Err(Errno::EINVAL);
    }
    inner.ops_as::<EpollFile>().map_or(Ok(()), |epoll| epoll.add_watcher(outer))
}

/// Adds the epoll files that are next to one, which is given with its file.
type Neighbours = fn(&EpollFile, &Arc<OpenFile>, &mut Vec<Arc<OpenFile>>) -> Result<(), Errno>;

/// How many levels of epoll files there are from `from` on, by `next`; `ELOOP` if `forbidden` is among them or they are too many.
fn levels(from: &Arc<OpenFile>, forbidden: &Arc<OpenFile>, next: Neighbours) -> Result<usize, Errno> {
    let mut level = Vec::new();
    aegis::charge::reserve(&mut level, 1)?;
    level.push(from.clone());
    for depth in 0..=DEPTH {
        let mut deeper = Vec::new();
        for file in &level {
            if Arc::ptr_eq(file, forbidden) {
                return Err(Errno::ELOOP);
            }
            if let Some(epoll) = file.ops_as::<EpollFile>() {
                next(epoll, file, &mut deeper)?;
            }
        }
        // Each once, however many ways lead to it.
        deeper.sort_unstable_by_key(|file| Arc::as_ptr(file).addr());
        deeper.dedup_by(|a, b| Arc::ptr_eq(a, b));
        if deeper.is_empty() {
            return Ok(depth);
        }
        level = deeper;
    }
    Err(Errno::ELOOP)
}
