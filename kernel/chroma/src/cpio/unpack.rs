//! From archive to files.

use abi::fs::OpenFlags;
use abi::time::Timespec;
use abi::{DeviceNumber, Errno, Gid, Mode, Uid};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Malformed;
use super::header::{self, Header};
use crate::inode::FileKind;
use crate::io::Source;
use crate::ops::{NewTime, Node, OpenRequest, chmod, chown, set_times};
use crate::walk::{View, WalkFlags};

const TRAILER: &[u8] = b"TRAILER!!!";
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What came out of the archives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Entries made.
    pub entries: usize,
    /// Archives read to their trailers.
    pub archives: usize,
}

/// Where the cursor is.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    compressed: bool,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn malformed(&self, what: impl Into<String>) -> Malformed {
        Malformed { offset: self.at, compressed: self.compressed, what: what.into() }
    }

    /// Takes `len` bytes and the padding after them.
    fn take(&mut self, len: usize, what: &str) -> Result<&'a [u8], Malformed> {
        let bytes = self.rest().get(..len).ok_or_else(|| self.malformed(format!("{what} is cut off")))?;
        let end = self.at + len;
        self.at = end.next_multiple_of(4).min(self.bytes.len());
        Ok(bytes)
    }
}

/// Unpacks all archives in `bytes` under the view's start. Stops at the first malformed byte; entries that can't be made
/// (no memory, a file where a directory is needed) are malformed too, with the errno.
pub fn unpack(view: &View<'_>, bytes: &[u8]) -> Result<Unpacked, Malformed> {
    let mut done = Unpacked::default();
    let mut cursor = Cursor { bytes, at: 0, compressed: false };
    loop {
        cursor.at += cursor.rest().iter().position(|byte| *byte != 0).unwrap_or(cursor.rest().len());
        if cursor.rest().is_empty() {
            return Ok(done);
        }
        if !cursor.rest().starts_with(&GZIP) {
            // Archives begin at a multiple of four; a lone non-zero byte elsewhere is none.
            unpack_plain(view, &mut cursor, &mut done)?;
            continue;
        }
        let (inflated, used) = inflate(cursor.rest()).map_err(|what| cursor.malformed(what))?;
        cursor.at += used;
        let mut inner = Cursor { bytes: &inflated, at: 0, compressed: true };
        loop {
            inner.at += inner.rest().iter().position(|byte| *byte != 0).unwrap_or(inner.rest().len());
            if inner.rest().is_empty() {
                break;
            }
            unpack_plain(view, &mut inner, &mut done)?;
        }
    }
}

/// Unpacks one archive, to its trailer.
fn unpack_plain(view: &View<'_>, cursor: &mut Cursor<'_>, done: &mut Unpacked) -> Result<(), Malformed> {
    // Names of files with several links, by (device, inode): links never reach beyond their archive.
    let mut links: BTreeMap<((u32, u32), u32), Vec<u8>> = BTreeMap::new();
    loop {
        let start = cursor.at;
        let header = header::parse(cursor.rest()).map_err(|what| cursor.malformed(what))?;
        // Header and name are padded together.
        let head = cursor.take(header::LEN + header.name_len, "a name")?;
        let name = head.get(header::LEN..).unwrap_or_default();
        let Some((0, name)) = name.split_last() else {
            cursor.at = start;
            return Err(cursor.malformed("a name does not end in NUL"));
        };
        if name.contains(&0) {
            cursor.at = start;
            return Err(cursor.malformed("a name contains NUL"));
        }
        let data = cursor.take(header.size, "an entry's data")?;
        if name == TRAILER {
            done.archives += 1;
            return Ok(());
        }
        if let Err(error) = place(view, &header, name, data, &mut links) {
            cursor.at = start;
            let name = String::from_utf8_lossy(name);
            return Err(cursor.malformed(format!("`{name}` can't be made ({error})")));
        }
        done.entries += 1;
    }
}

fn place(
    view: &View<'_>,
    header: &Header,
    name: &[u8],
    data: &[u8],
    links: &mut BTreeMap<((u32, u32), u32), Vec<u8>>,
) -> Result<(), Errno> {
    let kind = FileKind::from_mode(header.mode).ok_or(Errno::EINVAL)?;
    let mode = Mode(header.mode & 0o7777);
    if name.iter().all(|byte| matches!(byte, b'.' | b'/')) && kind == FileKind::Directory {
        return finish(view, header, b".", kind, mode);
    }
    if kind != FileKind::Directory {
        let key = (header.device, header.inode);
        if header.links > 1 {
            if let Some(first) = links.get(&key) {
                remove_existing(view, name)?;
                view.link(&view.resolve(first, WalkFlags::empty())?, name)?;
                return if data.is_empty() { Ok(()) } else { fill(view, name, mode, data) };
            }
            links.insert(key, name.to_owned());
        }
        remove_existing(view, name)?;
    }
    let node = |kind| Node::new(kind, mode, Mode(0));
    match kind {
        FileKind::Directory => match view.mkdir(name, mode, Mode(0)) {
            Err(Errno::EEXIST) => {}
            other => other?,
        },
        FileKind::Symlink => view.symlink(data, name)?,
        FileKind::Regular => fill(view, name, mode, data)?,
        FileKind::Fifo | FileKind::Socket => view.mknod(name, &node(kind))?,
        FileKind::CharDevice | FileKind::BlockDevice => {
            let major = u16::try_from(header.rdev.0).map_err(|_| Errno::EINVAL)?;
            let rdev = DeviceNumber::new(major, header.rdev.1);
            view.mknod(name, &Node { rdev, ..node(kind) })?;
        }
    }
    finish(view, header, name, kind, mode)
}

