//! Who waits for whose POSIX lock: a wait that closes a circle is refused.

use abi::Errno;
use alloc::vec::Vec;
use hal::SpinLock;

use super::Owner;
use crate::lock_classes;

/// Pairs (who waits, whom for). As many as there are threads in `F_SETLKW` at most.
static WAITS: SpinLock<Vec<(Owner, Owner)>> = SpinLock::new(&lock_classes::LOCK_WAITS, Vec::new());

/// Noted as waiting while this lives.
pub(super) struct Waits {
    waiter: Owner,
    holder: Owner,
}

impl Waits {
    /// Notes that `waiter` waits for `holder`; `EDEADLK` if `holder` waits, through others perhaps, for `waiter`.
    pub(super) fn begin(waiter: Owner, holder: Owner) -> Result<Waits, Errno> {
        let mut waits = WAITS.lock();
        let mut at = holder;
        // Each step goes along one noted wait, so more steps than waits mean a circle of others.
        for _ in 0..=waits.len() {
            if at == waiter {
                return Err(Errno::EDEADLK);
            }
            match waits.iter().find(|(who, _)| *who == at) {
                Some((_, whom)) => at = *whom,
                None => break,
            }
        }
        aegis::charge::reserve(&mut *waits, 1).map_err(|_| Errno::ENOLCK)?;
        waits.push((waiter, holder));
        Ok(Waits { waiter, holder })
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let mut waits = WAITS.lock();
        if let Some(index) = waits.iter().position(|pair| *pair == (self.waiter, self.holder)) {
            waits.swap_remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Waits;
    use crate::flock::Owner;
    use abi::Errno;

    #[test]
    fn a_circle_of_three_waits_is_refused() {
        let [a, b, c] = [1001, 1002, 1003].map(Owner::Table);
        let _ab = Waits::begin(a, b).unwrap();
        let bc = Waits::begin(b, c).unwrap();
        assert_eq!(Waits::begin(c, a).err(), Some(Errno::EDEADLK));
        drop(bc);
        assert!(Waits::begin(c, a).is_ok());
    }
}
