//! Into pipes and out of them without `read` and `write`: `splice`, `tee`, `vmsplice`.
//!
//! Each waits until something can be moved, moves what can be moved then, and gives the count, however little it is.

use abi::fs::{MAX_RW_COUNT, PIPE_BUF, SpliceFlags};
use abi::{Errno, Iovec, OpenFlags};
use alloc::sync::Arc;
use alloc::vec::Vec;
use cerberus::Rights;
use chroma::inode::FileKind;
use chroma::pipe::{Pipe, pipe_of};
use chroma::{Fd, OpenFile, Sink, Source};
use process::Current;

use super::io::ranges;
use super::transfer::{End, PIECE};
use crate::argument::{In, InOut};
use crate::row::Outcome;
use crate::support::{broken_pipe, count, file, known};

/// A pipe without readers is a signal, too.
fn outcome(current: &Current, result: Result<usize, Errno>) -> Outcome {
    if result == Err(Errno::EPIPE) {
        broken_pipe(current);
    }
    count(result?)
}

fn buffer(size: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    aegis::charge::reserve(&mut bytes, size)?;
    bytes.resize(size, 0);
    Ok(bytes)
}

/// `splice`: one end must be a pipe.
pub fn splice(
    current: &mut Current,
    input: Fd,
    input_offset: InOut<i64>,
    output: Fd,
    output_offset: InOut<i64>,
    size: usize,
    flags: SpliceFlags,
) -> Outcome {
    if size == 0 {
        return count(0);
    }
    known(flags, SpliceFlags::all())?;
    let source = file(current, input, Rights::READ)?;
    let target = file(current, output, Rights::WRITE)?;
    let size = size.min(MAX_RW_COUNT);
    let waits = !flags.contains(SpliceFlags::NONBLOCK);
    let waits_for = |file: &OpenFile| waits && !file.nonblocking();
    match (pipe_of(&source), pipe_of(&target)) {
        (None, None) => Err(Errno::EINVAL),
        (Some(_), _) if !input_offset.is_null() => Err(Errno::ESPIPE),
        (_, Some(_)) if !output_offset.is_null() => Err(Errno::ESPIPE),
        (Some(from), Some(to)) if Arc::ptr_eq(from, to) => Err(Errno::EINVAL),
        (Some(from), Some(to)) => {
            let waits = waits_for(&source) && waits_for(&target);
            outcome(current, between(from, to, waits, || from.move_to(to, size)))
        }
        (None, Some(to)) => {
            let mut from = end(source.clone(), input_offset)?;
            let moved = into_pipe(&mut from, to, size, waits_for(&target));
            from.store(input_offset)?;
            outcome(current, moved)
        }
        (Some(from), None) => {
            if target.flags().contains(OpenFlags::APPEND) {
                return Err(Errno::EINVAL);
            }
            let mut to = end(target.clone(), output_offset)?;
            let moved = out_of_pipe(current, from, &mut to, size, waits);
            to.store(output_offset)?;
            outcome(current, moved)
        }
    }
}

/// The end that is no pipe; `EINVAL` for an offset in what has no positions.
fn end(file: Arc<OpenFile>, offset: InOut<i64>) -> Result<End, Errno> {
    if !offset.is_null() && !file.ops().seekable() {
        return Err(Errno::EINVAL);
    }
    End::new(file, offset)
}

/// From pipe to pipe, when there is something in the one and room in the other.
fn between(
    from: &Pipe,
    to: &Pipe,
    waits: bool,
    mut step: impl FnMut() -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    loop {
        if !from.await_content(waits)? {
            return Ok(0);
        }
        to.await_room(waits)?;
        let count = step()?;
        // Nothing: somebody else took the bytes, or the room.
        if count > 0 {
            return Ok(count);
        }
    }
}

fn into_pipe(from: &mut End, to: &Pipe, size: usize, waits: bool) -> Result<usize, Errno> {
    // Before anything is read: what a socket gave cannot be given back.
    let stock = to.stock(size.min(PIECE), waits)?;
    let mut bytes = buffer(size.min(stock.room()))?;
    let read = from.read(&mut bytes)?;
    Ok(stock.add(bytes.get(..read).unwrap_or_default()))
}

fn out_of_pipe(
    current: &Current,
    from: &Pipe,
    to: &mut End,
    size: usize,
    waits: bool,
) -> Result<usize, Errno> {
    if !from.await_content(waits)? {
        return Ok(0);
    }
    // No more at a time than the other end takes at once.
    let piece = if to.file.inode().kind() == FileKind::Regular { PIECE } else { PIPE_BUF };
    let mut bytes = buffer(size.min(piece))?;
    let mut moved = 0;
    while moved < size {
        let wanted = bytes.len().min(size - moved);
        let wanted = match to.room(current, bytes.get(..wanted).unwrap_or_default()) {
            Ok(room) => room,
            Err(error) if moved == 0 => return Err(error),
            Err(_) => break,
        };
        let taken = match from.take_out(bytes.get_mut(..wanted).unwrap_or_default()) {
            Err(error) if moved == 0 => return Err(error),
            Ok(taken) if taken.len() > 0 => taken,
            _ => break,
        };
        let (mut done, mut failure) = (0, Ok(0));
        while done < taken.len() && failure.is_ok() {
            failure = to.write(current, bytes.get(done..taken.len()).unwrap_or_default());
            done += failure.unwrap_or(0);
        }
        from.put_back(taken, done);
        moved += done;
        if failure.is_err() {
            return if moved == 0 { failure } else { Ok(moved) };
        }
    }
    Ok(moved)
}

/// `tee`: shows what is in one pipe in another as well.
pub fn tee(current: &mut Current, input: Fd, output: Fd, size: usize, flags: SpliceFlags) -> Outcome {
    known(flags, SpliceFlags::all())?;
    if size == 0 {
        return count(0);
    }
    let source = file(current, input, Rights::READ)?;
    let target = file(current, output, Rights::WRITE)?;
    let (Some(from), Some(to)) = (pipe_of(&source), pipe_of(&target)) else { return Err(Errno::EINVAL) };
    if Arc::ptr_eq(from, to) {
        return Err(Errno::EINVAL);
    }
    let waits = !flags.contains(SpliceFlags::NONBLOCK) && !source.nonblocking() && !target.nonblocking();
    let size = size.min(MAX_RW_COUNT);
    outcome(current, between(from, to, waits, || from.tee(to, size)))
}

/// `vmsplice`: memory into the writing end of a pipe, or from the reading end into memory.
pub fn vmsplice(
    current: &mut Current,
    fd: Fd,
    vector: In<Iovec>,
    number: usize,
    flags: SpliceFlags,
) -> Outcome {
    known(flags, SpliceFlags::all())?;
    let file = file(current, fd, Rights::empty())?;
    if !file.writable() && !file.readable() {
        return Err(Errno::EBADF);
    }
    let ranges = ranges(vector, number)?;
    if ranges.iter().all(|range| range.iov_len == 0) {
        return count(0);
    }
    let pipe = pipe_of(&file).ok_or(Errno::EBADF)?;
    let waits = !flags.contains(SpliceFlags::NONBLOCK);
    let moved = if file.writable() {
        pipe.await_room(waits).and_then(|()| pipe.fill(&mut Source::iovec(&ranges)))
    } else {
        match pipe.await_content(waits) {
            Ok(true) => pipe.drain(&mut Sink::iovec(&ranges)),
            Ok(false) => Ok(0),
            Err(error) => Err(error),
        }
    };
    outcome(current, moved)
}
