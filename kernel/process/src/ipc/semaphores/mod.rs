//! Semaphores: `semget`, `semop`, `semctl`.
//!
//! A set has one wait queue; whoever changes values wakes all who wait in it, and each tries its operations again, all or
//! none. What a process wants undone at its end (`SEM_UNDO`) is kept with the set, by process.

mod set;

use super::{ALTER, READ, Table, now, share_of_memory};
use crate::current::Current;
use crate::lock_classes;
use abi::Errno;
use abi::ipc::{IPC_NOWAIT, IpcPerm, Sembuf, SemidDs, Seminfo};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chronos::{WaitError, WaitKind, WaitQueue};
use hal::{Instant, SpinLock};
use set::{Obstacle, Semaphore, Set};

/// The most semaphores of a set, in all, operations of a call, sets; and the highest value (`sem`, proc(5)).
const MOST_IN_SET: i32 = 32000;
const MOST_IN_ALL: i32 = 1_024_000_000;
/// The most operations of one `semop`.
pub const MOST_OPERATIONS: usize = 500;
const MOST_SETS: u32 = 32000;
const HIGHEST: i32 = 32767;

static SETS: SpinLock<Table<Set>> = SpinLock::new(&lock_classes::IPC, Table::new(MOST_SETS));

/// `semget`.
///
/// # Errors
/// Those of finding by key; `EINVAL`: no semaphores, too many, or more than an old set has; `ENOSPC`, `ENOMEM`.
pub fn get(current: &Current, key: i32, count: i32, flags: u32) -> Result<i32, Errno> {
    if !(0..=MOST_IN_SET).contains(&count) {
        return Err(Errno::EINVAL);
    }
    let wanted = usize::try_from(count).unwrap_or(0);
    let fits = |set: &Set| if wanted > set.semaphores.len() { Err(Errno::EINVAL) } else { Ok(()) };
    let make = |table: &Table<Set>, permissions| {
        if wanted == 0 {
            return Err(Errno::EINVAL);
        }
        let used: usize = table.iter().map(|(_, set)| set.semaphores.len()).sum();
        let bytes = ((used + wanted) * size_of::<Semaphore>()) as u64;
        if bytes > share_of_memory() {
            return Err(Errno::ENOSPC);
        }
        let mut semaphores = Vec::new();
        aegis::charge::reserve_exact(&mut semaphores, wanted)?;
        semaphores.resize(wanted, Semaphore::default());
        let waiters = Arc::new(WaitQueue::new());
        Ok(Set { permissions, semaphores, operated: 0, changed: now(), undo: BTreeMap::new(), waiters })
    };
    SETS.lock().find_or_add(key, flags, &current.cred, fits, make)
}

/// `semtimedop`: waits until all operations can be done at once, unless one says that it does not wait.
///
/// # Errors
/// `EINVAL`, `EFBIG`, `EACCES`, `ERANGE`; `EAGAIN`: not now, or not in time; `EIDRM`: the set is removed; `EINTR`.
pub fn operate(
    current: &Current,
    id: i32,
    operations: &[Sembuf],
    until: Option<Instant>,
) -> Result<(), Errno> {
    let pid = current.pid();
    let alters = operations.iter().any(|operation| operation.sem_op != 0);
    let waiters = {
        let mut sets = SETS.lock();
        let set = sets.get(id)?;
        if operations.iter().any(|operation| usize::from(operation.sem_num) >= set.semaphores.len()) {
            return Err(Errno::EFBIG);
        }
        set.permissions.check(&current.cred, if alters { ALTER } else { READ })?;
        set.waiters.clone()
    };
    let mut waits_for: Option<Obstacle> = None;
    let mut attempt = || {
        let mut sets = SETS.lock();
        let Ok(set) = sets.get(id) else { return Some(Err(Errno::EIDRM)) };
        if let Some(obstacle) = waits_for.take() {
            set.count(&obstacle, -1);
        }
        match set.attempt(operations, pid) {
            Ok(()) => {
                set.wake();
                Some(Ok(()))
            }
            Err(Obstacle::Error(error)) => Some(Err(error)),
            Err(obstacle) => {
                let number = match obstacle {
                    Obstacle::Rise(number) | Obstacle::Zero(number) => number,
                    Obstacle::Error(_) => 0,
                };
                let waits = |operation: &Sembuf| operation.sem_flg.cast_unsigned() & IPC_NOWAIT as u16 == 0;
                if !operations.iter().filter(|operation| operation.sem_num == number).all(waits) {
                    return Some(Err(Errno::EAGAIN));
                }
                set.count(&obstacle, 1);
                waits_for = Some(obstacle);
                None
            }
        }
    };
    let outcome = waiters.wait(WaitKind::Interruptible, until, &mut attempt);
    let result = match outcome {
        Ok(result) => return result,
        Err(WaitError::TimedOut) => Err(Errno::EAGAIN),
        Err(WaitError::Interrupted) => Err(Errno::EINTR),
    };
    if let Some(obstacle) = waits_for
        && let Ok(set) = SETS.lock().get(id)
    {
        set.count(&obstacle, -1);
    }
    result
}

