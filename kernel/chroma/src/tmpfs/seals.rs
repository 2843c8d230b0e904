//! Seals: what is never done to a file again (`fcntl(F_ADD_SEALS)`, fcntl(2)).

use core::sync::atomic::{AtomicU32, Ordering};

use abi::Errno;
use abi::fs::fcntl::{F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE};
use aegis::Mappings;

use super::file::Content;
use crate::file::OpenFile;

const ALL: u32 = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
/// Either of these forbids `write`.
const NO_WRITING: u32 = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;

/// The seals of a file. They change under the inode's content lock, and only grow.
pub(super) struct Seals(AtomicU32);

impl Seals {
    /// Nothing is sealed; `sealable` is false for files that never can be.
    pub(super) fn new(sealable: bool) -> Seals {
        Seals(AtomicU32::new(if sealable { 0 } else { F_SEAL_SEAL }))
    }

    fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    fn has(&self, any_of: u32) -> bool {
        self.get() & any_of != 0
    }

    /// Lets seals be added to what could not have any: a file that was made to be sealed.
    pub(super) fn allow(&self) {
        self.0.store(0, Ordering::Release);
    }

    /// Whether bytes up to `end` may be written to a file of `size`: `EPERM`.
    pub(super) fn may_write(&self, end: u64, size: u64) -> Result<(), Errno> {
        let refused = self.has(NO_WRITING) || (end > size && self.has(F_SEAL_GROW));
        if refused { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// Whether holes may be made: `EPERM`.
    pub(super) fn may_punch(&self) -> Result<(), Errno> {
        if self.has(NO_WRITING) { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// Whether the size may change: `EPERM`.
    pub(super) fn may_resize(&self, old: u64, new: u64) -> Result<(), Errno> {
        let refused = (new < old && self.has(F_SEAL_SHRINK)) || (new > old && self.has(F_SEAL_GROW));
        if refused { Err(Errno::EPERM) } else { Ok(()) }
    }

    /// Whether a shared mapping may be made through a writable description: `EPERM`; and whether it may be written to later.
    pub(super) fn may_share(&self, writes: bool) -> Result<bool, Errno> {
        if writes && self.has(NO_WRITING) { Err(Errno::EPERM) } else { Ok(!self.has(NO_WRITING)) }
    }

    fn add(&self, seals: u32, mappings: &Mappings) -> Result<(), Errno> {
        if self.has(F_SEAL_SEAL) {
            return Err(Errno::EPERM);
        }
        if seals & F_SEAL_WRITE != 0 && !self.has(F_SEAL_WRITE) && mappings.can_be_changed() {
            return Err(Errno::EBUSY);
        }
        self.0.fetch_or(seals, Ordering::AcqRel);
        Ok(())
    }
}

/// `F_GET_SEALS`; `EINVAL` for what cannot have any.
pub fn seals(file: &OpenFile) -> Result<u32, Errno> {
    Ok(Content::of(file.inode()).map_err(|_| Errno::EINVAL)?.seals().get())
}

/// `F_ADD_SEALS`: `EPERM` for a description that does not write or a file that takes no more seals, `EINVAL` for unknown seals
/// and files without, `EBUSY` for sealing against writes what a shared mapping may change.
pub fn add_seals(file: &OpenFile, seals: u32) -> Result<(), Errno> {
    if !file.writable() {
        return Err(Errno::EPERM);
    }
    if seals & !ALL != 0 {
        return Err(Errno::EINVAL);
    }
    let content = Content::of(file.inode()).map_err(|_| Errno::EINVAL)?;
    let _content = file.inode().content.lock();
    content.seals().add(seals, content.object().mappings())
}

#[cfg(test)]
mod tests {
    use super::Seals;
    use abi::Errno;
    use abi::fs::fcntl::{F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE};
    use aegis::Mappings;

    #[test]
    fn each_seal_forbids_its_own_and_the_last_one_forbids_more() {
        let (seals, mappings) = (Seals::new(true), Mappings::new());
        seals.add(F_SEAL_GROW, &mappings).unwrap();
        assert_eq!((seals.may_write(10, 10), seals.may_write(11, 10)), (Ok(()), Err(Errno::EPERM)));
        assert_eq!((seals.may_resize(10, 9), seals.may_resize(10, 11)), (Ok(()), Err(Errno::EPERM)));
        seals.add(F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE, &mappings).unwrap();
        assert_eq!(seals.may_resize(10, 9), Err(Errno::EPERM));
        assert_eq!((seals.may_share(false), seals.may_share(true)), (Ok(false), Err(Errno::EPERM)));
        seals.add(F_SEAL_WRITE | F_SEAL_SEAL, &mappings).unwrap();
        assert_eq!(seals.add(0, &mappings), Err(Errno::EPERM));
        assert_eq!(Seals::new(false).get(), F_SEAL_SEAL);
    }
}
