//! What the kinds of files implement.

use core::any::Any;

use abi::Errno;
use abi::poll::PollEvents;
use aegis::MemoryObject;
use alloc::sync::Arc;
use hal::UserAddr;

use super::{OpenFile, Whence, seek_within};
use crate::cred::Cred;
use crate::fdtable::FdTable;
use crate::io::{Sink, Source};
use crate::listing::DirBuffer;
use crate::poll::PollTable;
use crate::synthetic::Text;

/// What stands behind an open file. Every method gets the description it is called for, so that an implementation without
/// state of its own needs no allocation. All may sleep, `poll` may not.
pub trait FileOps: Send + Sync + Any {
    /// Whether the file has positions: `lseek`, `pread` and `pwrite` work (`ESPIPE` otherwise).
    fn seekable(&self) -> bool {
        true
    }

    /// Reads from `*position` on and advances it; 0 at the end.
    fn read(&self, _file: &OpenFile, _position: &mut u64, _to: &mut Sink<'_>) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    /// Writes at `*position` and advances it; with `O_APPEND` the position is the end at that moment.
    fn write(&self, _file: &OpenFile, _position: &mut u64, _from: &mut Source<'_>) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    /// Computes a new position (`lseek`); the default knows `SEEK_SET`, `SEEK_CUR` and `SEEK_END` by the inode's size.
    fn seek(&self, file: &OpenFile, current: u64, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let size = || Ok(file.inode.ops().attributes(&file.inode)?.size);
        seek_within(current, offset, whence, size)
    }

    /// Answers an `ioctl`; `ENOTTY` where the command is not for this kind of file.
    fn ioctl(&self, _file: &OpenFile, _call: &Ioctl<'_>) -> Result<i64, Errno> {
        Err(Errno::ENOTTY)
    }

    /// The events that are true now. With a table, subscribes to their changes *before* looking.
    fn poll(&self, _file: &OpenFile, _table: Option<&PollTable>) -> PollEvents {
        PollEvents::IN | PollEvents::OUT | PollEvents::RDNORM | PollEvents::WRNORM
    }

    /// Whether there is something to wait for: epoll takes no other regular file.
    fn has_events(&self) -> bool {
        false
    }

    /// The pages a mapping of this file shows.
    fn memory_object(&self, _file: &OpenFile) -> Result<Arc<dyn MemoryObject>, Errno> {
        Err(Errno::ENODEV)
    }

    /// Whether a shared mapping may be made through a description that is open for writing, and whether it may be made
    /// writable later; `writes` says that it is from the start. `EPERM` where a seal forbids it.
    fn may_share(&self, _file: &OpenFile, _writes: bool) -> Result<bool, Errno> {
        Ok(true)
    }

    /// Adds lines to what `/proc/PID/fdinfo` says of every file.
    fn describe(&self, _file: &OpenFile, _text: &mut Text) {}

    /// Writes the file back (`fsync`, `fdatasync`); `EINVAL` where that means nothing.
    fn sync(&self, _file: &OpenFile) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    /// Lists a directory from `*position` on.
    fn read_dir(&self, _file: &OpenFile, _position: &mut u64, _into: &mut DirBuffer) -> Result<(), Errno> {
        Err(Errno::ENOTDIR)
    }

    /// `fallocate` with its mode bits.
    fn allocate(&self, _file: &OpenFile, _mode: u32, _offset: u64, _len: u64) -> Result<(), Errno> {
        Err(Errno::ENODEV)
    }

    /// Whether a write that fails with `EPIPE` is also a SIGPIPE to who writes.
    fn signals_broken_pipe(&self) -> bool {
        true
    }

    /// Pages that exist for the sake of this description: they come back when its last reference is gone. Must not sleep.
    fn held_pages(&self, _file: &OpenFile) -> u64 {
        0
    }

    /// Called each time that a descriptor of the file is closed, by who closes it; other descriptors may be left. May sleep.
    fn descriptor_closed(&self, _file: &OpenFile) {}

    /// Called once, when the last reference is gone.
    fn release(&self, _file: &OpenFile) {}
}

/// An `ioctl` call.
pub struct Ioctl<'a> {
    /// The command.
    pub command: u32,
    /// The argument as user space gave it.
    pub arg: u64,
    /// Who asks.
    pub cred: &'a Arc<Cred>,
    /// The caller's descriptors, for commands that make one.
    pub fds: &'a FdTable,
    /// The caller's limit of descriptors.
    pub fd_limit: u32,
}

impl Ioctl<'_> {
    /// The argument as an address.
    pub fn address(&self) -> UserAddr {
        UserAddr::new(self.arg)
    }
}
