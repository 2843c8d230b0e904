//! Telling watchers what happens to files.
//!
//! A [`Watch`] is attached to an inode and told of what happens to it, and, where that is a directory, to what its names mean.
//! Operations call the functions here once they have succeeded, with no lock of a file system held. As long as nobody watches
//! anything, each is one load.
//!
//! What is told, when and in which order is Linux 6.1's (`inotify(7)`).

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use abi::inotify::InotifyMask;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use hal::SpinLock;

use crate::dentry::Dentry;
use crate::file::OpenFile;
use crate::inode::{Inode, SuperBlock};
use crate::lock_classes;

/// Something that happened.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// What, one kind; with [`InotifyMask::ISDIR`] if it happened to a directory.
    pub mask: InotifyMask,
    /// What the two sides of a rename have in common; 0 for other events.
    pub cookie: u32,
    /// The name in the watched directory that it concerns; `None`: the watched inode itself.
    pub name: Option<&'a [u8]>,
    /// It happened to something that has lost that name.
    pub is_unlinked: bool,
}

/// Somebody who is told what happens to an inode.
pub trait Watch: Send + Sync {
    /// The inode.
    fn inode(&self) -> &Arc<Inode>;

    /// Something happened. Must not sleep.
    fn tell(&self, event: &Event<'_>);

    /// The inode is gone, or its file system is: nothing will happen any more. Must not sleep.
    fn end(&self);
}

/// How many watches there are, and all of them: a file system that goes tells those of its inodes.
static COUNT: AtomicUsize = AtomicUsize::new(0);
static ALL: SpinLock<Vec<Weak<dyn Watch>>> = SpinLock::new(&lock_classes::ALL_WATCHES, Vec::new());

/// Limits of `inotify` (`/proc/sys/fs/inotify`).
pub struct Limits {
    /// Events that wait to be read, of one instance.
    pub queued_events: AtomicU32,
    /// Instances of one user.
    pub user_instances: AtomicU32,
    /// Watches of one user.
    pub user_watches: AtomicU32,
}

/// The limits as they are.
pub static LIMITS: Limits = Limits {
    queued_events: AtomicU32::new(16384),
    user_instances: AtomicU32::new(128),
    user_watches: AtomicU32::new(8192),
};

/// Sets the limit of watches as Linux does: a hundredth of the memory, within bounds.
pub(crate) fn start() {
    /// What a watch costs, with the inode that it keeps in memory.
    const COST: u64 = 1280;
    let watches = (hal::frames::total() / 100 * hal::PAGE_SIZE as u64 / COST).clamp(8192, 1 << 20);
    LIMITS.user_watches.store(u32::try_from(watches).unwrap_or(u32::MAX), Ordering::Relaxed);
}

/// The watches of an inode.
pub(crate) type Watches = SpinLock<Vec<Weak<dyn Watch>>>;

/// No watches.
pub(crate) const fn none() -> Watches {
    SpinLock::new(&lock_classes::WATCHES, Vec::new())
}

#[inline]
fn nobody_watches() -> bool {
    COUNT.load(Ordering::Relaxed) == 0
}

/// Attaches a watch to its inode. `ENOMEM`.
pub fn add(watch: &Arc<dyn Watch>) -> Result<(), abi::Errno> {
    let noted = |list: &Watches| {
        let mut list = list.lock();
        aegis::charge::reserve(&mut *list, 1)?;
        list.push(Arc::downgrade(watch));
        Ok(())
    };
    noted(&ALL)?;
    if let Err(error) = noted(&watch.inode().watches) {
        ALL.lock().retain(|other| !core::ptr::addr_eq(other.as_ptr(), Arc::as_ptr(watch)));
        return Err(error);
    }
    COUNT.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Takes a watch off; nothing happens if it is off already.
pub fn remove(watch: &dyn Watch) {
    let is_meant = |other: &Weak<dyn Watch>| core::ptr::addr_eq(other.as_ptr(), watch);
    let mut was_there = false;
    watch.inode().watches.lock().retain(|other| {
        let found = is_meant(other);
        was_there |= found;
        !found
    });
    ALL.lock().retain(|other| !is_meant(other));
    if was_there {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Calls `act` with each in a list that is still wanted, without the lock and without memory: they miss nothing. One may be met
/// twice while others leave the list.
fn each(list: &Watches, mut act: impl FnMut(&Arc<dyn Watch>)) {
    const PIECE: usize = 16;
    let mut end = usize::MAX;
    while end > 0 {
        let mut piece = [const { None::<Arc<dyn Watch>> }; PIECE];
        {
            // From the end: who leaves shifts only what comes behind him.
            let list = list.lock();
            end = end.min(list.len());
            let start = end.saturating_sub(PIECE);
            for (slot, watch) in piece.iter_mut().zip(list.get(start..end).unwrap_or_default()) {
                *slot = watch.upgrade();
            }
            end = start;
        }
        piece.iter().flatten().for_each(&mut act);
    }
}

fn tell(inode: &Inode, event: &Event<'_>) {
    each(&inode.watches, |watch| watch.tell(event));
}

fn with_kind(mask: InotifyMask, is_directory: bool) -> InotifyMask {
    if is_directory { mask | InotifyMask::ISDIR } else { mask }
}

/// Something happened to what a file is open on.
#[inline]
pub fn file(file: &OpenFile, mask: InotifyMask) {
    if !nobody_watches() && !file.flags().contains(abi::OpenFlags::PATH) {
        dentry(&file.path().dentry, mask);
    }
}

/// Something happened to what a name means: told to the directory that has the name, and to the inode.
#[inline]
pub fn dentry(dentry: &Dentry, mask: InotifyMask) {
    if !nobody_watches() {
        tell_both(dentry, mask);
    }
}

#[cold]
fn tell_both(dentry: &Dentry, mask: InotifyMask) {
    let Ok(own) = dentry.inode() else { return };
    let mask = with_kind(mask, own.is_directory());
    let (parent, name) = dentry.place();
    if let Some(directory) = parent.as_ref().and_then(|parent| parent.inode().ok()) {
        let name = Some(name.bytes());
        tell(directory, &Event { mask, cookie: 0, name, is_unlinked: dentry.is_gone() });
    }
    tell(own, &Event { mask, cookie: 0, name: None, is_unlinked: false });
}

/// A name in a directory came or went; `is_directory` is about what it means.
#[inline]
pub fn name(directory: &Inode, mask: InotifyMask, name: &[u8], is_directory: bool) {
    named(directory, mask, 0, name, is_directory);
}

#[inline]
fn named(directory: &Inode, mask: InotifyMask, cookie: u32, name: &[u8], is_directory: bool) {
    if !nobody_watches() {
        let mask = with_kind(mask, is_directory);
        tell(directory, &Event { mask, cookie, name: Some(name), is_unlinked: false });
    }
}

/// Something happened to an inode that its names have no part in.
#[inline]
pub fn inode(inode: &Inode, mask: InotifyMask) {
    if !nobody_watches() {
        let mask = with_kind(mask, inode.is_directory());
        tell(inode, &Event { mask, cookie: 0, name: None, is_unlinked: false });
    }
}

/// One side of a rename.
pub(crate) struct Place<'a> {
    /// The directory.
    pub directory: &'a Inode,
    /// The name in it.
    pub name: &'a [u8],
}

/// `moved` got another name, and `replaced` lost that.
pub(crate) fn moved(from: &Place<'_>, to: &Place<'_>, moved: &Inode, replaced: Option<&Inode>) {
    static COOKIES: AtomicU32 = AtomicU32::new(1);
    if nobody_watches() {
        return;
    }
    let cookie = COOKIES.fetch_add(1, Ordering::Relaxed);
    let is_directory = moved.is_directory();
    named(from.directory, InotifyMask::MOVED_FROM, cookie, from.name, is_directory);
    named(to.directory, InotifyMask::MOVED_TO, cookie, to.name, is_directory);
    if let Some(replaced) = replaced {
        inode(replaced, InotifyMask::ATTRIB);
    }
    inode(moved, InotifyMask::MOVE_SELF);
}

/// Nothing refers to a name any more whose inode may have lost its last link.
#[inline]
pub(crate) fn forgotten(own: &Inode) {
    if !nobody_watches() && own.read_attributes(|a| a.nlink) == 0 {
        inode(own, InotifyMask::DELETE_SELF);
        each(&own.watches, |watch| watch.end());
    }
}

/// The last mount of a file system is gone.
pub(crate) fn unmounted(superblock: &Arc<SuperBlock>) {
    if nobody_watches() {
        return;
    }
    each(&ALL, |watch| {
        if Arc::ptr_eq(watch.inode().superblock(), superblock) {
            watch.tell(&Event { mask: InotifyMask::UNMOUNT, cookie: 0, name: None, is_unlinked: false });
            watch.end();
        }
    });
}