/// What `semctl` asks of one semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// `GETVAL`.
    Value,
    /// `GETPID`.
    Pid,
    /// `GETNCNT`.
    Rising,
    /// `GETZCNT`.
    Zero,
}

/// Asks something of one semaphore.
///
/// # Errors
/// `EINVAL`, `EACCES`.
pub fn ask(current: &Current, id: i32, number: i32, question: Question) -> Result<u32, Errno> {
    let mut sets = SETS.lock();
    let set = sets.get(id)?;
    set.permissions.check(&current.cred, READ)?;
    let number = u16::try_from(number).map_err(|_| Errno::EINVAL)?;
    let semaphore = set.semaphore(number).ok_or(Errno::EINVAL)?;
    Ok(match question {
        Question::Value => semaphore.value.into(),
        Question::Pid => semaphore.pid,
        Question::Rising => semaphore.rising,
        Question::Zero => semaphore.zero,
    })
}

/// `GETALL`.
///
/// # Errors
/// `EINVAL`, `EACCES`, `ENOMEM`.
pub fn values(current: &Current, id: i32) -> Result<Vec<u16>, Errno> {
    let mut sets = SETS.lock();
    let set = sets.get(id)?;
    set.permissions.check(&current.cred, READ)?;
    let mut values = Vec::new();
    aegis::charge::reserve_exact(&mut values, set.semaphores.len())?;
    values.extend(set.semaphores.iter().map(|semaphore| semaphore.value));
    Ok(values)
}

/// How many semaphores a set has, for `SETALL`. `EINVAL`.
pub fn size(id: i32) -> Result<usize, Errno> {
    Ok(SETS.lock().get(id)?.semaphores.len())
}

/// `SETVAL` and `SETALL`: new values from the semaphore `first` on; nothing that was to be undone of them is any more.
///
/// # Errors
/// `EINVAL`, `EACCES`, `ERANGE`.
pub fn set_values(current: &Current, id: i32, first: i32, values: &[i32]) -> Result<(), Errno> {
    if values.iter().any(|value| !(0..=HIGHEST).contains(value)) {
        return Err(Errno::ERANGE);
    }
    let mut sets = SETS.lock();
    let set = sets.get(id)?;
    set.permissions.check(&current.cred, ALTER)?;
    let first = usize::try_from(first).map_err(|_| Errno::EINVAL)?;
    let places = set.semaphores.get_mut(first..).filter(|places| places.len() >= values.len());
    for (place, value) in places.ok_or(Errno::EINVAL)?.iter_mut().zip(values) {
        place.value = u16::try_from(*value).unwrap_or(0);
        place.pid = current.pid();
    }
    let touched = first..first + values.len();
    for undo in set.undo.values_mut() {
        undo.retain(|number, _| !touched.contains(&usize::from(*number)));
    }
    set.changed = now();
    set.wake();
    Ok(())
}

