//! The floating-point state of programs (Intel SDM volume 1, chapter 13).
//!
//! The kernel itself contains no vector instruction: the registers always hold the state of the current context, or of the
//! last one that had any. They are exchanged when contexts are switched, and here.

use alloc::boxed::Box;
use core::arch::asm;
use core::cell::UnsafeCell;
use core::mem::MaybeUninit;

use super::features::{self, Features, cpuid};
use super::keys;
use crate::keys::INITIAL_RIGHTS;
use crate::{NoMemory, Once};

/// Bytes of a state in FXSAVE's form.
const LEGACY_SIZE: usize = 512;
/// Bytes of XSAVE's header behind it.
const HEADER_SIZE: usize = 64;
/// Room for a state: with AVX-512 and PKRU it has 2,696.
const MAX_SIZE: usize = 2816;
/// x87, SSE, AVX, and AVX-512's three.
const WANTED_COMPONENTS: u64 = 0b1110_0111;
/// PKRU, the thread's rights by [`keys`]; wanted where there are any.
pub(super) const KEY_RIGHTS: u64 = 1 << KEY_RIGHTS_NUMBER;
const KEY_RIGHTS_NUMBER: u32 = 9;
const SSE_AND_X87: u64 = 0b11;
/// Where MXCSR lies in a state, and the mask of the bits of it that exist.
const MXCSR: usize = 24;
const MXCSR_MASK: usize = 28;
/// MXCSR's bits where the processor names none.
const DEFAULT_MXCSR_MASK: u32 = 0xffbf;

/// How states are saved on this machine.
#[derive(Clone, Copy)]
struct Format {
    size: usize,
    components: u64,
    mxcsr_mask: u32,
    save: Method,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Fxsave,
    Xsave,
    Xsaveopt,
}

static FORMAT: Once<Format> = Once::new();
/// The state that a new program has.
static INITIAL: Once<State> = Once::new();

fn format() -> Format {
    FORMAT.get().copied().unwrap_or(Format {
        size: LEGACY_SIZE,
        components: 0,
        mxcsr_mask: DEFAULT_MXCSR_MASK,
        save: Method::Fxsave,
    })
}

/// A saved state.
#[repr(C, align(64))]
struct State([u8; MAX_SIZE]);

/// A saved state that a context owns.
pub(super) struct Saved(Box<UnsafeCell<State>>);

// SAFETY: who switches to or from the context that owns the state (one processor at a time) is the only user.
unsafe impl Sync for Saved {}

impl Saved {
    /// The state that a new program has.
    ///
    /// # Errors
    /// [`NoMemory`] when there is none.
    pub fn new() -> Result<Self, NoMemory> {
        let mut boxed = super::heap::try_box::<UnsafeCell<State>>()?;
        // SAFETY: the box has room for a state, and is written before anybody looks.
        let state = unsafe {
            boxed.as_mut_ptr().cast::<State>().copy_from_nonoverlapping(initial(), 1);
            boxed.assume_init()
        };
        Ok(Self(state))
    }

    /// Saves what is in the registers, which were filled from here.
    ///
    /// # Safety
    /// Nobody else uses this value at the same time; nothing was written to it since [`Saved::restore`].
    #[inline]
    pub unsafe fn save(&self) {
        // SAFETY: the caller's contract.
        unsafe { save(self.0.get(), format().save) }
    }

    /// Saves what is in the registers, wherever it came from.
    pub fn copy_registers(&mut self) {
        // SAFETY: the value is borrowed mutably.
        unsafe { save(self.0.get(), full_method()) }
    }

    /// Puts the state into the registers.
    ///
    /// # Safety
    /// As for [`Saved::save`].
    #[inline]
    pub unsafe fn restore(&self) {
        // SAFETY: a state that was saved or made by this module.
        unsafe { restore(self.0.get()) }
    }
}

impl State {
    const ZERO: Self = Self([0; MAX_SIZE]);

    /// x87's control word 0x37f (all exceptions masked, 64 bits), MXCSR 0x1f80, all keys but the first denied; everything else
    /// zero, which XSAVE's header calls initial.
    fn initial(components: u64) -> Self {
        let mut state = Self::ZERO;
        let mut put = |at: usize, bytes: &[u8]| state.0[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &0x37f_u16.to_le_bytes());
        put(MXCSR, &0x1f80_u32.to_le_bytes());
        put(LEGACY_SIZE, &(components & (SSE_AND_X87 | KEY_RIGHTS)).to_le_bytes());
        if components & KEY_RIGHTS != 0 {
            put(cpuid(0xd, KEY_RIGHTS_NUMBER).ebx as usize, &INITIAL_RIGHTS.to_le_bytes());
        }
        state
    }
}

fn initial() -> &'static State {
    INITIAL.get().unwrap_or(&State::ZERO)
}

fn u32_at(state: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes([state[offset], state[offset + 1], state[offset + 2], state[offset + 3]])
}

/// The bytes of a state that this machine uses, zero.
fn clear(state: &mut MaybeUninit<State>, size: usize) -> &mut [u8] {
    let size = size.min(MAX_SIZE);
    let first = state.as_mut_ptr().cast::<u8>();
    // SAFETY: so many bytes are within the state, which is borrowed as long as the slice.
    unsafe {
        first.write_bytes(0, size);
        core::slice::from_raw_parts_mut(first, size)
    }
}

/// How to save all of a state. XSAVEOPT leaves out what it believes to be at the address already, which is wrong for memory
/// that was used for something else since.
fn full_method() -> Method {
    if format().components == 0 { Method::Fxsave } else { Method::Xsave }
}

