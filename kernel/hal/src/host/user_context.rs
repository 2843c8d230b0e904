//! Running programs: a test plays the program.

use std::cell::RefCell;
use std::sync::atomic::AtomicU32;

use crate::user::{Registers, Trap};

type Program = Box<dyn FnMut(&mut Registers) -> Trap>;

thread_local! {
    static PROGRAM: RefCell<Option<Program>> = const { RefCell::new(None) };
}

pub(super) fn set_program(program: Program) {
    PROGRAM.set(Some(program));
}

/// A program's state between two traps.
#[derive(Clone, Default)]
pub struct UserContext {
    /// Its registers; any value is allowed, and what the processor would refuse becomes an exception of the program.
    pub regs: Registers,
}

impl UserContext {
    /// A program whose registers are all zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the program run in the current thread's address space until something happens.
    pub fn run(&mut self, _work: &AtomicU32) -> Trap {
        crate::lock_check::check_nothing_held("return to a program");
        const INVALID_OPCODE: u8 = 6;
        PROGRAM.with_borrow_mut(|program| match program {
            Some(program) => program(&mut self.regs),
            None => Trap::Exception { vector: INVALID_OPCODE, error: 0 },
        })
    }
}
