//! System V interprocess communication (`sysvipc(7)`): objects known by a key, used by an identifier, and there until somebody
//! removes them.
//!
//! An identifier is a place in a table and a sequence number, so that an old one does not reach a new object. One lock holds
//! each table; what waits for an object (semaphores, messages) waits with it released.
//!
//! POSIX message queues, which are files, are in [`mqueue`].

pub mod messages;
pub mod mqueue;
pub mod semaphores;
pub mod shared;

use abi::ipc::{IPC_CREAT, IPC_EXCL, IPC_PRIVATE, IpcPerm};
use abi::{Errno, Gid, Mode, Uid};
use alloc::collections::BTreeMap;
use chroma::Cred;
use chroma::cred::Cap;
use hal::SpinLock;

/// The bits of an identifier that are the place in the table.
const PLACE_BITS: u32 = 15;
/// Sequence numbers go round here.
const SEQUENCES: u16 = u16::MAX;
/// Places are not used again before as many others have been.
const LEAST_ROUND: u32 = 64;

/// How many bytes all semaphores may take, or all messages of one kind. Linux has no such limit but its memory control.
fn share_of_memory() -> u64 {
    /// One part in so many of the memory.
    const SHARE: u64 = 32;
    aegis::frames::managed().saturating_mul(hal::PAGE_SIZE as u64) / SHARE
}

/// Who made an object, who owns it, and what others may do.
#[derive(Clone, Copy, Debug)]
pub struct Permissions {
    key: i32,
    uid: Uid,
    gid: Gid,
    creator: Uid,
    creator_group: Gid,
    mode: u32,
    sequence: u16,
}

/// Rights that a call needs: read and alter, for owner, group and others alike.
pub(crate) const READ: u32 = 0o444;
/// See [`READ`].
pub(crate) const ALTER: u32 = 0o222;

impl Permissions {
    fn new(key: i32, flags: u32, cred: &Cred) -> Self {
        Self {
            key,
            uid: cred.euid,
            gid: cred.egid,
            creator: cred.euid,
            creator_group: cred.egid,
            mode: flags & 0o777,
            sequence: 0,
        }
    }

    /// Whether the caller may do what `wanted` (bits of a mode) says: `EACCES`.
    fn check(&self, cred: &Cred, wanted: u32) -> Result<(), Errno> {
        let wanted = wanted >> 6 | wanted >> 3 | wanted;
        let owns = cred.euid == self.creator || cred.euid == self.uid;
        let in_group = || cred.in_group(self.creator_group) || cred.in_group(self.gid);
        let granted = if owns {
            self.mode >> 6
        } else if in_group() {
            self.mode >> 3
        } else {
            self.mode
        };
        if wanted & !granted & 7 != 0 && !cred.has(Cap::IPC_OWNER) { Err(Errno::EACCES) } else { Ok(()) }
    }

    /// Whether the caller may change or remove the object: `EPERM`.
    fn check_owner(&self, cred: &Cred) -> Result<(), Errno> {
        if cred.euid == self.creator || cred.euid == self.uid { Ok(()) } else { cred.require(Cap::SYS_ADMIN) }
    }

    /// `IPC_SET`.
    fn set(&mut self, new: &IpcPerm) -> Result<(), Errno> {
        if new.uid == Uid::KEEP.0 || new.gid == Gid::KEEP.0 {
            return Err(Errno::EINVAL);
        }
        (self.uid, self.gid) = (Uid(new.uid), Gid(new.gid));
        self.mode = Mode(self.mode & !0o777 | new.mode & 0o777).0;
        Ok(())
    }

    fn to_abi(self) -> IpcPerm {
        IpcPerm {
            key: self.key,
            uid: self.uid.0,
            gid: self.gid.0,
            cuid: self.creator.0,
            cgid: self.creator_group.0,
            mode: self.mode,
            seq: self.sequence,
            ..IpcPerm::default()
        }
    }
}

/// An object of a table.
pub(crate) trait Object {
    /// Its permissions.
    fn permissions(&self) -> &Permissions;
    /// As above, to be changed.
    fn permissions_mut(&mut self) -> &mut Permissions;
}

