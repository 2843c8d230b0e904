//! Comparing what two threads have.

use abi::Errno;
use abi::process::KcmpEpollSlot;
use abi::process::kcmp as kind;
use alloc::sync::Arc;
use chroma::{Fd, OpenFile};
use process::Current;
use process::compare::{Part, Subject, order};

use crate::argument::{Argument, In};
use crate::row::Outcome;
use crate::waiting::epoll;

fn files(kind: i32, first: &Arc<OpenFile>, second: &Arc<OpenFile>) -> Outcome {
    parts(kind, Arc::as_ptr(first).addr(), Arc::as_ptr(second).addr())
}

fn parts(kind: i32, first: usize, second: usize) -> Outcome {
    let kind = usize::try_from(kind).map_err(|_| Errno::EINVAL)?;
    Ok(order(kind, first, second))
}

/// `kcmp`.
pub fn kcmp(
    current: &mut Current,
    one: i32,
    other: i32,
    what: i32,
    one_index: u64,
    other_index: u64,
) -> Outcome {
    let (one, other) = (Subject::find(one)?, Subject::find(other)?);
    one.check(current)?;
    other.check(current)?;
    let part = match what {
        kind::KCMP_FILE => {
            return files(what, &one.file(Fd::from_raw(one_index))?, &other.file(Fd::from_raw(other_index))?);
        }
        kind::KCMP_EPOLL_TFD => {
            let slot = In::<KcmpEpollSlot>::from_raw(other_index).read()?;
            let file = one.file(Fd::from_raw(one_index))?;
            let watching = other.file(Fd(slot.epoll))?;
            let target = epoll::watched_file(&watching, Fd(slot.target), slot.offset)?;
            return files(kind::KCMP_FILE, &file, &target);
        }
        kind::KCMP_VM => Part::Memory,
        kind::KCMP_FILES => Part::Files,
        kind::KCMP_FS => Part::Directories,
        kind::KCMP_SIGHAND => Part::Handlers,
        kind::KCMP_IO => Part::InputOutput,
        kind::KCMP_SYSVSEM => Part::Undo,
        _ => return Err(Errno::EINVAL),
    };
    parts(what, one.part(part), other.part(part))
}
