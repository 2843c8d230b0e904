//! `ioctl` that only virtual terminals know (`ioctl_console(2)`). There is one terminal, in text mode, with a US keyboard that
//! sends characters; what would change that is refused.

use abi::Errno;
use abi::ioctl as requests;
use abi::tty::{K_UNICODE, KB_101, KD_TEXT, KD_TEXT0, KD_TEXT1, VtMode, VtStat};
use chroma::cred::Cap;
use chroma::file::Ioctl;
use hal::user;
use zerocopy::{Immutable, IntoBytes};

/// The terminal's number.
const NUMBER: u16 = 1;

fn give<T: IntoBytes + Immutable>(call: &Ioctl<'_>, value: &T) -> Result<i64, Errno> {
    user::write(call.address(), value).map_err(|_| Errno::EFAULT)?;
    Ok(0)
}

/// Lets the session that the terminal controls change it, and who has `CAP_SYS_TTY_CONFIG`.
fn check_may_change(call: &Ioctl<'_>) -> Result<(), Errno> {
    match super::terminal() {
        Some(tty) if tty.check_controls().is_ok() => Ok(()),
        _ => call.cred.require(Cap::SYS_TTY_CONFIG),
    }
}

/// Answers a request; `ENOTTY` for those that are no terminal's.
pub(super) fn answer(call: &Ioctl<'_>) -> Result<i64, Errno> {
    match call.command {
        // The first terminal that nobody uses: there is none.
        requests::VT_OPENQRY => give(call, &-1i32),
        requests::VT_GETSTATE => {
            give(call, &VtStat { v_active: NUMBER, v_signal: 0, v_state: 1 | 1 << NUMBER })
        }
        requests::VT_GETMODE => give(call, &VtMode::default()),
        requests::VT_ACTIVATE | requests::VT_WAITACTIVE => {
            check_may_change(call)?;
            if call.arg == u64::from(NUMBER) { Ok(0) } else { Err(Errno::ENXIO) }
        }
        requests::KDGKBTYPE => give(call, &KB_101),
        requests::KDGETMODE => give(call, &KD_TEXT),
        requests::KDSETMODE => set(call, &[KD_TEXT, KD_TEXT0, KD_TEXT1]),
        requests::KDGKBMODE => give(call, &K_UNICODE),
        requests::KDSKBMODE => set(call, &[K_UNICODE]),
        _ => Err(Errno::ENOTTY),
    }
}

/// Sets what is set already; `EINVAL` for anything else.
fn set(call: &Ioctl<'_>, modes: &[i32]) -> Result<i64, Errno> {
    check_may_change(call)?;
    // The argument is an `int` in a register.
    if modes.contains(&(call.arg as i32)) { Ok(0) } else { Err(Errno::EINVAL) }
}
