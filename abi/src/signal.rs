//! Signals: numbers, sets, actions, what a handler is given.
#![expect(missing_docs, reason = "fields and bits bear the names of the man pages")]

use core::num::NonZeroU8;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The number of signals; the last is `SIGRTMAX`.
pub const NSIG: u8 = 64;
/// The first real-time signal.
pub const SIGRTMIN: u8 = 32;

/// The number of a signal, `1..=64`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(transparent)]
pub struct Signal(NonZeroU8);

macro_rules! signals {
    ($($name:ident = $number:literal;)*) => {
        impl Signal {
            $(#[doc = concat!("The signal `", stringify!($name), "`.")]
              pub const $name: Self = Self(NonZeroU8::new($number).unwrap());)*

            /// The symbolic name of an ordinary signal.
            pub const fn name(self) -> Option<&'static str> {
                match self.0.get() {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

signals! {
    SIGHUP = 1;
    SIGINT = 2;
    SIGQUIT = 3;
    SIGILL = 4;
    SIGTRAP = 5;
    SIGABRT = 6;
    SIGBUS = 7;
    SIGFPE = 8;
    SIGKILL = 9;
    SIGUSR1 = 10;
    SIGSEGV = 11;
    SIGUSR2 = 12;
    SIGPIPE = 13;
    SIGALRM = 14;
    SIGTERM = 15;
    SIGSTKFLT = 16;
    SIGCHLD = 17;
    SIGCONT = 18;
    SIGSTOP = 19;
    SIGTSTP = 20;
    SIGTTIN = 21;
    SIGTTOU = 22;
    SIGURG = 23;
    SIGXCPU = 24;
    SIGXFSZ = 25;
    SIGVTALRM = 26;
    SIGPROF = 27;
    SIGWINCH = 28;
    SIGIO = 29;
    SIGPWR = 30;
    SIGSYS = 31;
}

impl Signal {
    /// The signal of a number in `1..=64`.
    pub const fn new(number: u8) -> Option<Self> {
        match NonZeroU8::new(number) {
            Some(n) if number <= NSIG => Some(Self(n)),
            _ => None,
        }
    }

    /// The signal of a user-given number; `None` for 0 and everything that is no signal.
    pub fn from_user(number: i32) -> Option<Self> {
        u8::try_from(number).ok().and_then(Self::new)
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0.get()
    }

    /// The number as it appears in user structures.
    pub const fn as_i32(self) -> i32 {
        self.0.get() as i32
    }

    /// The place in tables by signal: the number minus one.
    pub const fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    /// Whether it is queued (each instance kept, in order) rather than merged.
    pub const fn is_realtime(self) -> bool {
        self.0.get() >= SIGRTMIN
    }
}

/// A set of signals: bit `number - 1`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
pub struct SigSet(pub u64);

impl SigSet {
    /// No signal.
    pub const EMPTY: Self = Self(0);
    /// Every signal.
    pub const ALL: Self = Self(u64::MAX);
    /// The signals that cannot be caught, blocked or ignored.
    pub const UNBLOCKABLE: Self = Self::EMPTY.with(Signal::SIGKILL).with(Signal::SIGSTOP);

    /// The set with `signal` added.
    pub const fn with(self, signal: Signal) -> Self {
        Self(self.0 | 1 << signal.index())
    }

    /// The set with `signal` removed.
    pub const fn without(self, signal: Signal) -> Self {
        Self(self.0 & !(1 << signal.index()))
    }

    /// Whether `signal` is in the set.
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << signal.index()) != 0
    }

    /// Whether no signal is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All signals in either set.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The signals in both sets.
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The signals of this set that `other` has not.
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The signal with the lowest number.
    pub const fn first(self) -> Option<Signal> {
        if self.0 == 0 { None } else { Signal::new(self.0.trailing_zeros() as u8 + 1) }
    }
}

bitflags::bitflags! {
    /// The flags of a signal's action (`SA_*`).
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
    pub struct SaFlags: u64 {
        const NOCLDSTOP = 1;
        const NOCLDWAIT = 2;
        const SIGINFO = 4;
        const UNSUPPORTED = 0x400;
        const EXPOSE_TAGBITS = 0x800;
        const RESTORER = 0x0400_0000;
        const ONSTACK = 0x0800_0000;
        const RESTART = 0x1000_0000;
        const NODEFER = 0x4000_0000;
        const RESETHAND = 0x8000_0000;
    }
}

/// The handler that means the default action.
pub const SIG_DFL: u64 = 0;
/// The handler that means ignore.
pub const SIG_IGN: u64 = 1;

/// `struct sigaction` of the kernel.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sigaction {
    pub handler: u64,
    pub flags: u64,
    pub restorer: u64,
    pub mask: u64,
}

/// `sigprocmask`: block these as well.
pub const SIG_BLOCK: i32 = 0;
/// `sigprocmask`: block these no more.
pub const SIG_UNBLOCK: i32 = 1;
/// `sigprocmask`: block exactly these.
pub const SIG_SETMASK: i32 = 2;

/// `struct siginfo`: the first three words and a union of 112 bytes, which the constructors of `process` fill.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Siginfo {
    pub si_signo: i32,
    pub si_errno: i32,
    pub si_code: i32,
    pub pad0: i32,
    pub fields: [u64; 14],
}

