//! POSIX message queues.

use abi::ipc::{MqAttr, NOTIFY_COOKIE_LEN};
use abi::signal::{SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD, Sigevent};
use abi::{Errno, Mode, OpenFlags, Signal, Timespec};
use cerberus::Rights;
use chroma::{Fd, FileKind, Sink, Source};
use hal::UserAddr;
use process::Current;
use process::ipc::mqueue::{self, Message, Notice, Opened, PRIORITIES, Patience, Shape};

use crate::argument::{In, InBytes, Out, OutBytes, PathName};
use crate::row::Outcome;
use crate::support::{DONE, count, descriptor, duration, file};

/// What a number of the attributes says; a negative one is 0, which is refused as well.
fn size(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// `mq_open`: a name without its slash.
pub fn mq_open(
    current: &mut Current,
    name: PathName,
    flags: OpenFlags,
    mode: Mode,
    attributes: In<MqAttr>,
) -> Outcome {
    let attributes = attributes.read_optional()?;
    let shape = attributes
        .map(|attributes| Shape { messages: size(attributes.mq_maxmsg), bytes: size(attributes.mq_msgsize) });
    let flags = OpenFlags::from_bits_truncate(flags.bits());
    descriptor(mqueue::open(current, &name.read()?, flags, Mode(mode.0 & 0o7777), shape)?)
}

/// `mq_unlink`.
pub fn mq_unlink(current: &mut Current, name: PathName) -> Outcome {
    mqueue::unlink(current, &name.read()?)?;
    DONE
}

fn queue(current: &Current, fd: Fd, needed: Rights) -> Result<Opened, Errno> {
    mqueue::opened(file(current, fd, needed)?)
}

/// Until when a call waits, if it does: a time of the wall clock.
fn patience(queue: &Opened, until: Option<core::time::Duration>) -> Patience {
    if queue.file().nonblocking() {
        return Patience::None;
    }
    Patience::Until(until.map(chronos::clock::to_boot))
}

/// `mq_timedsend`.
pub fn mq_timedsend(
    current: &mut Current,
    fd: Fd,
    from: InBytes,
    length: usize,
    priority: u32,
    until: In<Timespec>,
) -> Outcome {
    let until = until.read_optional()?.map(duration).transpose()?;
    if priority >= PRIORITIES {
        return Err(Errno::EINVAL);
    }
    let queue = queue(current, fd, Rights::WRITE)?;
    if length as u64 > queue.queue().shape().bytes {
        return Err(Errno::EMSGSIZE);
    }
    let mut message = Message::new(priority, length)?;
    if Source::user(from.0, length).take(message.text_mut())? < length {
        return Err(Errno::EFAULT);
    }
    if queue.queue().send(current, message, patience(&queue, until))? {
        queue.touch(true);
    }
    DONE
}

/// `mq_timedreceive`: a message that cannot be copied is lost.
pub fn mq_timedreceive(
    current: &mut Current,
    fd: Fd,
    to: OutBytes,
    length: usize,
    priority: Out<u32>,
    until: In<Timespec>,
) -> Outcome {
    let until = until.read_optional()?.map(duration).transpose()?;
    let queue = queue(current, fd, Rights::READ)?;
    if (length as u64) < queue.queue().shape().bytes {
        return Err(Errno::EMSGSIZE);
    }
    let (message, is_immediate) = queue.queue().receive(current, patience(&queue, until))?;
    if is_immediate {
        queue.touch(true);
    }
    priority.write_optional(&message.priority())?;
    let text = message.text();
    if Sink::user(to.0, text.len()).put(text)? < text.len() {
        return Err(Errno::EFAULT);
    }
    count(text.len())
}

/// The notice of `SIGEV_THREAD` goes through a netlink socket, of which there are none: what is wrong with the one that was given.
fn no_socket(current: &Current, event: &Sigevent) -> Errno {
    let mut cookie = [0; NOTIFY_COOKIE_LEN];
    if hal::user::read_bytes(UserAddr::new(event.sigev_value), &mut cookie).is_err() {
        return Errno::EFAULT;
    }
    match file(current, Fd(event.sigev_signo), Rights::empty()) {
        Ok(file) if file.inode().kind() == FileKind::Socket => Errno::EINVAL,
        Ok(_) => Errno::ENOTSOCK,
        Err(error) => error,
    }
}

fn notice(current: &Current, event: &Sigevent) -> Result<Notice, Errno> {
    match event.sigev_notify {
        SIGEV_NONE => Ok(Notice::Nothing),
        SIGEV_SIGNAL if event.sigev_signo == 0 => Ok(Notice::Signal(None, event.sigev_value)),
        SIGEV_SIGNAL => {
            let signal = Signal::from_user(event.sigev_signo).ok_or(Errno::EINVAL)?;
            Ok(Notice::Signal(Some(signal), event.sigev_value))
        }
        SIGEV_THREAD => Err(no_socket(current, event)),
        _ => Err(Errno::EINVAL),
    }
}

/// `mq_notify`: without an event the process's registration ends.
pub fn mq_notify(current: &mut Current, fd: Fd, event: In<Sigevent>) -> Outcome {
    let notice = match event.read_optional()? {
        Some(event) => Some(notice(current, &event)?),
        None => None,
    };
    let queue = queue(current, fd, Rights::empty())?;
    if queue.queue().notify(current, notice)? {
        queue.touch(false);
    }
    DONE
}

/// `mq_getsetattr`: of what may be set there is `O_NONBLOCK`.
pub fn mq_getsetattr(current: &mut Current, fd: Fd, new: In<MqAttr>, old: Out<MqAttr>) -> Outcome {
    let nonblock = OpenFlags::NONBLOCK;
    let bits = i64::from(nonblock.bits());
    let new = new.read_optional()?.map(|attributes| attributes.mq_flags);
    if new.is_some_and(|flags| flags & !bits != 0) {
        return Err(Errno::EINVAL);
    }
    let queue = queue(current, fd, Rights::empty())?;
    let (open, shape) = (queue.file(), queue.queue().shape());
    let number = |value| i64::try_from(value).unwrap_or(i64::MAX);
    let before = MqAttr {
        mq_flags: if open.nonblocking() { bits } else { 0 },
        mq_maxmsg: number(shape.messages),
        mq_msgsize: number(shape.bytes),
        mq_curmsgs: number(queue.queue().count()),
        ..MqAttr::default()
    };
    if let Some(flags) = new {
        let mut status = open.flags();
        status.set(nonblock, flags != 0);
        open.set_flags(&current.cred, status)?;
        queue.touch(false);
    }
    old.write_optional(&before)?;
    DONE
}
