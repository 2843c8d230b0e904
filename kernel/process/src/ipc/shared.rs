//! Shared memory: `shmget`, `shmat`, `shmdt`, `shmctl`.
//!
//! A segment is a memory object; how often it is attached is what the object's reverse map says. A segment that is removed
//! while it is attached belongs to those who have it: the table only still knows of it.

use super::{ALTER, Object, Permissions, READ, Table, now};
use crate::current::Current;
use crate::lock_classes;
use abi::ipc::{
    IpcPerm, SHM_DEST, SHM_EXEC, SHM_HUGETLB, SHM_LOCKED, SHM_RDONLY, SHM_REMAP, SHM_RND, ShmInfo, ShmidDs,
    Shminfo,
};
use abi::{Errno, ProtFlags};
use aegis::{AreaName, Backing, MapRequest, MemoryObject, PageCache, Placement};
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use chroma::cred::Cap;
use hal::{SpinLock, UserAddr};

const PAGE: u64 = hal::PAGE_SIZE as u64;
/// The most segments (`shmmni`).
const MOST: u32 = 4096;
/// The largest segment, and the most pages in all: as good as no limit (`shmmax`, `shmall`).
const LARGEST: u64 = u64::MAX - (1 << 24);

/// The memory of a segment.
enum Memory {
    /// Of one that can be attached.
    Kept(Arc<PageCache>),
    /// Of one that was removed: those who have it attached keep it.
    Removed(Weak<PageCache>),
}

struct Segment {
    permissions: Permissions,
    memory: Memory,
    size: u64,
    attached: i64,
    detached: i64,
    changed: i64,
    creator_pid: u32,
    last_pid: u32,
}

impl Object for Segment {
    fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    fn permissions_mut(&mut self) -> &mut Permissions {
        &mut self.permissions
    }
}

impl Segment {
    fn object(&self) -> Option<Arc<PageCache>> {
        match &self.memory {
            Memory::Kept(object) => Some(object.clone()),
            Memory::Removed(object) => object.upgrade(),
        }
    }

    fn pages(&self) -> u64 {
        self.size.div_ceil(PAGE)
    }

    fn attachments(&self) -> u64 {
        self.object().map_or(0, |object| object.mappings().count() as u64)
    }

    fn to_abi(&self) -> ShmidDs {
        ShmidDs {
            shm_perm: self.permissions.to_abi(),
            shm_segsz: self.size,
            shm_atime: self.attached,
            shm_dtime: self.detached,
            shm_ctime: self.changed,
            shm_cpid: self.creator_pid.cast_signed(),
            shm_lpid: self.last_pid.cast_signed(),
            shm_nattch: self.attachments(),
            ..ShmidDs::default()
        }
    }
}

static SEGMENTS: SpinLock<Table<Segment>> = SpinLock::new(&lock_classes::IPC, Table::new(MOST));

/// Works on the table, without the removed segments that nobody has attached any more.
fn with<R>(work: impl FnOnce(&mut Table<Segment>) -> R) -> R {
    let mut table = SEGMENTS.lock();
    table.objects.retain(|_, segment| match &segment.memory {
        Memory::Kept(_) => true,
        Memory::Removed(object) => object.strong_count() > 0,
    });
    work(&mut table)
}

/// What a segment is called in `/proc/PID/maps`.
struct SegmentName {
    id: i32,
    key: i32,
}

impl AreaName for SegmentName {
    fn numbers(&self) -> (u64, u64) {
        (1, u64::from(self.id.cast_unsigned()))
    }

    fn path(&self) -> String {
        alloc::format!("/SYSV{:08x} (deleted)", self.key)
    }
}

/// `shmget`.
///
/// # Errors
/// Those of finding by key; `EINVAL`: a size of 0 for a new segment, or larger than an old one; `ENOMEM`, `ENOSPC`.
pub fn get(current: &Current, key: i32, size: u64, flags: u32) -> Result<i32, Errno> {
    let fits = |segment: &Segment| if size > segment.size { Err(Errno::EINVAL) } else { Ok(()) };
    let make = |_: &Table<Segment>, permissions| {
        if size == 0 || size > LARGEST {
            return Err(Errno::EINVAL);
        }
        let too_much = size.div_ceil(PAGE) > aegis::frames::managed();
        if flags & SHM_HUGETLB != 0 || too_much {
            return Err(Errno::ENOMEM); // no huge pages are set aside
        }
        Ok(Segment {
            permissions,
            memory: Memory::Kept(Arc::new(PageCache::new(size.next_multiple_of(PAGE)))),
            size,
            attached: 0,
            detached: 0,
            changed: now(),
            creator_pid: current.pid(),
            last_pid: 0,
        })
    };
    with(|table| table.find_or_add(key, flags, &current.cred, fits, make))
}

