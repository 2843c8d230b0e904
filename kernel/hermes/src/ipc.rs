//! System V interprocess communication: shared memory, semaphores, messages.

use abi::ipc::{
    GETALL, GETNCNT, GETPID, GETVAL, GETZCNT, IPC_INFO, IPC_RMID, IPC_SET, IPC_STAT, MSG_INFO, MSG_STAT,
    MSG_STAT_ANY, MsqidDs, SEM_INFO, SEM_STAT, SEM_STAT_ANY, SETALL, SETVAL, SHM_INFO, SHM_LOCK, SHM_STAT,
    SHM_STAT_ANY, SHM_UNLOCK, Sembuf, SemidDs, ShmidDs,
};
use abi::{Errno, Timespec};
use alloc::vec::Vec;
use chroma::{Sink, Source};
use hal::UserAddr;
use process::Current;
use process::ipc::messages::{self, Message};
use process::ipc::semaphores::{self, Question};
use process::ipc::shared;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::argument::In;
use crate::row::Outcome;
use crate::support::{DONE, after, count, duration};

fn number(value: i32) -> Outcome {
    Ok(u64::from(value.cast_unsigned()))
}

fn put<T: IntoBytes + Immutable>(at: UserAddr, value: &T) -> Result<(), Errno> {
    hal::user::write(at, value).map_err(|_| Errno::EFAULT)
}

fn take<T: FromBytes + IntoBytes>(at: UserAddr) -> Result<T, Errno> {
    hal::user::read(at).map_err(|_| Errno::EFAULT)
}

/// `shmget`.
pub fn shmget(current: &mut Current, key: i32, size: u64, flags: u32) -> Outcome {
    number(shared::get(current, key, size, flags)?)
}

/// `shmat`.
pub fn shmat(current: &mut Current, id: i32, at: UserAddr, flags: u32) -> Outcome {
    Ok(shared::attach(current, id, at, flags)?.get())
}

/// `shmdt`.
pub fn shmdt(current: &mut Current, at: UserAddr) -> Outcome {
    shared::detach(current, at)?;
    DONE
}

/// `shmctl`.
pub fn shmctl(current: &mut Current, id: i32, command: i32, buffer: UserAddr) -> Outcome {
    if id < 0 || command < 0 {
        return Err(Errno::EINVAL);
    }
    match command {
        IPC_INFO => {
            let (highest, limits) = shared::limits();
            put(buffer, &limits)?;
            number(highest)
        }
        SHM_INFO => {
            let (highest, totals) = shared::totals();
            put(buffer, &totals)?;
            number(highest)
        }
        IPC_STAT | SHM_STAT | SHM_STAT_ANY => {
            let by_place = command != IPC_STAT;
            let (found, status) = shared::status(current, id, by_place, command == SHM_STAT_ANY)?;
            put(buffer, &status)?;
            number(if by_place { found } else { 0 })
        }
        IPC_SET => {
            shared::set(current, id, &take::<ShmidDs>(buffer)?.shm_perm)?;
            DONE
        }
        IPC_RMID => {
            shared::remove(current, id)?;
            DONE
        }
        SHM_LOCK | SHM_UNLOCK => {
            shared::lock(current, id, command == SHM_LOCK)?;
            DONE
        }
        _ => Err(Errno::EINVAL),
    }
}

/// `semget`.
pub fn semget(current: &mut Current, key: i32, size: i32, flags: u32) -> Outcome {
    number(semaphores::get(current, key, size, flags)?)
}

/// `semop`.
pub fn semop(current: &mut Current, id: i32, operations: In<Sembuf>, size: usize) -> Outcome {
    operate(current, id, operations, size, None)
}

/// `semtimedop`.
pub fn semtimedop(
    current: &mut Current,
    id: i32,
    operations: In<Sembuf>,
    size: usize,
    timeout: In<Timespec>,
) -> Outcome {
    let timeout = timeout.read_optional()?;
    operate(current, id, operations, size, timeout)
}

fn operate(
    current: &Current,
    id: i32,
    operations: In<Sembuf>,
    size: usize,
    timeout: Option<Timespec>,
) -> Outcome {
    let until = match timeout {
        Some(time) => Some(after(duration(time)?)),
        None => None,
    };
    if size == 0 || id < 0 {
        return Err(Errno::EINVAL);
    }
    if size > semaphores::MOST_OPERATIONS {
        return Err(Errno::E2BIG);
    }
    let operations = operations.read_array(size)?;
    semaphores::operate(current, id, &operations, until)?;
    DONE
}

