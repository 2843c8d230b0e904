//! Where a read puts its bytes and a write takes them from: user memory (one range or an `iovec` list) or a kernel slice.
//!
//! A copy that meets a bad address stops there: what was copied before counts, and only a call that could copy nothing
//! fails with `EFAULT`, as on Linux.

use abi::Errno;
use abi::fs::Iovec;
use hal::{Page, UserAddr};

/// The destination of a read.
pub struct Sink<'a> {
    place: SinkPlace<'a>,
    left: usize,
    done: usize,
}

enum SinkPlace<'a> {
    User(UserSegments<'a>),
    Kernel(&'a mut [u8]),
}

/// The source of a write.
pub struct Source<'a> {
    place: SourcePlace<'a>,
    left: usize,
    done: usize,
}

enum SourcePlace<'a> {
    User(UserSegments<'a>),
    Kernel(&'a [u8]),
}

/// What is left of a list of user ranges: the current one and those after it.
struct UserSegments<'a> {
    at: UserAddr,
    len: usize,
    rest: &'a [Iovec],
}

impl UserSegments<'_> {
    /// The start and length of the current range, at most `max` bytes of it; empty ranges are skipped.
    fn current(&mut self, max: usize) -> (UserAddr, usize) {
        while self.len == 0 {
            let Some((first, rest)) = self.rest.split_first() else { break };
            self.at = UserAddr::new(first.iov_base);
            self.len = usize::try_from(first.iov_len).unwrap_or(usize::MAX);
            self.rest = rest;
        }
        (self.at, self.len.min(max))
    }

    fn advance(&mut self, count: usize) {
        self.at = UserAddr::new(self.at.get().wrapping_add(count as u64));
        self.len = self.len.saturating_sub(count);
    }
}

/// The sum of a list's lengths; the caller (`readv` and its kin) has limited it to `MAX_RW_COUNT`.
fn total(list: &[Iovec]) -> usize {
    list.iter()
        .fold(0, |sum: usize, part| sum.saturating_add(usize::try_from(part.iov_len).unwrap_or(usize::MAX)))
}

/// Runs `step` on piece after piece until `wanted` bytes went through or a piece stopped short.
fn pump(
    segments: &mut UserSegments<'_>,
    wanted: usize,
    mut step: impl FnMut(UserAddr, usize, usize) -> usize,
) -> Result<usize, Errno> {
    let mut count = 0;
    while count < wanted {
        let (at, len) = segments.current(wanted - count);
        if len == 0 {
            break;
        }
        let copied = step(at, count, len);
        segments.advance(copied);
        count += copied;
        if copied < len {
            return if count == 0 { Err(Errno::EFAULT) } else { Ok(count) };
        }
    }
    Ok(count)
}

impl<'a> Sink<'a> {
    /// One range of user memory.
    pub fn user(at: UserAddr, len: usize) -> Sink<'a> {
        Sink { place: SinkPlace::User(UserSegments { at, len, rest: &[] }), left: len, done: 0 }
    }

    /// A list of ranges of user memory, filled in order.
    pub fn iovec(list: &'a [Iovec]) -> Sink<'a> {
        let segments = UserSegments { at: UserAddr::new(0), len: 0, rest: list };
        Sink { place: SinkPlace::User(segments), left: total(list), done: 0 }
    }

    /// A kernel slice.
    pub fn kernel(slice: &'a mut [u8]) -> Sink<'a> {
        let left = slice.len();
        Sink { place: SinkPlace::Kernel(slice), left, done: 0 }
    }

    /// How many bytes still fit.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.left
    }

    /// How many bytes were put.
    #[inline]
    pub fn done(&self) -> usize {
        self.done
    }

    /// Makes the sink accept at most `max` more bytes.
    pub fn truncate(&mut self, max: usize) {
        self.left = self.left.min(max);
    }

    /// Puts as much of `bytes` as fits and gives the count; `EFAULT` if a bad address let nothing through. May sleep.
    pub fn put(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        let wanted = bytes.len().min(self.left);
        let count = match &mut self.place {
            SinkPlace::Kernel(slice) => {
                let target = slice.get_mut(self.done..).unwrap_or_default();
                for (to, from) in target.iter_mut().zip(bytes.iter().take(wanted)) {
                    *to = *from;
                }
                wanted
            }
            SinkPlace::User(segments) => pump(segments, wanted, |at, from, len| {
                hal::user::write_partial(at, bytes.get(from..from + len).unwrap_or_default())
            })?,
        };
        Ok(self.moved(count))
    }

    /// Puts `len` bytes of a page, from `offset` in it. As [`Sink::put`].
    pub fn put_page(&mut self, page: &Page, offset: usize, len: usize) -> Result<usize, Errno> {
        let wanted = len.min(self.left).min(hal::PAGE_SIZE.saturating_sub(offset));
        let count = match &mut self.place {
            SinkPlace::Kernel(slice) => {
                let target = slice.get_mut(self.done..).unwrap_or_default();
                page.copy_out(offset, target.get_mut(..wanted).unwrap_or_default());
                wanted
            }
            SinkPlace::User(segments) => pump(segments, wanted, |at, from, len| {
                hal::user::write_from_page(at, page, offset + from, len)
            })?,
        };
        Ok(self.moved(count))
    }

    /// As [`Sink::put_page`], but all of it or nothing.
    ///
    /// # Errors
    /// `EFAULT`: not all of it could be put; the sink is of no use any more.
    pub fn put_page_whole(&mut self, page: &Page, offset: usize, len: usize) -> Result<usize, Errno> {
        let wanted = len.min(self.left);
        let count = self.put_page(page, offset, wanted)?;
        if count < wanted {
            self.done -= count;
            return Err(Errno::EFAULT);
        }
        Ok(count)
    }

    /// Puts `len` zero bytes. As [`Sink::put`].
    pub fn put_zeros(&mut self, len: usize) -> Result<usize, Errno> {
        let wanted = len.min(self.left);
        let count = match &mut self.place {
            SinkPlace::Kernel(slice) => {
                let target = slice.get_mut(self.done..).unwrap_or_default();
                target.get_mut(..wanted).unwrap_or_default().fill(0);
                wanted
            }
            SinkPlace::User(segments) => {
                pump(segments, wanted, |at, _, len| hal::user::zero_partial(at, len))?
            }
        };
        Ok(self.moved(count))
    }

    fn moved(&mut self, count: usize) -> usize {
        self.left -= count;
        self.done += count;
        count
    }
}

