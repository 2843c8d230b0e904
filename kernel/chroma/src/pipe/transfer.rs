//! What `splice`, `tee` and `vmsplice` do with pipes: take what is there, add what fits, and wait for no more than that there
//! is something, or some room.

use abi::Errno;
use alloc::vec::Vec;
use chronos::WaitKind;

use super::Pipe;
use super::buffer::Segment;
use super::end::{READABLE, WRITABLE};
use crate::io::{Sink, Source};
use crate::poll::restart;

/// What was taken out of a pipe.
pub struct TakenOut {
    segments: Vec<Segment>,
    bytes: usize,
}

impl TakenOut {
    /// How many bytes.
    pub fn len(&self) -> usize {
        self.bytes
    }
}

impl Pipe {
    /// Waits until something is in the pipe; false at its end.
    ///
    /// # Errors
    /// `EAGAIN`: nothing is, and `waits` is false; [`Errno::RESTART_SYS`].
    pub fn await_content(&self, waits: bool) -> Result<bool, Errno> {
        let filled = || self.ring.try_lock().is_none_or(|ring| !ring.is_empty());
        loop {
            // Writers first: what one of them left behind is seen by the look that follows.
            let has_writers = self.has_writers();
            if !self.ring.lock().is_empty() {
                return Ok(true);
            }
            if !has_writers {
                return Ok(false);
            }
            if !waits {
                return Err(Errno::EAGAIN);
            }
            let ready = || (filled() || !self.has_writers()).then_some(());
            self.readable.wait(WaitKind::Interruptible, None, ready).map_err(restart)?;
        }
    }

    /// Waits until a page more fits into the pipe.
    ///
    /// # Errors
    /// `EPIPE`: nobody reads; `EAGAIN`: it is full, and `waits` is false; [`Errno::RESTART_SYS`].
    pub fn await_room(&self, waits: bool) -> Result<(), Errno> {
        let has_room = || self.ring.try_lock().is_none_or(|ring| !ring.is_full());
        loop {
            if !self.has_readers() {
                return Err(Errno::EPIPE);
            }
            if !self.ring.lock().is_full() {
                return Ok(());
            }
            if !waits {
                return Err(Errno::EAGAIN);
            }
            let ready = || (has_room() || !self.has_readers()).then_some(());
            self.writable.wait(WaitKind::Interruptible, None, ready).map_err(restart)?;
        }
    }

    /// How many bytes fit in pages of their own.
    pub fn room(&self) -> usize {
        self.ring.lock().free_segments().saturating_mul(hal::PAGE_SIZE)
    }

    /// Adds as much of `from` as fits now. Sleeps for user memory only. `EFAULT`, `ENOMEM`.
    pub fn fill(&self, from: &mut Source<'_>) -> Result<usize, Errno> {
        let result = self.ring.lock().fill(from, false);
        if from.done() > 0 {
            self.readable.wake_all(READABLE);
        }
        result
    }

    /// Takes as much as is there and fits. Sleeps for user memory only. `EFAULT`.
    pub fn drain(&self, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let result = self.ring.lock().drain(to);
        self.writable.wake_all(WRITABLE);
        result
    }

    /// Takes out as much as is there and fits; [`Pipe::put_back`] ends it. `ENOMEM`.
    pub fn take_out(&self, to: &mut [u8]) -> Result<TakenOut, Errno> {
        let mut segments = Vec::new();
        let mut ring = self.ring.lock();
        aegis::charge::reserve_exact(&mut segments, ring.segment_count())?;
        ring.share(to.len(), &mut segments);
        let bytes = segments.iter().map(Segment::len).sum();
        ring.remove(bytes);
        drop(ring);
        let mut rest = to;
        for segment in &segments {
            let count = segment.copy_out(rest);
            rest = rest.get_mut(count..).unwrap_or_default();
        }
        Ok(TakenOut { segments, bytes })
    }

    /// Puts back what follows the first `used` bytes: it is read next. Who wrote meanwhile may have made the pipe fuller than it
    /// should be; another reader may have seen it empty.
    pub fn put_back(&self, taken: TakenOut, used: usize) {
        if used < taken.bytes {
            self.ring.lock().prepend(taken.segments, used);
            self.readable.wake_all(READABLE);
        }
        if used > 0 {
            self.writable.wake_all(WRITABLE);
        }
    }

    /// Shows up to `len` bytes of this pipe in `to` as well, as far as there is room. `ENOMEM`.
    pub fn tee(&self, to: &Pipe, len: usize) -> Result<usize, Errno> {
        let room = to.ring.lock().make_room()?;
        let mut shared: Vec<Segment> = Vec::new();
        aegis::charge::reserve_exact(&mut shared, room)?;
        self.ring.lock().share(len, &mut shared);
        Ok(to.append(shared))
    }

    /// Moves up to `len` bytes of this pipe to the end of `to`, as far as there is room. `ENOMEM`.
    pub fn move_to(&self, to: &Pipe, len: usize) -> Result<usize, Errno> {
        let room = to.ring.lock().make_room()?;
        let mut moved: Vec<Segment> = Vec::new();
        aegis::charge::reserve_exact(&mut moved, room)?;
        let mut ring = self.ring.lock();
        ring.share(len, &mut moved);
        ring.remove(moved.iter().map(Segment::len).sum());
        drop(ring);
        self.writable.wake_all(WRITABLE);
        Ok(to.append(moved))
    }

    /// The room was counted before: another writer may have used it meanwhile, and the pipe is then fuller than it should be.
    fn append(&self, segments: Vec<Segment>) -> usize {
        let count = self.ring.lock().append(segments);
        if count > 0 {
            self.readable.wake_all(READABLE);
        }
        count
    }
}
