//! Mapping memory.

use abi::memory::madvise as advice;
use abi::memory::{MlockallFlags, MsyncFlags};
use abi::process::RLIM_INFINITY;
use abi::{Errno, MapFlags, MountFlags, MremapFlags, ProtFlags, Resource};
use aegis::{AddressSpace, Backing, FaultError, MapRequest, Placement, Touch};
use cerberus::Rights;
use chroma::Fd;
use hal::{Key, UserAddr};
use process::Current;
use process::mapped::FileName;

use crate::argument::OutBytes;
use crate::row::Outcome;
use crate::support::{DONE, file, known};

const PAGE: u64 = hal::PAGE_SIZE as u64;
const EVERYTHING: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE).union(ProtFlags::EXEC);

fn address(at: UserAddr) -> Outcome {
    Ok(at.get())
}

fn placement(at: UserAddr, flags: MapFlags) -> Placement {
    if flags.contains(MapFlags::FIXED_NOREPLACE) {
        Placement::FixedIfFree(at)
    } else if flags.contains(MapFlags::FIXED) {
        Placement::Fixed(at)
    } else if flags.contains(MapFlags::MAP_32BIT) {
        Placement::Low
    } else if at.is_null() {
        Placement::Anywhere
    } else {
        Placement::Hint(at)
    }
}

/// `mmap`.
pub fn mmap(
    current: &mut Current,
    at: UserAddr,
    length: u64,
    protection: ProtFlags,
    flags: MapFlags,
    fd: Fd,
    offset: u64,
) -> Outcome {
    if !offset.is_multiple_of(PAGE) || length == 0 {
        return Err(Errno::EINVAL);
    }
    let shared = match MapFlags::from_bits_retain(flags.bits() & MapFlags::TYPE_MASK) {
        MapFlags::SHARED => true,
        MapFlags::PRIVATE => false,
        MapFlags::SHARED_VALIDATE => {
            if flags.contains(MapFlags::SYNC) {
                return Err(Errno::EOPNOTSUPP);
            }
            true
        }
        _ => return Err(Errno::EINVAL),
    };
    if flags.contains(MapFlags::HUGETLB) {
        return Err(Errno::ENOMEM); // no huge pages are set aside
    }
    let protection = ProtFlags::from_bits_truncate(protection.bits()) & EVERYTHING;
    let (backing, maximum) = if flags.contains(MapFlags::ANONYMOUS) {
        (None, EVERYTHING)
    } else {
        let (backing, maximum) = file_backing(current, fd, shared, protection, offset)?;
        offset.checked_add(length).filter(|end| i64::try_from(*end).is_ok()).ok_or(Errno::EOVERFLOW)?;
        (Some(backing), maximum)
    };
    let protection = protection | current.thread.implied(protection) & maximum;
    if flags.contains(MapFlags::GROWSDOWN) && (backing.is_some() || shared) {
        return Err(Errno::EINVAL);
    }
    let start = current.program.space.map(MapRequest {
        length,
        placement: placement(at, flags),
        protection,
        maximum,
        shared,
        grows_down: flags.contains(MapFlags::GROWSDOWN),
        populate: flags.intersects(MapFlags::POPULATE | MapFlags::LOCKED)
            && !flags.contains(MapFlags::NONBLOCK),
        backing,
    })?;
    address(start)
}

/// What a mapping of a file shows, and what `mprotect` may allow on it later.
fn file_backing(
    current: &Current,
    fd: Fd,
    shared: bool,
    protection: ProtFlags,
    offset: u64,
) -> Result<(Backing, ProtFlags), Errno> {
    let file = file(current, fd, Rights::MAP)?;
    if !file.readable() {
        return Err(Errno::EACCES);
    }
    let mut maximum = EVERYTHING;
    if file.path().mount.flags().contains(MountFlags::NOEXEC) {
        if protection.contains(ProtFlags::EXEC) {
            return Err(Errno::EPERM);
        }
        maximum -= ProtFlags::EXEC;
    }
    if shared && !file.writable() {
        maximum -= ProtFlags::WRITE;
    }
    if !maximum.contains(protection) {
        return Err(Errno::EACCES);
    }
    if shared && file.writable() && !file.ops().may_share(&file, protection.contains(ProtFlags::WRITE))? {
        maximum -= ProtFlags::WRITE;
    }
    let object = file.ops().memory_object(&file)?;
    Ok((Backing { object, first: offset / PAGE, name: Some(FileName::of(&file)) }, maximum))
}