/// Where `shmat` wants a segment to be.
fn placement(at: UserAddr, flags: u32) -> Result<Placement, Errno> {
    let wanted = at.get();
    if wanted == 0 {
        return if flags & SHM_REMAP != 0 { Err(Errno::EINVAL) } else { Ok(Placement::Anywhere) };
    }
    let start = if wanted.is_multiple_of(PAGE) {
        wanted
    } else if flags & SHM_RND != 0 {
        wanted - wanted % PAGE
    } else {
        return Err(Errno::EINVAL);
    };
    let start = UserAddr::new(start);
    Ok(match start.is_null() {
        true if flags & SHM_REMAP != 0 => return Err(Errno::EINVAL),
        true => Placement::Anywhere,
        false if flags & SHM_REMAP != 0 => Placement::Fixed(start),
        false => Placement::FixedIfFree(start),
    })
}

/// `shmat`: gives where the segment is.
///
/// # Errors
/// `EINVAL`: no such segment, or no place for it; `EACCES`; `ENOMEM`.
pub fn attach(current: &Current, id: i32, at: UserAddr, flags: u32) -> Result<UserAddr, Errno> {
    let placement = placement(at, flags)?;
    let mut protection = ProtFlags::READ;
    let mut wanted = READ;
    if flags & SHM_RDONLY == 0 {
        protection |= ProtFlags::WRITE;
        wanted |= ALTER;
    }
    if flags & SHM_EXEC != 0 {
        protection |= ProtFlags::EXEC;
        wanted |= 0o111;
    }
    let (object, size, key) = with(|table| {
        let segment = table.get(id)?;
        segment.permissions.check(&current.cred, wanted)?;
        let object = segment.object().ok_or(Errno::EIDRM)?;
        segment.attached = now();
        segment.last_pid = current.pid();
        Ok::<_, Errno>((object, segment.size, segment.permissions.key))
    })?;
    let mut maximum = ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC;
    if flags & SHM_RDONLY != 0 {
        maximum -= ProtFlags::WRITE;
    }
    protection |= current.thread.implied(protection);
    let name = Arc::new(SegmentName { id, key });
    let request = MapRequest {
        length: size,
        placement,
        protection,
        maximum,
        shared: true,
        grows_down: false,
        populate: false,
        backing: Some(Backing { object, first: 0, name: Some(name) }),
    };
    current.program.space.map(request).map_err(|error| match error {
        // The place is taken.
        Errno::EEXIST => Errno::EINVAL,
        error => error,
    })
}

/// `shmdt`: takes away the segment that begins at `at`.
///
/// # Errors
/// `EINVAL`: none does.
pub fn detach(current: &Current, at: UserAddr) -> Result<(), Errno> {
    let space = &current.program.space;
    if !at.is_page_aligned() {
        return Err(Errno::EINVAL);
    }
    let (object, _) = space.shared_place(at).filter(|(_, offset)| *offset == 0).ok_or(Errno::EINVAL)?;
    let size = with(|table| {
        let is_meant =
            |segment: &&mut Segment| segment.object().is_some_and(|own| Arc::as_ptr(&own).addr() == object);
        let segment = table.objects.values_mut().find(is_meant).ok_or(Errno::EINVAL)?;
        segment.detached = now();
        segment.last_pid = current.pid();
        Ok::<_, Errno>(segment.size)
    })?;
    // What was mapped over parts of it meanwhile stays; what is left goes in as few pieces as there are.
    let address = |page: u64| at.saturating_add(page * PAGE);
    let is_left = |page: u64| space.shared_place(address(page)) == Some((object, page * PAGE));
    let pages = size.div_ceil(PAGE);
    let mut first = 0;
    while first < pages {
        let end = (first..pages).find(|&page| !is_left(page)).unwrap_or(pages);
        if end > first {
            space.unmap(address(first), (end - first) * PAGE)?;
        }
        first = end + 1;
    }
    Ok(())
}

