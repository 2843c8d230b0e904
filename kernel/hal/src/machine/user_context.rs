//! Running programs.

use core::arch::asm;
use core::sync::atomic::{AtomicU32, Ordering};

use super::area;
use super::trap::{self, stubs, vector};
use super::{irq, register};
use crate::UserAddr;
use crate::user::{Registers, Trap};

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

    /// Lets the program run in the current thread's address space until something happens. Gives [`Trap::Interrupt`] at once
    /// when a reschedule is due or `work` is not 0. Whoever sets `work` sends the thread's processor an interrupt afterwards:
    /// either it is seen here, with interrupts off, or the interrupt comes, and it is looked at again.
    ///
    /// Called with interrupts on and a preempt count of 0, as it returns.
    #[inline]
    pub fn run(&mut self, work: &AtomicU32) -> Trap {
        crate::lock_check::check_nothing_held("return to a program");
        loop {
            super::irq_disable();
            if work.load(Ordering::Relaxed) != 0 || area::preempt_word() == 0 {
                super::irq_restore(true);
                return Trap::Interrupt;
            }
            let (number, error): (u64, u64);
            // SAFETY: the entry code keeps rbx and rbp and what is declared here; it returns on this stack with this
            // processor's GS. The program can reach no memory but what its page tables show with the user bit.
            unsafe {
                asm!(
                    "call enter_user",
                    inout("rdi") &mut self.regs => _,
                    lateout("rax") number,
                    lateout("rdx") error,
                    lateout("rcx") _, lateout("rsi") _,
                    lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _,
                    lateout("r12") _, lateout("r13") _, lateout("r14") _, lateout("r15") _,
                );
            }
            if number == u64::from(stubs::SYSCALL) {
                super::irq_restore(true);
                return Trap::Syscall;
            }
            if let Some(trap) = Self::other_trap(number, error) {
                return trap;
            }
        }
    }

    /// What is no system call; `None` when an interrupt was served and the program may go on. Called with interrupts off.
    fn other_trap(number: u64, error: u64) -> Option<Trap> {
        let trap = match number {
            vector::PAGE_FAULT => {
                let address = UserAddr::new(register::read_cr2());
                Trap::PageFault { address, access: trap::access(error) }
            }
            vector::FIRST_INTERRUPT.. => {
                irq::serve(number as u8, true);
                return None;
            }
            _ => Trap::Exception { vector: number as u8, error },
        };
        super::irq_restore(true);
        Some(trap)
    }
}
