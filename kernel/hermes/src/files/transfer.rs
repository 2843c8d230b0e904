//! From one file to another within the kernel: `sendfile`, `copy_file_range`. What goes through pipes is in [`super::splice`].

use abi::fs::MAX_RW_COUNT;
use abi::{Errno, OpenFlags};
use alloc::sync::Arc;
use alloc::vec::Vec;
use cerberus::Rights;
use chroma::inode::FileKind;
use chroma::{Fd, OpenFile, Sink, Source};
use process::Current;

use super::io;
use crate::argument::InOut;
use crate::row::Outcome;
use crate::support::{broken_pipe, count, file};

/// How much is moved at a time.
pub(super) const PIECE: usize = 64 * 1024;

/// Where an end of a transfer is: at the file's own position, or at one that the program keeps.
pub(super) struct End {
    pub(super) file: Arc<OpenFile>,
    at: Option<u64>,
}

impl End {
    pub(super) fn new(file: Arc<OpenFile>, offset: InOut<i64>) -> Result<Self, Errno> {
        let at = match offset.read_optional()? {
            Some(offset) => Some(u64::try_from(offset).map_err(|_| Errno::EINVAL)?),
            None => None,
        };
        Ok(Self { file, at })
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Errno> {
        let mut sink = Sink::kernel(buffer);
        match &mut self.at {
            Some(at) => {
                let count = self.file.read_at(*at, &mut sink)?;
                *at = at.saturating_add(count as u64);
                Ok(count)
            }
            None => self.file.read(&mut sink),
        }
    }

    /// Writes as far as the file may grow (`RLIMIT_FSIZE`).
    pub(super) fn write(&mut self, current: &Current, bytes: &[u8]) -> Result<usize, Errno> {
        let mut source = Source::kernel(bytes);
        io::limit(current, &self.file, self.at, &mut source)?;
        match &mut self.at {
            Some(at) => {
                let count = self.file.write_at(*at, &mut source)?;
                *at = at.saturating_add(count as u64);
                Ok(count)
            }
            None => self.file.write(&mut source),
        }
    }

    /// How many of these bytes the file may take.
    pub(super) fn room(&self, current: &Current, bytes: &[u8]) -> Result<usize, Errno> {
        let mut source = Source::kernel(bytes);
        io::limit(current, &self.file, self.at, &mut source)?;
        Ok(source.remaining())
    }

    /// Takes back what was read and could not be written.
    pub(super) fn unread(&mut self, bytes: usize) -> Result<(), Errno> {
        match &mut self.at {
            Some(at) => *at = at.saturating_sub(bytes as u64),
            None if self.file.ops().seekable() => {
                let back = i64::try_from(bytes).unwrap_or(i64::MAX).saturating_neg();
                self.file.seek(back, chroma::file::Whence::Current)?;
            }
            None => {}
        }
        Ok(())
    }

    pub(super) fn store(&self, offset: InOut<i64>) -> Result<(), Errno> {
        match self.at {
            Some(at) => offset.write_optional(&i64::try_from(at).unwrap_or(i64::MAX)),
            None => Ok(()),
        }
    }
}

/// Whether a transfer ends with what it has moved: two gigabytes to a terminal take longer than anybody waits. As on Linux it is
/// the end of the process that stops a copy to a file, and any signal one to what is no file.
fn stops(current: &Current, to: &End) -> bool {
    current.is_killed() || (current.is_interrupted() && to.file.inode().kind() != FileKind::Regular)
}

/// Moves up to `size` bytes. An error counts only when nothing was moved.
fn transfer(current: &Current, from: &mut End, to: &mut End, size: usize) -> Result<usize, Errno> {
    let size = size.min(MAX_RW_COUNT);
    let mut buffer = Vec::new();
    aegis::charge::reserve(&mut buffer, size.min(PIECE))?;
    buffer.resize(size.min(PIECE), 0);
    let mut moved = 0;
    while moved < size && (moved == 0 || !stops(current, to)) {
        let wanted = (size - moved).min(PIECE);
        let piece = buffer.get_mut(..wanted).unwrap_or_default();
        let read = match from.read(piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) => return if moved > 0 { Ok(moved) } else { Err(error) },
        };
        let mut done = 0;
        while done < read {
            match to.write(current, piece.get(done..read).unwrap_or_default()) {
                Ok(written) => done += written,
                Err(error) => {
                    from.unread(read - done)?;
                    if error == Errno::EPIPE && to.file.ops().signals_broken_pipe() {
                        broken_pipe(current);
                    }
                    return if moved + done > 0 { Ok(moved + done) } else { Err(error) };
                }
            }
        }
        moved += done;
        if read < wanted && from.file.inode().kind() != FileKind::Regular {
            break; // a stream: what it has now
        }
    }
    Ok(moved)
}

/// `sendfile`.
pub fn sendfile(current: &mut Current, output: Fd, input: Fd, offset: InOut<i64>, size: usize) -> Outcome {
    let source = file(current, input, Rights::READ)?;
    let target = file(current, output, Rights::WRITE)?;
    if !source.ops().seekable() || source.inode().is_directory() {
        return Err(if offset.is_null() { Errno::EINVAL } else { Errno::ESPIPE });
    }
    if target.flags().contains(OpenFlags::APPEND) {
        return Err(Errno::EINVAL);
    }
    let mut from = End::new(source, offset)?;
    let moved = transfer(current, &mut from, &mut End { file: target, at: None }, size)?;
    from.store(offset)?;
    count(moved)
}

/// `copy_file_range`.
pub fn copy_file_range(
    current: &mut Current,
    input: Fd,
    input_offset: InOut<i64>,
    output: Fd,
    output_offset: InOut<i64>,
    size: usize,
    flags: u32,
) -> Outcome {
    let source = file(current, input, Rights::READ)?;
    let target = file(current, output, Rights::WRITE)?;
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    for end in [&source, &target] {
        match end.inode().kind() {
            FileKind::Regular => {}
            FileKind::Directory => return Err(Errno::EISDIR),
            _ => return Err(Errno::EINVAL),
        }
    }
    if target.flags().contains(OpenFlags::APPEND) {
        return Err(Errno::EBADF);
    }
    if !Arc::ptr_eq(source.inode().superblock(), target.inode().superblock()) {
        return Err(Errno::EXDEV);
    }
    let same = Arc::ptr_eq(source.inode(), target.inode());
    let mut from = End::new(source, input_offset)?;
    let mut to = End::new(target, output_offset)?;
    if same {
        let at = |end: &End| end.at.unwrap_or_else(|| end.file.position());
        let (from, to, size) = (at(&from), at(&to), size as u64);
        if from < to.saturating_add(size) && to < from.saturating_add(size) {
            return Err(Errno::EINVAL);
        }
    }
    // Nothing may be moved to behind the limit, not even nothing.
    to.room(current, &[0])?;
    let moved = transfer(current, &mut from, &mut to, size)?;
    if moved > 0 {
        from.store(input_offset)?;
        to.store(output_offset)?;
    }
    count(moved)
}