/// `IPC_STAT`, and `SHM_STAT` where `by_place` is set: the identifier and the numbers.
///
/// # Errors
/// `EINVAL`, `EACCES`.
pub fn status(current: &Current, id: i32, by_place: bool, any: bool) -> Result<(i32, ShmidDs), Errno> {
    with(|table| {
        let (id, segment) = if by_place { table.at(id)? } else { (id, table.get(id)?) };
        if !any {
            segment.permissions.check(&current.cred, READ)?;
        }
        Ok((id, segment.to_abi()))
    })
}

/// `IPC_SET`.
///
/// # Errors
/// `EINVAL`, `EPERM`.
pub fn set(current: &Current, id: i32, new: &IpcPerm) -> Result<(), Errno> {
    with(|table| {
        let segment = table.get(id)?;
        segment.permissions.check_owner(&current.cred)?;
        segment.permissions.set(new)?;
        segment.changed = now();
        Ok(())
    })
}

/// `IPC_RMID`: nobody finds it by its key any more; it is gone when nobody has it attached.
///
/// # Errors
/// `EINVAL`, `EPERM`.
pub fn remove(current: &Current, id: i32) -> Result<(), Errno> {
    let freed = with(|table| {
        let segment = table.get(id)?;
        segment.permissions.check_owner(&current.cred)?;
        segment.permissions.key = abi::ipc::IPC_PRIVATE;
        segment.permissions.mode |= SHM_DEST;
        let weak = match &segment.memory {
            Memory::Kept(object) => Arc::downgrade(object),
            Memory::Removed(object) => object.clone(),
        };
        Ok::<_, Errno>(core::mem::replace(&mut segment.memory, Memory::Removed(weak)))
    })?;
    // The pages go here, outside of the lock, if nobody has it attached.
    drop(freed);
    Ok(())
}

/// `SHM_LOCK` and `SHM_UNLOCK`: nothing is ever moved out of memory, so only the mark changes.
///
/// # Errors
/// `EINVAL`, `EPERM`.
pub fn lock(current: &Current, id: i32, on: bool) -> Result<(), Errno> {
    with(|table| {
        let segment = table.get(id)?;
        if !current.cred.has(Cap::IPC_LOCK) {
            segment.permissions.check_owner(&current.cred).map_err(|_| Errno::EPERM)?;
        }
        let mode = &mut segment.permissions.mode;
        *mode = if on { *mode | SHM_LOCKED } else { *mode & !SHM_LOCKED };
        Ok(())
    })
}

/// `IPC_INFO`: the highest place in use, and the limits.
pub fn limits() -> (i32, Shminfo) {
    let limits = Shminfo {
        shmmax: LARGEST,
        shmmin: 1,
        shmmni: MOST.into(),
        shmseg: MOST.into(),
        shmall: LARGEST,
        ..Shminfo::default()
    };
    (with(|table| table.highest()), limits)
}

/// `SHM_INFO`: the highest place in use, and what there is.
pub fn totals() -> (i32, ShmInfo) {
    with(|table| {
        let mut info = ShmInfo {
            used_ids: i32::try_from(table.objects.len()).unwrap_or(i32::MAX),
            ..ShmInfo::default()
        };
        for segment in table.objects.values() {
            info.shm_tot = info.shm_tot.saturating_add(segment.pages());
            info.shm_rss += segment.object().map_or(0, |object| object.resident());
        }
        (table.highest(), info)
    })
}

/// The lines of `/proc/sysvipc/shm`.
pub fn list(text: &mut chroma::synthetic::Text) {
    text.push(b"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n");
    with(|_| {}); // without those that are gone
    let row = |id, s: &Segment| (id, s.to_abi(), s.object().map_or(0, |object| object.resident()));
    for (id, s, resident) in Table::rows(&SEGMENTS, row) {
        let p = s.shm_perm;
        writeln!(
            text,
            "{:10} {id:10}  {:4o} {:21} {:5} {:5}  {:5} {:5} {:5} {:5} {:5} {:10} {:10} {:10} {:21} {:21}",
            p.key,
            p.mode,
            s.shm_segsz,
            s.shm_cpid,
            s.shm_lpid,
            s.shm_nattch,
            p.uid,
            p.gid,
            p.cuid,
            p.cgid,
            s.shm_atime,
            s.shm_dtime,
            s.shm_ctime,
            resident * PAGE,
            0,
        );
    }
}
