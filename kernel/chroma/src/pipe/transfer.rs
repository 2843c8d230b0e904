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

/// Places in a pipe that nobody else fills.
struct Places<'a> {
    pipe: &'a Pipe,
    count: usize,
}

impl Drop for Places<'_> {
    fn drop(&mut self) {
        self.pipe.ring.lock().redeem(self.count);
        self.pipe.writable.wake_all(WRITABLE);
    }
}

/// Pages with places in a pipe.
pub struct Stock<'a> {
    segments: Vec<Segment>,
    places: Places<'a>,
}

impl Stock<'_> {
    /// How many bytes it is for.
    pub fn room(&self) -> usize {
        self.segments.len().saturating_mul(hal::PAGE_SIZE)
    }

    /// Adds these bytes, not more than [there is room for](Stock::room), to the pipe. Gives the count.
    pub fn add(mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        for segment in &mut self.segments {
            let count = segment.copy_in(rest);
            rest = rest.get(count..).unwrap_or_default();
        }
        self.segments.retain(|segment| segment.len() > 0);
        self.places.pipe.append(self.segments, self.places)
    }
}

impl Pipe {
    /// Waits until something is in the pipe; false at its end.
    ///
    /// # Errors
    /// `EAGAIN`: nothing is, and `waits` is false; [`Errno::RESTART_SYS`].
    pub fn await_content(&self, waits: bool) -> Result<bool, Errno> {
        loop {
            if let Some(has_content) = self.has_content() {
                return Ok(has_content);
            }
            if !waits {
                return Err(Errno::EAGAIN);
            }
            self.readable.wait(WaitKind::Interruptible, None, || self.has_content()).map_err(restart)?;
        }
    }

    /// Waits until a page more fits into the pipe.
    ///
    /// # Errors
    /// `EPIPE`: nobody reads; `EAGAIN`: it is full, and `waits` is false; [`Errno::RESTART_SYS`].
    pub fn await_room(&self, waits: bool) -> Result<(), Errno> {
        let has_room = || !self.ring.level().is_full();
        loop {
            if !self.has_readers() {
                return Err(Errno::EPIPE);
            }
            if has_room() {
                return Ok(());
            }
            if !waits {
                return Err(Errno::EAGAIN);
            }
            let ready = || (has_room() || !self.has_readers()).then_some(());
            self.writable.wait(WaitKind::Interruptible, None, ready).map_err(restart)?;
        }
    }

    /// Pages for up to `len` bytes that are to come into the pipe, as far as there are places for them, which are kept. So what
    /// has been taken from elsewhere is never too much. Waits for a place.
    ///
    /// # Errors
    /// As [`Pipe::await_room`]; `ENOMEM`.
    pub fn stock(&self, len: usize, waits: bool) -> Result<Stock<'_>, Errno> {
        loop {
            self.await_room(waits)?;
            let places = self.promise(len.div_ceil(hal::PAGE_SIZE).max(1))?;
            if places.count == 0 {
                continue; // another writer was faster
            }
            let mut segments = Vec::new();
            aegis::charge::reserve_exact(&mut segments, places.count)?;
            for _ in 0..places.count {
                match Segment::empty() {
                    Ok(segment) => segments.push(segment),
                    Err(error) if segments.is_empty() => return Err(error),
                    Err(_) => break,
                }
            }
            return Ok(Stock { segments, places });
        }
    }

    /// Keeps places for as many of `wanted` pages as there is room for. `ENOMEM`.
    fn promise(&self, wanted: usize) -> Result<Places<'_>, Errno> {
        Ok(Places { pipe: self, count: self.ring.lock().promise(wanted)? })
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
        ring.lend(to.len(), &mut segments);
        let bytes = segments.iter().map(Segment::len).sum();
        drop(ring);
        let mut rest = to;
        for segment in &segments {
            let count = segment.copy_out(rest);
            rest = rest.get_mut(count..).unwrap_or_default();
        }
        Ok(TakenOut { segments, bytes })
    }

    /// Ends what [`Pipe::take_out`] began: what follows the first `used` bytes is read next. Until then nobody sees the end of
    /// the pipe, nor room where they were.
    pub fn put_back(&self, taken: TakenOut, used: usize) {
        let mut ring = self.ring.lock();
        ring.give_back(taken.segments, used);
        let shows_more = used < taken.bytes || !ring.is_lent();
        drop(ring);
        if shows_more {
            self.readable.wake_all(READABLE);
        }
        if used > 0 {
            self.writable.wake_all(WRITABLE);
        }
    }

    /// Shows up to `len` bytes of this pipe in `to` as well, as far as there is room. `ENOMEM`.
    pub fn tee(&self, to: &Pipe, len: usize) -> Result<usize, Errno> {
        let places = to.promise(usize::MAX)?;
        let mut shared: Vec<Segment> = Vec::new();
        aegis::charge::reserve_exact(&mut shared, places.count)?;
        self.ring.lock().share(len, &mut shared);
        Ok(to.append(shared, places))
    }

    /// Moves up to `len` bytes of this pipe to the end of `to`, as far as there is room. `ENOMEM`.
    pub fn move_to(&self, to: &Pipe, len: usize) -> Result<usize, Errno> {
        let places = to.promise(usize::MAX)?;
        let mut moved: Vec<Segment> = Vec::new();
        aegis::charge::reserve_exact(&mut moved, places.count)?;
        let mut ring = self.ring.lock();
        ring.share(len, &mut moved);
        ring.remove(moved.iter().map(Segment::len).sum());
        drop(ring);
        self.writable.wake_all(WRITABLE);
        Ok(to.append(moved, places))
    }

    fn append(&self, segments: Vec<Segment>, places: Places<'_>) -> usize {
        let count = self.ring.lock().append(segments);
        drop(places);
        if count > 0 {
            self.readable.wake_all(READABLE);
        }
        count
    }
}
