//! What a program is told that asks where the kernel's tables are.
//!
//! The processor refuses SGDT, SIDT, SMSW, SLDT and STR to programs (UMIP, Intel SDM volume 3, 2.5). As on Linux they are carried
//! out all the same, with values that tell nothing: old programs use them, and none can learn the kernel's addresses.

use crate::current::Current;
use crate::signal::{Info, fault};
use abi::Signal;
use abi::signal::code;
use hal::{Registers, UserAddr, context, user};

/// Linux's values: addresses that nothing is at, protected mode with paging, and the selector of a task's segment.
const GDT_BASE: u64 = 0xffff_ffff_fffe_0000;
const IDT_BASE: u64 = 0xffff_ffff_ffff_0000;
const STATUS: u64 = 0x8005_0033;
const TASK: u64 = 0x40;

/// No instruction is longer.
const LONGEST: usize = 15;

/// The base that an operand's address is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment {
    Flat,
    Fs,
    Gs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    /// A register's number, and how many bytes of it.
    Register(u8, usize),
    Memory(Segment, u64),
}

/// One of the five instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instruction {
    /// What it stores, and how much of that in memory.
    value: u128,
    stored: usize,
    operand: Operand,
    length: usize,
}

/// Carries out one of the instructions if the program is at one; says whether it was.
pub(super) fn emulate(current: &mut Current) -> bool {
    let mut bytes = [0; LONGEST];
    let at = UserAddr::new(current.context.regs.rip);
    let read = user::read_partial(at, &mut bytes);
    let Some(found) = decode(bytes.get(..read).unwrap_or_default(), &current.context.regs) else {
        return false;
    };
    let value = found.value.to_le_bytes();
    match found.operand {
        Operand::Register(number, size) => {
            if let Some(register) = register_mut(&mut current.context.regs, number) {
                let mut bytes = register.to_le_bytes();
                bytes.iter_mut().zip(value).take(size).for_each(|(to, from)| *to = from);
                *register = u64::from_le_bytes(bytes);
            }
        }
        Operand::Memory(segment, offset) => {
            let own = context::current();
            let base = match segment {
                Segment::Flat => 0,
                Segment::Fs => own.map_or(0, |own| own.fs_base()),
                Segment::Gs => own.map_or(0, |own| own.gs_base()),
            };
            let to = UserAddr::new(base.wrapping_add(offset));
            if user::write_bytes(to, value.get(..found.stored).unwrap_or_default()).is_err() {
                const USER_WRITE: u64 = 0b110;
                let info = Info::fault(Signal::SIGSEGV, code::SEGV_MAPERR, to.get());
                fault::page_fault(current, to, USER_WRITE, info);
                return true;
            }
        }
    }
    current.context.regs.rip = current.context.regs.rip.wrapping_add(found.length as u64);
    true
}

/// A register by its number in an instruction.
fn register_mut(regs: &mut Registers, number: u8) -> Option<&mut u64> {
    Some(match number {
        0 => &mut regs.rax,
        1 => &mut regs.rcx,
        2 => &mut regs.rdx,
        3 => &mut regs.rbx,
        4 => &mut regs.rsp,
        5 => &mut regs.rbp,
        6 => &mut regs.rsi,
        7 => &mut regs.rdi,
        8 => &mut regs.r8,
        9 => &mut regs.r9,
        10 => &mut regs.r10,
        11 => &mut regs.r11,
        12 => &mut regs.r12,
        13 => &mut regs.r13,
        14 => &mut regs.r14,
        15 => &mut regs.r15,
        _ => return None,
    })
}

fn register(regs: &Registers, number: u8) -> u64 {
    let mut regs = *regs;
    register_mut(&mut regs, number).map_or(0, |register| *register)
}

/// The bytes of an instruction, one after the other.
struct Bytes<'a> {
    all: &'a [u8],
    taken: usize,
}

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = *self.all.get(self.taken)?;
        self.taken += 1;
        Some(byte)
    }

    /// A signed number of one byte or four.
    fn displacement(&mut self, wide: bool) -> Option<u64> {
        let first = self.next()?;
        if !wide {
            return Some(i64::from(first.cast_signed()).cast_unsigned());
        }
        let number = i32::from_le_bytes([first, self.next()?, self.next()?, self.next()?]);
        Some(i64::from(number).cast_unsigned())
    }
}

/// Finds one of the five in 64-bit code (Intel SDM volume 2, 2.1 to 2.2.1).
fn decode(all: &[u8], regs: &Registers) -> Option<Instruction> {
    let mut bytes = Bytes { all, taken: 0 };
    let (mut segment, mut narrow, mut short_addresses) = (Segment::Flat, false, false);
    let mut first = bytes.next()?;
    loop {
        match first {
            0x66 => narrow = true,
            0x67 => short_addresses = true,
            0x64 => segment = Segment::Fs,
            0x65 => segment = Segment::Gs,
            0x2e | 0x36 | 0x3e | 0x26 | 0xf2 | 0xf3 => {}
            _ => break,
        }
        first = bytes.next()?;
    }
    let extension = if first & 0xf0 == 0x40 { first } else { 0 };
    if extension != 0 {
        first = bytes.next()?;
    }
    let (opcode, form) = (bytes.next().filter(|_| first == 0x0f)?, bytes.next()?);
    let (mode, kind, low) = (form >> 6, form >> 3 & 7, form & 7);
    let table = |base: u64| (u128::from(base) << 16, 10);
    let (value, stored) = match (opcode, kind) {
        (1, 0) if mode != 3 => table(GDT_BASE),
        (1, 1) if mode != 3 => table(IDT_BASE),
        (1, 4) => (STATUS.into(), 2),
        (0, 0) => (0, 2),
        (0, 1) => (TASK.into(), 2),
        _ => return None,
    };
    let high = |bit: u8| (extension >> bit & 1) << 3;
    let operand = if mode == 3 {
        let size = match (extension & 8 != 0, narrow) {
            (true, _) => 8,
            (false, true) => 2,
            (false, false) => 4,
        };
        Operand::Register(low | high(0), size)
    } else {
        let address = address(&mut bytes, regs, mode, low, [high(0), high(1)])?;
        let address = if short_addresses { address & u64::from(u32::MAX) } else { address };
        Operand::Memory(segment, address)
    };
    Some(Instruction { value, stored, operand, length: bytes.taken })
}

