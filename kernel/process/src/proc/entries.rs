//! What a row of the table becomes when somebody looks it up.

use super::rows::{Kind, Read, Row, Write};
use super::{Subject, Target, number};
use crate::current;
use abi::{Errno, Mode};
use chroma::cred::Cred;
use chroma::inode::Bytes;
use chroma::mount::Path;
use chroma::synthetic::{Content, Dynamic, Entry, Fixed, Follow, Listing, Text};

/// The files of a process or thread.
pub(super) struct Members {
    pub subject: Subject,
    /// For inode numbers.
    pub space: u64,
    pub rows: &'static [Row],
}

impl Dynamic for Members {
    fn lookup(&self, name: &[u8]) -> Result<Entry, Errno> {
        let target = self.subject.target().map_err(|_| Errno::ENOENT)?;
        let found = self.rows.iter().zip(1..).find(|(row, _)| row.name.as_bytes() == name);
        let (row, index) = found.ok_or(Errno::ENOENT)?;
        let (mut uid, mut gid) = target.owner();
        if row.mode == 0o555 {
            let cred = target.cred();
            (uid, gid) = (cred.euid, cred.egid);
        }
        let entry = row.entry(&self.subject).owned_by(uid, gid).fixed(Fixed::Mode);
        Ok(entry.numbered(number(self.space, self.subject.number, index)))
    }

    fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno> {
        self.subject.target().map_err(|_| Errno::ENOENT)?;
        let from = usize::try_from(listing.next_key()).unwrap_or(usize::MAX);
        for (row, key) in self.rows.iter().zip(0u64..).skip(from) {
            let inode = number(self.space, self.subject.number, key + 1);
            if !listing.add(key, inode, row.file_kind(), row.name.as_bytes()) {
                break;
            }
        }
        Ok(())
    }

    fn directories(&self) -> u32 {
        let directories = self.rows.iter().filter(|row| matches!(row.kind, Kind::Directory(_)));
        u32::try_from(directories.count()).unwrap_or(u32::MAX)
    }
}

impl Row {
    fn entry(&self, subject: &Subject) -> Entry {
        let mode = Mode(self.mode);
        let subject = subject.clone();
        match self.kind {
            Kind::Text(read) => Entry::file(File { subject, read, write: None, private: false }, mode),
            Kind::Private(read) => Entry::file(File { subject, read, write: None, private: true }, mode),
            Kind::Writable(read, write) => {
                Entry::file(File { subject, read, write: Some(write), private: false }, mode)
            }
            Kind::Place(find) => Entry::link(Magic { subject, find }),
            Kind::Directory(make) => Entry::directory(make(subject), mode),
        }
    }
}

/// A text about a process.
pub(super) struct File {
    pub subject: Subject,
    pub read: Read,
    pub write: Option<Write>,
    /// Only for those who may look into the process.
    pub private: bool,
}

impl Content for File {
    fn open(&self, cred: &Cred) -> Result<(), Errno> {
        let target = self.subject.target()?;
        if self.private { target.check(cred) } else { Ok(()) }
    }

    fn read(&self, cred: &Cred, text: &mut Text) -> Result<(), Errno> {
        (self.read)(&self.subject.target()?, cred, text)
    }

    fn write(&self, cred: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        let write = self.write.ok_or(Errno::EIO)?;
        write(&self.subject.target()?, cred, bytes)
    }
}

/// A link that leads to a place rather than to a name.
pub(super) struct Magic<F> {
    pub subject: Subject,
    pub find: F,
}

impl<F: Fn(&Target) -> Result<Path, Errno> + Send + Sync> Magic<F> {
    fn find(&self, cred: &Cred) -> Result<Path, Errno> {
        let target = self.subject.target().map_err(|_| Errno::ENOENT)?;
        target.check(cred)?;
        (self.find)(&target)
    }
}

impl<F: Fn(&Target) -> Result<Path, Errno> + Send + Sync> Follow for Magic<F> {
    fn text(&self) -> Result<Bytes, Errno> {
        let thread = current::thread().ok_or(Errno::EACCES)?;
        let path = self.find(&thread.cred())?;
        let root = thread.fs().map(|fs| fs.root());
        Ok(path.show(root.as_ref().unwrap_or(&path)))
    }

    fn place(&self, cred: &Cred) -> Result<Option<Path>, Errno> {
        self.find(cred).map(Some)
    }
}