/// A table of objects.
pub(crate) struct Table<T> {
    objects: BTreeMap<u32, T>,
    next: u32,
    last: Option<u32>,
    sequence: u16,
    most: u32,
}

/// What an object takes of the kernel's memory, beside what is in it.
const OBJECT_BYTES: usize = 1024;

impl<T: Object> Table<T> {
    /// An empty table for up to `most` objects.
    pub const fn new(most: u32) -> Self {
        Self { objects: BTreeMap::new(), next: 0, last: None, sequence: 0, most }
    }

    fn split(id: i32) -> Option<(u32, u16)> {
        let id = u32::try_from(id).ok()?;
        Some((id & ((1 << PLACE_BITS) - 1), u16::try_from(id >> PLACE_BITS).ok()?))
    }

    fn join(place: u32, sequence: u16) -> i32 {
        (u32::from(sequence) << PLACE_BITS | place).cast_signed()
    }

    /// Adds an object; gives its identifier. `ENOSPC`: the table is full.
    pub fn add(&mut self, mut object: T) -> Result<i32, Errno> {
        let used = u32::try_from(self.objects.len()).unwrap_or(u32::MAX);
        if used >= self.most {
            return Err(Errno::ENOSPC);
        }
        let end = (used / 2 * 3).max(LEAST_ROUND).min(self.most);
        let free = |place: &u32| !self.objects.contains_key(place);
        let place = (self.next..end).chain(0..self.next.min(end)).find(free).ok_or(Errno::ENOSPC)?;
        if self.last.is_some_and(|last| place <= last) {
            self.sequence = (self.sequence + 1) % SEQUENCES;
        }
        (self.last, self.next) = (Some(place), place + 1);
        object.permissions_mut().sequence = self.sequence;
        self.objects.insert(place, object);
        Ok(Self::join(place, self.sequence))
    }

    /// The object of an identifier. `EINVAL`.
    pub fn get(&mut self, id: i32) -> Result<&mut T, Errno> {
        let (place, sequence) = Self::split(id).ok_or(Errno::EINVAL)?;
        let object = self.objects.get_mut(&place).ok_or(Errno::EINVAL)?;
        if object.permissions().sequence == sequence { Ok(object) } else { Err(Errno::EINVAL) }
    }

    /// Removes an object.
    pub fn remove(&mut self, id: i32) -> Option<T> {
        self.get(id).ok()?;
        self.objects.remove(&Self::split(id)?.0)
    }

    /// The object at a place, with its identifier (`SHM_STAT` and its kin). `EINVAL`.
    pub fn at(&mut self, place: i32) -> Result<(i32, &mut T), Errno> {
        let place = Self::split(place).ok_or(Errno::EINVAL)?.0;
        let object = self.objects.get_mut(&place).ok_or(Errno::EINVAL)?;
        Ok((Self::join(place, object.permissions().sequence), object))
    }

    /// The highest place in use, 0 if there is none.
    pub fn highest(&self) -> i32 {
        self.objects.last_key_value().map_or(0, |(place, _)| place.cast_signed())
    }

    /// A row for each object, made with the table locked, each as it is when it is asked for: there may be very many.
    pub fn rows<R>(table: &SpinLock<Self>, mut row: impl FnMut(i32, &T) -> R) -> impl Iterator<Item = R> {
        let mut from = 0;
        core::iter::from_fn(move || {
            let table = table.lock();
            let (place, object) = table.objects.range(from..).next()?;
            from = place + 1;
            Some(row(Self::join(*place, object.permissions().sequence), object))
        })
    }

    /// All objects with their identifiers.
    pub fn iter(&self) -> impl Iterator<Item = (i32, &T)> {
        self.objects.iter().map(|(place, object)| (Self::join(*place, object.permissions().sequence), object))
    }

