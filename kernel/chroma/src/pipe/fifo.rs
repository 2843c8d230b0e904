//! Opening FIFOs.
//!
//! An opener for one direction waits until the other has been opened (POSIX): `O_NONBLOCK` readers succeed at once,
//! `O_NONBLOCK` writers fail with `ENXIO` without a reader, and opening for both never waits (Linux). Neither does opening
//! another end of an anonymous pipe (`/proc/self/fd/N`, a shell's `<(...)`): who was at the other end may be gone already.

use core::sync::atomic::{AtomicU32, Ordering};

use abi::Errno;
use abi::fs::OpenFlags;
use abi::poll::PollEvents;
use alloc::boxed::Box;
use alloc::sync::Arc;
use chronos::{Events, WaitKind, WaitQueue};

use super::end::{PipeEnd, Side};
use super::{Pipe, is_anonymous};
use crate::file::FileOps;
use crate::inode::Inode;
use crate::poll::restart;

/// Wakes whoever waits for the other side to come.
const COME: Events = Events::from_bits_retain(PollEvents::READABLE.union(PollEvents::WRITABLE).bits());

pub(crate) fn open_fifo(inode: &Arc<Inode>, flags: OpenFlags) -> Result<Box<dyn FileOps>, Errno> {
    let access = flags.access();
    let side = match (access.read, access.write) {
        (true, true) => Side::Both,
        (true, false) => Side::Reader,
        (false, true) => Side::Writer,
        (false, false) => return Err(Errno::EINVAL),
    };
    let nonblocking = flags.contains(OpenFlags::NONBLOCK);
    let pipe = pipe_behind(inode);
    if is_anonymous(inode) {
        return Ok(Box::new(PipeEnd::new(pipe, side)));
    }
    if side == Side::Writer && nonblocking && !pipe.has_readers() {
        return Err(Errno::ENXIO);
    }
    // Looked at before this end is announced: a partner who waits for it may be gone again right after.
    let (readers_before, writers_before) =
        (pipe.readers_ever.load(Ordering::Acquire), pipe.writers_ever.load(Ordering::Acquire));
    let (has_readers, has_writers) = (pipe.has_readers(), pipe.has_writers());
    let end = Box::new(PipeEnd::new(pipe.clone(), side));
    if side.reads() {
        pipe.writable.wake_all(COME);
    }
    if side.writes() {
        pipe.readable.wake_all(COME);
    }
    match side {
        Side::Reader if !nonblocking && !has_writers => {
            wait_for(&pipe.readable, &pipe.writers_ever, writers_before)?;
        }
        Side::Writer if !has_readers => {
            wait_for(&pipe.writable, &pipe.readers_ever, readers_before)?;
        }
        _ => {}
    }
    Ok(end)
}

/// The pipe that the FIFO's present users share; a new one if there are none.
fn pipe_behind(inode: &Inode) -> Arc<Pipe> {
    let fresh = Pipe::new();
    let mut place = inode.fifo.lock();
    match place.upgrade() {
        Some(pipe) => {
            drop(place);
            pipe
        }
        None => {
            *place = Arc::downgrade(&fresh);
            fresh
        }
    }
}

/// Waits until a count is no longer what it was: the other side may have come and gone.
fn wait_for(queue: &WaitQueue, count: &AtomicU32, before: u32) -> Result<(), Errno> {
    let came = || (count.load(Ordering::Acquire) != before).then_some(());
    queue.wait(WaitKind::Interruptible, None, came).map_err(restart)
}
