//! Queues of messages: `msgget`, `msgsnd`, `msgrcv`, `msgctl`.

use super::{ALTER, Object, Permissions, READ, Table, now, share_of_memory};
use crate::current::Current;
use crate::lock_classes;
use abi::Errno;
use abi::ipc::{IPC_NOWAIT, MSG_COPY, MSG_EXCEPT, MSG_NOERROR, Msginfo, MsqidDs};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::cred::Cap;
use chroma::poll::restart;
use chronos::{Events, WaitKind, WaitQueue};
use core::sync::atomic::{AtomicU64, Ordering};
use hal::SpinLock;

/// The longest message, the bytes of a queue, queues (`msgmax`, `msgmnb`, `msgmni`).
pub const LONGEST: usize = 8192;
const QUEUE_BYTES: u64 = 16384;
const MOST: u32 = 32000;

/// A message.
pub struct Message {
    /// Its type, positive.
    pub kind: i64,
    /// Its text.
    pub text: Vec<u8>,
}

impl Message {
    fn copy(&self) -> Result<Self, Errno> {
        let mut text = Vec::new();
        aegis::charge::reserve_exact(&mut text, self.text.len())?;
        text.extend_from_slice(&self.text);
        Ok(Self { kind: self.kind, text })
    }
}

struct Queue {
    permissions: Permissions,
    messages: VecDeque<Message>,
    bytes: u64,
    most_bytes: u64,
    sent: i64,
    received: i64,
    changed: i64,
    sender: u32,
    receiver: u32,
    /// Where senders wait for room, and receivers for messages.
    room: Arc<WaitQueue>,
    arrivals: Arc<WaitQueue>,
}

impl Object for Queue {
    fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    fn permissions_mut(&mut self) -> &mut Permissions {
        &mut self.permissions
    }
}

static QUEUES: SpinLock<Table<Queue>> = SpinLock::new(&lock_classes::IPC, Table::new(MOST));
/// Bytes in all queues.
static HELD: AtomicU64 = AtomicU64::new(0);

impl Queue {
    fn fits(&self, len: u64) -> bool {
        let count = self.messages.len() as u64;
        self.bytes.saturating_add(len) <= self.most_bytes && count < self.most_bytes
    }

    /// The place of the message that a receiver wants (`msgrcv(2)`).
    fn wanted(&self, kind: i64, flags: u32) -> Option<usize> {
        let kinds = || self.messages.iter().map(|message| message.kind).enumerate();
        if flags & MSG_COPY != 0 {
            return usize::try_from(kind).ok().filter(|place| *place < self.messages.len());
        }
        let found = match kind {
            0 => kinds().next(),
            1.. if flags & MSG_EXCEPT != 0 => kinds().find(|(_, other)| *other != kind),
            1.. => kinds().find(|(_, other)| *other == kind),
            // The lowest type up to the given one; of equals the first.
            _ => kinds()
                .filter(|(_, other)| other.unsigned_abs() <= kind.unsigned_abs())
                .min_by_key(|(_, k)| *k),
        };
        found.map(|(place, _)| place)
    }

