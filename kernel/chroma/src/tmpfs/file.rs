//! Regular files: pages by index, holes where nothing was written.

use core::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use abi::Mode;
use abi::fs::{MountFlags, OpenFlags};
use aegis::{Mappings, MemoryObject, ObjectError, PageCache};
use alloc::boxed::Box;
use alloc::sync::Arc;
use hal::{Once, PAGE_SIZE, Page};

use super::node::TmpNode;
use super::seals::Seals;
use super::{Options, TmpFs, instance};
use crate::cred::Cred;
use crate::dentry::{Dentry, Name};
use crate::file::{FileOps, OpenFile, Whence, seek_within};
use crate::inode::{FileKind, Inode, NewNode, SuperBlock, now};
use crate::io::{Sink, Source};
use crate::mount::{Mount, Path};
use crate::ops::{drop_privileges_of_written, touch_accessed};

const PAGE: u64 = PAGE_SIZE as u64;

/// The pages of a file, counted against the limits of its file system.
pub(super) struct Pages {
    cache: PageCache,
    superblock: Arc<SuperBlock>,
    /// How many of the pages are counted.
    charged: AtomicU64,
}

impl Pages {
    fn fs(&self) -> Option<&TmpFs> {
        (&*self.superblock.ops as &dyn core::any::Any).downcast_ref()
    }

    /// The page at an index, made if it is not there; `ENOSPC` beyond the limit, `ENOMEM`.
    fn make(&self, index: u64) -> Result<Page, Errno> {
        if let Some(page) = self.cache.get(index) {
            return Ok(page);
        }
        let fs = self.fs().ok_or(Errno::EIO)?;
        fs.charge_page()?;
        self.charged.fetch_add(1, Ordering::Relaxed);
        let made = self.cache.get_or_create(index);
        if made.is_err() {
            self.settle();
        }
        made.map_err(|error| match error {
            ObjectError::NoMemory => Errno::ENOMEM,
            ObjectError::Beyond => Errno::EIO,
        })
    }

    /// Gives back what was counted for pages that are gone (or were never made).
    fn settle(&self) {
        let held = self.cache.resident();
        let before =
            self.charged.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| Some(now.min(held)));
        let extra = before.unwrap_or(0).saturating_sub(held);
        if let Some(fs) = self.fs() {
            fs.uncharge_pages(extra);
        }
    }
}

impl MemoryObject for Pages {
    fn page(&self, index: u64) -> Result<Page, ObjectError> {
        if index >= self.cache.size().div_ceil(PAGE) {
            return Err(ObjectError::Beyond);
        }
        // A full file system is a bus error to whoever touches a hole of a mapped file, as on Linux.
        self.make(index).map_err(|error| match error {
            Errno::ENOMEM => ObjectError::NoMemory,
            _ => ObjectError::Beyond,
        })
    }

    fn mappings(&self) -> &Mappings {
        self.cache.mappings()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if let Some(fs) = self.fs() {
            fs.uncharge_pages(self.charged.load(Ordering::Relaxed));
        }
    }
}

/// What a regular file's inode keeps.
pub(super) struct Content {
    pages: Arc<Pages>,
    seals: Seals,
}

impl Content {
    pub(super) fn new(superblock: &Arc<SuperBlock>) -> Content {
        let cache = PageCache::new(0);
        Content {
            pages: Arc::new(Pages { cache, superblock: superblock.clone(), charged: AtomicU64::new(0) }),
            seals: Seals::new(false),
        }
    }

    pub(super) fn of(inode: &Inode) -> Result<&Content, Errno> {
        inode.ops_as::<TmpNode>().and_then(|node| node.content.as_ref()).ok_or(Errno::EIO)
    }

    pub(super) fn object(&self) -> Arc<dyn MemoryObject> {
        self.pages.clone()
    }

    pub(super) fn pages_held(&self) -> u64 {
        self.pages.cache.resident()
    }

    pub(super) fn seals(&self) -> &Seals {
        &self.seals
    }

    fn cache(&self) -> &PageCache {
        &self.pages.cache
    }

