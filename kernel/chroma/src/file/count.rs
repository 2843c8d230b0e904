//! How many open file descriptions there are, and how many there may be.

use core::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use aegis::charge;

use crate::cred::{Cap, Cred};

/// What an open file takes of the kernel's memory, with what stands behind it.
const DESCRIPTION_BYTES: usize = 1024;

/// How many descriptions there are.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// How many descriptions there are.
pub fn open_count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// How many there may be, but for `CAP_SYS_ADMIN` (`fs.file-max`): Linux's rule, a tenth of memory at 1 KiB each, 8192 at
/// least.
pub fn open_limit() -> u64 {
    (aegis::frames::managed() * hal::PAGE_SIZE as u64 / 1024 / 10).max(8192)
}

/// A description's place in the count, and its memory. Whoever could not undo what comes before the description is made takes
/// it first.
pub struct Admission {
    _private: (),
}

impl Admission {
    /// Admits one more description: `ENFILE` beyond [`open_limit`], `ENOMEM` when memory is short.
    pub fn new(cred: &Cred) -> Result<Admission, Errno> {
        charge::admit(DESCRIPTION_BYTES)?;
        let counted = Admission { _private: () };
        let before = COUNT.fetch_add(1, Ordering::Relaxed);
        if before >= open_limit() && !cred.has(Cap::SYS_ADMIN) {
            return Err(Errno::ENFILE); // the drop takes it back
        }
        Ok(counted)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
}
