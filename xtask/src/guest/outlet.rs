//! Output on its way to someone who may be slow, or gone.

use std::os::fd::BorrowedFd;

use anyhow::{Context, Result};

use super::poll::{self, Attempt};

/// Where an output stream goes.
pub enum Sink<'a> {
    /// Appended here.
    Memory(&'a mut Vec<u8>),
    /// Written here.
    Descriptor(BorrowedFd<'a>),
}

/// While more than this waits for a reader, the guest should wait too.
const MOST_PENDING: usize = 1024 * 1024;

/// A pipe that is ready takes this much without blocking (`PIPE_BUF`).
const PIECE: usize = 4096;

/// A sink and what it has not taken yet.
pub struct Outlet<'a> {
    /// `None` when nobody reads any more.
    sink: Option<Sink<'a>>,
    pending: Vec<u8>,
}

impl<'a> Outlet<'a> {
    /// An outlet with nothing in it.
    pub fn new(sink: Sink<'a>) -> Self {
        Self { sink: Some(sink), pending: Vec::new() }
    }

    /// Says whether everything was written.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Says whether its reader is so far behind that nothing should be added.
    pub fn is_full(&self) -> bool {
        self.pending.len() >= MOST_PENDING
    }

    /// Adds bytes.
    pub fn put(&mut self, data: &[u8]) {
        match &mut self.sink {
            None => {}
            Some(Sink::Memory(memory)) => memory.extend_from_slice(data),
            Some(Sink::Descriptor(_)) => self.pending.extend_from_slice(data),
        }
    }

    /// The descriptor to wait for until [`Outlet::write`] can do something.
    pub fn waits_for(&self) -> Option<BorrowedFd<'a>> {
        match self.sink {
            Some(Sink::Descriptor(fd)) if !self.pending.is_empty() => Some(fd),
            _ => None,
        }
    }

    /// Writes what the descriptor takes without blocking, once it is ready. Gives `false` when it has no reader any more:
    /// what is pending is dropped then, as is all that follows.
    pub fn write(&mut self) -> Result<bool> {
        let Some(fd) = self.waits_for() else { return Ok(true) };
        let piece = self.pending.get(..self.pending.len().min(PIECE)).unwrap_or_default();
        match poll::attempt(rustix::io::write(fd, piece).map_err(Into::into))
            .context("cannot write output")?
        {
            Attempt::Later => {}
            Attempt::Moved(count) => drop(self.pending.drain(..count)),
            Attempt::Gone => {
                self.sink = None;
                self.pending.clear();
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsFd;

    use super::{Outlet, Sink};

    #[test]
    fn a_reader_gets_every_byte() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let sent: Vec<u8> = (0..10_000_u32).map(|number| number as u8).collect();
        let mut outlet = Outlet::new(Sink::Descriptor(writer.as_fd()));
        outlet.put(&sent);
        while !outlet.is_empty() {
            assert!(outlet.write().unwrap());
        }
        drop(outlet);
        drop(writer);
        let mut got = Vec::new();
        reader.read_to_end(&mut got).unwrap();
        assert_eq!(got, sent);
    }

    #[test]
    fn a_reader_that_is_gone_is_told_once_and_then_ignored() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut outlet = Outlet::new(Sink::Descriptor(writer.as_fd()));
        outlet.put(b"text");
        assert!(!outlet.write().unwrap());
        outlet.put(b"more");
        assert!(outlet.is_empty() && outlet.write().unwrap());
    }
}
