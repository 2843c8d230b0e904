//! Which protection keys a program has, and the one of memory that can only be executed.
//!
//! The processor cannot forbid reading what may be executed; a key can. So memory with `PROT_EXEC` alone gets one that no
//! call names, and that is denied to the thread that asked for such memory. As on Linux, other threads may have given
//! themselves the right to read it, and where no key is free it can be read.

use abi::{Errno, ProtFlags};
use alloc::sync::Arc;
use hal::Key;
use hal::keys::{self, Denied};

use crate::area::Area;
use crate::space::AddressSpace;

/// The keys of an address space.
#[derive(Clone)]
pub(crate) struct Keys {
    /// A bit for each that is taken.
    taken: u16,
    /// That of memory that can only be executed, once there has been any.
    execute_only: Option<Key>,
}

impl Keys {
    /// None but the first.
    pub(crate) const NONE: Self = Self { taken: bit(Key::FIRST), execute_only: None };

    fn take(&mut self) -> Option<Key> {
        let lowest = u8::try_from(self.taken.trailing_ones()).ok()?;
        let key = Key::new(lowest).filter(|key| key.number() < keys::count())?;
        self.taken |= bit(key);
        Some(key)
    }

    /// Says whether the program may give the key to memory, or free it.
    pub(crate) fn has(&self, key: Key) -> bool {
        keys::are_available() && self.taken & bit(key) != 0 && self.execute_only != Some(key)
    }
}

const fn bit(key: Key) -> u16 {
    1 << key.number()
}

impl AddressSpace {
    /// Allocates a key, and denies the current thread these rights to what has it. May sleep.
    ///
    /// # Errors
    /// `ENOSPC`: none is free.
    pub fn allocate_key(&self, denied: Denied) -> Result<Key, Errno> {
        let key = self.lock().keys.take().ok_or(Errno::ENOSPC)?;
        keys::set_rights(key.deny_in(keys::thread_rights(), denied));
        Ok(key)
    }

    /// Frees a key; memory that has it keeps it. May sleep.
    ///
    /// # Errors
    /// `EINVAL`: it is not allocated.
    pub fn free_key(&self, key: Key) -> Result<(), Errno> {
        let mut areas = self.lock();
        if !areas.keys.has(key) {
            return Err(Errno::EINVAL);
        }
        areas.keys.taken &= !bit(key);
        Ok(())
    }

    /// The key of new memory with this protection.
    #[inline]
    pub(crate) fn key_of_new(&self, keys: &mut Keys, protection: ProtFlags) -> Key {
        let execute_only = (protection == ProtFlags::EXEC).then(|| self.execute_only_key(keys));
        execute_only.flatten().unwrap_or(Key::FIRST)
    }

    /// The key of an area that is about to get this protection, where none was named.
    #[inline]
    pub(crate) fn key_of_changed(&self, keys: &mut Keys, area: &Area, protection: ProtFlags) -> Key {
        if protection == ProtFlags::EXEC {
            self.execute_only_key(keys).unwrap_or(area.key)
        } else if area.protection == ProtFlags::EXEC && keys.execute_only == Some(area.key) {
            Key::FIRST
        } else {
            area.key
        }
    }

    #[cold]
    fn execute_only_key(&self, keys: &mut Keys) -> Option<Key> {
        let known = keys.execute_only;
        let key = known.or_else(|| keys.take())?;
        keys.execute_only = Some(key);
        // A program that is being loaded will begin with all keys denied.
        if self.is_current() && (known.is_none() || key.allows(false)) {
            keys::set_rights(key.deny_in(keys::thread_rights(), Denied::ACCESS));
        }
        Some(key)
    }

    fn is_current(&self) -> bool {
        let current = hal::context::current().and_then(|context| context.space());
        current.is_some_and(|tables| Arc::ptr_eq(&tables, self.tables()))
    }
}
