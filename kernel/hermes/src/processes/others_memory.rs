//! Other processes' memory.

use abi::memory::madvise as advice;
use abi::{Errno, Iovec};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::cred::Cap;
use chroma::{Fd, Sink, Source};
use hal::UserAddr;
use process::{Current, Program, access, others_memory, pidfd, table};

use crate::argument::In;
use crate::files::io::{list, ranges};
use crate::memory::advise;
use crate::processes::pidfd::named;
use crate::row::Outcome;
use crate::support::{DONE, count};

/// One side's vector and its length.
type Side = (In<Iovec>, usize);

/// What is to be copied: one's own ranges, the other's, and its program.
type Copy = (Vec<Iovec>, Vec<Iovec>, Arc<Program>);

/// `None`: nothing is to be copied. Nobody is looked for then.
fn prepare(current: &Current, pid: i32, own: Side, other: Side, flags: u64) -> Result<Option<Copy>, Errno> {
    let is_empty = |ranges: &[Iovec]| ranges.iter().all(|range| range.iov_len == 0);
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let own = ranges(own.0, own.1)?;
    if is_empty(&own) {
        return Ok(None);
    }
    let other = list(other.0, other.1)?;
    if is_empty(&other) {
        return Ok(None);
    }
    let thread = u32::try_from(pid).ok().and_then(table::thread).ok_or(Errno::ESRCH)?;
    let program = thread.program().ok_or(Errno::ESRCH)?;
    if !Arc::ptr_eq(&program, &current.program) && !access::may_attach(current, &thread) {
        return Err(Errno::EPERM);
    }
    Ok(Some((own, other, program)))
}

/// `process_vm_readv`.
pub fn process_vm_readv(
    current: &mut Current,
    pid: i32,
    own: In<Iovec>,
    owns: usize,
    other: In<Iovec>,
    others: usize,
    flags: u64,
) -> Outcome {
    let copy = prepare(current, pid, (own, owns), (other, others), flags)?;
    let Some((own, other, program)) = copy else { return DONE };
    count(others_memory::read(current, &program.space, &other, &mut Sink::iovec(&own))?)
}

/// `process_vm_writev`.
pub fn process_vm_writev(
    current: &mut Current,
    pid: i32,
    own: In<Iovec>,
    owns: usize,
    other: In<Iovec>,
    others: usize,
    flags: u64,
) -> Outcome {
    let copy = prepare(current, pid, (own, owns), (other, others), flags)?;
    let Some((own, other, program)) = copy else { return DONE };
    count(others_memory::write(current, &program.space, &other, &mut Source::iovec(&own))?)
}

/// `process_madvise`: advice that changes nothing that the other program could see.
pub fn process_madvise(
    current: &mut Current,
    pidfd: Fd,
    vector: In<Iovec>,
    number: usize,
    what: i32,
    flags: u32,
) -> Outcome {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let ranges = ranges(vector, number)?;
    let (process, _) = named(current, pidfd)?;
    if !pidfd::exists(&process) {
        return Err(Errno::ESRCH);
    }
    if !matches!(what, advice::MADV_COLD | advice::MADV_PAGEOUT | advice::MADV_WILLNEED) {
        return Err(Errno::EINVAL);
    }
    let thread = process.main_thread().ok_or(Errno::ESRCH)?;
    let program = thread.program().ok_or(Errno::ESRCH)?;
    if !Arc::ptr_eq(&program, &current.program) && !access::may_read(current, &thread) {
        return Err(Errno::EACCES);
    }
    if !current.cred.has(Cap::SYS_NICE) {
        return Err(Errno::EPERM);
    }
    let mut done = 0;
    for range in ranges {
        match advise(&program.space, UserAddr::new(range.iov_base), range.iov_len, what) {
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
            Ok(_) => done += range.iov_len,
        }
    }
    Ok(done)
}
