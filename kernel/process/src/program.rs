//! What a thread is running: an address space and where it came from.

use abi::memory::BarrierCommands;
use aegis::AddressSpace;
use alloc::sync::Arc;
use chroma::OpenFile;
use chroma::inode::WritersDenied;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// A range of user addresses.
pub type Range = (u64, u64);

/// The file that a program was loaded from.
#[derive(Clone)]
pub struct RunningFile {
    /// The file.
    pub file: Arc<OpenFile>,
    /// Nobody opens it for writing as long as it runs, in whatever process.
    pub(crate) _unwritable: Arc<WritersDenied>,
}

/// An address space with what `exec` put into it; threads with `CLONE_VM` share it.
pub struct Program {
    /// The address space.
    pub space: Arc<AddressSpace>,
    /// The file that is executed (`/proc/PID/exe`); the first process has none before its first exec.
    pub executable: Option<RunningFile>,
    /// Where the arguments' strings are.
    pub arguments: Range,
    /// Where the environment's strings are.
    pub environment: Range,
    /// The auxiliary vector, as `/proc/PID/auxv` shows it.
    pub auxiliary: Arc<[u8]>,
    /// The lowest address of the program's text, data and the initial stack pointer, for `/proc/PID/stat`.
    pub places: Places,
    /// Whether others may look into it (`PR_SET_DUMPABLE`).
    dumpable: AtomicBool,
    /// The barriers that it has registered for (`membarrier(2)`), by the registering commands.
    barriers: AtomicU32,
}

/// Addresses that `/proc/PID/stat` shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places {
    /// Code.
    pub code: Range,
    /// Data.
    pub data: Range,
    /// The initial stack pointer.
    pub stack: u64,
}

impl Program {
    /// A program as exec made it.
    pub fn new(
        space: Arc<AddressSpace>,
        executable: Option<RunningFile>,
        arguments: Range,
        environment: Range,
        auxiliary: Arc<[u8]>,
        places: Places,
    ) -> Self {
        Self {
            space,
            executable,
            arguments,
            environment,
            auxiliary,
            places,
            dumpable: AtomicBool::new(true),
            barriers: AtomicU32::new(0),
        }
    }

    /// The same program in another address space (`fork`).
    pub fn duplicate(&self, space: Arc<AddressSpace>) -> Self {
        Self {
            space,
            executable: self.executable.clone(),
            arguments: self.arguments,
            environment: self.environment,
            auxiliary: self.auxiliary.clone(),
            places: self.places,
            dumpable: AtomicBool::new(self.is_dumpable()),
            barriers: AtomicU32::new(self.barriers().bits()),
        }
    }

    /// Whether others of the same user may look into it.
    pub fn is_dumpable(&self) -> bool {
        self.dumpable.load(Ordering::Relaxed)
    }

    /// See [`Program::is_dumpable`].
    pub fn set_dumpable(&self, dumpable: bool) {
        self.dumpable.store(dumpable, Ordering::Relaxed);
    }

    /// The barriers that it has registered for, by the registering commands: kept by `fork`, not by `exec`.
    pub fn barriers(&self) -> BarrierCommands {
        BarrierCommands::from_bits_retain(self.barriers.load(Ordering::Relaxed))
    }

    /// Registers for barriers, for good.
    pub fn register_barriers(&self, command: BarrierCommands) {
        self.barriers.fetch_or(command.bits(), Ordering::Relaxed);
    }
}
