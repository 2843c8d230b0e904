//! The archive under construction.
//!
//! The encoding is the crate `cpio`'s: its header fields are all ours to choose, so devices, links and reproducible bytes
//! need no code here.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result, bail, ensure};
use cpio::newc;

/// The permission bits of a mode.
const PERMISSIONS: u32 = 0o7777;

/// Who a file belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Owner {
    /// User and group 0.
    pub const ROOT: Self = Self { uid: 0, gid: 0 };
}

/// A device node's kind and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// A block device; otherwise a character device.
    pub block: bool,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

#[derive(Clone, Debug)]
enum Content {
    Directory,
    File(Vec<u8>),
    Symlink(String),
    Device(Device),
}

impl Content {
    /// The file type bits of `st_mode` (inode(7)).
    fn type_bits(&self) -> u32 {
        match self {
            Self::Directory => 0o040_000,
            Self::File(_) => 0o100_000,
            Self::Symlink(_) => 0o120_000,
            Self::Device(Device { block: true, .. }) => 0o060_000,
            Self::Device(Device { block: false, .. }) => 0o020_000,
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    content: Content,
    mode: u32,
    owner: Owner,
}

/// An archive under construction: one entry a path.
///
/// Paths are absolute in the guest (`/bin/sh`), hold no `.` or `..`, and missing parents are made (mode 755, root's).
/// Adding a path again replaces it, but never a directory by something else or the other way round: that is a mistake of
/// the caller's, and an error.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    entries: BTreeMap<String, Entry>,
}

impl Archive {
    /// Makes an empty archive.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a directory.
    pub fn directory(&mut self, path: &str, mode: u32, owner: Owner) -> Result<()> {
        self.add(path, Content::Directory, mode, owner)
    }

    /// Adds a regular file.
    pub fn file(&mut self, path: &str, mode: u32, owner: Owner, content: impl Into<Vec<u8>>) -> Result<()> {
        self.add(path, Content::File(content.into()), mode, owner)
    }

    /// Adds a symbolic link to `target`, root's.
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<()> {
        ensure!(!target.is_empty(), "the link {path} has an empty target");
        self.add(path, Content::Symlink(target.to_owned()), 0o777, Owner::ROOT)
    }

    /// Adds a device node.
    pub fn device(&mut self, path: &str, mode: u32, owner: Owner, device: Device) -> Result<()> {
        self.add(path, Content::Device(device), mode, owner)
    }

    /// Says whether there is an entry for `path`.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        self.entries.contains_key(path.trim_start_matches('/'))
    }

    /// Writes the archive: `newc` cpio, padded to a multiple of 4 bytes, so that another archive may follow.
    pub fn write(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for (index, (path, entry)) in self.entries.iter().enumerate() {
            let inode = u32::try_from(index + 1).context("too many files for an archive")?;
            entry.write(path, inode, &mut bytes).with_context(|| format!("cannot pack /{path}"))?;
        }
        let mut bytes = newc::trailer(bytes).context("cannot end the archive")?;
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        Ok(bytes)
    }

    fn add(&mut self, path: &str, content: Content, mode: u32, owner: Owner) -> Result<()> {
        let key = normal(path)?;
        ensure!(mode & !PERMISSIONS == 0, "{path}: the mode {mode:o} has bits beyond the permissions");
        for (end, _) in key.match_indices('/') {
            let parent = &key[..end];
            match self.entries.get(parent) {
                None => {
                    let entry = Entry { content: Content::Directory, mode: 0o755, owner: Owner::ROOT };
                    self.entries.insert(parent.to_owned(), entry);
                }
                Some(Entry { content: Content::Directory, .. }) => {}
                Some(_) => bail!("{path}: /{parent} is no directory"),
            }
        }
        if let Some(old) = self.entries.get(key) {
            let was_directory = matches!(old.content, Content::Directory);
            ensure!(
                was_directory == matches!(content, Content::Directory),
                "{path} would be both a directory and something else"
            );
        }
        self.entries.insert(key.to_owned(), Entry { content, mode, owner });
        Ok(())
    }
}

