//! The ring of pages in a pipe.

use abi::Errno;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use hal::{PAGE_SIZE, Page};

use crate::io::{Sink, Source};

/// Pages in a pipe at first.
const DEFAULT_PAGES: usize = 16;
/// The largest capacity an unprivileged caller may ask for (`/proc/sys/fs/pipe-max-size`).
const MAX_UNPRIVILEGED: usize = 1 << 20;
/// The largest capacity at all.
const MAX: usize = 1 << 31;

/// A page with a run of bytes in it.
pub(super) struct Segment {
    page: Page,
    start: usize,
    len: usize,
    /// A packet (`O_DIRECT`): it ends a read, and nothing is added to it.
    packet: bool,
    /// Nothing is added to the page: it is in another pipe as well, or came from a file.
    shared: bool,
}

impl Segment {
    /// An empty page, to be [filled](Segment::copy_in). `ENOMEM`.
    pub(super) fn empty() -> Result<Segment, Errno> {
        let page = aegis::frames::user_page().ok_or(Errno::ENOMEM)?;
        // As what `splice` brings on Linux: the next write begins a page of its own.
        Ok(Segment { page, start: 0, len: 0, packet: false, shared: true })
    }

    /// Takes as many bytes as fit into an empty page; gives the count.
    pub(super) fn copy_in(&mut self, from: &[u8]) -> usize {
        self.len = self.page.copy_in(0, from.get(..PAGE_SIZE).unwrap_or(from));
        self.len
    }

    /// Whether `next` goes on where this ends: the two were one.
    fn continues_in(&self, next: &Segment) -> bool {
        self.page.number() == next.page.number() && self.start + self.len == next.start
    }

