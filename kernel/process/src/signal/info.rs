//! What is known about a signal that was sent: the kernel's short form of `siginfo`.

use abi::signal::code;
use abi::{Siginfo, Signal, Uid};
use hal::Key;

/// A signal with its origin: what Linux keeps of `siginfo` (48 bytes); the rest of the user's struct is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Which signal.
    pub signal: Signal,
    /// `si_errno`.
    pub errno: i32,
    /// `si_code`: who sent it and why.
    pub code: i32,
    /// The first four words of the union.
    pub fields: [u64; 4],
}

/// Two 32-bit members that share a word of the union.
const fn pair(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

impl Info {
    const fn with(signal: Signal, code: i32, fields: [u64; 4]) -> Self {
        Self { signal, errno: 0, code, fields }
    }

    /// Sent by `kill` (or `tkill`) by a process with this number and real user.
    pub fn user(signal: Signal, pid: u32, uid: Uid) -> Self {
        Self::with(signal, code::SI_USER, [pair(pid, uid.0), 0, 0, 0])
    }

    /// As [`Info::user`], by `tkill` or `tgkill`.
    pub fn thread_kill(signal: Signal, pid: u32, uid: Uid) -> Self {
        Self { code: code::SI_TKILL, ..Self::user(signal, pid, uid) }
    }

    /// Sent by the kernel for reasons of its own.
    pub fn kernel(signal: Signal) -> Self {
        Self::with(signal, code::SI_KERNEL, [0; 4])
    }

    /// A fault at an address.
    pub fn fault(signal: Signal, code: i32, address: u64) -> Self {
        Self::with(signal, code, [address, 0, 0, 0])
    }

    /// An access that a protection key forbids; the key follows the address and a word of nothing.
    pub fn key_fault(address: u64, key: Key) -> Self {
        let key = u64::from(key.number());
        Self::with(Signal::SIGSEGV, code::SEGV_PKUERR, [address, 0, key, 0])
    }

    /// A call that a filter turned into a signal: where, which, and the filter's data.
    pub fn filtered(address: u64, number: u32, data: i32) -> Self {
        let fields = [address, pair(number, abi::seccomp::ARCH), 0, 0];
        Self { errno: data, ..Self::with(Signal::SIGSYS, code::SYS_SECCOMP, fields) }
    }

    /// A child's change of state; times in clock ticks.
    pub fn child(code: i32, pid: u32, uid: Uid, status: i32, user: u64, system: u64) -> Self {
        let status = u64::from(status.cast_unsigned());
        Self::with(Signal::SIGCHLD, code, [pair(pid, uid.0), status, user, system])
    }

    /// A POSIX timer's expiry.
    pub fn timer(signal: Signal, timer: i32, overrun: i32, value: u64) -> Self {
        let ids = pair(timer.cast_unsigned(), overrun.cast_unsigned());
        Self::with(signal, code::SI_TIMER, [ids, value, 0, 0])
    }

    /// A message came to an empty queue, sent by a process with this number and real user.
    pub fn message(signal: Signal, pid: u32, uid: Uid, value: u64) -> Self {
        Self::with(signal, code::SI_MESGQ, [pair(pid, uid.0), value, 0, 0])
    }

    /// A timer's signal: how often it expired meanwhile.
    pub fn overrun(&self) -> u32 {
        let [ids, ..] = self.fields;
        (ids >> 32) as u32
    }

    /// A timer's signal: adds to how often it expired meanwhile.
    pub fn count_overrun(&mut self, more: u32) {
        let overrun = self.overrun().saturating_add(more).min(i32::MAX.unsigned_abs());
        let [ids, ..] = &mut self.fields;
        *ids = pair(*ids as u32, overrun);
    }

    /// What a receiver sees when the sender's information could not be kept.
    pub fn unknown(signal: Signal) -> Self {
        Self::with(signal, code::SI_USER, [0; 4])
    }

    /// From a user's struct, as `rt_sigqueueinfo` passes it.
    pub fn from_abi(signal: Signal, info: &Siginfo) -> Self {
        let [a, b, c, d, ..] = info.fields;
        Self { signal, errno: info.si_errno, code: info.si_code, fields: [a, b, c, d] }
    }

    /// The user's struct.
    pub fn to_abi(&self) -> Siginfo {
        let mut info = Siginfo {
            si_signo: self.signal.as_i32(),
            si_errno: self.errno,
            si_code: self.code,
            ..Siginfo::default()
        };
        for (to, from) in info.fields.iter_mut().zip(self.fields) {
            *to = from;
        }
        info
    }

    /// `si_pid`, where the code says that there is one.
    pub fn pid(&self) -> u32 {
        self.fields[0] as u32
    }

    /// `si_uid`, likewise.
    pub fn uid(&self) -> u32 {
        (self.fields[0] >> 32) as u32
    }

    /// Whether the signal came from the kernel rather than from a program (which cannot fake a code of 0 or above).
    pub fn is_from_kernel(&self) -> bool {
        self.code > 0
    }
}

#[cfg(test)]
mod tests {
    use super::Info;
    use abi::{Signal, Uid};
    use zerocopy::IntoBytes;

    #[test]
    fn members_lie_where_linux_has_them() {
        let info = Info::child(1, 77, Uid(5), -3, 10, 20).to_abi();
        let bytes = info.as_bytes();
        assert_eq!(bytes[0..4], 17i32.to_le_bytes());
        assert_eq!(bytes[8..12], 1i32.to_le_bytes());
        assert_eq!(bytes[16..20], 77u32.to_le_bytes());
        assert_eq!(bytes[20..24], 5u32.to_le_bytes());
        assert_eq!(bytes[24..28], (-3i32).to_le_bytes());
        assert_eq!(bytes[32..40], 10u64.to_le_bytes());
        assert_eq!(bytes[40..48], 20u64.to_le_bytes());
    }

    #[test]
    fn a_users_struct_survives_the_round_trip() {
        let info = Info::timer(Signal::SIGALRM, 3, 2, 0xdead_beef);
        assert_eq!(Info::from_abi(Signal::SIGALRM, &info.to_abi()), info);
    }
}