/// `munmap`.
pub fn munmap(current: &mut Current, start: UserAddr, length: u64) -> Outcome {
    current.program.space.unmap(start, length)?;
    DONE
}

/// `mprotect`.
pub fn mprotect(current: &mut Current, start: UserAddr, length: u64, protection: ProtFlags) -> Outcome {
    protect(current, start, length, protection, None)
}

/// `mprotect`, and the protection key if one is named.
#[inline]
pub(crate) fn protect(
    current: &mut Current,
    start: UserAddr,
    length: u64,
    protection: ProtFlags,
    key: Option<Key>,
) -> Outcome {
    known(protection, EVERYTHING | ProtFlags::SEM | ProtFlags::GROWSDOWN | ProtFlags::GROWSUP)?;
    let grows = ProtFlags::GROWSDOWN | ProtFlags::GROWSUP;
    if protection.contains(grows) || !start.is_page_aligned() {
        return Err(Errno::EINVAL);
    }
    let implied = current.thread.implied(protection);
    current.program.space.protect_with(start, length, protection & EVERYTHING, implied, key)?;
    DONE
}

/// `mremap`.
pub fn mremap(
    current: &mut Current,
    start: UserAddr,
    old_length: u64,
    new_length: u64,
    flags: MremapFlags,
    target: UserAddr,
) -> Outcome {
    known(flags, MremapFlags::all())?;
    address(current.program.space.remap(start, old_length, new_length, flags, target)?)
}

/// `remap_file_pages`: as Linux, which has no such mappings any more, with one mapping for each range.
pub fn remap_file_pages(
    current: &mut Current,
    start: UserAddr,
    length: u64,
    protection: ProtFlags,
    first: u64,
    flags: MapFlags,
) -> Outcome {
    if !protection.is_empty() {
        return Err(Errno::EINVAL);
    }
    let populate = !flags.contains(MapFlags::NONBLOCK);
    current.program.space.show_pages(start, length, first, populate)?;
    DONE
}

/// `brk`: the end of the heap, moved if that is possible.
pub fn brk(current: &mut Current, end: UserAddr) -> Outcome {
    let implied = current.thread.implied(ProtFlags::READ);
    address(current.program.space.set_break_with(end, implied))
}

/// `madvise`.
pub fn madvise(current: &mut Current, start: UserAddr, length: u64, what: i32) -> Outcome {
    advise(&current.program.space, start, length, what)
}

/// `madvise`, on whatever program's memory.
///
/// # Errors
/// Those of the call.
pub(crate) fn advise(space: &AddressSpace, start: UserAddr, length: u64, what: i32) -> Outcome {
    match what {
        advice::MADV_DONTNEED | advice::MADV_FREE | advice::MADV_DONTNEED_LOCKED => {
            space.discard(start, length)?;
        }
        advice::MADV_DONTFORK => space.advise_fork(start, length, Some(true), None)?,
        advice::MADV_DOFORK => space.advise_fork(start, length, Some(false), None)?,
        advice::MADV_WIPEONFORK => space.advise_fork(start, length, None, Some(true))?,
        advice::MADV_KEEPONFORK => space.advise_fork(start, length, None, Some(false))?,
        advice::MADV_POPULATE_READ | advice::MADV_POPULATE_WRITE => {
            space.check_mapped(start, length)?;
            let touch = if what == advice::MADV_POPULATE_READ { Touch::Read } else { Touch::Write };
            space.populate(start, length, touch).map_err(|error| match error {
                FaultError::NotAllowed | FaultError::Key(_) => Errno::EINVAL,
                FaultError::NoPage => Errno::EFAULT,
                FaultError::NotMapped | FaultError::NoMemory => Errno::ENOMEM,
            })?;
        }
        // Advice that changes nothing that a program could see.
        advice::MADV_NORMAL
        | advice::MADV_RANDOM
        | advice::MADV_SEQUENTIAL
        | advice::MADV_WILLNEED
        | advice::MADV_HUGEPAGE
        | advice::MADV_NOHUGEPAGE
        | advice::MADV_DONTDUMP
        | advice::MADV_DODUMP
        | advice::MADV_COLD
        | advice::MADV_PAGEOUT => space.check_mapped(start, length)?,
        _ => return Err(Errno::EINVAL),
    }
    DONE
}

