//! One end of a pipe.

use core::sync::atomic::Ordering;

use abi::Errno;
use abi::fs::{OpenFlags, PIPE_BUF};
use abi::poll::PollEvents;
use alloc::sync::Arc;
use chronos::{Events, WaitKind};

use super::Pipe;
use crate::file::{FileOps, Ioctl, OpenFile};
use crate::io::{Sink, Source};
use crate::poll::{PollTable, restart};

pub(super) const READABLE: Events = Events::from_bits_retain(PollEvents::READABLE.bits());
pub(super) const WRITABLE: Events = Events::from_bits_retain(PollEvents::WRITABLE.bits());
const HANG_UP: Events = Events::from_bits_retain(PollEvents::READABLE.union(PollEvents::HUP).bits());
const BROKEN: Events = Events::from_bits_retain(PollEvents::WRITABLE.union(PollEvents::ERR).bits());

/// Which end it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Reader,
    Writer,
    /// A FIFO opened for both.
    Both,
}

impl Side {
    pub(super) fn reads(self) -> bool {
        self != Side::Writer
    }

    pub(super) fn writes(self) -> bool {
        self != Side::Reader
    }
}

/// An end of a pipe; counted in it as long as it lives.
pub(super) struct PipeEnd {
    pipe: Arc<Pipe>,
    side: Side,
}

impl PipeEnd {
    pub(super) fn new(pipe: Arc<Pipe>, side: Side) -> PipeEnd {
        if side.reads() {
            pipe.readers.fetch_add(1, Ordering::AcqRel);
            pipe.readers_ever.fetch_add(1, Ordering::AcqRel);
        }
        if side.writes() {
            pipe.writers.fetch_add(1, Ordering::AcqRel);
            pipe.writers_ever.fetch_add(1, Ordering::AcqRel);
        }
        PipeEnd { pipe, side }
    }

    pub(super) fn pipe(&self) -> &Arc<Pipe> {
        &self.pipe
    }

    #[inline(never)]
    fn watch(&self, table: &PollTable) {
        let pipe = &*self.pipe;
        pipe.is_watched.store(true, Ordering::Relaxed);
        if self.side.reads() {
            table.watch(&pipe.readable, PollEvents::READABLE);
        }
        if self.side.writes() {
            table.watch(&pipe.writable, PollEvents::WRITABLE);
        }
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        let pipe = &self.pipe;
        if self.side.reads() && pipe.readers.fetch_sub(1, Ordering::AcqRel) == 1 {
            pipe.writable.wake_all(BROKEN);
        }
        if self.side.writes() && pipe.writers.fetch_sub(1, Ordering::AcqRel) == 1 {
            pipe.readable.wake_all(HANG_UP);
        }
    }
}

impl FileOps for PipeEnd {
    fn seekable(&self) -> bool {
        false
    }

    fn read(&self, file: &OpenFile, _: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        if to.remaining() == 0 {
            return Ok(0);
        }
        let pipe = &*self.pipe;
        loop {
            {
                let mut ring = pipe.ring.lock();
                if !ring.is_empty() {
                    let was_full = ring.is_full();
                    let count = ring.drain(to)?;
                    let wake = (was_full && !ring.is_full()) || pipe.is_watched();
                    drop(ring);
                    if wake {
                        pipe.writable.wake_all(WRITABLE);
                    }
                    return Ok(count);
                }
            }
            match pipe.has_content() {
                Some(true) => continue,
                Some(false) => return Ok(0),
                None => {}
            }
            if file.nonblocking() {
                return Err(Errno::EAGAIN);
            }
            pipe.readable.wait(WaitKind::Interruptible, None, || pipe.has_content()).map_err(restart)?;
        }
    }

    fn write(&self, file: &OpenFile, _: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        let total = from.remaining();
        if total == 0 {
            return Ok(0);
        }
        let pipe = &*self.pipe;
        let packets = file.flags().contains(OpenFlags::DIRECT);
        // What must go in whole needs all its room before it starts; anything longer takes what there is.
        let atomic = total <= PIPE_BUF;
        loop {
            if !pipe.has_readers() {
                return if from.done() > 0 { Ok(from.done()) } else { Err(Errno::EPIPE) };
            }
            let room = |ring: &super::buffer::Ring| {
                if packets || !atomic {
                    !ring.is_full() || (!packets && ring.fits(1))
                } else {
                    ring.fits(total)
                }
            };
            {
                let mut ring = pipe.ring.lock();
                if room(&ring) {
                    let was_empty = ring.is_empty();
                    let result = ring.fill(from, packets);
                    drop(ring);
                    if (was_empty || pipe.is_watched()) && from.done() > 0 {
                        pipe.readable.wake_all(READABLE);
                    }
                    match result {
                        Ok(_) if from.remaining() == 0 => return Ok(total),
                        Ok(_) => {}
                        Err(_) if from.done() > 0 => return Ok(from.done()),
                        Err(error) => return Err(error),
                    }
                    continue;
                }
            }
            if file.nonblocking() {
                return if from.done() > 0 { Ok(from.done()) } else { Err(Errno::EAGAIN) };
            }
            let has_room = || pipe.ring.try_lock().is_none_or(|ring| room(&ring));
            let ready = || (has_room() || !pipe.has_readers()).then_some(());
            if let Err(interrupted) = pipe.writable.wait(WaitKind::Interruptible, None, ready) {
                return if from.done() > 0 { Ok(from.done()) } else { Err(restart(interrupted)) };
            }
        }
    }

    fn poll(&self, _: &OpenFile, table: Option<&PollTable>) -> PollEvents {
        let pipe = &*self.pipe;
        if let Some(table) = table {
            self.watch(table);
        }
        let level = pipe.ring.level();
        let mut events = PollEvents::empty();
        if self.side.reads() {
            events.set(PollEvents::READABLE, !level.is_empty());
            let ever = pipe.writers_ever.load(Ordering::Acquire) != 0;
            events.set(PollEvents::HUP, !pipe.has_writers() && ever);
        }
        if self.side.writes() {
            events.set(PollEvents::WRITABLE, !level.is_full());
            events.set(PollEvents::ERR, !pipe.has_readers());
        }
        events
    }

    fn held_pages(&self, _: &OpenFile) -> u64 {
        // Counted for one of the ends; one that is just being changed is not waited for.
        if self.side.reads() { self.pipe.ring.try_lock().map_or(0, |ring| ring.pages()) } else { 0 }
    }

    fn ioctl(&self, _: &OpenFile, call: &Ioctl<'_>) -> Result<i64, Errno> {
        if call.command != abi::ioctl::FIONREAD {
            return Err(Errno::ENOTTY);
        }
        let count = i32::try_from(self.pipe.ring.lock().len()).unwrap_or(i32::MAX);
        hal::user::write(call.address(), &count).map_err(|_| Errno::EFAULT)?;
        Ok(0)
    }
}
