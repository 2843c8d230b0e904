//! `/proc/PID/fd` and `/proc/PID/fdinfo`.

use super::entries::Magic;
use super::pids::spelled;
use super::{Subject, Target, number};
use abi::fs::OpenFlags;
use abi::{Errno, Mode};
use alloc::string::ToString;
use alloc::sync::Arc;
use chroma::cred::Cred;
use chroma::synthetic::{Content, Dynamic, Entry, Fixed, Listing, Text};
use chroma::{Fd, FdTable, FileKind, OpenFile};

/// The kinds of directories, for inode numbers.
const LINK: u64 = 3;
const INFO: u64 = 4;

fn table(target: &Target) -> Result<Arc<FdTable>, Errno> {
    target.thread.as_ref().and_then(|thread| thread.files()).ok_or(Errno::ENOENT)
}

fn open_file(target: &Target, fd: Fd) -> Result<Arc<OpenFile>, Errno> {
    let capability = table(target)?.get(fd).map_err(|_| Errno::ENOENT)?;
    Ok(capability.object().clone())
}

fn spelled_fd(name: &[u8]) -> Result<Fd, Errno> {
    i32::try_from(spelled(name)?).map(Fd).map_err(|_| Errno::ENOENT)
}

fn list(subject: &Subject, listing: &mut Listing<'_>, space: u64, kind: FileKind) -> Result<(), Errno> {
    let target = subject.target().map_err(|_| Errno::ENOENT)?;
    let Ok(table) = table(&target) else { return Ok(()) };
    let mut from = u32::try_from(listing.next_key()).unwrap_or(u32::MAX);
    while let Some(index) = table.next_open(from).and_then(|fd| u32::try_from(fd.0).ok()) {
        let inode = number(space, subject.number, index.into());
        if !listing.add(index.into(), inode, kind, index.to_string().as_bytes()) {
            break;
        }
        from = index.saturating_add(1);
    }
    Ok(())
}

/// The descriptors as links.
pub(super) struct Descriptors(pub Subject);

impl Dynamic for Descriptors {
    fn lookup(&self, name: &[u8]) -> Result<Entry, Errno> {
        let fd = spelled_fd(name)?;
        let target = self.0.target().map_err(|_| Errno::ENOENT)?;
        let file = open_file(&target, fd)?;
        let (uid, gid) = target.owner();
        let find = move |target: &Target| Ok(open_file(target, fd)?.path().clone());
        let mut entry =
            Entry::link(Magic { subject: self.0.clone(), find }).owned_by(uid, gid).fixed(Fixed::Mode);
        // The bits show how it is open.
        entry.mode = Mode(if file.readable() { 0o500 } else { 0 } | if file.writable() { 0o300 } else { 0 });
        Ok(entry.numbered(number(LINK, self.0.number, u64::from(fd.0.cast_unsigned()))))
    }

    fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno> {
        list(&self.0, listing, LINK, FileKind::Symlink)
    }
}

/// What is known of each descriptor.
pub(super) struct Info(pub Subject);

impl Dynamic for Info {
    fn lookup(&self, name: &[u8]) -> Result<Entry, Errno> {
        let fd = spelled_fd(name)?;
        let target = self.0.target().map_err(|_| Errno::ENOENT)?;
        open_file(&target, fd)?;
        let (uid, gid) = target.owner();
        let entry = Entry::file(InfoFile { subject: self.0.clone(), fd }, Mode(0o444))
            .owned_by(uid, gid)
            .fixed(Fixed::Mode);
        Ok(entry.numbered(number(INFO, self.0.number, u64::from(fd.0.cast_unsigned()))))
    }

    fn list(&self, listing: &mut Listing<'_>) -> Result<(), Errno> {
        list(&self.0, listing, INFO, FileKind::Regular)
    }
}

struct InfoFile {
    subject: Subject,
    fd: Fd,
}

impl Content for InfoFile {
    fn open(&self, cred: &Cred) -> Result<(), Errno> {
        self.subject.target()?.check(cred)
    }

    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        let target = self.subject.target()?;
        let file = open_file(&target, self.fd)?;
        let mut flags = file.flags();
        if table(&target)?.is_close_on_exec(self.fd)? {
            flags |= OpenFlags::CLOEXEC;
        }
        write!(text, "pos:\t{}\nflags:\t0{:o}\n", file.shown_position(), flags.bits());
        writeln!(text, "mnt_id:\t{}\nino:\t{}", file.path().mount.id(), file.inode().number());
        file.ops().describe(&file, text);
        Ok(())
    }
}
