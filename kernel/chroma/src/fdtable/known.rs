//! What lookups see of a descriptor table, without its lock.
//!
//! For each open descriptor there is a cell with a weak capability. The strong one is behind the table's lock, and whoever
//! closes drops it there and then: the end of a pipe is not put off until nobody reads. A reader that finds the file gone
//! looks again; the slot was changed *before* the file went. So does one that finds the cell changed when it has the file: who
//! holds a file was given it while the table held it too, which whoever counts a file's owners (net's search for sockets that
//! nobody can reach) relies on.
//!
//! The few instructions of a lookup are part of every call that takes a descriptor, so they are always inlined.
//!
//! The first block of cells comes with the table; further ones are made when a number is that high, and stay as long as the table.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::Errno;
use cerberus::{Rights, WeakCapability};
use hal::Rcu;
use hal::rcu::{self, Section};

use super::FileCapability;
use crate::file::OpenFile;

/// Descriptors in a block.
const BLOCK: usize = 64;

/// What a block takes, with a value in each of its cells.
const BLOCK_BYTES: usize = size_of::<Block>() + BLOCK * 32;

type Block = [Rcu<WeakCapability<OpenFile>>; BLOCK];

/// The cells of a table.
pub(super) struct Known {
    /// In a box: tables are moved while they are made.
    first: Box<Block>,
    /// The blocks after the first. Replaced by a longer list; the blocks are the same.
    more: Rcu<Vec<Arc<Block>>>,
}

impl Known {
    pub(super) fn new() -> Known {
        Known { first: Box::new([const { Rcu::empty() }; BLOCK]), more: Rcu::empty() }
    }

    /// The file at a number, if there is one and the capability holds `needed`. Takes no lock.
    #[inline(always)]
    pub(super) fn file(&self, index: usize, needed: Rights) -> Result<Arc<OpenFile>, Errno> {
        match rcu::read(|section| self.look(index, section, |weak| weak.check(needed))) {
            Ok((Some(file), true)) => Ok(file),
            Ok(_) => self.file_again(index, needed),
            Err(error) => Err(error),
        }
    }

    /// Looks again after the file was found gone: the cell says something else by now.
    #[cold]
    fn file_again(&self, index: usize, needed: Rights) -> Result<Arc<OpenFile>, Errno> {
        loop {
            if let (Some(file), true) =
                rcu::read(|section| self.look(index, section, |weak| weak.check(needed)))?
            {
                return Ok(file);
            }
        }
    }

    /// The capability at a number. Takes no lock.
    #[inline]
    pub(super) fn capability(&self, index: usize) -> Result<FileCapability, Errno> {
        loop {
            if let (Some(found), true) =
                rcu::read(|section| self.look(index, section, |weak| Ok(weak.upgrade())))?
            {
                return Ok(found);
            }
        }
    }

    /// What `take` gets of the cell, and whether the cell was still the same afterwards. Otherwise it is dropped outside of the
    /// section: that may sleep.
    #[inline(always)]
    fn look<R>(
        &self,
        index: usize,
        section: &Section,
        take: impl FnOnce(&WeakCapability<OpenFile>) -> Result<R, Errno>,
    ) -> Result<(R, bool), Errno> {
        let weak = self.weak(index, section)?;
        let taken = take(weak)?;
        let is_same = self.weak(index, section).is_ok_and(|now| core::ptr::eq(now, weak));
        Ok((taken, is_same))
    }

    #[inline(always)]
    fn weak<'a>(&'a self, index: usize, section: &'a Section) -> Result<&'a WeakCapability<OpenFile>, Errno> {
        let cell = match self.first.get(index) {
            Some(cell) => cell,
            None => self.distant(index, section).ok_or(Errno::EBADF)?,
        };
        cell.get(section).ok_or(Errno::EBADF)
    }

    /// The cell of a number beyond the first block.
    #[inline]
    fn distant<'a>(
        &'a self,
        index: usize,
        section: &'a Section,
    ) -> Option<&'a Rcu<WeakCapability<OpenFile>>> {
        self.more.get(section)?.get((index / BLOCK).checked_sub(1)?)?.get(index % BLOCK)
    }

    /// Says what is at a number from now on. The caller holds the table's lock, has made [room](Known::make_room), and drops what
    /// was there before afterwards.
    pub(super) fn publish(&self, index: usize, capability: Option<&FileCapability>) {
        let known = capability.map(FileCapability::downgrade);
        match self.first.get(index) {
            Some(cell) => cell.replace(known),
            None => rcu::read(|section| {
                if let Some(cell) = self.distant(index, section) {
                    cell.replace(known);
                }
            }),
        }
    }

    /// Makes room for `len` descriptors. The caller holds the table's lock.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub(super) fn make_room(&self, len: usize) -> Result<(), Errno> {
        let wanted = len.div_ceil(BLOCK).saturating_sub(1);
        let present = self.more.read(|blocks| blocks.map_or(0, Vec::len));
        if present >= wanted {
            return Ok(());
        }
        aegis::charge::admit((wanted - present).saturating_mul(BLOCK_BYTES))?;
        let mut longer = Vec::new();
        aegis::charge::reserve(&mut longer, wanted)?;
        self.more.read(|blocks| longer.extend(blocks.into_iter().flatten().cloned()));
        longer.resize_with(wanted, || Arc::new([const { Rcu::empty() }; BLOCK]));
        self.more.replace(Some(longer));
        Ok(())
    }
}