impl<'a> Source<'a> {
    /// One range of user memory.
    pub fn user(at: UserAddr, len: usize) -> Source<'a> {
        Source { place: SourcePlace::User(UserSegments { at, len, rest: &[] }), left: len, done: 0 }
    }

    /// A list of ranges of user memory, taken in order.
    pub fn iovec(list: &'a [Iovec]) -> Source<'a> {
        let segments = UserSegments { at: UserAddr::new(0), len: 0, rest: list };
        Source { place: SourcePlace::User(segments), left: total(list), done: 0 }
    }

    /// A kernel slice.
    pub fn kernel(slice: &'a [u8]) -> Source<'a> {
        Source { place: SourcePlace::Kernel(slice), left: slice.len(), done: 0 }
    }

    /// How many bytes are still to be taken.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.left
    }

    /// How many bytes were taken.
    #[inline]
    pub fn done(&self) -> usize {
        self.done
    }

    /// Makes the source end after at most `max` more bytes.
    pub fn truncate(&mut self, max: usize) {
        self.left = self.left.min(max);
    }

    /// Takes bytes until `into` is full or the source ends and gives the count; `EFAULT` if a bad address let nothing
    /// through. May sleep.
    pub fn take(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        let wanted = into.len().min(self.left);
        let count = match &mut self.place {
            SourcePlace::Kernel(slice) => {
                let from = slice.get(self.done..).unwrap_or_default();
                for (to, byte) in into.iter_mut().zip(from.iter().take(wanted)) {
                    *to = *byte;
                }
                wanted
            }
            SourcePlace::User(segments) => pump(segments, wanted, |at, to, len| {
                hal::user::read_partial(at, into.get_mut(to..to + len).unwrap_or_default())
            })?,
        };
        Ok(self.moved(count))
    }

    /// Takes up to `len` bytes into a page at `offset`. As [`Source::take`].
    pub fn take_to_page(&mut self, page: &Page, offset: usize, len: usize) -> Result<usize, Errno> {
        let wanted = len.min(self.left).min(hal::PAGE_SIZE.saturating_sub(offset));
        let count = match &mut self.place {
            SourcePlace::Kernel(slice) => {
                let from = slice.get(self.done..).unwrap_or_default();
                page.copy_in(offset, from.get(..wanted).unwrap_or_default());
                wanted
            }
            SourcePlace::User(segments) => {
                pump(segments, wanted, |at, to, len| hal::user::read_to_page(at, page, offset + to, len))?
            }
        };
        Ok(self.moved(count))
    }

    /// As [`Source::take_to_page`], but all of it or nothing.
    ///
    /// # Errors
    /// `EFAULT`: not all of it could be taken; the source is of no use any more.
    pub fn take_whole_to_page(&mut self, page: &Page, offset: usize, len: usize) -> Result<usize, Errno> {
        let wanted = len.min(self.left);
        let count = self.take_to_page(page, offset, wanted)?;
        if count < wanted {
            self.done -= count;
            return Err(Errno::EFAULT);
        }
        Ok(count)
    }

    /// Skips up to `count` bytes without looking at them: what `/dev/null` does.
    pub fn skip(&mut self, count: usize) -> usize {
        let count = count.min(self.left);
        self.moved(count)
    }

    fn moved(&mut self, count: usize) -> usize {
        self.left -= count;
        self.done += count;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::{Sink, Source};

    #[test]
    fn a_kernel_sink_takes_no_more_than_it_holds() {
        let mut bytes = [0; 4];
        let mut sink = Sink::kernel(&mut bytes);
        assert_eq!(sink.put(b"abc"), Ok(3));
        assert_eq!(sink.put(b"def"), Ok(1));
        assert_eq!((sink.done(), sink.remaining()), (4, 0));
        assert_eq!(&bytes, b"abcd");
    }

    #[test]
    fn a_kernel_source_gives_its_bytes_once_and_in_order() {
        let mut source = Source::kernel(b"hello");
        let mut two = [0; 2];
        assert_eq!(source.take(&mut two), Ok(2));
        assert_eq!(&two, b"he");
        assert_eq!(source.skip(1), 1);
        assert_eq!(source.take(&mut two), Ok(2));
        assert_eq!(&two, b"lo");
        assert_eq!(source.take(&mut two), Ok(0));
    }
}
