//! Capabilities. (Cerberus, for the Greeks, guarded a gate.)
//!
//! What a process holds *is* a capability: an object with the rights to it. POSIX sits on top: a descriptor slot holds a
//! capability and the close-on-exec flag; the capability's object is the open file description, which `dup` and `fork` share.
//!
//! Rights are checked in one place, behind [`Capability::check`]. A capability is immutable; narrowing makes another one. Delegation,
//! expiry and revocation will hang off a node beside the rights; what asks [`Capability::check`] today will not notice.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]

extern crate alloc;

use alloc::sync::{Arc, Weak};

use abi::Errno;

mod rights;

pub use rights::Rights;

/// An object and what may be done with it. Cheap to clone: a clone has the same fate.
pub struct Capability<T: ?Sized> {
    rights: Rights,
    object: Arc<T>,
}

impl<T: ?Sized> Clone for Capability<T> {
    fn clone(&self) -> Self {
        Self { rights: self.rights, object: self.object.clone() }
    }
}

impl<T: ?Sized> Capability<T> {
    /// The capability that an object's maker holds.
    pub fn new(object: Arc<T>, rights: Rights) -> Self {
        Self { rights, object }
    }

    /// What may be done with the object.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// The object, if all of `needed` may be done with it. Rights are checked here and in [`WeakCapability::check`], and nowhere else.
    ///
    /// # Errors
    /// `EBADF` when the access mode lacks (as on Linux, for a descriptor opened for the other direction), `EACCES` when another
    /// right does.
    #[inline]
    pub fn check(&self, needed: Rights) -> Result<&Arc<T>, Errno> {
        permit(self.rights, needed)?;
        Ok(&self.object)
    }

    /// A capability with the same rights that does not keep the object.
    pub fn downgrade(&self) -> WeakCapability<T> {
        WeakCapability { rights: self.rights, object: Arc::downgrade(&self.object) }
    }

    /// A capability for the same object with those of the rights that this one has.
    pub fn narrowed(&self, rights: Rights) -> Self {
        Self { rights: self.rights.intersection(rights), object: self.object.clone() }
    }

    /// The object, for the kernel's own bookkeeping (listings, locks, closing), which asks for no right.
    pub fn object(&self) -> &Arc<T> {
        &self.object
    }
}

/// The one place where rights are compared.
#[inline]
fn permit(held: Rights, needed: Rights) -> Result<(), Errno> {
    if held.contains(needed) {
        return Ok(());
    }
    Err(if needed.difference(held).intersects(Rights::ACCESS_MODE) { Errno::EBADF } else { Errno::EACCES })
}

/// A capability for an object that others keep.
pub struct WeakCapability<T: ?Sized> {
    rights: Rights,
    object: Weak<T>,
}

impl<T: ?Sized> WeakCapability<T> {
    /// As [`Capability::check`]; `None` if the object is gone.
    ///
    /// # Errors
    /// Those of [`Capability::check`].
    #[inline]
    pub fn check(&self, needed: Rights) -> Result<Option<Arc<T>>, Errno> {
        permit(self.rights, needed)?;
        Ok(self.object.upgrade())
    }

    /// The capability itself; `None` if the object is gone.
    #[inline]
    pub fn upgrade(&self) -> Option<Capability<T>> {
        Some(Capability { rights: self.rights, object: self.object.upgrade()? })
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use abi::Errno;

    use super::{Capability, Rights};

    #[test]
    fn a_missing_access_mode_is_ebadf_and_another_missing_right_eacces() {
        let capability = Capability::new(Arc::new(()), Rights::READ | Rights::SEEK);
        assert!(capability.check(Rights::READ).is_ok());
        assert_eq!(capability.check(Rights::WRITE).err(), Some(Errno::EBADF));
        assert_eq!(capability.check(Rights::READ | Rights::MAP).err(), Some(Errno::EACCES));
    }

    #[test]
    fn a_weak_capability_has_the_same_rights_while_the_object_lives() {
        let capability = Capability::new(Arc::new(()), Rights::READ);
        let weak = capability.downgrade();
        assert_eq!(weak.check(Rights::READ), Ok(Some(Arc::new(()))));
        assert_eq!(weak.check(Rights::WRITE), Err(Errno::EBADF));
        assert_eq!(weak.upgrade().map(|it| it.rights()), Some(Rights::READ));
        drop(capability);
        assert_eq!(weak.check(Rights::READ), Ok(None));
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn narrowing_never_adds_a_right() {
        let capability = Capability::new(Arc::new(()), Rights::READ | Rights::SEEK);
        let narrowed = capability.narrowed(Rights::READ | Rights::WRITE);
        assert_eq!(narrowed.rights(), Rights::READ);
    }
}
