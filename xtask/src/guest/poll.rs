//! Waiting for several descriptors at once.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

/// Readable, or at its end.
pub const IN: PollFlags = PollFlags::IN;

/// Takes bytes without blocking.
pub const OUT: PollFlags = PollFlags::OUT;

/// Waits until one of the descriptors is ready or `deadline` has come, and gives the names of those that are ready.
///
/// A descriptor in error or hung up is ready: the read or write that follows says why.
pub fn wait<T: Copy>(
    interests: &[(T, BorrowedFd<'_>, PollFlags)],
    deadline: Option<Instant>,
) -> Result<Vec<T>> {
    let mut polled: Vec<PollFd<'_>> =
        interests.iter().map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
    let timeout = deadline.map(|deadline| {
        let left = deadline.saturating_duration_since(Instant::now());
        // A number of seconds that no clock holds waits for ever.
        Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        }
    });
    match rustix::event::poll(&mut polled, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error).context("cannot wait for the guest"),
    }
    let ready = interests.iter().zip(&polled).filter(|(_, polled)| !polled.revents().is_empty());
    Ok(ready.map(|((name, ..), _)| *name).collect())
}

/// What an attempt to read or write came to.
pub enum Attempt {
    /// So many bytes.
    Moved(usize),
    /// None now.
    Later,
    /// The other end is gone.
    Gone,
}

/// Sorts out the result of a read or write on a descriptor that [`wait`] called ready.
pub fn attempt(result: io::Result<usize>) -> io::Result<Attempt> {
    match result {
        Ok(0) => Ok(Attempt::Gone),
        Ok(count) => Ok(Attempt::Moved(count)),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(Attempt::Later),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Ok(Attempt::Gone),
            _ => Err(error),
        },
    }
}
