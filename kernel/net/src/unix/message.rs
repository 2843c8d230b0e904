//! A message in a queue, and what it costs its sender.
//!
//! The cost is what Linux would charge: its buffer's head, and data in the sizes that its allocator has. So as many messages fit
//! into a socket here as there.

use core::sync::atomic::Ordering;

use abi::Errno;
use abi::socket::Ucred;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::{Sink, Source};
use hal::{PAGE_SIZE, Page};

use super::flight::InFlight;
use super::{SPACE, UnixSocket};

/// What Linux's buffer takes besides its data: the descriptor, and what follows the data.
const HEAD: usize = 256;
const TAIL: usize = 320;
/// The most data that a stream's buffer has beside its pages.
const STREAM_LINEAR: usize = PAGE_SIZE - TAIL;
/// The same of a datagram's.
const DATAGRAM_LINEAR: usize = 4 * PAGE_SIZE - TAIL;
/// The most that one message of a stream takes.
pub(super) const STREAM_MOST: usize = DATAGRAM_LINEAR + 8 * PAGE_SIZE;
/// Up to here bytes are kept in the heap, above in pages.
const SMALL: usize = 1024;

/// What a message of a stream costs.
pub(super) fn stream_cost(len: usize) -> usize {
    cost(len, STREAM_LINEAR)
}

/// What a datagram costs.
pub(super) fn datagram_cost(len: usize) -> usize {
    cost(len, DATAGRAM_LINEAR)
}

fn cost(len: usize, linear: usize) -> usize {
    let paged = len.saturating_sub(linear).next_multiple_of(PAGE_SIZE);
    let direct = len.saturating_sub(paged).next_multiple_of(64).saturating_add(TAIL);
    HEAD.saturating_add(direct.next_power_of_two()).saturating_add(paged)
}

/// A part of what a socket may have under way; given back when dropped.
pub(super) struct Charge {
    pub(super) sender: Arc<UnixSocket>,
    amount: usize,
}

impl Charge {
    /// Takes `amount` whatever there is: the caller has looked.
    pub(super) fn take(sender: &Arc<UnixSocket>, amount: usize) -> Charge {
        sender.under_way.fetch_add(amount, Ordering::AcqRel);
        Charge { sender: sender.clone(), amount }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let before = self.sender.under_way.fetch_sub(self.amount, Ordering::AcqRel);
        let limit = self.sender.options.send_limit();
        let has_space = |used| UnixSocket::has_space(used, limit);
        if has_space(before.saturating_sub(self.amount)) && !has_space(before) {
            self.sender.writable.wake_all(SPACE);
        }
    }
}

/// The bytes of a message.
enum Body {
    Small(Vec<u8>),
    Pages(Vec<Page>),
}

/// A message.
pub(super) struct Message {
    body: Body,
    /// The first byte that was not received yet.
    start: usize,
    len: usize,
    pub(super) charge: Charge,
    /// Who sent it, if that was to be told.
    pub(super) ucred: Option<Ucred>,
    /// The files that it carries.
    pub(super) files: Option<InFlight>,
}

impl Message {
    /// Takes `len` bytes, which were charged for.
    ///
    /// # Errors
    /// `EFAULT`; `ENOBUFS`.
    pub(super) fn build(from: &mut Source<'_>, len: usize, charge: Charge) -> Result<Message, Errno> {
        let body = if len <= SMALL { small(from, len)? } else { pages(from, len)? };
        Ok(Message { body, start: 0, len, charge, ucred: None, files: None })
    }

    /// How many bytes are left in it.
    pub(super) fn remaining(&self) -> usize {
        self.len.saturating_sub(self.start)
    }

    /// Takes bytes out of it.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.len);
    }

    /// Puts as much as fits, and leaves it there.
    ///
    /// # Errors
    /// `EFAULT`: a bad address let nothing through.
    pub(super) fn put(&self, to: &mut Sink<'_>) -> Result<usize, Errno> {
        match &self.body {
            Body::Small(bytes) => to.put(bytes.get(self.start..self.len).unwrap_or_default()),
            Body::Pages(pages) => {
                let mut at = self.start;
                let mut done = 0;
                while at < self.len && to.remaining() > 0 {
                    let Some(page) = pages.get(at / PAGE_SIZE) else { break };
                    let offset = at % PAGE_SIZE;
                    let wanted = (PAGE_SIZE - offset).min(self.len - at);
                    match to.put_page(page, offset, wanted) {
                        Ok(count) => {
                            at += count;
                            done += count;
                        }
                        Err(error) if done == 0 => return Err(error),
                        Err(_) => break,
                    }
                }
                Ok(done)
            }
        }
    }
}

fn small(from: &mut Source<'_>, len: usize) -> Result<Body, Errno> {
    let mut bytes = Vec::new();
    aegis::charge::reserve_exact(&mut bytes, len).map_err(|_| Errno::ENOBUFS)?;
    bytes.resize(len, 0);
    if from.take(&mut bytes)? < len { Err(Errno::EFAULT) } else { Ok(Body::Small(bytes)) }
}

fn pages(from: &mut Source<'_>, len: usize) -> Result<Body, Errno> {
    let mut pages = Vec::new();
    aegis::charge::reserve_exact(&mut pages, len.div_ceil(PAGE_SIZE)).map_err(|_| Errno::ENOBUFS)?;
    let mut left = len;
    while left > 0 {
        let page = aegis::frames::user_page().ok_or(Errno::ENOBUFS)?;
        let wanted = left.min(PAGE_SIZE);
        if from.take_to_page(&page, 0, wanted)? < wanted {
            return Err(Errno::EFAULT);
        }
        pages.push(page);
        left -= wanted;
    }
    Ok(Body::Pages(pages))
}

#[cfg(test)]
mod tests {
    use super::{datagram_cost, stream_cost};

    #[test]
    fn messages_cost_what_linux_charges() {
        assert_eq!((stream_cost(1), stream_cost(192), stream_cost(193)), (768, 768, 1280));
        assert_eq!((stream_cost(3776), stream_cost(3777)), (4352, 256 + 512 + 4096));
        assert_eq!(datagram_cost(16064), 256 + 16384);
        assert_eq!(datagram_cost(0), 768);
    }
}
