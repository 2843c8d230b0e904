//! What can be mapped.

use hal::Page;

use crate::mappings::Mappings;

/// An object has no page to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectError {
    /// The index lies behind the object's end, or the medium failed: the program gets `SIGBUS`.
    Beyond,
    /// No frame is left.
    NoMemory,
}

/// Pages by index.
pub trait MemoryObject: Send + Sync {
    /// The page at an index, made or read when it is not there. May sleep; called with no lock of an address space held.
    ///
    /// # Errors
    /// See [`ObjectError`].
    fn page(&self, index: u64) -> Result<Page, ObjectError>;

    /// The page at an index if it is in memory; for showing pages around one that was asked for. Must not sleep.
    fn peek(&self, _index: u64) -> Option<Page> {
        None
    }

    /// Where the object is mapped.
    fn mappings(&self) -> &Mappings;

    /// A page that a shared mapping of the object has made writable: it counts as changed from now on.
    fn mark_dirty(&self, _index: u64) {}

    /// Writes changed pages back, waiting for the medium. May sleep.
    ///
    /// # Errors
    /// [`ObjectError::Beyond`] when the medium failed.
    fn sync(&self) -> Result<(), ObjectError> {
        Ok(())
    }
}
