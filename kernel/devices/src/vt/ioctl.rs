//! `ioctl` that only virtual terminals know (`ioctl_console(2)`). There is one terminal, in text mode, with a US keyboard that
//! sends characters; what would change that is refused.

use abi::Errno;
use abi::ioctl as requests;
use chroma::file::Ioctl;
use hal::user;
use zerocopy::{Immutable, IntoBytes};

/// The terminal's number.
const NUMBER: u16 = 1;

/// `struct vt_stat`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct VtStat {
    active: u16,
    signal: u16,
    /// A bit for each terminal in use; that of the one that is seen is always set.
    state: u16,
}

/// `struct vt_mode`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct VtMode {
    mode: u8,
    waits: u8,
    release: u16,
    acquire: u16,
    unused: u16,
}

const KB_101: u8 = 2;
const KD_TEXT: i32 = 0;
const K_UNICODE: i32 = 3;

fn give<T: IntoBytes + Immutable>(call: &Ioctl<'_>, value: &T) -> Result<i64, Errno> {
    user::write(call.address(), value).map_err(|_| Errno::EFAULT)?;
    Ok(0)
}

/// Answers a request; `ENOTTY` for those that are no terminal's.
pub(super) fn answer(call: &Ioctl<'_>) -> Result<i64, Errno> {
    match call.command {
        // The first terminal that nobody uses: there is none.
        requests::VT_OPENQRY => give(call, &-1i32),
        requests::VT_GETSTATE => give(call, &VtStat { active: NUMBER, signal: 0, state: 1 | 1 << NUMBER }),
        requests::VT_GETMODE => give(call, &VtMode { mode: 0, waits: 0, release: 0, acquire: 0, unused: 0 }),
        requests::VT_ACTIVATE | requests::VT_WAITACTIVE => {
            if call.arg == u64::from(NUMBER) {
                Ok(0)
            } else {
                Err(Errno::ENXIO)
            }
        }
        requests::KDGKBTYPE => give(call, &KB_101),
        requests::KDGETMODE => give(call, &KD_TEXT),
        requests::KDSETMODE => {
            if call.arg == KD_TEXT as u64 {
                Ok(0)
            } else {
                Err(Errno::EINVAL)
            }
        }
        requests::KDGKBMODE => give(call, &K_UNICODE),
        requests::KDSKBMODE => {
            if call.arg == K_UNICODE as u64 {
                Ok(0)
            } else {
                Err(Errno::EINVAL)
            }
        }
        _ => Err(Errno::ENOTTY),
    }
}
