//! The types of file systems that `mount` knows.

use abi::Errno;
use abi::fs::MountFlags;
use alloc::sync::Arc;
use alloc::vec::Vec;
use hal::SpinLock;

use crate::cred::Cred;
use crate::dentry::Dentry;
use crate::lock_classes;

use super::Value;

/// What a mount asks of a file system type.
pub struct MountRequest<'a> {
    /// The device or name.
    pub source: &'a str,
    /// The options text.
    pub options: &'a [u8],
    /// The flags.
    pub flags: MountFlags,
    /// Who mounts.
    pub cred: &'a Cred,
}

/// Why something is refused: an error, and perhaps a sentence for who set the file system up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The error.
    pub errno: Errno,
    /// The sentence.
    pub reason: Option<&'static str>,
}

impl Refusal {
    /// `EINVAL`, with its reason.
    pub fn because(reason: &'static str) -> Refusal {
        Refusal { errno: Errno::EINVAL, reason: Some(reason) }
    }
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Refusal {
        Refusal { errno, reason: None }
    }
}

/// What a type says of one option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// There is none with this name.
    Unknown,
    /// Its value makes no sense.
    Bad,
    /// It has no value.
    Unexpected,
    /// It is as it should be.
    Good,
    /// As it should be, and without effect.
    Idle,
    /// The options are one text, and looked at when the file system is made (Linux's *legacy* types).
    Later,
}

/// A type of file system.
pub trait FileSystemType: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Whether it needs no device (`nodev` in `/proc/filesystems`).
    fn without_device(&self) -> bool {
        true
    }

    /// Looks at one option, for who says them one by one.
    fn judge(&self, _name: &str, _value: Value<'_>) -> Judgement {
        Judgement::Unknown
    }

    /// Makes or finds an instance and gives its root.
    fn mount(&self, request: &MountRequest<'_>) -> Result<Arc<Dentry>, Errno>;
}

static TYPES: SpinLock<Vec<&'static dyn FileSystemType>> = SpinLock::new(&lock_classes::TYPES, Vec::new());

/// Makes a type known to `mount`.
pub fn register(kind: &'static dyn FileSystemType) {
    TYPES.lock().push(kind);
}

/// The type with this name; `ENODEV` if there is none.
pub fn find_type(name: &str) -> Result<&'static dyn FileSystemType, Errno> {
    TYPES.lock().iter().find(|kind| kind.name() == name).copied().ok_or(Errno::ENODEV)
}

/// All types, in order of registration.
pub fn file_system_types() -> Vec<&'static dyn FileSystemType> {
    TYPES.lock().clone()
}
