//! The loop over a path's components.

use core::ops::Range;

use abi::Errno;
use abi::fs::{MAX_SYMLINKS, MountFlags, PATH_MAX};
use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{View, WalkFlags, lookup_in};
use crate::cred::Access;
use crate::dentry::Dentry;
use crate::inode::{FileKind, Inode};
use crate::mount::{self, Path};

/// The last component of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// The path is `/` (or several), or a magic link led here.
    Root,
    /// It ends in `.`.
    Dot,
    /// It ends in `..`.
    DotDot,
    /// It ends in a name, at this place of the walker's text.
    Name(Range<usize>),
}

/// A walk under way.
pub(crate) struct Walker<'a> {
    view: &'a View<'a>,
    flags: WalkFlags,
    /// Where the walk has come to.
    pub(crate) at: Path,
    text: Cow<'a, [u8]>,
    /// The first byte of the text that is not walked yet.
    next: usize,
    links: usize,
}

impl<'a> Walker<'a> {
    /// Begins a walk; `ENOENT` for an empty name, `ENAMETOOLONG` for `PATH_MAX` bytes or more.
    pub(crate) fn new(view: &'a View<'a>, name: &'a [u8], flags: WalkFlags) -> Result<Walker<'a>, Errno> {
        if name.is_empty() {
            return Err(Errno::ENOENT);
        }
        if name.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let absolute = name.first() == Some(&b'/');
        if absolute && flags.contains(WalkFlags::BENEATH) {
            return Err(Errno::EXDEV);
        }
        let at = if absolute { view.root.clone() } else { view.start.clone() };
        if !at.dentry.inode()?.is_directory() {
            return Err(Errno::ENOTDIR);
        }
        Ok(Walker { view, flags, at, text: Cow::Borrowed(name), next: 0, links: 0 })
    }

    /// The bytes of a name that [`Walker::walk_to_last`] gave.
    pub(crate) fn name(&self, range: &Range<usize>) -> &[u8] {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// Whether slashes follow the last component.
    pub(crate) fn trailing_slash(&self) -> bool {
        self.text.last() == Some(&b'/')
    }

    /// The next component, and whether it is the last.
    #[inline]
    fn component(&mut self) -> Option<(Range<usize>, bool)> {
        let text = &*self.text;
        let run = |from: usize, slash: bool| {
            let rest = text.get(from..).unwrap_or_default();
            from + rest.iter().position(|b| (*b == b'/') != slash).unwrap_or(rest.len())
        };
        let start = run(self.next, true);
        let end = run(start, false);
        self.next = run(end, true);
        (start < end).then_some((start..end, self.next == text.len()))
    }

    /// Walks all components but the last; afterwards `at` is the directory that the last one is in.
    pub(crate) fn walk_to_last(&mut self) -> Result<Last, Errno> {
        loop {
            let Some((range, is_last)) = self.component() else { return Ok(Last::Root) };
            let directory = self.at.dentry.inode()?;
            if !directory.is_directory() {
                return Err(Errno::ENOTDIR);
            }
            directory.permission(self.view.cred, Access::EXECUTE)?;
            let last = match self.name(&range) {
                b"." => Last::Dot,
                b".." => Last::DotDot,
                _ => Last::Name(range),
            };
            if is_last {
                return Ok(last);
            }
            match last {
                Last::Name(range) => {
                    self.step(range, true)?;
                }
                special => self.step_special(&special)?,
            }
        }
    }

    /// Walks `.`, `..` or nothing.
    pub(crate) fn step_special(&mut self, last: &Last) -> Result<(), Errno> {
        if *last != Last::DotDot {
            return Ok(());
        }
        if self.flags.contains(WalkFlags::BENEATH) && self.at.is(&self.view.start) {
            return Err(Errno::EXDEV);
        }
        let up = self.at.parent(&self.view.root);
        self.check_crossing(&up)?;
        self.at = up;
        Ok(())
    }

    /// Walks one name. A symbolic link is followed if `follow`: then its text is what is to be walked next, and the answer
    /// is true. `ENOENT` if the name means nothing.
    #[inline]
    pub(crate) fn step(&mut self, range: Range<usize>, follow: bool) -> Result<bool, Errno> {
        let name = self.text.get(range).unwrap_or_default();
        let dentry = lookup_in(&self.at.dentry, name)?;
        self.enter(dentry, follow)
    }

    /// As [`Walker::step`] for a dentry that was looked up in `at`.
    pub(crate) fn enter(&mut self, dentry: Arc<Dentry>, follow: bool) -> Result<bool, Errno> {
        let inode = dentry.inode()?;
        if follow && inode.kind() == FileKind::Symlink {
            let inode = inode.clone();
            self.follow(&inode)?;
            return Ok(true);
        }
        if dentry.is_mount_point() {
            let mut to = Path { mount: self.at.mount.clone(), dentry };
            mount::cross(&mut to);
            self.check_crossing(&to)?;
            if !self.flags.contains(WalkFlags::UNMOUNT) {
                to.mount.note_use();
            }
            self.at = to;
        } else {
            self.at.dentry = dentry;
        }
        Ok(false)
    }

    fn check_crossing(&self, to: &Path) -> Result<(), Errno> {
        if self.flags.contains(WalkFlags::NO_XDEV) && !Arc::ptr_eq(&to.mount, &self.at.mount) {
            return Err(Errno::EXDEV);
        }
        Ok(())
    }

    /// Puts a link's text in front of what is still to be walked.
    #[cold]
    fn follow(&mut self, link: &Arc<Inode>) -> Result<(), Errno> {
        self.links += 1;
        let forbidden = self.flags.contains(WalkFlags::NO_SYMLINKS)
            || self.at.mount.flags().contains(MountFlags::NOSYMFOLLOW);
        if self.links > MAX_SYMLINKS || forbidden {
            return Err(Errno::ELOOP);
        }
        let rest = self.text.get(self.next..).unwrap_or_default();
        if rest.is_empty() {
            crate::protect::may_follow(self.view.cred, self.at.dentry.inode()?, link)?;
        }
        crate::ops::touch_accessed(&self.at.mount, link);
        // The slashes after the link's own name are walked already; they still mean "a directory".
        let slash = self.trailing_slash() || !rest.is_empty();
        let mut text: Vec<u8>;
        if let Some(target) = link.ops().follow(link, self.view.cred)? {
            if self.flags.contains(WalkFlags::NO_MAGICLINKS) {
                return Err(Errno::ELOOP);
            }
            if self.flags.contains(WalkFlags::BENEATH) {
                return Err(Errno::EXDEV);
            }
            self.check_crossing(&target)?;
            text = Vec::new();
            aegis::charge::reserve(&mut text, rest.len() + 1)?;
            self.at = target;
        } else {
            text = link.ops().readlink(link)?;
            aegis::charge::reserve(&mut text, rest.len() + 1)?;
            match text.first() {
                None => return Err(Errno::ENOENT),
                Some(b'/') if self.flags.contains(WalkFlags::BENEATH) => return Err(Errno::EXDEV),
                Some(b'/') => {
                    let root = self.view.root.clone();
                    self.check_crossing(&root)?;
                    self.at = root;
                }
                Some(_) => {}
            }
        }
        if slash {
            text.push(b'/');
        }
        text.extend_from_slice(self.text.get(self.next..).unwrap_or_default());
        self.text = Cow::Owned(text);
        self.next = 0;
        Ok(())
    }
}