impl Entry {
    fn write(&self, path: &str, inode: u32, bytes: &mut Vec<u8>) -> Result<()> {
        let content: &[u8] = match &self.content {
            Content::File(content) => content,
            Content::Symlink(target) => target.as_bytes(),
            Content::Directory | Content::Device(_) => &[],
        };
        let length = u32::try_from(content.len()).context("a file of 4 GiB or more fits no cpio archive")?;
        let links = if matches!(self.content, Content::Directory) { 2 } else { 1 };
        let mut header = newc::Builder::new(path)
            .ino(inode)
            .mode(self.content.type_bits() | self.mode)
            .uid(self.owner.uid)
            .gid(self.owner.gid)
            .nlink(links);
        if let Content::Device(device) = self.content {
            header = header.rdev_major(device.major).rdev_minor(device.minor);
        }
        let mut writer = header.write(bytes, length);
        writer.write_all(content)?;
        writer.finish()?;
        Ok(())
    }
}

/// The path as the archive holds it: without the leading `/`.
fn normal(path: &str) -> Result<&str> {
    let Some(key) = path.strip_prefix('/') else { bail!("the path {path:?} is not absolute") };
    let odd = key.split('/').any(|part| matches!(part, "" | "." | ".."));
    ensure!(!odd && !key.contains('\0'), "the path {path:?} is empty or has an empty, `.` or `..` part");
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::{Archive, Device, Owner};

    fn sample(backwards: bool) -> Archive {
        let mut archive = Archive::new();
        let mut paths = ["/a/z", "/a.b", "/a/b/c"];
        if backwards {
            paths.reverse();
        }
        for path in paths {
            archive.file(path, 0o644, Owner { uid: 1000, gid: 100 }, path.as_bytes()).unwrap();
        }
        archive.symlink("/link", "a/z").unwrap();
        let console = Device { block: false, major: 5, minor: 1 };
        archive.device("/dev/console", 0o600, Owner::ROOT, console).unwrap();
        archive
    }

    #[test]
    fn the_same_entries_in_another_order_give_the_same_bytes() {
        assert_eq!(sample(false).write().unwrap(), sample(true).write().unwrap());
    }

    #[test]
    fn what_is_written_reads_back_with_parents_first() {
        let bytes = sample(false).write().unwrap();
        assert_eq!(bytes.len() % 4, 0);
        let mut input = &bytes[..];
        let mut seen = Vec::new();
        loop {
            let reader = cpio::newc::Reader::new(input).unwrap();
            let entry = reader.entry();
            if entry.is_trailer() {
                break;
            }
            assert_eq!(entry.mtime(), 0);
            assert_eq!(entry.ino() as usize, seen.len() + 1);
            seen.push((entry.name().to_owned(), entry.mode(), entry.uid(), entry.rdev_major()));
            input = reader.finish().unwrap();
        }
        let expected = [
            ("a", 0o040_755, 0, 0),
            ("a.b", 0o100_644, 1000, 0),
            ("a/b", 0o040_755, 0, 0),
            ("a/b/c", 0o100_644, 1000, 0),
            ("a/z", 0o100_644, 1000, 0),
            ("dev", 0o040_755, 0, 0),
            ("dev/console", 0o020_600, 0, 5),
            ("link", 0o120_777, 0, 0),
        ];
        let seen: Vec<_> = seen.iter().map(|(name, mode, uid, rdev)| (&**name, *mode, *uid, *rdev)).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn odd_paths_and_changes_of_kind_are_refused() {
        let mut archive = sample(false);
        for path in ["relative", "/", "/a//b", "/a/../b", "/a/", "/nul\0"] {
            assert!(archive.directory(path, 0o755, Owner::ROOT).is_err(), "{path:?}");
        }
        assert!(archive.directory("/a.b", 0o755, Owner::ROOT).is_err());
        assert!(archive.file("/a", 0o644, Owner::ROOT, "").is_err());
        assert!(archive.file("/a.b/c", 0o644, Owner::ROOT, "").is_err());
        assert!(archive.file("/x", 0o100_644, Owner::ROOT, "").is_err());
        archive.file("/a.b", 0o600, Owner::ROOT, "replaced").unwrap();
    }
}