/// `msync`: memory is all that there is; what a mapping of a file changed is in the file.
pub fn msync(current: &mut Current, start: UserAddr, length: u64, flags: MsyncFlags) -> Outcome {
    known(flags, MsyncFlags::all())?;
    if flags.contains(MsyncFlags::SYNC | MsyncFlags::ASYNC) || !start.is_page_aligned() {
        return Err(Errno::EINVAL);
    }
    current.program.space.check_mapped(start, length)?;
    DONE
}

/// `mincore`: a byte for each page, 1 if it is in memory.
pub fn mincore(current: &mut Current, start: UserAddr, length: u64, answer: OutBytes) -> Outcome {
    if !start.is_page_aligned() {
        return Err(Errno::EINVAL);
    }
    let pages = length.div_ceil(PAGE);
    if !answer.0.is_user_range(pages) {
        return Err(Errno::EFAULT);
    }
    // A piece at a time: how much a program asks for is its choice.
    const PIECE: u64 = 4096;
    let mut bytes = alloc::vec::Vec::new();
    aegis::charge::reserve(&mut bytes, PIECE as usize)?;
    let mut done = 0;
    while done < pages {
        let piece = (pages - done).min(PIECE);
        bytes.clear();
        let from = start.saturating_add(done.saturating_mul(PAGE));
        current.program.space.residency(from, piece, |resident| bytes.push(u8::from(resident)))?;
        hal::user::write_bytes(answer.0.saturating_add(done), &bytes).map_err(|_| Errno::EFAULT)?;
        done += piece;
    }
    DONE
}

fn lock(current: &Current, start: UserAddr, length: u64) -> Outcome {
    let offset = start.page_offset() as u64;
    let length = length.checked_add(offset).ok_or(Errno::EINVAL)?;
    let limit = current.process.limits.current(Resource::Memlock);
    let privileged = current.cred.has(chroma::cred::Cap::IPC_LOCK);
    if limit != RLIM_INFINITY && length > limit && !privileged {
        return Err(if limit == 0 { Errno::EPERM } else { Errno::ENOMEM });
    }
    current.program.space.check_mapped(start.page_down(), length)?;
    current.program.space.populate(start.page_down(), length, Touch::Fill).map_err(|error| match error {
        FaultError::NoMemory => Errno::EAGAIN,
        FaultError::NotMapped | FaultError::NotAllowed | FaultError::Key(_) | FaultError::NoPage => {
            Errno::ENOMEM
        }
    })?;
    DONE
}

/// `mlock`: nothing is ever moved out of memory, so being there is enough.
pub fn mlock(current: &mut Current, start: UserAddr, length: u64) -> Outcome {
    lock(current, start, length)
}

/// `mlock2`.
pub fn mlock2(current: &mut Current, start: UserAddr, length: u64, flags: u32) -> Outcome {
    const ONFAULT: u32 = 1;
    match flags {
        0 => lock(current, start, length),
        ONFAULT => munlock(current, start, length),
        _ => Err(Errno::EINVAL),
    }
}

/// `munlock`.
pub fn munlock(current: &mut Current, start: UserAddr, length: u64) -> Outcome {
    let length = length.checked_add(start.page_offset() as u64).ok_or(Errno::EINVAL)?;
    current.program.space.check_mapped(start.page_down(), length)?;
    DONE
}

/// `mlockall`.
pub fn mlockall(current: &mut Current, flags: MlockallFlags) -> Outcome {
    known(flags, MlockallFlags::all())?;
    if flags.is_empty() || flags == MlockallFlags::ONFAULT {
        return Err(Errno::EINVAL);
    }
    let limit = current.process.limits.current(Resource::Memlock);
    if limit == 0 && !current.cred.has(chroma::cred::Cap::IPC_LOCK) { Err(Errno::EPERM) } else { DONE }
}

/// `munlockall`.
pub fn munlockall(_current: &mut Current) -> Outcome {
    DONE
}
