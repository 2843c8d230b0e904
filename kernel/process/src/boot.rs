//! The first process, and what has to be known before it.

use crate::clone;
use crate::current;
use crate::exec;
use crate::exec::Strings;
use crate::exit;
use crate::limits::Limits;
use crate::memory::KernelFaults;
use crate::namespaces::{HostNames, Namespaces};
use crate::process::Process;
use crate::program::{Places, Program};
use crate::signal::{Actions, Signals};
use crate::table;
use crate::terminals;
use crate::thread::{Name, Parts, Thread};
use crate::tree::ExitStatus;
use crate::user;
use abi::{Errno, SigSet, Uid};
use aegis::{AddressSpace, Layout};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::mount::UsedNamespace;
use chroma::walk::WalkFlags;
use chroma::{Cred, FdTable, FsContext, Path};
use core::sync::atomic::{AtomicU64, Ordering};

static KERNEL_FAULTS: KernelFaults = KernelFaults;
static THREAD_LIMIT: AtomicU64 = AtomicU64::new(0);

/// How many threads memory allows: an eighth of it for their stacks and structures (Linux's `max_threads` rule).
pub fn thread_limit() -> u64 {
    match THREAD_LIMIT.load(Ordering::Relaxed) {
        0 => {
            const PAGES_PER_THREAD: u64 = 4;
            let limit = aegis::frames::managed() / (8 * PAGES_PER_THREAD);
            let limit = limit.clamp(64, u64::from(crate::tree::PID_MAX));
            THREAD_LIMIT.store(limit, Ordering::Relaxed);
            limit
        }
        limit => limit,
    }
}

/// What the first process begins with.
pub struct Boot {
    /// What is mounted.
    pub mounts: UsedNamespace,
    /// Its root.
    pub root: Path,
    /// Its descriptors: the console, three times.
    pub files: FdTable,
    /// The program, and what it is called.
    pub program: Vec<u8>,
    /// Its arguments, with its own name first.
    pub arguments: Vec<Vec<u8>>,
    /// Its environment.
    pub environment: Vec<Vec<u8>>,
}

/// Starts the first process: process 1, thread 1.
///
/// # Errors
/// Why the program cannot be executed; nothing has been started then.
pub fn start_first(boot: Boot) -> Result<(), Errno> {
    hal::user::register_fault_handler(&KERNEL_FAULTS);
    chroma::cred::register_caller(|| current::thread().map(|thread| thread.cred()));
    terminals::start();
    crate::sockets::start();
    let cred = Arc::new(Cred::root());
    let pid = table::with(|tree| tree.choose_number())?;
    let mut signals = Signals::new(Arc::new(Actions::default()));
    signals.is_protected = true;
    let process = Arc::new(Process::new(pid, signals, Limits::initial(thread_limit()), cred.clone()));
    let space = AddressSpace::new(Layout::random(8 << 20)).map_err(|_| Errno::ENOMEM)?;
    let program = Program::new(Arc::new(space), None, (0, 0), (0, 0), Arc::from([]), Places::default());
    let parts = Parts {
        program: Some(Arc::new(program)),
        files: Some(Arc::new(boot.files)),
        fs: Some(Arc::new(FsContext::new(boot.root))),
        namespaces: Some(Namespaces { mounts: boot.mounts, names: Arc::new(HostNames::default()) }),
        cred,
        user: user::of(Uid::ROOT),
        name: Name::default(),
        io_priority: None,
    };
    let thread = Arc::new(Thread::new(pid, process, parts, SigSet::EMPTY));
    let strings = |list: &[Vec<u8>]| {
        let mut strings = Strings::default();
        list.iter().try_for_each(|text| strings.push(text)).map(|()| strings)
    };
    let (arguments, environment) = (strings(&boot.arguments)?, strings(&boot.environment)?);
    let name = boot.program;
    clone::start_first(&thread, move |current| {
        let path = current.view().resolve(&name, WalkFlags::FOLLOW);
        let executed = path.and_then(|path| {
            exec::exec(current, exec::Request { path, name: name.clone(), arguments, environment })
        });
        if let Err(error) = executed {
            let name = String::from_utf8_lossy(&name);
            hal::err!("process", "{name} cannot be executed: {error}");
            exit::end_process(current, ExitStatus::exited(127));
        }
    })
}
