//! Files that are open for writing: with one, a mount or a file system is not made read-only.
//!
//! Who opens a file counts it first and looks then whether it may; who forbids writing announces it first and looks then
//! whether there are writers. The one of both that comes second sees the other.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use abi::Errno;

use super::{Mount, forest};

/// The writers of a mount, or of a file system.
#[derive(Default)]
pub(crate) struct Writers {
    count: AtomicU32,
    /// Somebody is about to forbid writing.
    held: AtomicBool,
}

impl Writers {
    fn add(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    fn remove(&self) {
        self.count.fetch_sub(1, Ordering::Release);
    }

    /// Announces that writing is to be forbidden; the forest is locked until [`Writers::release`]. `EBUSY`: there are writers,
    /// nothing is announced.
    pub(crate) fn hold(&self) -> Result<(), Errno> {
        self.held.store(true, Ordering::SeqCst);
        if self.count.load(Ordering::SeqCst) == 0 {
            return Ok(());
        }
        self.release();
        Err(Errno::EBUSY)
    }

    /// It has been forbidden, or will not be.
    pub(crate) fn release(&self) {
        self.held.store(false, Ordering::Release);
    }

    fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst)
    }
}

impl Mount {
    /// Counts a file that is opened for writing. `EROFS`: that was forbidden meanwhile. May sleep.
    pub(crate) fn add_writer(&self) -> Result<(), Errno> {
        self.writers.add();
        self.superblock.writers.add();
        if self.writers.is_held() || self.superblock.writers.is_held() {
            drop(forest::lock()); // whoever holds it decides
        }
        if let Err(error) = self.check_writable() {
            self.remove_writer();
            return Err(error);
        }
        Ok(())
    }

    /// Counts one that is closed.
    pub(crate) fn remove_writer(&self) {
        self.superblock.writers.remove();
        self.writers.remove();
    }
}
