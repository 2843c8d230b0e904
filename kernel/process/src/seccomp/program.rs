//! The programs of filters: classic BPF, of which Linux allows a part here.
//!
//! Programs jump forwards only, so each ends after as many steps as it has instructions at most. Of the crates that evaluate
//! classic BPF `bpfvm` wants `std` and libc, `tk-axcbpf`, in its first release, a nightly compiler; the others run eBPF, or write
//! filters rather than carry them out. Linux's count of places wants the instructions one by one in any case.

use abi::Errno;
use abi::seccomp::SockFilter;
use alloc::vec::Vec;

/// What a filter sees of a call (`struct seccomp_data`), as words: number, architecture, the instruction pointer's halves, those
/// of six arguments.
pub type Data = [u32; 16];

/// The longest program (`BPF_MAXINSNS`).
pub const LONGEST: usize = 4096;
/// Words of a program's memory.
const MEMORY: usize = 16;

/// The instructions, by their codes.
mod op {
    pub const LOAD: u16 = 0x20;
    pub const LOAD_LENGTH: u16 = 0x80;
    pub const LOAD_X_LENGTH: u16 = 0x81;
    pub const IMMEDIATE: u16 = 0x00;
    pub const X_IMMEDIATE: u16 = 0x01;
    pub const MEMORY: u16 = 0x60;
    pub const X_MEMORY: u16 = 0x61;
    pub const STORE: u16 = 0x02;
    pub const STORE_X: u16 = 0x03;
    pub const TO_X: u16 = 0x07;
    pub const FROM_X: u16 = 0x87;
    pub const GIVE: u16 = 0x06;
    pub const GIVE_A: u16 = 0x16;
    pub const JUMP: u16 = 0x05;
    pub const NEGATE: u16 = 0x84;
    /// The lowest three bits: arithmetic, branches.
    pub const CLASS: u16 = 0x07;
    pub const ARITHMETIC: u16 = 0x04;
    pub const BRANCH: u16 = 0x05;
    /// The second operand is X.
    pub const BY_X: u16 = 0x08;
    pub const ADD: u16 = 0x00;
    pub const SUBTRACT: u16 = 0x10;
    pub const MULTIPLY: u16 = 0x20;
    pub const DIVIDE: u16 = 0x30;
    pub const OR: u16 = 0x40;
    pub const AND: u16 = 0x50;
    pub const SHIFT_LEFT: u16 = 0x60;
    pub const SHIFT_RIGHT: u16 = 0x70;
    pub const XOR: u16 = 0xa0;
    pub const EQUAL: u16 = 0x10;
    pub const GREATER: u16 = 0x20;
    pub const NOT_LESS: u16 = 0x30;
    pub const ANY_BIT: u16 = 0x40;
}

/// The operation of an instruction of arithmetic or a branch; `None` if there is none such.
fn operation(code: u16, class: u16) -> Option<u16> {
    let operation = code & !(op::CLASS | op::BY_X);
    let known: &[u16] = match class {
        op::ARITHMETIC => &[
            op::ADD,
            op::SUBTRACT,
            op::MULTIPLY,
            op::DIVIDE,
            op::OR,
            op::AND,
            op::SHIFT_LEFT,
            op::SHIFT_RIGHT,
            op::XOR,
        ],
        _ => &[op::EQUAL, op::GREATER, op::NOT_LESS, op::ANY_BIT],
    };
    (code & op::CLASS == class && known.contains(&operation)).then_some(operation)
}

