//! Extended attributes, kept in memory: `trusted.*` and `security.*`, as in Linux 6.1's tmpfs.

use abi::Errno;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use hal::SpinLock;

use crate::inode::Bytes;
use crate::lock_classes;

/// `setxattr` must make a new attribute.
const CREATE: u32 = 1;
/// `setxattr` must change an existing one.
const REPLACE: u32 = 2;
/// The most bytes of names and values one inode may keep.
const MAX_TOTAL: usize = 128 * 1024;

type AttributeName = Box<[u8]>;
type Value = Box<[u8]>;

pub(super) struct ExtendedAttributes {
    list: SpinLock<BTreeMap<AttributeName, Value>>,
}

fn check_space(name: &[u8]) -> Result<(), Errno> {
    if name.starts_with(b"user.") { Err(Errno::EOPNOTSUPP) } else { Ok(()) }
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut copy = Vec::new();
    aegis::charge::reserve(&mut copy, bytes.len())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

impl ExtendedAttributes {
    pub(super) fn new() -> ExtendedAttributes {
        ExtendedAttributes { list: SpinLock::new(&lock_classes::XATTRS, BTreeMap::new()) }
    }

    pub(super) fn get(&self, name: &[u8]) -> Result<Bytes, Errno> {
        check_space(name)?;
        copy(self.list.lock().get(name).ok_or(Errno::ENODATA)?)
    }

    pub(super) fn set(&self, name: &[u8], value: &[u8], flags: u32) -> Result<(), Errno> {
        check_space(name)?;
        let (new_name, new_value) = (copy(name)?.into_boxed_slice(), copy(value)?.into_boxed_slice());
        let mut list = self.list.lock();
        match list.contains_key(name) {
            true if flags & CREATE != 0 => return Err(Errno::EEXIST),
            false if flags & REPLACE != 0 => return Err(Errno::ENODATA),
            _ => {}
        }
        let total: usize = list.iter().map(|(name, value)| name.len() + value.len()).sum();
        if total.saturating_add(name.len()).saturating_add(value.len()) > MAX_TOTAL {
            return Err(Errno::ENOSPC);
        }
        list.insert(new_name, new_value);
        Ok(())
    }

    pub(super) fn remove(&self, name: &[u8]) -> Result<(), Errno> {
        check_space(name)?;
        self.list.lock().remove(name).map(drop).ok_or(Errno::ENODATA)
    }

    pub(super) fn list(&self) -> Result<Bytes, Errno> {
        let mut names = Vec::new();
        for name in self.list.lock().keys() {
            aegis::charge::reserve(&mut names, name.len() + 1)?;
            names.extend_from_slice(name);
            names.push(0);
        }
        Ok(names)
    }
}