    /// Copies its bytes, as many as fit; gives the count.
    pub(super) fn copy_out(&self, to: &mut [u8]) -> usize {
        let count = self.len.min(to.len());
        self.page.copy_out(self.start, to.get_mut(..count).unwrap_or_default())
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

/// The content of a pipe.
pub(super) struct Ring {
    segments: VecDeque<Segment>,
    bytes: usize,
    max_segments: usize,
    /// Places kept for segments that are on their way in, or may come back.
    promised: usize,
    /// How many have taken segments that may come back.
    borrowers: usize,
    /// A page to use next, so that a pipe that is filled and emptied doesn't go to the allocator.
    spare: Option<Page>,
}

impl Ring {
    pub(super) fn new() -> Ring {
        Ring {
            segments: VecDeque::new(),
            bytes: 0,
            max_segments: DEFAULT_PAGES,
            promised: 0,
            borrowers: 0,
            spare: None,
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.max_segments * PAGE_SIZE
    }

    pub(super) fn set_capacity(&mut self, size: usize, privileged: bool) -> Result<usize, Errno> {
        if size > MAX || size == 0 {
            return Err(Errno::EINVAL);
        }
        let pages = size.div_ceil(PAGE_SIZE).next_power_of_two();
        if pages > self.max_segments && pages * PAGE_SIZE > MAX_UNPRIVILEGED && !privileged {
            return Err(Errno::EPERM);
        }
        if pages < self.used() {
            return Err(Errno::EBUSY);
        }
        self.max_segments = pages;
        Ok(self.capacity())
    }

    /// How many bytes can be read.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// How many pages it has.
    pub(super) fn pages(&self) -> u64 {
        self.segments.len() as u64 + u64::from(self.spare.is_some())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// How many places are taken, or promised.
    fn used(&self) -> usize {
        self.segments.len() + self.promised
    }

    pub(super) fn is_full(&self) -> bool {
        self.used() >= self.max_segments
    }

    /// Whether what has been taken out may come back.
    pub(super) fn is_lent(&self) -> bool {
        self.borrowers > 0
    }

    /// Room behind the last bytes, in the page they are in.
    fn tail_room(&self) -> usize {
        match self.segments.back() {
            Some(last) if !last.packet && !last.shared => PAGE_SIZE - last.start - last.len,
            _ => 0,
        }
    }

    /// Whether `len` bytes fit without waiting.
    pub(super) fn fits(&self, len: usize) -> bool {
        let free = self.free_segments();
        // A short write either completes the last page or begins pages of its own.
        len <= self.tail_room().saturating_add(free.saturating_mul(PAGE_SIZE))
    }

    /// Moves bytes into the ring until it is full or the source ends; gives the count. `EFAULT` if a bad address let nothing
    /// through, `ENOMEM` if there was no page for the first byte.
    pub(super) fn fill(&mut self, from: &mut Source<'_>, packets: bool) -> Result<usize, Errno> {
        let mut moved = 0;
        let room = if packets { 0 } else { self.tail_room() };
        if room > 0
            && from.remaining() > 0
            && let Some(last) = self.segments.back_mut()
        {
            let count = from.take_whole_to_page(&last.page, last.start + last.len, room)?;
            last.len += count;
            self.bytes += count;
            moved += count;
        }
        while from.remaining() > 0 && !self.is_full() {
            match self.add_page(from, packets) {
                Ok(count) => moved += count,
                Err(error) if moved == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(moved)
    }

    fn add_page(&mut self, from: &mut Source<'_>, packet: bool) -> Result<usize, Errno> {
        let page = match self.spare.take() {
            Some(page) => page,
            None => aegis::frames::user_page().ok_or(Errno::ENOMEM)?,
        };
        // As nearly always, there is room.
        if self.segments.capacity() - self.segments.len() <= self.promised {
            aegis::charge::reserve(&mut self.segments, 1 + self.promised)?;
        }
        match from.take_whole_to_page(&page, 0, PAGE_SIZE) {
            Ok(len) => {
                self.segments.push_back(Segment { page, start: 0, len, packet, shared: false });
                self.bytes += len;
                Ok(len)
            }
            Err(error) => {
                self.spare = Some(page);
                Err(error)
            }
        }
    }

    /// Moves bytes out of the ring until it is empty or the sink full; gives the count. A packet ends the read, and what did
    /// not fit of it is lost.
    pub(super) fn drain(&mut self, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let mut moved = 0;
        while to.remaining() > 0 {
            let Some(first) = self.segments.front_mut() else { break };
            let count = match to.put_page_whole(&first.page, first.start, first.len) {
                Ok(count) => count,
                Err(error) if moved == 0 => return Err(error),
                Err(_) => break,
            };
            first.start += count;
            first.len -= count;
            self.bytes -= count;
            moved += count;
            let packet = first.packet;
            if first.len == 0 || packet {
                self.bytes -= first.len;
                if let Some(emptied) = self.segments.pop_front()
                    && emptied.page.owners() == 1
                {
                    self.spare = Some(emptied.page);
                }
            }
            if packet {
                break;
            }
        }
        Ok(moved)
    }

    /// Keeps places for pages, as many of `wanted` as there are; gives the count. `ENOMEM`.
    pub(super) fn promise(&mut self, wanted: usize) -> Result<usize, Errno> {
        let count = self.free_segments().min(wanted);
        aegis::charge::reserve(&mut self.segments, self.promised + count)?;
        self.promised += count;
        Ok(count)
    }

    /// The places [promised](Ring::promise) are not needed any more: what they were for is there, or does not come.
    pub(super) fn redeem(&mut self, count: usize) {
        self.promised = self.promised.saturating_sub(count);
    }

    /// How many pages more may be in the pipe.
    pub(super) fn free_segments(&self) -> usize {
        self.max_segments.saturating_sub(self.used())
    }

    /// Puts the first `len` bytes into `into` as well, as far as its capacity goes; a packet goes in whole or cut, as in a read.
    pub(super) fn share(&self, len: usize, into: &mut Vec<Segment>) {
        let mut left = len;
        for segment in &self.segments {
            if left == 0 || into.len() == into.capacity() {
                break;
            }
            let len = segment.len.min(left);
            left -= len;
            let page = segment.page.clone();
            into.push(Segment { page, start: segment.start, len, packet: segment.packet, shared: true });
        }
    }

    /// How many segments there are.
    pub(super) fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// Moves the first `len` bytes to the end of `into`, as far as its capacity goes. Their places are kept until
    /// [`Ring::give_back`].
    pub(super) fn lend(&mut self, len: usize, into: &mut Vec<Segment>) {
        let mut left = len;
        while left > 0 && into.len() < into.capacity() {
            let Some(first) = self.segments.front_mut() else { break };
            let count = first.len.min(left);
            let rest = first.len - count;
            let (page, start) = (first.page.clone(), first.start);
            into.push(Segment { page, start, len: count, packet: first.packet, shared: first.shared });
            if rest > 0 {
                (first.start, first.len) = (start + count, rest);
            } else {
                self.segments.pop_front();
            }
            left -= count;
            self.bytes -= count;
        }
        self.promised += into.len();
        self.borrowers += usize::from(!into.is_empty());
    }

    /// Puts segments that were [lent](Ring::lend) at the front again, without their first `used` bytes.
    pub(super) fn give_back(&mut self, segments: Vec<Segment>, used: usize) {
        self.promised = self.promised.saturating_sub(segments.len());
        self.borrowers = self.borrowers.saturating_sub(usize::from(!segments.is_empty()));
        let mut total: usize = segments.iter().map(Segment::len).sum();
        for mut segment in segments.into_iter().rev() {
            total -= segment.len;
            let gone = used.saturating_sub(total).min(segment.len);
            segment.start += gone;
            segment.len -= gone;
            if segment.len == 0 {
                break;
            }
            self.bytes += segment.len;
            match self.segments.front_mut() {
                Some(first) if segment.continues_in(first) => {
                    (first.start, first.len) = (segment.start, segment.len + first.len);
                }
                _ => self.segments.push_front(segment),
            }
        }
    }

    /// Takes the first `count` bytes away.
    pub(super) fn remove(&mut self, count: usize) {
        let mut left = count.min(self.bytes);
        self.bytes -= left;
        while let Some(first) = self.segments.front_mut() {
            if left < first.len {
                first.start += left;
                first.len -= left;
                break;
            }
            left -= first.len;
            self.segments.pop_front();
        }
    }

    /// Adds segments at the end, for which places [were promised](Ring::promise); gives the number of bytes.
    pub(super) fn append(&mut self, segments: Vec<Segment>) -> usize {
        let count = segments.iter().map(Segment::len).sum();
        self.segments.extend(segments);
        self.bytes += count;
        count
    }
}