/// Checks an instruction by itself; `left` is the number of those behind it. Gives how many places it takes among those that a
/// thread may have: Linux counts the instructions that it translates one into.
fn check_one(instruction: SockFilter, left: usize) -> Option<usize> {
    let SockFilter { code, jt, jf, k } = instruction;
    let reaches = |distance: usize| distance < left;
    let good = |condition: bool| condition.then_some(1);
    match code {
        op::LOAD => good(k < 64 && k % 4 == 0),
        op::MEMORY | op::X_MEMORY | op::STORE | op::STORE_X => good((k as usize) < MEMORY),
        op::JUMP => good(reaches(k as usize)),
        op::GIVE => Some(2),
        op::LOAD_LENGTH | op::LOAD_X_LENGTH | op::IMMEDIATE | op::X_IMMEDIATE | op::TO_X | op::FROM_X => {
            Some(1)
        }
        op::GIVE_A | op::NEGATE => Some(1),
        _ => {
            let by_x = code & op::BY_X != 0;
            if let Some(operation) = operation(code, op::ARITHMETIC) {
                return match operation {
                    op::DIVIDE if by_x => Some(5),
                    op::DIVIDE => good(k != 0),
                    op::SHIFT_LEFT | op::SHIFT_RIGHT if !by_x => good(k < 32),
                    _ => Some(1),
                };
            }
            let operation = operation(code, op::BRANCH)?;
            let two_ways = jf != 0 && (jt != 0 || operation == op::ANY_BIT);
            let is_wide = !by_x && k.cast_signed() < 0;
            let good = reaches(jt.into()) && reaches(jf.into());
            good.then_some(1 + usize::from(two_ways) + usize::from(is_wide))
        }
    }
}