    pub(super) fn truncate(&self, inode: &Inode, size: u64) -> Result<(), Errno> {
        if i64::try_from(size).is_err() {
            return Err(Errno::EFBIG);
        }
        self.seals.may_resize(self.cache().size(), size)?;
        let shrinks = size < self.cache().size();
        self.cache().resize(size);
        if shrinks {
            self.pages.settle();
        }
        let now = now();
        inode.change_attributes(|a| {
            a.size = size;
            (a.mtime, a.ctime) = (now, now);
        });
        Ok(())
    }

    fn read(&self, position: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let size = self.cache().size();
        let mut total = 0;
        while to.remaining() > 0 && *position < size {
            let offset = (*position % PAGE) as usize;
            let in_file = usize::try_from(size - *position).unwrap_or(usize::MAX);
            let wanted = (PAGE_SIZE - offset).min(in_file).min(to.remaining());
            let copied = match self.cache().get(*position / PAGE) {
                Some(page) => to.put_page(&page, offset, wanted),
                None => to.put_zeros(wanted),
            };
            match copied {
                Ok(count) => {
                    *position += count as u64;
                    total += count;
                }
                Err(error) if total == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(total)
    }

    fn write(&self, position: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        let mut total = 0;
        while from.remaining() > 0 {
            let offset = (*position % PAGE) as usize;
            let index = *position / PAGE;
            let end = position.saturating_add((PAGE_SIZE - offset).min(from.remaining()) as u64);
            let allowed = self.seals.may_write(end, self.cache().size());
            let page = allowed.and_then(|()| self.pages.make(index));
            let copied = page.and_then(|page| from.take_to_page(&page, offset, PAGE_SIZE - offset));
            match copied {
                Ok(count) => {
                    *position += count as u64;
                    total += count;
                    self.cache().grow(*position);
                }
                Err(error) if total == 0 => {
                    // A page made for nothing, behind the end, would come to light when the file grows.
                    let end = self.cache().size().div_ceil(PAGE);
                    if index >= end {
                        self.cache().remove(index, index + 1);
                        self.pages.settle();
                    }
                    return Err(error);
                }
                Err(_) => break,
            }
        }
        Ok(total)
    }
}

/// What is behind an open regular file: all state is the inode's.
pub(super) struct RegularFile;

impl FileOps for RegularFile {
    fn held_pages(&self, file: &OpenFile) -> u64 {
        let inode = file.inode();
        let nameless = inode.read_attributes(|attributes| attributes.nlink == 0);
        if nameless { Content::of(inode).map_or(0, Content::pages_held) } else { 0 }
    }

    fn read(&self, file: &OpenFile, position: &mut u64, to: &mut Sink<'_>) -> Result<usize, Errno> {
        let inode = file.inode();
        let count = Content::of(inode)?.read(position, to)?;
        if !file.flags().contains(OpenFlags::NOATIME) {
            touch_accessed(&file.path().mount, inode);
        }
        Ok(count)
    }

    fn write(&self, file: &OpenFile, position: &mut u64, from: &mut Source<'_>) -> Result<usize, Errno> {
        let inode = file.inode();
        let content = Content::of(inode)?;
        let _content = inode.content.lock();
        if file.flags().contains(OpenFlags::APPEND) {
            *position = content.cache().size();
        }
        if from.remaining() == 0 {
            return Ok(0);
        }
        let room = (i64::MAX as u64).saturating_sub(*position);
        if room == 0 {
            return Err(Errno::EFBIG);
        }
        from.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        drop_privileges_of_written(file, inode);
        let result = content.write(position, from);
        let (now, size) = (now(), content.cache().size());
        inode.change_attributes(|a| {
            a.size = size;
            (a.mtime, a.ctime) = (now, now);
        });
        result
    }

    fn seek(&self, file: &OpenFile, current: u64, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let content = Content::of(file.inode())?;
        let size = content.cache().size();
        let start = match whence {
            Whence::Data | Whence::Hole => {
                u64::try_from(offset).ok().filter(|o| *o < size).ok_or(Errno::ENXIO)?
            }
            _ => return seek_within(current, offset, whence, || Ok(size)),
        };
        let mut index = start / PAGE;
        if whence == Whence::Data {
            // There may be any number of pages that are not in memory.
            let index = content.cache().next(index).ok_or(Errno::ENXIO)?;
            let found = start.max(index.saturating_mul(PAGE));
            return if found < size { Ok(found) } else { Err(Errno::ENXIO) };
        }
        while content.cache().get(index).is_some() {
            index += 1;
        }
        Ok(start.max(index.saturating_mul(PAGE)).min(size))
    }

    fn memory_object(&self, file: &OpenFile) -> Result<Arc<dyn MemoryObject>, Errno> {
        Ok(Content::of(file.inode())?.object())
    }

    fn may_share(&self, file: &OpenFile, writes: bool) -> Result<bool, Errno> {
        Content::of(file.inode())?.seals.may_share(writes)
    }

    fn sync(&self, _: &OpenFile) -> Result<(), Errno> {
        Ok(())
    }

    fn allocate(&self, file: &OpenFile, mode: u32, offset: u64, len: u64) -> Result<(), Errno> {
        const KEEP_SIZE: u32 = 1;
        const PUNCH_HOLE: u32 = 2;
        let inode = file.inode();
        let content = Content::of(inode)?;
        let end = offset.checked_add(len).filter(|e| i64::try_from(*e).is_ok()).ok_or(Errno::EFBIG)?;
        let _content = inode.content.lock();
        match mode {
            m if m == KEEP_SIZE | PUNCH_HOLE => {
                content.seals.may_punch()?;
                content.punch(offset, end)?;
            }
            0 | KEEP_SIZE => {
                let size = content.cache().size();
                content.seals.may_resize(size, end.max(size))?;
                let before = content.pages_held();
                for index in offset / PAGE..end.div_ceil(PAGE) {
                    if let Err(error) = content.pages.make(index) {
                        // All or nothing: what lies behind the end is taken back.
                        if content.pages_held() > before {
                            content.cache().remove(content.cache().size().div_ceil(PAGE), u64::MAX);
                            content.pages.settle();
                        }
                        return Err(error);
                    }
                }
                if mode == 0 {
                    content.cache().grow(end);
                }
            }
            _ => return Err(Errno::EOPNOTSUPP),
        }
        let (now, size) = (now(), content.cache().size());
        inode.change_attributes(|a| {
            a.size = size;
            a.ctime = now;
        });
        Ok(())
    }
}

impl Content {
    /// Makes `start..end` read as zeroes, giving back whole pages.
    fn punch(&self, start: u64, end: u64) -> Result<(), Errno> {
        let (first, last) = (start.div_ceil(PAGE), end / PAGE);
        let zero = |from: u64, to: u64| {
            if from < to
                && let Some(page) = self.cache().get(from / PAGE)
            {
                page.zero((from % PAGE) as usize, (to - from) as usize);
            }
        };
        zero(start, end.min(first * PAGE));
        if last >= first {
            zero(last * PAGE, end);
            self.cache().remove(first, last);
            self.pages.settle();
        }
        Ok(())
    }
}

/// The mount that files without a name are in (`memfd_create`, shared anonymous memory); attached nowhere.
static MEMORY: Once<Arc<Mount>> = Once::new();

/// `memfd_create`: a file that exists only as long as it is open. `label` is what `/proc/PID/fd` shows; `sealable` says
/// whether it takes seals.
pub fn memory_file(cred: &Arc<Cred>, label: &[u8], sealable: bool) -> Result<Arc<OpenFile>, Errno> {
    if MEMORY.get().is_none() {
        let root = instance("tmpfs", &Options::unlimited(Mode(0o777)));
        // Whoever comes second uses the first one's.
        let _ = MEMORY.set(Mount::new(root, "tmpfs", MountFlags::empty())?);
    }
    let mount = MEMORY.get().ok_or(Errno::ENOMEM)?.clone();
    let root = mount.root().inode()?;
    let node = NewNode {
        kind: FileKind::Regular,
        mode: Mode(0o777),
        uid: cred.fsuid,
        gid: cred.fsgid,
        rdev: abi::DeviceNumber::default(),
        target: &[],
    };
    let inode = root.ops().create_unnamed(root, &node)?;
    if sealable {
        Content::of(&inode)?.seals.allow();
    }
    let name = [b"/memfd:", label, b" (deleted)"].concat();
    let dentry = Dentry::unattached(Name::new(&name), inode);
    // As on Linux it does not count as being written to: such a file can be executed while it is open.
    OpenFile::new_uncounted(
        Box::new(RegularFile),
        Path { mount, dentry },
        OpenFlags::RDWR | OpenFlags::LARGEFILE,
        cred.clone(),
    )
}
