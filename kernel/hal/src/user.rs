//! Programs: their registers, why they stopped, and access to their memory.
//!
//! Every copy goes through the current thread's page tables and tolerates faults: a page that is not there is asked for from
//! the registered [`FaultHandler`]; what that refuses ends the copy early. There is no check beforehand that a race could
//! outdate.

use bitflags::bitflags;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::arch;
use crate::once::Once;
use crate::{Key, PAGE_SIZE, Page, UserAddr};

bitflags! {
    /// What a mapping lets a program do.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Access: u8 {
        /// Read.
        const READ = 1;
        /// Write.
        const WRITE = 2;
        /// Execute.
        const EXECUTE = 4;
        /// Not a right: the mapping's protection key.
        const KEY = 0xf0;
    }
}

impl Access {
    /// The same rights with a protection key.
    #[inline]
    #[must_use]
    pub const fn with_key(self, key: Key) -> Self {
        Self::from_bits_retain(self.bits() & !Self::KEY.bits() | key.number() << KEY_SHIFT)
    }

    /// The protection key.
    #[inline]
    pub const fn key(self) -> Key {
        Key::from_low_bits(self.bits() >> KEY_SHIFT)
    }
}

/// Where the key lies in [`Access`].
const KEY_SHIFT: u32 = 4;

/// How the access that faulted was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultAccess {
    /// It was a write.
    pub write: bool,
    /// It was an instruction fetch.
    pub execute: bool,
    /// The page was there; the mapping forbade the access.
    pub present: bool,
    /// The thread's rights by the mapping's protection key forbade it.
    pub by_key: bool,
}

impl FaultAccess {
    /// A page that is not there was read.
    pub const READ: Self = Self { write: false, execute: false, present: false, by_key: false };
    /// A page that is not there was written.
    pub const WRITE: Self = Self { write: true, ..Self::READ };
}

/// User memory could not be accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

/// Makes a program's pages accessible when the kernel needs them.
pub trait FaultHandler: Sync {
    /// Makes the page at `address` accessible in the current address space, or refuses. May sleep; interrupts are on.
    ///
    /// # Errors
    /// [`Fault`] when the program itself could not make this access.
    fn resolve(&self, address: UserAddr, access: FaultAccess) -> Result<(), Fault>;
}

static HANDLER: Once<&'static dyn FaultHandler> = Once::new();

/// Registers who resolves faults, once; a second call changes nothing.
pub fn register_fault_handler(handler: &'static dyn FaultHandler) {
    let _ = HANDLER.set(handler);
}

/// The registered handler.
pub(crate) fn fault_handler() -> Option<&'static dyn FaultHandler> {
    HANDLER.get().copied()
}

/// A program's general registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[expect(missing_docs, reason = "the processor's own names")]
pub struct Registers {
    pub rax: u64,
    pub rbx: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub rbp: u64,
    pub rsp: u64,
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rip: u64,
    pub rflags: u64,
}

impl Registers {
    /// The arguments of a system call, in order.
    #[inline]
    pub fn arguments(&self) -> [u64; 6] {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9]
    }
}

/// Why a program stopped running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// It made a system call: number in `rax`, arguments in `rdi`, `rsi`, `rdx`, `r10`, `r8`, `r9`.
    Syscall,
    /// An interrupt was served, and something may be left to do before the program goes on.
    Interrupt,
    /// It touched memory that it cannot access at present.
    PageFault {
        /// What it touched.
        address: UserAddr,
        /// How.
        access: FaultAccess,
    },
    /// The processor refused an instruction.
    Exception {
        /// The exception's number (Intel SDM volume 3, 6.15).
        vector: u8,
        /// Its error code, 0 where it has none.
        error: u64,
    },
}

fn whole(copied: usize, wanted: usize) -> Result<(), Fault> {
    if copied == wanted { Ok(()) } else { Err(Fault) }
}