/// # Safety
/// `state` can be written.
#[inline]
unsafe fn save(state: *mut State, method: Method) {
    let components = format().components;
    let (low, high) = (components as u32, (components >> 32) as u32);
    // SAFETY: the state is large enough for the components, which `init` checked, and aligned.
    unsafe {
        match method {
            Method::Fxsave => asm!("fxsave64 [{}]", in(reg) state, options(nostack, preserves_flags)),
            Method::Xsave => {
                asm!("xsave64 [{}]", in(reg) state, in("eax") low, in("edx") high, options(nostack, preserves_flags));
            }
            Method::Xsaveopt => {
                asm!("xsaveopt64 [{}]", in(reg) state, in("eax") low, in("edx") high, options(nostack, preserves_flags));
            }
        }
    }
}

/// # Safety
/// `state` is one that the processor accepts: saved by [`save`], or checked.
#[inline]
unsafe fn restore(state: *const State) {
    let format = format();
    let (low, high) = (format.components as u32, (format.components >> 32) as u32);
    // SAFETY: the caller's contract; only registers change that the kernel does not use.
    unsafe {
        if format.save == Method::Fxsave {
            asm!("fxrstor64 [{}]", in(reg) state, options(nostack, preserves_flags, readonly));
        } else {
            asm!("xrstor64 [{}]", in(reg) state, in("eax") low, in("edx") high,
                 options(nostack, preserves_flags, readonly));
        }
    }
}

/// Finds out how states are saved.
pub(super) fn init() {
    let features = features::get();
    let mut found = format();
    if features.contains(Features::XSAVE) {
        let leaf = cpuid(0xd, 0);
        let wanted = if keys::are_known() { WANTED_COMPONENTS | KEY_RIGHTS } else { WANTED_COMPONENTS };
        let mut components = (u64::from(leaf.edx) << 32 | u64::from(leaf.eax)) & wanted;
        set_components(components);
        if cpuid(0xd, 0).ebx as usize > MAX_SIZE {
            components = SSE_AND_X87;
            set_components(components);
        }
        found.components = components;
        found.size = cpuid(0xd, 0).ebx as usize;
        found.save = if features.contains(Features::XSAVEOPT) { Method::Xsaveopt } else { Method::Xsave };
    }
    let mut state = State::ZERO;
    // SAFETY: FXSAVE writes 512 bytes to an aligned state.
    unsafe { asm!("fninit", "fxsave64 [{}]", in(reg) &raw mut state, options(nostack)) };
    match u32_at(&state.0, MXCSR_MASK) {
        0 => {}
        mask => found.mxcsr_mask = mask,
    }
    let _ = FORMAT.set(found);
    let _ = INITIAL.set(State::initial(found.components));
    keys::enable_on_this_processor();
}

/// Prepares a further processor.
pub(super) fn init_processor() {
    if components() != 0 {
        set_components(components());
    }
    // SAFETY: no program's state is in the registers yet.
    unsafe { asm!("fninit", options(nostack)) };
    keys::enable_on_this_processor();
}

/// Chooses the components that XSAVE saves.
fn set_components(components: u64) {
    // SAFETY: XSAVE was probed and switched on, and the processor offered the components.
    unsafe {
        asm!("xsetbv", in("ecx") 0, in("eax") components as u32, in("edx") (components >> 32) as u32,
             options(nostack, preserves_flags, nomem));
    }
}

/// Bytes of a saved state.
pub fn size() -> usize {
    format().size
}

/// Which state components a saved state may have (XCR0); 0 where there is only the FXSAVE form.
pub fn components() -> u64 {
    format().components
}

/// Writes the current thread's user state to `buffer` in the processor's standard form; gives its length.
pub fn save_current(buffer: &mut [u8]) -> usize {
    let mut state = MaybeUninit::uninit();
    let size = size();
    let bytes = clear(&mut state, size);
    // SAFETY: the state is ours, and of its bytes only those below `size` are written; the registers hold the current
    // context's.
    unsafe { save(bytes.as_mut_ptr().cast(), full_method()) };
    let length = size.min(buffer.len());
    buffer[..length].copy_from_slice(&bytes[..length]);
    length
}

/// Replaces the current thread's user state. Of its components only those `wanted` are looked at, as bits of
/// [`components`]; the others become what they are after a reset.
///
/// # Errors
/// The state is not one that the processor would save.
pub fn restore_current(bytes: &[u8], wanted: u64) -> Result<(), BadState> {
    let format = format();
    let mut state = MaybeUninit::uninit();
    let source = bytes.get(..format.size).ok_or(BadState)?;
    let state = clear(&mut state, format.size);
    state.copy_from_slice(source);
    if u32_at(state, MXCSR) & !format.mxcsr_mask != 0 {
        return Err(BadState);
    }
    if format.components != 0 {
        let header = &mut state[LEGACY_SIZE..LEGACY_SIZE + HEADER_SIZE];
        let (place, rest) = header.split_at_mut(8);
        let present = place.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
        if present & !format.components != 0 || rest.iter().any(|&byte| byte != 0) {
            return Err(BadState);
        }
        place.copy_from_slice(&(present & wanted).to_le_bytes());
    }
    // SAFETY: checked as the processor does (Intel SDM volume 1, 13.8.1): it accepts the state, of which it reads the
    // components' bytes only.
    unsafe { restore(state.as_ptr().cast()) };
    Ok(())
}

/// Gives the current thread the state that a new program has.
pub fn reset_current() {
    // SAFETY: a state that the processor accepts.
    unsafe { restore(initial()) };
}

/// A floating-point state that the processor would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadState;
