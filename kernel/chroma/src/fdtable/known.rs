//! What lookups see of a descriptor table, without its lock.
//!
//! For each open descriptor there is a cell with a weak capability. The strong one is behind the table's lock, and whoever
//! closes drops it there and then: the end of a pipe is not put off until nobody reads. A reader that finds the file gone
//! looks again; the slot was changed *before* the file went. A reader that meets a close may get a file that from then on only
//! messages hold: if net's search for sockets that nobody can reach has counted its owners already, the reader finds a socket that
//! hung up. To look at the cell a second time would spare it that, and cost each call that takes a descriptor a few percent.
//!
//! The few instructions of a lookup are part of every call that takes a descriptor, so they are always inlined.
//!
//! The first block of cells comes with the table; a further one is made for the first number in it, and stays as long as the table.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use abi::Errno;
use cerberus::{Rights, WeakCapability};
use hal::rcu::{self, Section};
use hal::{Once, Rcu};

use super::FileCapability;
use crate::file::OpenFile;

/// Descriptors in a block.
const BLOCK: usize = 64;

/// What a block takes, with a value in each of its cells.
const BLOCK_BYTES: usize = size_of::<Block>() + BLOCK * Cell::VALUE_BYTES;

type Cell = Rcu<WeakCapability<OpenFile>>;
type Block = [Cell; BLOCK];

/// The cells of a table.
pub(super) struct Known {
    /// In a box: tables are moved while they are made.
    first: Box<Block>,
    /// The blocks after the first, those that there are. Replaced by a longer list; the blocks are the same.
    more: Rcu<Vec<Once<Arc<Block>>>>,
}

impl Known {
    pub(super) fn new() -> Known {
        Known { first: Box::new([const { Rcu::empty() }; BLOCK]), more: Rcu::empty() }
    }

    /// The file at a number, if there is one and the capability holds `needed`. Takes no lock.
    #[inline(always)]
    pub(super) fn file(&self, index: usize, needed: Rights) -> Result<Arc<OpenFile>, Errno> {
        match rcu::read(|section| self.weak(index, section).ok()?.check(needed).ok()?) {
            Some(file) => Ok(file),
            None => self.file_again(index, needed),
        }
    }

    /// Finds out why there was none. If the file was found gone the cell says something else by now.
    #[cold]
    fn file_again(&self, index: usize, needed: Rights) -> Result<Arc<OpenFile>, Errno> {
        loop {
            if let Some(file) = rcu::read(|section| self.weak(index, section)?.check(needed))? {
                return Ok(file);
            }
        }
    }

    /// The capability at a number. Takes no lock.
    #[inline]
    pub(super) fn capability(&self, index: usize) -> Result<FileCapability, Errno> {
        loop {
            if let Some(found) = rcu::read(|section| Ok(self.weak(index, section)?.upgrade()))? {
                return Ok(found);
            }
        }
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
    fn distant<'a>(&'a self, index: usize, section: &'a Section) -> Option<&'a Cell> {
        self.more.get(section)?.get((index / BLOCK).checked_sub(1)?)?.get()?.get(index % BLOCK)
    }

    /// Says what is at a number from now on. The caller holds the table's lock, has made [room](Known::make_room), and drops what
    /// was there before afterwards.
    #[inline]
    pub(super) fn publish(&self, index: usize, capability: &FileCapability) {
        self.put(index, Some(capability.downgrade()));
    }

    /// As [`Known::publish`]: there is nothing.
    #[inline]
    pub(super) fn retract(&self, index: usize) {
        self.put(index, None);
    }

    #[inline(always)]
    fn put(&self, index: usize, known: Option<WeakCapability<OpenFile>>) {
        match self.first.get(index) {
            Some(cell) => cell.replace(known),
            None => self.put_distant(index, known),
        }
    }

    #[inline(never)]
    fn put_distant(&self, index: usize, known: Option<WeakCapability<OpenFile>>) {
        rcu::read(|section| {
            if let Some(cell) = self.distant(index, section) {
                cell.replace(known);
            }
        });
    }

    /// Sees to it that there is a cell for `index`, in a table of `len` descriptors. The caller holds the table's lock.
    ///
    /// # Errors
    /// `ENOMEM`.
    #[inline]
    pub(super) fn make_room(&self, len: usize, index: usize) -> Result<(), Errno> {
        if index < BLOCK { Ok(()) } else { self.make_distant(len, index) }
    }

    fn make_distant(&self, len: usize, index: usize) -> Result<(), Errno> {
        let Some(place) = (index / BLOCK).checked_sub(1) else { return Ok(()) };
        let look = |blocks: Option<&Vec<Once<Arc<Block>>>>| {
            blocks.and_then(|blocks| blocks.get(place)).map(|block| block.get().is_some())
        };
        match self.more.read(look) {
            Some(true) => return Ok(()),
            Some(false) => {}
            None => self.lengthen(len.div_ceil(BLOCK).saturating_sub(1))?,
        }
        aegis::charge::admit(BLOCK_BYTES)?;
        let block = Arc::new([const { Rcu::empty() }; BLOCK]);
        self.more.read(|blocks| {
            if let Some(empty) = blocks.and_then(|blocks| blocks.get(place)) {
                let _ = empty.set(block); // it is empty: the lock is held
            }
        });
        Ok(())
    }

    /// Makes the list of blocks longer.
    fn lengthen(&self, wanted: usize) -> Result<(), Errno> {
        let mut longer = Vec::new();
        aegis::charge::reserve(&mut longer, wanted)?;
        self.more.read(|blocks| {
            for block in blocks.into_iter().flatten() {
                let same = Once::new();
                let _ = block.get().map(|block| same.set(block.clone())); // the first time
                longer.push(same);
            }
        });
        longer.resize_with(wanted, Once::new);
        self.more.replace(Some(longer));
        Ok(())
    }
}