/// The address of an operand in memory; `high` are the uppermost bits of the numbers of base and index.
fn address(bytes: &mut Bytes<'_>, regs: &Registers, mode: u8, low: u8, high: [u8; 2]) -> Option<u64> {
    let [high_base, high_index] = high;
    let (mut base, mut scaled) = (low | high_base, 0);
    let mut no_base = mode == 0 && low == 5;
    let relative = no_base;
    if low == 4 {
        let form = bytes.next()?;
        base = form & 7 | high_base;
        no_base = mode == 0 && form & 7 == 5;
        let index = form >> 3 & 7 | high_index;
        if index != 4 {
            scaled = register(regs, index) << (form >> 6);
        }
    }
    let displacement = match mode {
        0 if !no_base => 0,
        1 => bytes.displacement(false)?,
        _ => bytes.displacement(true)?,
    };
    let base = match (relative, no_base) {
        // From the next instruction on; nothing follows the displacement.
        (true, _) => regs.rip.wrapping_add(bytes.taken as u64),
        (false, true) => 0,
        (false, false) => register(regs, base),
    };
    Some(base.wrapping_add(scaled).wrapping_add(displacement))
}

#[cfg(test)]
mod tests {
    use super::{GDT_BASE, Instruction, Operand, Segment, decode};
    use hal::Registers;

    fn regs() -> Registers {
        Registers {
            rax: 0x1000,
            rbx: 0x20,
            rsp: 0x7000,
            r8: 0x8000,
            r12: 0xc000,
            rip: 0x40_0000,
            ..Registers::default()
        }
    }

    fn found(bytes: &[u8]) -> Option<Operand> {
        decode(bytes, &regs()).map(|Instruction { operand, length, .. }| {
            assert_eq!(length, bytes.len());
            operand
        })
    }

    fn memory(address: u64) -> Option<Operand> {
        Some(Operand::Memory(Segment::Flat, address))
    }

    #[test]
    fn the_five_instructions_are_known_and_no_others() {
        let gdt = decode(&[0x0f, 1, 0x00], &regs()).unwrap();
        assert_eq!((gdt.value, gdt.stored), (u128::from(GDT_BASE) << 16, 10));
        for (bytes, value, stored) in
            [([0x0f, 1, 0x20], 0x8005_0033, 2), ([0x0f, 0, 0x00], 0, 2), ([0x0f, 0, 0x08], 0x40, 2)]
        {
            let found = decode(&bytes, &regs()).unwrap();
            assert_eq!((found.value, found.stored), (value, stored));
        }
        assert!(decode(&[0x0f, 1, 0x08], &regs()).is_some());
        for other in [
            &[0x0f, 1, 0xc0][..],
            &[0x0f, 1, 0x10],
            &[0x0f, 0, 0x10],
            &[0x0f, 2, 0],
            &[0xf4],
            &[],
            &[0x0f],
            &[0x66; 15],
        ] {
            assert_eq!(decode(other, &regs()), None, "{other:x?}");
        }
    }

    #[test]
    fn every_form_of_an_operand_is_understood() {
        assert_eq!(found(&[0x0f, 1, 0x00]), memory(0x1000)); // [rax]
        assert_eq!(found(&[0x0f, 1, 0x40, 0xf8]), memory(0xff8)); // [rax - 8]
        assert_eq!(found(&[0x0f, 1, 0x80, 0, 1, 0, 0]), memory(0x1100)); // [rax + 0x100]
        assert_eq!(found(&[0x0f, 1, 0x05, 0, 1, 0, 0]), memory(0x40_0107)); // [rip + 0x100]
        assert_eq!(found(&[0x0f, 1, 0x04, 0x24]), memory(0x7000)); // [rsp]
        assert_eq!(found(&[0x0f, 1, 0x44, 0xd8, 0x10]), memory(0x1110)); // [rax + rbx * 8 + 0x10]
        assert_eq!(found(&[0x0f, 1, 0x04, 0x25, 4, 0, 0, 0]), memory(4)); // [4]
        assert_eq!(found(&[0x41, 0x0f, 1, 0x00]), memory(0x8000)); // [r8]
        assert_eq!(found(&[0x43, 0x0f, 1, 0x04, 0x20]), memory(0x1_4000)); // [r8 + r12]
        assert_eq!(found(&[0x67, 0x0f, 1, 0x40, 0x80]), memory(0xf80)); // [eax - 128]
        let fs = Some(Operand::Memory(Segment::Fs, 0x1000));
        assert_eq!(found(&[0x64, 0x0f, 1, 0x00]), fs);
        assert_eq!(found(&[0x0f, 1, 0xe3]), Some(Operand::Register(3, 4)));
        assert_eq!(found(&[0x66, 0x0f, 0, 0xc8]), Some(Operand::Register(0, 2)));
        assert_eq!(found(&[0x49, 0x0f, 0, 0xc7]), Some(Operand::Register(15, 8)));
    }
}