/// `IPC_STAT`, `SEM_STAT`, `SEM_STAT_ANY`, as for shared memory.
///
/// # Errors
/// `EINVAL`, `EACCES`.
pub fn status(current: &Current, id: i32, by_place: bool, any: bool) -> Result<(i32, SemidDs), Errno> {
    let mut sets = SETS.lock();
    let (id, set) = if by_place { sets.at(id)? } else { (id, sets.get(id)?) };
    if !any {
        set.permissions.check(&current.cred, READ)?;
    }
    Ok((id, set.to_abi()))
}

/// `IPC_SET`.
///
/// # Errors
/// `EINVAL`, `EPERM`.
pub fn set(current: &Current, id: i32, new: &IpcPerm) -> Result<(), Errno> {
    let mut sets = SETS.lock();
    let set = sets.get(id)?;
    set.permissions.check_owner(&current.cred)?;
    set.permissions.set(new)?;
    set.changed = now();
    Ok(())
}

/// `IPC_RMID`: who waits gets `EIDRM`.
///
/// # Errors
/// `EINVAL`, `EPERM`.
pub fn remove(current: &Current, id: i32) -> Result<(), Errno> {
    let removed = {
        let mut sets = SETS.lock();
        sets.get(id)?.permissions.check_owner(&current.cred)?;
        sets.remove(id)
    };
    if let Some(set) = removed {
        set.wake();
    }
    Ok(())
}

/// The limits (`IPC_INFO`), and with `SEM_INFO` what there is in two of the fields; the highest place in use.
pub fn info(totals: bool) -> (i32, Seminfo) {
    let sets = SETS.lock();
    let count: usize = sets.iter().map(|(_, set)| set.semaphores.len()).sum();
    let most = MOST_SETS.cast_signed();
    let info = Seminfo {
        semmap: MOST_IN_ALL,
        semmni: most,
        semmns: MOST_IN_ALL,
        semmnu: MOST_IN_ALL,
        semmsl: MOST_IN_SET,
        semopm: MOST_OPERATIONS as i32,
        semume: MOST_OPERATIONS as i32,
        semusz: if totals { i32::try_from(sets.objects.len()).unwrap_or(i32::MAX) } else { 20 },
        semvmx: HIGHEST,
        semaem: if totals { i32::try_from(count).unwrap_or(i32::MAX) } else { HIGHEST },
    };
    (sets.highest(), info)
}

/// The limits as `/proc/sys/kernel/sem` shows them.
pub(crate) fn limits() -> alloc::string::String {
    alloc::format!("{MOST_IN_SET}\t{MOST_IN_ALL}\t{MOST_OPERATIONS}\t{MOST_SETS}")
}

/// Whether a process wants anything undone at its end.
pub(crate) fn has_undo(pid: u32) -> bool {
    SETS.lock().objects.values().any(|set| set.undo.contains_key(&pid))
}

/// Does what a process that has ended wanted undone.
pub(crate) fn undo_of(pid: u32) {
    let mut sets = SETS.lock();
    for set in sets.objects.values_mut() {
        let Some(undo) = set.undo.remove(&pid) else { continue };
        for (number, change) in undo {
            if let Some(semaphore) = set.semaphore(number) {
                let value = (i32::from(semaphore.value) + i32::from(change)).clamp(0, HIGHEST);
                semaphore.value = u16::try_from(value).unwrap_or(0);
                semaphore.pid = pid;
            }
        }
        set.operated = now();
        set.wake();
    }
}

/// The lines of `/proc/sysvipc/sem`.
pub fn list(text: &mut chroma::synthetic::Text) {
    text.push(b"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
    for (id, s) in Table::rows(&SETS, |id, set| (id, set.to_abi())) {
        let p = s.sem_perm;
        writeln!(
            text,
            "{:10} {id:10}  {:4o} {:10} {:5} {:5} {:5} {:5} {:10} {:10}",
            p.key, p.mode, s.sem_nsems, p.uid, p.gid, p.cuid, p.cgid, s.sem_otime, s.sem_ctime,
        );
    }
}