    fn to_abi(&self) -> MsqidDs {
        MsqidDs {
            msg_perm: self.permissions.to_abi(),
            msg_stime: self.sent,
            msg_rtime: self.received,
            msg_ctime: self.changed,
            msg_cbytes: self.bytes,
            msg_qnum: self.messages.len() as u64,
            msg_qbytes: self.most_bytes,
            msg_lspid: self.sender.cast_signed(),
            msg_lrpid: self.receiver.cast_signed(),
            ..MsqidDs::default()
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        HELD.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// `msgget`.
///
/// # Errors
/// Those of finding by key.
pub fn get(current: &Current, key: i32, flags: u32) -> Result<i32, Errno> {
    let make = |_: &Table<Queue>, permissions| {
        Ok(Queue {
            permissions,
            messages: VecDeque::new(),
            bytes: 0,
            most_bytes: QUEUE_BYTES,
            sent: 0,
            received: 0,
            changed: now(),
            sender: 0,
            receiver: 0,
            room: Arc::new(WaitQueue::new()),
            arrivals: Arc::new(WaitQueue::new()),
        })
    };
    QUEUES.lock().find_or_add(key, flags, &current.cred, |_| Ok(()), make)
}

/// A queue that was there when the call began, for who may do this with it.
///
/// # Errors
/// `EIDRM`: it has been removed since; `EACCES`.
fn usable<'a>(
    queues: &'a mut Table<Queue>,
    id: i32,
    current: &Current,
    access: u32,
) -> Result<&'a mut Queue, Errno> {
    let queue = queues.get(id).map_err(|_| Errno::EIDRM)?;
    queue.permissions.check(&current.cred, access)?;
    Ok(queue)
}

/// `msgsnd`: waits for room unless `IPC_NOWAIT` is given.
///
/// # Errors
/// `EINVAL`, `EACCES`; `EAGAIN`: no room; `EIDRM`: the queue is removed; `ENOMEM`; `EINTR`.
pub fn send(current: &Current, id: i32, message: Message, flags: u32) -> Result<(), Errno> {
    let room = QUEUES.lock().get(id)?.room.clone();
    let len = message.text.len() as u64;
    let mut message = Some(message);
    let attempt = || {
        let mut queues = QUEUES.lock();
        let queue = match usable(&mut queues, id, current, ALTER) {
            Ok(queue) => queue,
            Err(error) => return Some(Err(error)),
        };
        if !queue.fits(len) {
            return (flags & IPC_NOWAIT != 0).then_some(Err(Errno::EAGAIN));
        }
        let most = share_of_memory();
        if HELD.load(Ordering::Relaxed).saturating_add(len) > most {
            return Some(Err(Errno::ENOMEM));
        }
        if let Err(error) = aegis::charge::reserve(&mut queue.messages, 1) {
            return Some(Err(error));
        }
        HELD.fetch_add(len, Ordering::Relaxed);
        queue.messages.extend(message.take());
        queue.bytes += len;
        queue.sender = current.pid();
        queue.sent = now();
        Some(Ok(queue.arrivals.clone()))
    };
    let arrivals = room.wait(WaitKind::Interruptible, None, attempt).map_err(no_restart)??;
    arrivals.wake_all(Events::all());
    Ok(())
}

/// These calls are not begun again after a handler (`signal(7)`).
fn no_restart(error: chronos::WaitError) -> Errno {
    match restart(error) {
        Errno::RESTART_SYS => Errno::RESTART_NO_HAND,
        error => error,
    }
}

/// `msgrcv`: the message, cut to `size` bytes with `MSG_NOERROR`.
///
/// # Errors
/// `EINVAL`, `EACCES`; `E2BIG`: it is longer; `ENOMSG`: none, and `IPC_NOWAIT` is given; `EIDRM`, `ENOMEM`, `EINTR`.
pub fn receive(current: &Current, id: i32, size: usize, kind: i64, flags: u32) -> Result<Message, Errno> {
    if flags & MSG_COPY != 0 && (flags & MSG_EXCEPT != 0 || flags & IPC_NOWAIT == 0) {
        return Err(Errno::EINVAL);
    }
    let arrivals = QUEUES.lock().get(id)?.arrivals.clone();
    let attempt = || {
        let mut queues = QUEUES.lock();
        let queue = match usable(&mut queues, id, current, READ) {
            Ok(queue) => queue,
            Err(error) => return Some(Err(error)),
        };
        let Some(place) = queue.wanted(kind, flags) else {
            return (flags & IPC_NOWAIT != 0).then_some(Err(Errno::ENOMSG));
        };
        let length = queue.messages.get(place).map_or(0, |message| message.text.len());
        if length > size && flags & MSG_NOERROR == 0 {
            return Some(Err(Errno::E2BIG));
        }
        if flags & MSG_COPY != 0 {
            let copy = queue.messages.get(place).ok_or(Errno::ENOMSG).and_then(Message::copy);
            return Some(copy.map(|message| (message, queue.room.clone())));
        }
        let message = queue.messages.remove(place)?;
        queue.bytes -= length as u64;
        HELD.fetch_sub(length as u64, Ordering::Relaxed);
        queue.receiver = current.pid();
        queue.received = now();
        Some(Ok((message, queue.room.clone())))
    };
    let (mut message, room) = arrivals.wait(WaitKind::Interruptible, None, attempt).map_err(no_restart)??;
    room.wake_all(Events::all());
    message.text.truncate(size);
    Ok(message)
}

/// `IPC_STAT`, `MSG_STAT`, `MSG_STAT_ANY`, as for shared memory.
///
/// # Errors
/// `EINVAL`, `EACCES`.
pub fn status(current: &Current, id: i32, by_place: bool, any: bool) -> Result<(i32, MsqidDs), Errno> {
    let mut queues = QUEUES.lock();
    let (id, queue) = if by_place { queues.at(id)? } else { (id, queues.get(id)?) };
    if !any {
        queue.permissions.check(&current.cred, READ)?;
    }
    Ok((id, queue.to_abi()))
}

/// `IPC_SET`: more bytes than the limit take `CAP_SYS_RESOURCE`.
///
/// # Errors
/// `EINVAL`, `EPERM`.
pub fn set(current: &Current, id: i32, new: &MsqidDs) -> Result<(), Errno> {
    let room = {
        let mut queues = QUEUES.lock();
        let queue = queues.get(id)?;
        queue.permissions.check_owner(&current.cred)?;
        if new.msg_qbytes > QUEUE_BYTES {
            current.cred.require(Cap::SYS_RESOURCE)?;
        }
        queue.permissions.set(&new.msg_perm)?;
        queue.most_bytes = new.msg_qbytes;
        queue.changed = now();
        queue.room.clone()
    };
    room.wake_all(Events::all());
    Ok(())
}

/// `IPC_RMID`: who waits gets `EIDRM`.
///
/// # Errors
/// `EINVAL`, `EPERM`.
pub fn remove(current: &Current, id: i32) -> Result<(), Errno> {
    let removed = {
        let mut queues = QUEUES.lock();
        queues.get(id)?.permissions.check_owner(&current.cred)?;
        queues.remove(id)
    };
    if let Some(queue) = removed {
        queue.room.wake_all(Events::all());
        queue.arrivals.wake_all(Events::all());
    }
    Ok(())
}

/// The limits (`IPC_INFO`), and with `MSG_INFO` what there is in three of the fields; the highest place in use.
pub fn info(totals: bool) -> (i32, Msginfo) {
    let queues = QUEUES.lock();
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let messages: usize = queues.iter().map(|(_, queue)| queue.messages.len()).sum();
    let held = usize::try_from(HELD.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
    let most = MOST.cast_signed();
    let info = Msginfo {
        msgpool: if totals { count(queues.objects.len()) } else { most * QUEUE_BYTES as i32 / 1024 },
        msgmap: if totals { count(messages) } else { QUEUE_BYTES as i32 },
        msgmax: LONGEST as i32,
        msgmnb: QUEUE_BYTES as i32,
        msgmni: most,
        msgssz: 16,
        msgtql: if totals { count(held) } else { QUEUE_BYTES as i32 },
        msgseg: u16::MAX,
        pad: 0,
    };
    (queues.highest(), info)
}

/// The lines of `/proc/sysvipc/msg`.
pub fn list(text: &mut chroma::synthetic::Text) {
    text.push(b"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n");
    for (id, q) in Table::rows(&QUEUES, |id, queue| (id, queue.to_abi())) {
        let p = q.msg_perm;
        writeln!(
            text,
            "{:10} {id:10}  {:4o}  {:10} {:10} {:5} {:5} {:5} {:5} {:5} {:5} {:10} {:10} {:10}",
            p.key,
            p.mode,
            q.msg_cbytes,
            q.msg_qnum,
            q.msg_lspid,
            q.msg_lrpid,
            p.uid,
            p.gid,
            p.cuid,
            p.cgid,
            q.msg_stime,
            q.msg_rtime,
            q.msg_ctime,
        );
    }
}
