//! Open directories of every file system.

use core::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;

use crate::file::{FileOps, OpenFile, Whence};
use crate::inode::FileKind;
use crate::io::Sink;
use crate::listing::{DirBuffer, DirPosition};
use crate::ops::touch_accessed;

/// What is behind an open directory: offsets 0 and 1 are `.` and `..`, the rest is the file system's.
#[derive(Default)]
pub(crate) struct OpenDirectory {
    /// The file system's cursor; used under the description's position lock only.
    cursor: AtomicU64,
}

impl FileOps for OpenDirectory {
    fn read(&self, _: &OpenFile, _: &mut u64, _: &mut Sink<'_>) -> Result<usize, Errno> {
        Err(Errno::EISDIR)
    }

    fn seek(&self, file: &OpenFile, current: u64, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let base = match whence {
            Whence::Set => 0,
            Whence::Current => current,
            _ => return Err(Errno::EINVAL),
        };
        let target =
            base.checked_add_signed(offset).filter(|p| i64::try_from(*p).is_ok()).ok_or(Errno::EINVAL)?;
        if target != current {
            let inode = file.inode();
            let _tree = inode.superblock().tree.read();
            self.cursor.store(inode.ops().seek_dir(inode, target), Ordering::Relaxed);
        }
        Ok(target)
    }

    fn read_dir(&self, file: &OpenFile, position: &mut u64, into: &mut DirBuffer) -> Result<(), Errno> {
        let inode = file.inode();
        let _tree = inode.superblock().tree.read();
        // A removed directory has no entries any more, not even its own.
        if inode.read_attributes(|a| a.nlink) == 0 {
            return Err(Errno::ENOENT);
        }
        if *position == 0 {
            if !into.push(inode.number(), 1, FileKind::Directory, b".") {
                return Ok(());
            }
            *position = 1;
        }
        if *position == 1 {
            let parent = file.path().dentry.parent();
            let number = parent.and_then(|p| Some(p.inode().ok()?.number())).unwrap_or(inode.number());
            if !into.push(number, 2, FileKind::Directory, b"..") {
                return Ok(());
            }
            *position = 2;
        }
        let mut at = DirPosition { offset: *position, cursor: self.cursor.load(Ordering::Relaxed) };
        inode.ops().read_dir(inode, &mut at, into)?;
        self.cursor.store(at.cursor, Ordering::Relaxed);
        *position = at.offset;
        touch_accessed(&file.path().mount, inode);
        Ok(())
    }

    fn sync(&self, _: &OpenFile) -> Result<(), Errno> {
        Ok(())
    }
}
