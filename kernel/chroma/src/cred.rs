//! Credentials: who asks.
//!
//! A [`Cred`] is immutable; a thread that changes its identity replaces the whole. An open file keeps its opener's.

use abi::{Errno, Gid, Mode, Uid};
use alloc::sync::Arc;
use alloc::vec::Vec;
use bitflags::bitflags;
use hal::Once;

use crate::inode::{Attributes, FileKind};

/// Tells the credentials of the running thread, if it is a program's.
type Caller = fn() -> Option<Arc<Cred>>;

static CALLER: Once<Caller> = Once::new();

/// Registers who tells the credentials of the running thread; the first one stays.
pub fn register_caller(caller: Caller) {
    let _ = CALLER.set(caller);
}

/// The credentials of the running thread, where an open file's opener is not who counts. With no lock held that `process` takes.
pub(crate) fn caller() -> Option<Arc<Cred>> {
    CALLER.get().and_then(|caller| caller())
}

/// A set of Linux capabilities, bit n for capability number n (`capabilities(7)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapSet(pub u64);

/// One Linux capability, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap(u8);

macro_rules! caps {
    ($($name:ident = $number:literal),* $(,)?) => {
        #[allow(missing_docs)] // the names are Linux's own; capabilities(7) explains them
        impl Cap { $(pub const $name: Cap = Cap($number);)* }
    };
}

caps! {
    CHOWN = 0, DAC_OVERRIDE = 1, DAC_READ_SEARCH = 2, FOWNER = 3, FSETID = 4, KILL = 5, SETGID = 6, SETUID = 7,
    SETPCAP = 8, LINUX_IMMUTABLE = 9, NET_BIND_SERVICE = 10, NET_BROADCAST = 11, NET_ADMIN = 12, NET_RAW = 13,
    IPC_LOCK = 14, IPC_OWNER = 15, SYS_MODULE = 16, SYS_RAWIO = 17, SYS_CHROOT = 18, SYS_PTRACE = 19, SYS_PACCT = 20,
    SYS_ADMIN = 21, SYS_BOOT = 22, SYS_NICE = 23, SYS_RESOURCE = 24, SYS_TIME = 25, SYS_TTY_CONFIG = 26, MKNOD = 27,
    LEASE = 28, AUDIT_WRITE = 29, AUDIT_CONTROL = 30, SETFCAP = 31, MAC_OVERRIDE = 32, MAC_ADMIN = 33, SYSLOG = 34,
    WAKE_ALARM = 35, BLOCK_SUSPEND = 36, AUDIT_READ = 37, PERFMON = 38, BPF = 39, CHECKPOINT_RESTORE = 40,
}

impl CapSet {
    /// No capability.
    pub const EMPTY: CapSet = CapSet(0);
    /// Every capability Linux 6.1 knows (0 to 40).
    pub const FULL: CapSet = CapSet((1 << 41) - 1);

    /// The capabilities that act on files; dropped from the effective set when `fsuid` leaves 0.
    pub const FILE: CapSet = CapSet(0b1_1111 | 1 << 9 | 1 << 27 | 1 << 32);

    /// Whether `cap` is in the set.
    #[inline]
    pub fn has(self, cap: Cap) -> bool {
        self.0 & (1 << cap.0) != 0
    }

    /// Whether every capability of `other` is in the set.
    pub fn contains(self, other: CapSet) -> bool {
        other.0 & !self.0 == 0
    }

    /// The set without those of `other`.
    pub fn without(self, other: CapSet) -> CapSet {
        CapSet(self.0 & !other.0)
    }

    /// Those in both sets.
    pub fn and(self, other: CapSet) -> CapSet {
        CapSet(self.0 & other.0)
    }

    /// Those in either set.
    pub fn or(self, other: CapSet) -> CapSet {
        CapSet(self.0 | other.0)
    }
}

impl Cap {
    /// The capability with this number, if Linux 6.1 has it.
    pub fn from_number(number: u64) -> Option<Cap> {
        u8::try_from(number).ok().filter(|n| *n <= Cap::CHECKPOINT_RESTORE.0).map(Cap)
    }

    /// The set of just this one.
    pub fn set(self) -> CapSet {
        CapSet(1 << self.0)
    }
}

