//! Dentries: names in directories, and the cache of them.
//!
//! A [`Dentry`] says that a name in a directory means an inode, or (negative) that it means nothing. Its inode never
//! changes; its place (parent and name) changes by rename only. A dentry keeps its parent alive, so a path can always
//! be spelled; dropping a deep chain is a loop, not a recursion.

mod cache;
mod name;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use abi::Errno;
use alloc::sync::Arc;
use hal::SpinLock;

use crate::inode::{Inode, SuperBlock};
use crate::{lock_classes, notify};

pub(crate) use cache::{insert, move_to, purge, remove};
pub use cache::{lookup, replace_name, shrink};
pub use name::Name;

/// A name in a directory.
pub struct Dentry {
    inode: Option<Arc<Inode>>,
    place: SpinLock<Place>,
    /// No longer reachable by its name.
    gone: AtomicBool,
    /// Looked at since the cache's hand last passed.
    referenced: AtomicBool,
    /// How many mounts (in any namespace) sit on it.
    mounted: AtomicU32,
}

struct Place {
    parent: Option<Arc<Dentry>>,
    name: Name,
}

impl Dentry {
    /// The root of a file system: no parent, no name.
    pub fn root(inode: Arc<Inode>) -> Arc<Dentry> {
        Dentry::make(None, Name::default(), Some(inode))
    }

    /// A dentry outside every directory, with a name for `/proc/PID/fd` to show.
    pub fn unattached(name: Name, inode: Arc<Inode>) -> Arc<Dentry> {
        let dentry = Dentry::make(None, name, Some(inode));
        dentry.gone.store(true, Ordering::Relaxed);
        dentry
    }

    /// A name in `parent`, not (yet) in the cache.
    pub fn child(parent: &Arc<Dentry>, name: Name, inode: Option<Arc<Inode>>) -> Arc<Dentry> {
        Dentry::make(Some(parent.clone()), name, inode)
    }

    fn make(parent: Option<Arc<Dentry>>, name: Name, inode: Option<Arc<Inode>>) -> Arc<Dentry> {
        Arc::new(Dentry {
            inode,
            place: SpinLock::new(&lock_classes::PLACE, Place { parent, name }),
            gone: AtomicBool::new(false),
            referenced: AtomicBool::new(true),
            mounted: AtomicU32::new(0),
        })
    }

    /// The inode; `ENOENT` for a negative dentry.
    #[inline]
    pub fn inode(&self) -> Result<&Arc<Inode>, Errno> {
        self.inode.as_ref().ok_or(Errno::ENOENT)
    }

    /// Whether the name means nothing.
    #[inline]
    pub fn is_negative(&self) -> bool {
        self.inode.is_none()
    }

    /// The directory it is in; `None` for roots.
    pub fn parent(&self) -> Option<Arc<Dentry>> {
        self.place.lock().parent.clone()
    }

    /// Its name now.
    pub fn name(&self) -> Name {
        self.place.lock().name.clone()
    }

    /// Parent and name as of one moment.
    pub fn place(&self) -> (Option<Arc<Dentry>>, Name) {
        let place = self.place.lock();
        (place.parent.clone(), place.name.clone())
    }

    /// Whether it can no longer be reached by its name (unlinked, removed, or never had one).
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Marks it unreachable.
    pub(crate) fn set_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    /// Whether some mount may sit on it.
    #[inline]
    pub fn is_mount_point(&self) -> bool {
        self.mounted.load(Ordering::Acquire) != 0
    }

    pub(crate) fn add_mount(&self) {
        self.mounted.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn remove_mount(&self) {
        self.mounted.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether `self` is `other` or lies below it.
    pub fn is_within(self: &Arc<Self>, other: &Arc<Dentry>) -> bool {
        let mut at = self.clone();
        loop {
            if Arc::ptr_eq(&at, other) {
                return true;
            }
            match at.parent() {
                Some(parent) => at = parent,
                None => return false,
            }
        }
    }

    /// Whether it names something (or nothing) in a directory of this file system.
    fn is_on(&self, superblock: &Arc<SuperBlock>) -> bool {
        let place = self.place.lock();
        let parent = place.parent.as_ref().and_then(|parent| parent.inode.as_ref());
        parent.is_some_and(|directory| Arc::ptr_eq(directory.superblock(), superblock))
    }

    fn is_at(&self, parent: &Arc<Dentry>, name: &[u8]) -> bool {
        let place = self.place.lock();
        place.parent.as_ref().is_some_and(|p| Arc::ptr_eq(p, parent)) && place.name.bytes() == name
    }
}

impl Drop for Dentry {
    fn drop(&mut self) {
        if let Some(inode) = &self.inode {
            notify::forgotten(inode);
        }
        // Unlink ancestors one by one: a chain as deep as a program likes must not become a recursion.
        let mut next = self.place.get_mut().parent.take();
        while let Some(parent) = next {
            next = Arc::into_inner(parent).and_then(|mut parent| parent.place.get_mut().parent.take());
        }
    }
}