    /// `shmget` and its kin: the object of the key if there is one that `fits`, or what `make` gives.
    ///
    /// # Errors
    /// `ENOENT`: there is none, and it is not to be made; `EEXIST`: there is one, and it is to be new; `EACCES`; what `fits`
    /// and `make` say; `ENOSPC`, `ENOMEM`.
    pub fn find_or_add(
        &mut self,
        key: i32,
        flags: u32,
        cred: &Cred,
        fits: impl FnOnce(&T) -> Result<(), Errno>,
        make: impl FnOnce(&Self, Permissions) -> Result<T, Errno>,
    ) -> Result<i32, Errno> {
        let found =
            (key != IPC_PRIVATE).then(|| self.iter().find(|(_, object)| object.permissions().key == key));
        if let Some(Some((id, object))) = found {
            if flags & (IPC_CREAT | IPC_EXCL) == IPC_CREAT | IPC_EXCL {
                return Err(Errno::EEXIST);
            }
            fits(object)?;
            object.permissions().check(cred, flags)?;
            return Ok(id);
        }
        if key != IPC_PRIVATE && flags & IPC_CREAT == 0 {
            return Err(Errno::ENOENT);
        }
        aegis::charge::admit(OBJECT_BYTES)?;
        let object = make(self, Permissions::new(key, flags, cred))?;
        self.add(object)
    }
}

/// The time that goes into objects: seconds.
fn now() -> i64 {
    i64::try_from(chronos::clock::realtime().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{ALTER, Object, Permissions, READ, Table};
    use abi::ipc::{IPC_CREAT, IPC_EXCL};
    use abi::{Errno, Gid, Uid};
    use chroma::Cred;

    struct Thing(Permissions);

    impl Object for Thing {
        fn permissions(&self) -> &Permissions {
            &self.0
        }

        fn permissions_mut(&mut self) -> &mut Permissions {
            &mut self.0
        }
    }

    fn get(table: &mut Table<Thing>, key: i32, flags: u32) -> Result<i32, Errno> {
        table.find_or_add(key, flags, &Cred::root(), |_| Ok(()), |_, permissions| Ok(Thing(permissions)))
    }

    #[test]
    fn keys_name_one_object_and_private_ones_are_always_new() {
        let mut table = Table::new(10);
        assert_eq!(get(&mut table, 7, 0), Err(Errno::ENOENT));
        assert_eq!(get(&mut table, 7, IPC_CREAT | 0o600), Ok(0));
        assert_eq!(get(&mut table, 7, 0), Ok(0));
        assert_eq!(get(&mut table, 7, IPC_CREAT | IPC_EXCL), Err(Errno::EEXIST));
        assert_eq!((get(&mut table, 0, 0), get(&mut table, 0, 0)), (Ok(1), Ok(2)));
    }

    #[test]
    fn old_identifiers_do_not_reach_new_objects() {
        let mut table = Table::new(1);
        let first = get(&mut table, 0, 0).unwrap();
        assert_eq!(get(&mut table, 0, 0), Err(Errno::ENOSPC));
        assert!(table.remove(first).is_some());
        let second = get(&mut table, 0, 0).unwrap();
        assert_eq!(second, 1 << 15);
        assert_eq!(table.get(first).err(), Some(Errno::EINVAL));
        assert!(table.get(second).is_ok() && table.at(0).is_ok());
    }

    #[test]
    fn modes_are_for_owner_group_and_others() {
        let mut other = crate::ids::set_user(&Cred::root(), Uid(7)).unwrap();
        (other.egid, other.fsgid) = (Gid(7), Gid(7));
        other.groups = Default::default();
        let permissions = Permissions::new(1, 0o640, &Cred::root());
        assert_eq!(permissions.check(&Cred::root(), READ | ALTER), Ok(()));
        assert_eq!(permissions.check(&other, READ), Err(Errno::EACCES));
        let shared = Permissions { mode: 0o604, ..permissions };
        assert_eq!((shared.check(&other, READ), shared.check(&other, ALTER)), (Ok(()), Err(Errno::EACCES)));
        assert_eq!(shared.check_owner(&other), Err(Errno::EPERM));
    }
}