/// What a later archive brings takes the place of what is there, except that directories stay.
fn remove_existing(view: &View<'_>, name: &[u8]) -> Result<(), Errno> {
    match view.unlink(name) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(Errno::EISDIR) => view.rmdir(name),
        Err(error) => Err(error),
    }
}

fn fill(view: &View<'_>, name: &[u8], mode: Mode, data: &[u8]) -> Result<(), Errno> {
    // A broken archive may have content for a FIFO, where nobody reads.
    let flags = OpenFlags::WRONLY | OpenFlags::CREAT | OpenFlags::TRUNC | OpenFlags::NONBLOCK;
    let request = OpenRequest { flags, mode, umask: Mode(0), walk: WalkFlags::empty() };
    let file = view.open(name, &request)?;
    let mut source = Source::kernel(data);
    while source.remaining() > 0 {
        file.write(&mut source)?;
    }
    Ok(())
}

/// Owner, mode and time, which making the node could not set exactly.
fn finish(view: &View<'_>, header: &Header, name: &[u8], kind: FileKind, mode: Mode) -> Result<(), Errno> {
    let path = view.resolve(name, WalkFlags::empty())?;
    if (header.uid, header.gid) != (0, 0) {
        chown(view.cred, &path, Uid(header.uid), Gid(header.gid))?;
    }
    if kind != FileKind::Symlink {
        chmod(view.cred, &path, mode)?;
    }
    let time = NewTime::At(Timespec { tv_sec: i64::from(header.mtime), tv_nsec: 0 });
    set_times(view.cred, &path, time, time)
}

/// Decompresses a gzip member (RFC 1952); gives its content and its length in the input.
fn inflate(bytes: &[u8]) -> Result<(Vec<u8>, usize), String> {
    let cut = || "a gzip header is cut off".to_owned();
    let (fixed, _) = bytes.split_at_checked(10).ok_or_else(cut)?;
    let flags = match fixed {
        [_, _, 8, flags, ..] => *flags,
        _ => return Err("an unknown gzip method".to_owned()),
    };
    let mut at = 10;
    let rest = |at: usize| bytes.get(at..).ok_or_else(cut);
    if flags & 4 != 0 {
        let [low, high, ..] = rest(at)? else { return Err(cut()) };
        at += 2 + usize::from(u16::from_le_bytes([*low, *high]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += rest(at)?.iter().position(|byte| *byte == 0).ok_or_else(cut)? + 1;
        }
    }
    if flags & 2 != 0 {
        at += 2;
    }
    let deflated = rest(at)?;
    let (inflated, used) = inflate_raw(deflated)?;
    let end = at + used;
    let trailer = bytes.get(end..end + 8).ok_or("a gzip trailer is cut off")?;
    let (words, _) = trailer.as_chunks::<4>();
    let [checksum, length] = words else { return Err("a gzip trailer is cut off".to_owned()) };
    if u32::from_le_bytes(*length) != inflated.len() as u32 {
        return Err("the gzip length does not match".to_owned());
    }
    if u32::from_le_bytes(*checksum) != crc32(&inflated) {
        return Err("the gzip checksum does not match".to_owned());
    }
    Ok((inflated, end + 8))
}

fn inflate_raw(deflated: &[u8]) -> Result<(Vec<u8>, usize), String> {
    use miniz_oxide::inflate::TINFLStatus;
    use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
    let mut state = alloc::boxed::Box::<DecompressorOxide>::default();
    let mut out: Vec<u8> = Vec::new();
    let (mut read, mut written) = (0, 0);
    loop {
        let more = out.len().max(1 << 20);
        aegis::charge::reserve(&mut out, more).map_err(|_| "no memory to decompress".to_owned())?;
        out.resize(out.len() + more, 0);
        let input = deflated.get(read..).unwrap_or_default();
        let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, took, gave) = decompress(&mut state, input, &mut out, written, flags);
        read += took;
        written += gave;
        match status {
            TINFLStatus::Done => {
                out.truncate(written);
                return Ok((out, read));
            }
            TINFLStatus::HasMoreOutput => {}
            status => return Err(format!("the compressed data is damaged ({status:?})")),
        }
    }
}

/// The CRC of gzip (polynomial 0xEDB88320), a table of nibbles being small and quick enough.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    /// What four bits do to the remainder.
    fn nibble(value: u32) -> u32 {
        let (mut value, mut bit) = (value, 0);
        while bit < 4 {
            value = if value & 1 != 0 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        value
    }
    let table: [u32; 16] = core::array::from_fn(|index| nibble(index as u32));
    let step = |crc: u32| crc >> 4 ^ table.get((crc & 15) as usize).copied().unwrap_or(0);
    !bytes.iter().fold(!0, |crc, byte| step(step(crc ^ u32::from(*byte))))
}
