//! The local APIC (Intel SDM volume 3, chapter 11), through its memory-mapped registers.

use core::sync::atomic::{AtomicU32, Ordering};

use super::super::area;
use super::super::kernel_map;
use super::super::register::{self, Msr};
use super::super::{features, irq};
use crate::cpu::CpuId;
use crate::{NoMemory, Once};

/// Registers, by their place in an array of 16-byte cells.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Register {
    Id = 0x02,
    TaskPriority = 0x08,
    EndOfInterrupt = 0x0b,
    Spurious = 0x0f,
    CommandLow = 0x30,
    CommandHigh = 0x31,
    Timer = 0x32,
    Local0 = 0x35,
    Local1 = 0x36,
    Error = 0x37,
    TimerInitial = 0x38,
    TimerCurrent = 0x39,
    TimerDivide = 0x3e,
}

const MASKED: u32 = 1 << 16;
const TSC_DEADLINE: u32 = 2 << 17;
const ENABLED: u32 = 1 << 8;
const BY_NMI: u32 = 4 << 8;
/// Divide by one.
const DIVIDE_BY_1: u32 = 0b1011;

/// The registers; only the first word of each cell is one.
type Cells = [[AtomicU32; 4]; 64];

static CELLS: Once<&'static Cells> = Once::new();
/// The processors' APIC numbers.
static NUMBERS: [AtomicU32; area::MAX] = [const { AtomicU32::new(0) }; area::MAX];

fn read(register: Register) -> u32 {
    CELLS.get().map_or(0, |cells| cells[register as usize][0].load(Ordering::Relaxed))
}

#[inline]
fn write(register: Register, value: u32) {
    if let Some(cells) = CELLS.get() {
        cells[register as usize][0].store(value, Ordering::Relaxed);
    }
}

/// Maps and enables this processor's local APIC.
///
/// # Errors
/// [`NoMemory`] when it cannot be mapped.
pub(super) fn init(physical: u64) -> Result<(), NoMemory> {
    if CELLS.get().is_none() {
        let address = kernel_map::map_device(physical, 4096)?;
        // SAFETY: the registers are mapped for good; atomics, as they change by themselves.
        let _ = CELLS.set(unsafe { &*(address as *const Cells) });
    }
    init_processor();
    Ok(())
}

/// Enables this processor's local APIC, whose registers are mapped.
pub(in super::super) fn init_processor() {
    const GLOBAL_ENABLE: u64 = 1 << 11;
    register::write_msr(Msr::ApicBase, register::read_msr(Msr::ApicBase) | GLOBAL_ENABLE);
    NUMBERS[area::id() as usize].store(own_number(), Ordering::Relaxed);
    write(Register::TaskPriority, 0);
    write(Register::Local0, MASKED);
    write(Register::Local1, BY_NMI);
    write(Register::Error, MASKED);
    write(Register::TimerDivide, DIVIDE_BY_1);
    let mode = if uses_tsc_deadline() { TSC_DEADLINE } else { 0 };
    write(Register::Timer, u32::from(irq::TIMER) | mode);
    write(Register::Spurious, ENABLED | u32::from(irq::SPURIOUS));
}

/// Says whether deadlines are given in ticks of the time-stamp counter.
pub(in super::super) fn uses_tsc_deadline() -> bool {
    features::get().contains(features::Features::TSC_DEADLINE)
}

/// Ends the interrupt that is being served.
#[inline]
pub(in super::super) fn acknowledge() {
    write(Register::EndOfInterrupt, 0);
}

/// Lets the timer interrupt after so many of its ticks; 0 stops it.
#[inline]
pub(in super::super) fn start_timer(ticks: u32) {
    write(Register::TimerInitial, ticks);
}

/// Ticks until the timer interrupts.
pub(in super::super) fn timer_left() -> u32 {
    read(Register::TimerCurrent)
}

/// This processor's number among the APICs.
pub(in super::super) fn own_number() -> u32 {
    read(Register::Id) >> 24
}

/// The APIC's number of a processor, for routing.
pub(super) fn number(cpu: CpuId) -> u32 {
    NUMBERS.get(cpu.index()).map_or(0, |number| number.load(Ordering::Relaxed))
}

/// Sends this processor an NMI.
#[cfg(feature = "self-test")]
pub(in super::super) fn send_nmi_to_self() {
    const TO_SELF: u32 = 1 << 18;
    write(Register::CommandLow, BY_NMI | TO_SELF);
}

/// Interrupts another processor.
pub(in super::super) fn send(cpu: CpuId, vector: u8) {
    command(number(cpu), u32::from(vector));
}

/// Sends another processor an NMI.
pub(in super::super) fn send_nmi(cpu: CpuId) {
    command(number(cpu), BY_NMI);
}

/// Resets a processor, by its APIC's number: it waits for [`send_start`] then.
pub(in super::super) fn send_init(number: u32) {
    const INIT: u32 = 5 << 8;
    const ASSERT: u32 = 1 << 14;
    command(number, INIT | ASSERT);
}

/// Lets a processor that was reset begin at a page below 1 MiB.
pub(in super::super) fn send_start(number: u32, page: u8) {
    const START: u32 = 6 << 8;
    const ASSERT: u32 = 1 << 14;
    command(number, START | ASSERT | u32::from(page));
}

/// Writes a command for another APIC when the last one has been sent.
fn command(number: u32, command: u32) {
    const PENDING: u32 = 1 << 12;
    let interrupts = super::super::irq_save();
    while read(Register::CommandLow) & PENDING != 0 {
        core::hint::spin_loop();
    }
    write(Register::CommandHigh, number << 24);
    write(Register::CommandLow, command);
    super::super::irq_restore(interrupts);
}
