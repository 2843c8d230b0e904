//! Who is told of a message that comes to an empty queue (`mq_notify(3)`).

use crate::current::Current;
use crate::process::Process;
use crate::program::Program;
use crate::signal::Info;
use crate::signal::send;
use abi::Signal;
use abi::signal::{SIGEV_NONE, SIGEV_SIGNAL};
use alloc::sync::{Arc, Weak};

/// What a registration asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Nothing: others are kept out.
    Nothing,
    /// A signal with a value; without a signal it is as above.
    Signal(Option<Signal>, u64),
}

/// The one registration that a queue can have.
pub(super) struct Registration {
    process: Weak<Process>,
    /// What ran when it was made: a program that was executed later gets no signal that it did not ask for.
    program: Weak<Program>,
    pid: u32,
    notice: Notice,
}

impl Registration {
    pub fn new(current: &Current, notice: Notice) -> Self {
        let (process, program) = (Arc::downgrade(&current.process), Arc::downgrade(&current.program));
        Self { process, program, pid: current.pid(), notice }
    }

    pub fn is_of(&self, process: &Arc<Process>) -> bool {
        core::ptr::eq(self.process.as_ptr(), Arc::as_ptr(process))
    }

    /// The kind of the notice, its signal and the process, as the queue's file shows them.
    pub fn shown(&self) -> (i32, i32, u32) {
        match self.notice {
            Notice::Nothing => (SIGEV_NONE, 0, self.pid),
            Notice::Signal(signal, _) => (SIGEV_SIGNAL, signal.map_or(0, Signal::as_i32), self.pid),
        }
    }

    /// Tells that a message came from the running thread. With no lock of a queue held.
    pub fn tell(self, sender: &Current) {
        let Notice::Signal(Some(signal), value) = self.notice else { return };
        let Some(process) = self.process.upgrade() else { return };
        let runs = process.main_thread().and_then(|thread| thread.program());
        if runs.is_some_and(|program| core::ptr::eq(self.program.as_ptr(), Arc::as_ptr(&program))) {
            send::to_process(&process, Info::message(signal, sender.pid(), sender.cred.uid, value));
        }
    }
}