/// The values of `si_code`.
pub mod code {
    pub const SI_USER: i32 = 0;
    pub const SI_KERNEL: i32 = 0x80;
    pub const SI_QUEUE: i32 = -1;
    pub const SI_TIMER: i32 = -2;
    pub const SI_MESGQ: i32 = -3;
    pub const SI_ASYNCIO: i32 = -4;
    pub const SI_SIGIO: i32 = -5;
    pub const SI_TKILL: i32 = -6;
    pub const ILL_ILLOPC: i32 = 1;
    pub const ILL_ILLOPN: i32 = 2;
    pub const ILL_PRVOPC: i32 = 5;
    pub const FPE_INTDIV: i32 = 1;
    pub const FPE_INTOVF: i32 = 2;
    pub const FPE_FLTDIV: i32 = 3;
    pub const FPE_FLTOVF: i32 = 4;
    pub const FPE_FLTUND: i32 = 5;
    pub const FPE_FLTRES: i32 = 6;
    pub const FPE_FLTINV: i32 = 7;
    pub const SEGV_MAPERR: i32 = 1;
    pub const SEGV_ACCERR: i32 = 2;
    pub const SEGV_PKUERR: i32 = 4;
    pub const BUS_ADRALN: i32 = 1;
    pub const BUS_ADRERR: i32 = 2;
    pub const BUS_OBJERR: i32 = 3;
    pub const TRAP_BRKPT: i32 = 1;
    pub const TRAP_TRACE: i32 = 2;
    pub const CLD_EXITED: i32 = 1;
    pub const CLD_KILLED: i32 = 2;
    pub const CLD_DUMPED: i32 = 3;
    pub const CLD_TRAPPED: i32 = 4;
    pub const CLD_STOPPED: i32 = 5;
    pub const CLD_CONTINUED: i32 = 6;
    pub const POLL_IN: i32 = 1;
    pub const SYS_SECCOMP: i32 = 1;
}

/// `stack_t`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Stack {
    pub ss_sp: u64,
    pub ss_flags: i32,
    pub pad0: i32,
    pub ss_size: u64,
}

/// `ss_flags`: running on the alternate stack.
pub const SS_ONSTACK: i32 = 1;
/// `ss_flags`: there is no alternate stack.
pub const SS_DISABLE: i32 = 2;
/// `ss_flags`: the alternate stack is switched off while a handler runs on it.
pub const SS_AUTODISARM: i32 = i32::MIN;
/// The smallest alternate stack in bytes.
pub const MINSIGSTKSZ: u64 = 2048;

/// `struct sigcontext` of x86-64: the registers in a signal frame.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sigcontext {
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub rdx: u64,
    pub rax: u64,
    pub rcx: u64,
    pub rsp: u64,
    pub rip: u64,
    pub eflags: u64,
    pub cs: u16,
    pub gs: u16,
    pub fs: u16,
    pub ss: u16,
    pub err: u64,
    pub trapno: u64,
    pub oldmask: u64,
    pub cr2: u64,
    pub fpstate: u64,
    pub reserved: [u64; 8],
}

/// `struct ucontext`.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Ucontext {
    pub uc_flags: u64,
    pub uc_link: u64,
    pub uc_stack: Stack,
    pub uc_mcontext: Sigcontext,
    pub uc_sigmask: u64,
}

/// `uc_flags`: the FPU state is in the XSAVE format.
pub const UC_FP_XSTATE: u64 = 1;
/// `uc_flags`: the kernel saves SS.
pub const UC_SIGCONTEXT_SS: u64 = 2;
/// `uc_flags`: `rt_sigreturn` restores SS exactly.
pub const UC_STRICT_RESTORE_SS: u64 = 4;

/// `struct rt_sigframe`: what a handler finds on its stack.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sigframe {
    pub pretcode: u64,
    pub uc: Ucontext,
    pub info: Siginfo,
}

/// `struct _fpx_sw_bytes`: in the last 48 bytes of the frame's FXSAVE area, says how large the state is.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FpxSwBytes {
    pub magic1: u32,
    pub extended_size: u32,
    pub xfeatures: u64,
    pub xstate_size: u32,
    pub padding: [u32; 7],
}

/// Where [`FpxSwBytes`] lies in the FPU state.
pub const FPX_SW_OFFSET: usize = 464;
/// `magic1`: the state is in the XSAVE format.
pub const FP_XSTATE_MAGIC1: u32 = 0x4658_5053;
/// Directly after the state: it really is in the XSAVE format.
pub const FP_XSTATE_MAGIC2: u32 = 0x4658_5045;

/// `struct sigevent`; 64 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Sigevent {
    pub sigev_value: u64,
    pub sigev_signo: i32,
    pub sigev_notify: i32,
    pub sigev_tid: i32,
    pub pad: [u32; 11],
}

/// `sigev_notify`: a signal to the process.
pub const SIGEV_SIGNAL: i32 = 0;
/// `sigev_notify`: nothing.
pub const SIGEV_NONE: i32 = 1;
/// `sigev_notify`: a signal that libc turns into a thread.
pub const SIGEV_THREAD: i32 = 2;
/// `sigev_notify`: a signal to one thread.
pub const SIGEV_THREAD_ID: i32 = 4;

/// `struct signalfd_siginfo`; 128 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SignalfdSiginfo {
    pub ssi_signo: u32,
    pub ssi_errno: i32,
    pub ssi_code: i32,
    pub ssi_pid: u32,
    pub ssi_uid: u32,
    pub ssi_fd: i32,
    pub ssi_tid: u32,
    pub ssi_band: u32,
    pub ssi_overrun: u32,
    pub ssi_trapno: u32,
    pub ssi_status: i32,
    pub ssi_int: i32,
    pub ssi_ptr: u64,
    pub ssi_utime: u64,
    pub ssi_stime: u64,
    pub ssi_addr: u64,
    pub ssi_addr_lsb: u16,
    pub pad2: u16,
    pub ssi_syscall: i32,
    pub ssi_call_addr: u64,
    pub ssi_arch: u32,
    pub pad: [u32; 7],
}
