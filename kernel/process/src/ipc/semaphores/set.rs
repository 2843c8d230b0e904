//! A set of semaphores and what operations do to it.

use super::super::{Object, Permissions, now};
use super::HIGHEST;
use abi::Errno;
use abi::ipc::{SEM_UNDO, Sembuf, SemidDs};
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chronos::{Events, WaitQueue};

#[derive(Clone, Copy, Default)]
pub(super) struct Semaphore {
    pub(super) value: u16,
    /// Who changed it last.
    pub(super) pid: u32,
    /// How many wait for it to rise, and to be 0.
    pub(super) rising: u32,
    pub(super) zero: u32,
}

pub(super) struct Set {
    pub(super) permissions: Permissions,
    pub(super) semaphores: Vec<Semaphore>,
    pub(super) operated: i64,
    pub(super) changed: i64,
    /// By process: what is added to each semaphore when it ends.
    pub(super) undo: BTreeMap<u32, BTreeMap<u16, i16>>,
    pub(super) waiters: Arc<WaitQueue>,
}

impl Object for Set {
    fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    fn permissions_mut(&mut self) -> &mut Permissions {
        &mut self.permissions
    }
}

/// Why operations cannot be done now.
pub(super) enum Obstacle {
    /// The semaphore with this number must rise.
    Rise(u16),
    /// It must fall to 0.
    Zero(u16),
    /// They never can.
    Error(Errno),
}

impl Set {
    pub(super) fn semaphore(&mut self, number: u16) -> Option<&mut Semaphore> {
        self.semaphores.get_mut(usize::from(number))
    }

    /// Does all operations, or none.
    pub(super) fn attempt(&mut self, operations: &[Sembuf], pid: u32) -> Result<(), Obstacle> {
        let mut done = 0;
        let mut outcome = Ok(());
        for operation in operations {
            if let Err(obstacle) = self.step(operation, pid) {
                outcome = Err(obstacle);
                break;
            }
            done += 1;
        }
        if outcome.is_err() {
            for operation in operations.iter().take(done).rev() {
                self.take_back(operation, pid);
            }
            return outcome;
        }
        for operation in operations {
            if let Some(semaphore) = self.semaphore(operation.sem_num) {
                semaphore.pid = pid;
            }
        }
        self.operated = now();
        Ok(())
    }

    fn step(&mut self, operation: &Sembuf, pid: u32) -> Result<(), Obstacle> {
        let number = operation.sem_num;
        let semaphore = self.semaphore(number).ok_or(Obstacle::Error(Errno::EFBIG))?;
        let value = i32::from(semaphore.value);
        if operation.sem_op == 0 {
            return if value == 0 { Ok(()) } else { Err(Obstacle::Zero(number)) };
        }
        let new = value + i32::from(operation.sem_op);
        if new < 0 {
            return Err(Obstacle::Rise(number));
        }
        if new > HIGHEST {
            return Err(Obstacle::Error(Errno::ERANGE));
        }
        semaphore.value = u16::try_from(new).unwrap_or(0);
        if operation.sem_flg & SEM_UNDO != 0 && !self.note_undo(pid, number, operation.sem_op.wrapping_neg())
        {
            if let Some(semaphore) = self.semaphore(number) {
                semaphore.value = u16::try_from(value).unwrap_or(0);
            }
            return Err(Obstacle::Error(Errno::ERANGE));
        }
        Ok(())
    }

    /// Adds to what is undone; false if that leaves its range.
    fn note_undo(&mut self, pid: u32, number: u16, change: i16) -> bool {
        let entry = self.undo.entry(pid).or_default().entry(number).or_insert(0);
        match entry.checked_add(change).filter(|sum| i32::from(*sum).abs() <= HIGHEST) {
            Some(sum) => {
                *entry = sum;
                true
            }
            None => false,
        }
    }

    fn take_back(&mut self, operation: &Sembuf, pid: u32) {
        if let Some(semaphore) = self.semaphore(operation.sem_num) {
            let old = i32::from(semaphore.value) - i32::from(operation.sem_op);
            semaphore.value = u16::try_from(old).unwrap_or(0);
        }
        if operation.sem_flg & SEM_UNDO != 0 {
            self.note_undo(pid, operation.sem_num, operation.sem_op);
        }
    }

    /// Counts a waiter in or out.
    pub(super) fn count(&mut self, obstacle: &Obstacle, change: i32) {
        let apply = |counter: &mut u32| *counter = counter.saturating_add_signed(change);
        match obstacle {
            Obstacle::Rise(number) => self.semaphore(*number).map(|s| apply(&mut s.rising)),
            Obstacle::Zero(number) => self.semaphore(*number).map(|s| apply(&mut s.zero)),
            Obstacle::Error(_) => None,
        };
    }

    pub(super) fn to_abi(&self) -> SemidDs {
        SemidDs {
            sem_perm: self.permissions.to_abi(),
            sem_otime: self.operated,
            sem_ctime: self.changed,
            sem_nsems: self.semaphores.len() as u64,
            ..SemidDs::default()
        }
    }

    pub(super) fn wake(&self) {
        self.waiters.wake_all(Events::all());
    }
}

#[cfg(test)]
mod tests {
    use super::{Obstacle, Set};
    use crate::ipc::Permissions;
    use abi::ipc::{SEM_UNDO, Sembuf};
    use alloc::collections::BTreeMap;
    use chroma::Cred;

    fn operation(sem_num: u16, sem_op: i16) -> Sembuf {
        Sembuf { sem_num, sem_op, sem_flg: SEM_UNDO }
    }

    #[test]
    fn operations_are_done_all_or_none_and_so_is_what_undoes_them() {
        let permissions = Permissions::new(0, 0o600, &Cred::root());
        let mut set = Set {
            permissions,
            semaphores: alloc::vec![Default::default(); 2],
            operated: 0,
            changed: 0,
            undo: BTreeMap::new(),
            waiters: Default::default(),
        };
        let both = [operation(0, 2), operation(1, -1)];
        assert!(matches!(set.attempt(&both, 7), Err(Obstacle::Rise(1))));
        assert_eq!((set.semaphores[0].value, set.undo[&7][&0]), (0, 0));
        assert!(set.attempt(&[operation(1, 1)], 7).is_ok());
        assert!(set.attempt(&both, 7).is_ok());
        assert_eq!((set.semaphores[0].value, set.semaphores[1].value), (2, 0));
        assert_eq!((set.undo[&7][&0], set.undo[&7][&1]), (-2, 0));
    }
}
