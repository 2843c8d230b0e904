//! Protection keys.

use abi::memory::KeyDenials;
use abi::{Errno, ProtFlags};
use hal::keys::Denied;
use hal::{Key, UserAddr};
use process::Current;

use crate::memory;
use crate::row::Outcome;
use crate::support::{DONE, known};

/// The key with a number that a program names.
fn key(number: i32) -> Result<Key, Errno> {
    u8::try_from(number).ok().and_then(Key::new).ok_or(Errno::EINVAL)
}

/// `pkey_alloc`: a key that no other memory has, unless it kept one that was freed.
pub fn pkey_alloc(current: &mut Current, flags: u64, denied: KeyDenials) -> Outcome {
    known(denied, KeyDenials::all())?;
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let rights = [(KeyDenials::ACCESS, Denied::ACCESS), (KeyDenials::WRITE, Denied::WRITE)];
    let asked = rights.into_iter().filter(|(flag, _)| denied.contains(*flag)).map(|(_, denied)| denied);
    let key = current.program.space.allocate_key(asked.collect())?;
    Ok(u64::from(key.number()))
}

/// `pkey_free`: memory that has the key keeps it.
pub fn pkey_free(current: &mut Current, number: i32) -> Outcome {
    current.program.space.free_key(key(number)?)?;
    DONE
}

/// `pkey_mprotect`: `mprotect` that gives a key too, unless it is -1.
pub fn pkey_mprotect(
    current: &mut Current,
    start: UserAddr,
    length: u64,
    protection: ProtFlags,
    number: i32,
) -> Outcome {
    const KEEP: i32 = -1;
    // For nothing, any number does.
    let named = number != KEEP && length > 0;
    memory::protect(current, start, length, protection, if named { Some(key(number)?) } else { None })
}