/// The identity of a thread.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // the fields' names are those of credentials(7) and capabilities(7)
pub struct Cred {
    pub uid: Uid,
    pub euid: Uid,
    pub suid: Uid,
    pub fsuid: Uid,
    pub gid: Gid,
    pub egid: Gid,
    pub sgid: Gid,
    pub fsgid: Gid,
    /// Supplementary groups, sorted. (Up to 65,536: a vector can be refused its memory, a slice in an `Arc` cannot.)
    pub groups: Arc<Vec<Gid>>,
    pub effective: CapSet,
    pub permitted: CapSet,
    pub inheritable: CapSet,
    pub bounding: CapSet,
    pub ambient: CapSet,
    pub securebits: u32,
}

bitflags! {
    /// What a permission check asks for; the bits are those of `access(2)`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Access: u32 {
        /// Run a file, search a directory.
        const EXECUTE = 1;
        /// Write to a file, change a directory's entries.
        const WRITE = 2;
        /// Read a file, list a directory.
        const READ = 4;
    }
}

impl Cred {
    /// The superuser with every capability: what the kernel's first thread has.
    pub fn root() -> Cred {
        Cred {
            uid: Uid(0),
            euid: Uid(0),
            suid: Uid(0),
            fsuid: Uid(0),
            gid: Gid(0),
            egid: Gid(0),
            sgid: Gid(0),
            fsgid: Gid(0),
            groups: Arc::default(),
            effective: CapSet::FULL,
            permitted: CapSet::FULL,
            inheritable: CapSet::EMPTY,
            bounding: CapSet::FULL,
            ambient: CapSet::EMPTY,
            securebits: 0,
        }
    }

    /// Whether the effective set holds `cap`.
    #[inline]
    pub fn has(&self, cap: Cap) -> bool {
        self.effective.has(cap)
    }

    /// Fails with `EPERM` unless the effective set holds `cap`.
    pub fn require(&self, cap: Cap) -> Result<(), Errno> {
        if self.has(cap) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// Whether file access happens as a member of `gid`.
    pub fn in_group(&self, gid: Gid) -> bool {
        self.fsgid == gid || self.groups.binary_search(&gid).is_ok()
    }

    /// Whether the caller counts as the owner of something that belongs to `uid` (`CAP_FOWNER` does).
    pub fn owns(&self, uid: Uid) -> bool {
        self.fsuid == uid || self.has(Cap::FOWNER)
    }

    /// The same identity, but file access checked with the real ids: what `access(2)` wants.
    pub fn with_real_ids(&self) -> Cred {
        let mut cred = self.clone();
        cred.fsuid = cred.uid;
        cred.fsgid = cred.gid;
        cred.effective = if cred.uid == Uid(0) { cred.permitted } else { CapSet::EMPTY };
        cred
    }

    /// Checks `access` against an inode's mode bits, `EACCES` where they and the capabilities refuse.
    ///
    /// Owner, group and others are tried in POSIX's order: the first class that matches decides alone.
    #[inline]
    pub fn permits(&self, kind: FileKind, attributes: &Attributes, access: Access) -> Result<(), Errno> {
        let mode = attributes.mode.0;
        let class = if self.fsuid == attributes.uid {
            mode >> 6
        } else if mode & 0o070 != (mode & 0o007) << 3 && self.in_group(attributes.gid) {
            // The group only matters where its bits differ from the others'.
            mode >> 3
        } else {
            mode
        };
        if access.bits() & !class & 7 == 0 {
            return Ok(());
        }
        self.override_by_capability(kind, attributes.mode, access)
    }

    #[cold]
    fn override_by_capability(&self, kind: FileKind, mode: Mode, access: Access) -> Result<(), Errno> {
        let reading = if kind == FileKind::Directory {
            !access.contains(Access::WRITE)
        } else {
            access == Access::READ
        };
        if reading && self.has(Cap::DAC_READ_SEARCH) {
            return Ok(());
        }
        // Nobody executes a file that no one may execute.
        let executable =
            kind == FileKind::Directory || !access.contains(Access::EXECUTE) || mode.0 & 0o111 != 0;
        if executable && self.has(Cap::DAC_OVERRIDE) { Ok(()) } else { Err(Errno::EACCES) }
    }
}
