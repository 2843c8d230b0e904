//! Access to a program's memory by others: a piece of a page at a time.

use abi::ProtFlags;
use hal::{Access, FaultAccess, Page, UserAddr};

use crate::fault::{Accessor, FaultError};
use crate::space::AddressSpace;

impl AddressSpace {
    /// Copies out of the page that holds an address, up to its end; gives the bytes copied. May sleep.
    ///
    /// What mappings allow counts, not what keys do, which are a thread's; and no stack grows.
    ///
    /// # Errors
    /// See [`FaultError`].
    pub fn copy_out(&self, from: UserAddr, buffer: &mut [u8]) -> Result<usize, FaultError> {
        self.with_page(from, FaultAccess::READ, |page| page.copy_out(from.page_offset(), buffer))
    }

    /// As [`AddressSpace::copy_out`], into the page.
    ///
    /// # Errors
    /// See [`FaultError`].
    pub fn copy_in(&self, to: UserAddr, bytes: &[u8]) -> Result<usize, FaultError> {
        self.with_page(to, FaultAccess::WRITE, |page| page.copy_in(to.page_offset(), bytes))
    }

    fn with_page<R>(
        &self,
        at: UserAddr,
        access: FaultAccess,
        work: impl FnOnce(&Page) -> R,
    ) -> Result<R, FaultError> {
        let protection = if access.write { ProtFlags::WRITE } else { ProtFlags::READ };
        loop {
            {
                let areas = self.lock();
                let area = areas.find(at.get()).ok_or(FaultError::NotMapped)?;
                if !area.protection.contains(protection) {
                    return Err(FaultError::NotAllowed);
                }
                if let Some((page, allowed)) = self.tables.query(at.page_down())
                    && (!access.write || allowed.contains(Access::WRITE))
                {
                    // With the areas locked: a fork in between would give the child what is written.
                    return Ok(work(&page));
                }
            }
            self.fault_as(at, access, Accessor::Kernel)?;
        }
    }
}