/// Checks that memory is stored on every way to where it is loaded.
fn check_memory(code: &[SockFilter]) -> Result<(), Errno> {
    // What is stored on all ways to an instruction, a bit a word.
    let mut stored: Vec<u16> = Vec::new();
    aegis::charge::reserve_exact(&mut stored, code.len())?;
    stored.resize(code.len(), u16::MAX);
    let mut here = 0;
    for (at, instruction) in code.iter().enumerate() {
        here &= stored.get(at).copied().unwrap_or(0);
        let bit = 1u16.checked_shl(instruction.k).unwrap_or(0);
        let mut reach = |distance: usize| {
            if let Some(there) = stored.get_mut(at.saturating_add(1).saturating_add(distance)) {
                *there &= here;
            }
        };
        match instruction.code {
            op::STORE | op::STORE_X => here |= bit,
            op::MEMORY | op::X_MEMORY if here & bit == 0 => return Err(Errno::EINVAL),
            op::JUMP => {
                reach(instruction.k as usize);
                here = u16::MAX;
            }
            branch if branch & op::CLASS == op::BRANCH => {
                reach(instruction.jt.into());
                reach(instruction.jf.into());
                here = u16::MAX;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A program that was checked.
pub struct Program {
    code: Vec<SockFilter>,
    /// How many of a thread's places it takes.
    pub places: usize,
}

impl Program {
    /// Checks a program.
    ///
    /// # Errors
    /// `EINVAL`: an instruction that is not known, a jump that leaves the program, a way that does not end with an action;
    /// `ENOMEM`.
    pub fn new(code: Vec<SockFilter>) -> Result<Self, Errno> {
        if code.is_empty() || code.len() > LONGEST {
            return Err(Errno::EINVAL);
        }
        let mut places = 3; // what sets up the registers
        for (at, instruction) in code.iter().enumerate() {
            places += check_one(*instruction, code.len() - at - 1).ok_or(Errno::EINVAL)?;
        }
        if !code.last().is_some_and(|last| matches!(last.code, op::GIVE | op::GIVE_A)) {
            return Err(Errno::EINVAL);
        }
        check_memory(&code)?;
        Ok(Self { code, places })
    }

    /// What the program gives for a call.
    pub fn run(&self, data: &Data) -> u32 {
        let (mut a, mut x, mut memory) = (0u32, 0u32, [0u32; MEMORY]);
        let mut at = 0usize;
        while let Some(&SockFilter { code, jt, jf, k }) = self.code.get(at) {
            at += 1;
            let place = k as usize;
            match code {
                op::LOAD => a = data.get(place / 4).copied().unwrap_or(0),
                op::LOAD_LENGTH => a = size_of::<Data>() as u32,
                op::LOAD_X_LENGTH => x = size_of::<Data>() as u32,
                op::IMMEDIATE => a = k,
                op::X_IMMEDIATE => x = k,
                op::MEMORY => a = memory.get(place).copied().unwrap_or(0),
                op::X_MEMORY => x = memory.get(place).copied().unwrap_or(0),
                op::STORE | op::STORE_X => {
                    if let Some(word) = memory.get_mut(place) {
                        *word = if code == op::STORE { a } else { x };
                    }
                }
                op::TO_X => x = a,
                op::FROM_X => a = x,
                op::GIVE => return k,
                op::GIVE_A => return a,
                op::JUMP => at = at.saturating_add(place),
                op::NEGATE => a = a.wrapping_neg(),
                _ => {
                    let other = if code & op::BY_X == 0 { k } else { x };
                    if let Some(operation) = operation(code, op::ARITHMETIC) {
                        let Some(result) = compute(operation, a, other) else {
                            return 0; // a division by 0 ends the program so
                        };
                        a = result;
                    } else {
                        let holds = match code & !(op::CLASS | op::BY_X) {
                            op::EQUAL => a == other,
                            op::GREATER => a > other,
                            op::NOT_LESS => a >= other,
                            _ => a & other != 0,
                        };
                        at += usize::from(if holds { jt } else { jf });
                    }
                }
            }
        }
        abi::seccomp::action::KILL_PROCESS // it was checked: no way leads here
    }
}

fn compute(operation: u16, a: u32, other: u32) -> Option<u32> {
    Some(match operation {
        op::ADD => a.wrapping_add(other),
        op::SUBTRACT => a.wrapping_sub(other),
        op::MULTIPLY => a.wrapping_mul(other),
        op::DIVIDE => a.checked_div(other)?,
        op::OR => a | other,
        op::AND => a & other,
        op::SHIFT_LEFT => a.wrapping_shl(other),
        op::SHIFT_RIGHT => a.wrapping_shr(other),
        _ => a ^ other,
    })
}

#[cfg(test)]
mod tests {
    use super::{Data, Program, op};
    use abi::Errno;
    use abi::seccomp::SockFilter;
    use std::vec::Vec;

    const fn one(code: u16, k: u32) -> SockFilter {
        SockFilter { code, jt: 0, jf: 0, k }
    }

    const fn branch(operation: u16, k: u32, jt: u8, jf: u8) -> SockFilter {
        SockFilter { code: op::BRANCH | operation, jt, jf, k }
    }

    fn given(code: &[SockFilter], data: &Data) -> Result<u32, Errno> {
        Ok(Program::new(Vec::from(code))?.run(data))
    }

    #[test]
    fn a_branch_goes_where_its_condition_says_and_a_jump_over_what_follows() {
        let code = [
            one(op::LOAD, 4 * 2),
            branch(op::GREATER, 9, 1, 0),
            one(op::GIVE, 1),
            one(op::JUMP, 1),
            one(op::GIVE, 2),
            one(op::GIVE, 3),
        ];
        let mut data = Data::default();
        assert_eq!(given(&code, &data), Ok(1));
        data[2] = 10;
        assert_eq!(given(&code, &data), Ok(3));
    }

    #[test]
    fn a_way_out_of_the_program_is_found_before_it_runs() {
        for code in [
            &[][..],
            &[one(op::IMMEDIATE, 1)],
            &[one(op::JUMP, 1), one(op::GIVE, 0)],
            &[branch(op::EQUAL, 0, 0, 1), one(op::GIVE, 0)],
            &[one(op::LOAD, 64), one(op::GIVE, 0)],
            &[one(op::LOAD, 2), one(op::GIVE, 0)],
            &[one(op::STORE, 16), one(op::GIVE, 0)],
            &[one(op::ARITHMETIC | op::DIVIDE, 0), one(op::GIVE, 0)],
            &[one(0x28, 0), one(op::GIVE, 0)],
        ] {
            assert_eq!(given(code, &Data::default()), Err(Errno::EINVAL), "{code:?}");
        }
    }

    #[test]
    fn memory_is_loaded_only_where_it_was_stored_on_every_way() {
        let mut code =
            [branch(op::EQUAL, 0, 0, 1), one(op::STORE, 3), one(op::MEMORY, 3), one(op::GIVE_A, 0)];
        assert_eq!(given(&code, &Data::default()), Err(Errno::EINVAL));
        code[0] = one(op::IMMEDIATE, 7);
        assert_eq!(given(&code, &Data::default()), Ok(7));
    }

    #[test]
    fn a_division_by_nothing_ends_the_program_with_0() {
        let code = [one(op::IMMEDIATE, 8), one(op::ARITHMETIC | op::DIVIDE | op::BY_X, 0), one(op::GIVE, 5)];
        assert_eq!(given(&code, &Data::default()), Ok(0));
    }
}