/// `semctl`: the fourth argument is a value or an address, by the command.
pub fn semctl(current: &mut Current, id: i32, which: i32, command: i32, argument: u64) -> Outcome {
    if id < 0 {
        return Err(Errno::EINVAL);
    }
    let buffer = UserAddr::new(argument);
    match command {
        IPC_INFO | SEM_INFO => {
            let (highest, info) = semaphores::info(command == SEM_INFO);
            put(buffer, &info)?;
            number(highest)
        }
        IPC_STAT | SEM_STAT | SEM_STAT_ANY => {
            let by_place = command != IPC_STAT;
            let (found, status) = semaphores::status(current, id, by_place, command == SEM_STAT_ANY)?;
            put(buffer, &status)?;
            number(if by_place { found } else { 0 })
        }
        GETVAL | GETPID | GETNCNT | GETZCNT => {
            let question = match command {
                GETVAL => Question::Value,
                GETPID => Question::Pid,
                GETNCNT => Question::Rising,
                _ => Question::Zero,
            };
            Ok(u64::from(semaphores::ask(current, id, which, question)?))
        }
        GETALL => {
            let values = semaphores::values(current, id)?;
            hal::user::write_bytes(buffer, values.as_bytes()).map_err(|_| Errno::EFAULT)?;
            DONE
        }
        SETVAL => {
            semaphores::set_values(current, id, which, &[argument as i32])?;
            DONE
        }
        SETALL => {
            let size = semaphores::size(id)?;
            let mut raw = Vec::new();
            aegis::charge::reserve_exact(&mut raw, size)?;
            raw.resize(size, 0u16);
            hal::user::read_bytes(buffer, raw.as_mut_bytes()).map_err(|_| Errno::EFAULT)?;
            let mut values = Vec::new();
            aegis::charge::reserve_exact(&mut values, size)?;
            values.extend(raw.iter().map(|value| i32::from(*value)));
            semaphores::set_values(current, id, 0, &values)?;
            DONE
        }
        IPC_SET => {
            semaphores::set(current, id, &take::<SemidDs>(buffer)?.sem_perm)?;
            DONE
        }
        IPC_RMID => {
            semaphores::remove(current, id)?;
            DONE
        }
        _ => Err(Errno::EINVAL),
    }
}

/// `msgget`.
pub fn msgget(current: &mut Current, key: i32, flags: u32) -> Outcome {
    number(messages::get(current, key, flags)?)
}

/// `msgsnd`: a type and the text behind it.
pub fn msgsnd(current: &mut Current, id: i32, from: UserAddr, size: usize, flags: u32) -> Outcome {
    let kind: i64 = take(from)?;
    if size > messages::LONGEST || id < 0 || kind < 1 {
        return Err(Errno::EINVAL);
    }
    let mut text = Vec::new();
    aegis::charge::reserve_exact(&mut text, size)?;
    text.resize(size, 0);
    let taken = Source::user(from.saturating_add(size_of::<i64>() as u64), size).take(&mut text)?;
    if taken < size {
        return Err(Errno::EFAULT);
    }
    messages::send(current, id, Message { kind, text }, flags)?;
    DONE
}

/// `msgrcv`.
pub fn msgrcv(current: &mut Current, id: i32, to: UserAddr, size: usize, kind: i64, flags: u32) -> Outcome {
    if id < 0 || i64::try_from(size).is_err() {
        return Err(Errno::EINVAL);
    }
    let message = messages::receive(current, id, size, kind, flags)?;
    put(to, &message.kind)?;
    let text = &message.text;
    if Sink::user(to.saturating_add(size_of::<i64>() as u64), text.len()).put(text)? < text.len() {
        return Err(Errno::EFAULT);
    }
    count(text.len())
}

/// `msgctl`.
pub fn msgctl(current: &mut Current, id: i32, command: i32, buffer: UserAddr) -> Outcome {
    if id < 0 || command < 0 {
        return Err(Errno::EINVAL);
    }
    match command {
        IPC_INFO | MSG_INFO => {
            let (highest, info) = messages::info(command == MSG_INFO);
            put(buffer, &info)?;
            number(highest)
        }
        IPC_STAT | MSG_STAT | MSG_STAT_ANY => {
            let by_place = command != IPC_STAT;
            let (found, status) = messages::status(current, id, by_place, command == MSG_STAT_ANY)?;
            put(buffer, &status)?;
            number(if by_place { found } else { 0 })
        }
        IPC_SET => {
            messages::set(current, id, &take::<MsqidDs>(buffer)?)?;
            DONE
        }
        IPC_RMID => {
            messages::remove(current, id)?;
            DONE
        }
        _ => Err(Errno::EINVAL),
    }
}
