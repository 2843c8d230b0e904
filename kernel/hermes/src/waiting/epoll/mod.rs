//! `epoll`: a standing list of files to wait for.
//!
//! Each entry stays subscribed to its file's wait queues; a wake-up puts the entry on the [list](ready) of those that may have
//! something to tell. An entry holds its [file](file) weakly: closing the last descriptor removes it, as on Linux.

mod file;
mod ready;

use abi::fs::DescriptorFlags;
use abi::poll::{EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EpollEvent};
use abi::{Errno, OpenFlags, PollEvents, SigSet, Timespec};
use alloc::boxed::Box;
use alloc::sync::Arc;
use cerberus::Rights;
use chroma::{Fd, OpenFile, anonymous};
use chronos::{WaitError, WaitKind};
use core::time::Duration;
use hal::Instant;
use process::Current;
use zerocopy::IntoBytes;

pub(super) use self::file::EpollFile;

use super::nesting;
use super::poll::{deadline, with_mask};
use crate::argument::{Argument, In, InOut, Out};
use crate::files::descriptors::publish;
use crate::row::Outcome;
use crate::support::{DONE, any_file, count, file, has_passed, known};

/// The most events of one wait.
const MOST: usize = i32::MAX as usize / size_of::<EpollEvent>();
/// A file that an epoll file watches: see [`EpollFile::file_at`].
///
/// # Errors
/// `EINVAL`: it is no epoll file; `ENOENT`: it watches no such file.
pub(crate) fn watched_file(epoll: &OpenFile, fd: Fd, skipped: u32) -> Result<Arc<OpenFile>, Errno> {
    let ops = epoll.ops_as::<EpollFile>().ok_or(Errno::EINVAL)?;
    ops.file_at(fd, skipped).ok_or(Errno::ENOENT)
}

/// `epoll_create`: the size is only checked.
pub fn epoll_create(current: &mut Current, size: i32) -> Outcome {
    if size <= 0 { Err(Errno::EINVAL) } else { epoll_create1(current, DescriptorFlags::empty()) }
}

/// `epoll_create1`.
pub fn epoll_create1(current: &mut Current, flags: DescriptorFlags) -> Outcome {
    known(flags, DescriptorFlags::CLOEXEC)?;
    let file = anonymous::file(
        "anon_inode:[eventpoll]",
        Box::new(EpollFile::new()),
        OpenFlags::empty(),
        &current.cred,
    )?;
    publish(current, file, flags.contains(DescriptorFlags::CLOEXEC))
}

/// `epoll_ctl`.
pub fn epoll_ctl(current: &mut Current, epoll: Fd, operation: i32, fd: Fd, event: In<EpollEvent>) -> Outcome {
    let event = if operation == EPOLL_CTL_DEL { EpollEvent::default() } else { event.read()? };
    let list = file(current, epoll, Rights::empty())?;
    let target = any_file(current, fd)?;
    if !anonymous::is_pollable(&target) {
        return Err(Errno::EPERM);
    }
    let ops: &EpollFile = list.ops_as().ok_or(Errno::EINVAL)?;
    if Arc::ptr_eq(&list, &target) {
        return Err(Errno::EINVAL);
    }
    let events = PollEvents::from_bits_retain(event.events);
    let is_epoll = target.ops_as::<EpollFile>().is_some();
    if events.contains(PollEvents::EXCLUSIVE) && (operation == EPOLL_CTL_MOD || is_epoll) {
        return Err(Errno::EINVAL);
    }
    let _nesting = if is_epoll && operation == EPOLL_CTL_ADD {
        let nesting = nesting::lock();
        nesting::check(&list, &target)?;
        Some(nesting)
    } else {
        None
    };
    ops.control(operation, fd, &target, event)?;
    DONE
}

fn wait_until(
    current: &Current,
    epoll: Fd,
    events: Out<EpollEvent>,
    most: i32,
    deadline: Option<Instant>,
) -> Outcome {
    let most = usize::try_from(most).ok().filter(|n| (1..=MOST).contains(n)).ok_or(Errno::EINVAL)?;
    if !events.address().is_user_range((most * size_of::<EpollEvent>()) as u64) {
        return Err(Errno::EFAULT);
    }
    let list = file(current, epoll, Rights::empty())?;
    let ready = &list.ops_as::<EpollFile>().ok_or(Errno::EINVAL)?.ready;
    loop {
        let mut to = events.address();
        let (told, all) = ready.take(most, |some| {
            let bytes = hal::user::write_partial(to, some.as_bytes());
            to = to.saturating_add(bytes as u64);
            bytes / size_of::<EpollEvent>()
        });
        if told == 0 && !all {
            return Err(Errno::EFAULT);
        }
        if told > 0 || has_passed(deadline) {
            return count(told);
        }
        let some = || (!ready.is_empty()).then_some(());
        match ready.changed.wait(WaitKind::Interruptible, deadline, some) {
            Ok(()) | Err(WaitError::TimedOut) => {}
            Err(WaitError::Interrupted) => return Err(Errno::EINTR),
        }
    }
}

fn milliseconds(timeout: i32) -> Option<Instant> {
    let timeout = u64::try_from(timeout).ok()?;
    Some(crate::support::after(Duration::from_millis(timeout)))
}

/// `epoll_wait`.
pub fn epoll_wait(
    current: &mut Current,
    epoll: Fd,
    events: Out<EpollEvent>,
    most: i32,
    timeout: i32,
) -> Outcome {
    wait_until(current, epoll, events, most, milliseconds(timeout))
}

/// `epoll_pwait`.
pub fn epoll_pwait(
    current: &mut Current,
    epoll: Fd,
    events: Out<EpollEvent>,
    most: i32,
    timeout: i32,
    mask: In<SigSet>,
    size: usize,
) -> Outcome {
    let until = milliseconds(timeout);
    with_mask(current, mask, size, |current| wait_until(current, epoll, events, most, until))
}

/// `epoll_pwait2`: the timeout is a `timespec`.
pub fn epoll_pwait2(
    current: &mut Current,
    epoll: Fd,
    events: Out<EpollEvent>,
    most: i32,
    timeout: In<Timespec>,
    mask: In<SigSet>,
    size: usize,
) -> Outcome {
    let until = deadline(InOut::from_raw(timeout.address().get()))?;
    with_mask(current, mask, size, |current| wait_until(current, epoll, events, most, until))
}
