//! Names to paths.
//!
//! A [`View`] says who walks, what is `/` for them, and where relative names start. The walk is a loop over components;
//! following a symbolic link replaces the text still to be walked, so nothing recurses. Search permission is checked in
//! every directory that a component is looked up in.

mod lookup;
#[cfg(test)]
mod tests;
mod walker;

use abi::Errno;
use alloc::sync::Arc;
use bitflags::bitflags;

use crate::cred::Cred;
use crate::mount::Path;

pub use lookup::lookup_in;
pub(crate) use lookup::{Entry, entry_of};
pub(crate) use walker::{Last, Walker};

bitflags! {
    /// How a walk ends, and what it may cross.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
    pub struct WalkFlags: u32 {
        /// Follow a symbolic link in the last component.
        const FOLLOW = 1;
        /// The result must be a directory (`ENOTDIR`).
        const DIRECTORY = 2;
        /// An empty name means the starting point (`AT_EMPTY_PATH`).
        const EMPTY = 4;
        /// `RESOLVE_NO_XDEV`: `EXDEV` where a mount is crossed.
        const NO_XDEV = 8;
        /// `RESOLVE_NO_MAGICLINKS`: `ELOOP` at a magic link.
        const NO_MAGICLINKS = 16;
        /// `RESOLVE_NO_SYMLINKS`: `ELOOP` at any link.
        const NO_SYMLINKS = 32;
        /// `RESOLVE_BENEATH`: `EXDEV` where the walk leaves the starting point.
        const BENEATH = 64;
        /// To unmount what is there: that is no use of it.
        const UNMOUNT = 128;
    }
}

/// Who walks, and from where. For `RESOLVE_IN_ROOT` make a view whose root is its start.
pub struct View<'a> {
    /// Whose permissions count.
    pub cred: &'a Arc<Cred>,
    /// What `/` means, and where `..` stops.
    pub root: Path,
    /// Where relative names start.
    pub start: Path,
}

impl View<'_> {
    /// Walks `name` to its end. Errors: `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`, `ENAMETOOLONG`, and what the file systems
    /// add. May sleep.
    pub fn resolve(&self, name: &[u8], flags: WalkFlags) -> Result<Path, Errno> {
        if name.is_empty() {
            return if flags.contains(WalkFlags::EMPTY) {
                Ok(self.start.clone())
            } else {
                Err(Errno::ENOENT)
            };
        }
        let mut walker = Walker::new(self, name, flags)?;
        loop {
            let last = walker.walk_to_last()?;
            let slash = walker.trailing_slash();
            match last {
                Last::Name(name) => {
                    if walker.step(name, slash || flags.contains(WalkFlags::FOLLOW))? {
                        continue;
                    }
                }
                special => walker.step_special(&special)?,
            }
            let must_be_directory = slash || flags.contains(WalkFlags::DIRECTORY);
            if must_be_directory && !walker.at.dentry.inode()?.is_directory() {
                return Err(Errno::ENOTDIR);
            }
            return Ok(walker.at);
        }
    }
}
