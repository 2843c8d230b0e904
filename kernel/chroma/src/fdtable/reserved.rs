//! Numbers that are taken before there is a file for them.

use abi::Errno;

use super::{Fd, FdTable, FileCapability};

/// A number that nobody else gets, for a file that is being opened: so what cannot be undone is begun only when there is a place
/// for it. Given back if it is dropped. Meanwhile it is not open: only `dup2` to it sees it (`EBUSY`).
#[must_use]
pub struct Reserved<'a> {
    table: &'a FdTable,
    index: usize,
    fd: Fd,
    is_filled: bool,
}

impl FdTable {
    /// Reserves the lowest free number; `EMFILE` if that is not below `limit`, `ENOMEM`.
    pub fn reserve(&self, limit: u32) -> Result<Reserved<'_>, Errno> {
        let mut slots = self.slots.lock();
        let index = slots.make_free(&self.known, 0, limit as usize)?;
        let fd = Fd(i32::try_from(index).map_err(|_| Errno::EMFILE)?);
        slots.take(index);
        Ok(Reserved { table: self, index, fd, is_filled: false })
    }
}

impl Reserved<'_> {
    /// The number.
    pub fn fd(&self) -> Fd {
        self.fd
    }

    /// Puts the capability there.
    pub fn fill(mut self, capability: FileCapability, close_on_exec: bool) -> Fd {
        self.is_filled = true;
        let known = &self.table.known;
        let replaced = self.table.slots.lock().fill(known, self.index, capability, close_on_exec);
        drop(replaced); // nothing: the slot was empty
        self.fd
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.is_filled {
            self.table.slots.lock().free(self.index);
        }
    }
}