/// Copies from user memory until the end of `buffer` or a fault; gives the number of bytes copied. May sleep, unless
/// preemption is off: then a page that is not there ends the copy.
#[inline]
pub fn read_partial(from: UserAddr, buffer: &mut [u8]) -> usize {
    arch::user::copy_in(from, buffer)
}

/// As [`read_partial`], into user memory.
#[inline]
pub fn write_partial(to: UserAddr, bytes: &[u8]) -> usize {
    arch::user::copy_out(to, bytes)
}

/// As [`write_partial`], zeroes.
pub fn zero_partial(to: UserAddr, length: usize) -> usize {
    arch::user::zero(to, length)
}

/// Copies from user memory. May sleep.
///
/// # Errors
/// [`Fault`] when not all of it can be read; `buffer` is partly filled then.
#[inline]
pub fn read_bytes(from: UserAddr, buffer: &mut [u8]) -> Result<(), Fault> {
    whole(read_partial(from, buffer), buffer.len())
}

/// Copies into user memory. May sleep.
///
/// # Errors
/// [`Fault`] when not all of it can be written; a part may be.
#[inline]
pub fn write_bytes(to: UserAddr, bytes: &[u8]) -> Result<(), Fault> {
    whole(write_partial(to, bytes), bytes.len())
}

/// Reads a value from user memory. May sleep.
///
/// # Errors
/// [`Fault`] when it cannot be read whole.
#[inline]
pub fn read<T: FromBytes + IntoBytes>(from: UserAddr) -> Result<T, Fault> {
    let mut value = T::new_zeroed();
    read_bytes(from, value.as_mut_bytes())?;
    Ok(value)
}

/// Writes a value to user memory. May sleep.
///
/// # Errors
/// [`Fault`] when it cannot be written whole.
#[inline]
pub fn write<T: IntoBytes + Immutable>(to: UserAddr, value: &T) -> Result<(), Fault> {
    write_bytes(to, value.as_bytes())
}

/// Copies a string that ends with a NUL byte; gives its length without that byte, or `None` when `buffer` was filled without
/// meeting one. May sleep.
///
/// # Errors
/// [`Fault`] when a byte before the end cannot be read.
pub fn read_string(from: UserAddr, buffer: &mut [u8]) -> Result<Option<usize>, Fault> {
    let mut done = 0;
    while done < buffer.len() {
        // Up to the end of a page at a time: what lies behind the string's own page need not exist.
        let at = from.checked_add(done as u64).ok_or(Fault)?;
        let piece = (PAGE_SIZE - at.page_offset()).min(buffer.len() - done).min(256);
        let part = &mut buffer[done..done + piece];
        let copied = read_partial(at, part);
        if let Some(end) = part[..copied].iter().position(|&byte| byte == 0) {
            return Ok(Some(done + end));
        }
        if copied < piece {
            return Err(Fault);
        }
        done += piece;
    }
    Ok(None)
}

/// Copies from user memory into a page, until `length` bytes, the page's end or a fault; gives the bytes copied. May sleep.
pub fn read_to_page(from: UserAddr, page: &Page, offset: usize, length: usize) -> usize {
    arch::user::copy_in_to_page(from, page, offset, length)
}

/// As [`read_to_page`], from a page into user memory.
pub fn write_from_page(to: UserAddr, page: &Page, offset: usize, length: usize) -> usize {
    arch::user::copy_out_from_page(to, page, offset, length)
}

/// Reads an aligned 32-bit word at once. May sleep.
///
/// # Errors
/// [`Fault`] when it is not aligned or cannot be read.
pub fn load_u32(from: UserAddr) -> Result<u32, Fault> {
    arch::user::load_u32(from)
}

/// Replaces an aligned 32-bit word by `new` if it is `old`, at once; gives the value that was there. May sleep.
///
/// # Errors
/// [`Fault`] when it is not aligned or cannot be written.
pub fn compare_exchange_u32(at: UserAddr, old: u32, new: u32) -> Result<u32, Fault> {
    arch::user::compare_exchange_u32(at, old, new)
}
