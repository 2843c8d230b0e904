//! Executing programs.
//!
//! Everything that can fail is done before the point of no return: the file is found and examined, scripts lead to their
//! interpreters, arguments are copied, the new address space is built. Then the process's other threads end, the thread
//! takes the process's number over and changes its parts; from there on only memory can be missing, and that ends the
//! process.

pub mod elf;
mod load;
mod personality;
pub mod script;
pub mod stack;

use crate::current::Current;
use crate::exit;
use crate::ids::{self, FileIds};
use crate::program::{Places, Program, RunningFile};
use crate::signal::{self, Actions, AltStack};
use crate::table;
use crate::timer;
use crate::tree::ExitStatus;
use crate::vdso;
use abi::fs::MountFlags;
use abi::inotify::InotifyMask;
use abi::stat::{S_ISGID, S_ISUID};
use abi::{Errno, OpenFlags, Personality, Resource, Signal};
use aegis::{AddressSpace, Layout};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::cred::{Access, Cap};
use chroma::inode::{FileKind, WritersDenied};
use chroma::walk::WalkFlags;
use chroma::{Cred, OpenFile, Path, notify};
use chronos::{WaitKind, Work};
use core::sync::atomic::Ordering;
use hal::{Registers, UserAddr, user};
use load::{Executable, Loaded};
use personality::{map_first_page, personality_of};
pub use stack::Strings;

/// How many scripts may lead to one another.
const MAX_SCRIPTS: usize = 5;
/// The least room that arguments get, whatever the stack's limit (`ARG_MAX`).
const LEAST_ROOM: u64 = 128 * 1024;
/// The most (three quarters of the default stack).
const MOST_ROOM: u64 = 6 << 20;
/// What a new stack has beside its content.
const INITIAL_STACK: u64 = 128 * 1024;

/// What is to be executed.
pub struct Request {
    /// The file.
    pub path: Path,
    /// What it was called: `AT_EXECFN`, and what a script's interpreter is given.
    pub name: Vec<u8>,
    /// The arguments.
    pub arguments: Strings,
    /// The environment.
    pub environment: Strings,
}

/// How many bytes arguments and environment may have together, with a pointer for each string.
pub fn room_for_arguments(stack_limit: u64) -> u64 {
    (stack_limit / 4).clamp(LEAST_ROOM, MOST_ROOM)
}

/// Opens a file to be executed: that needs the right to execute it, not to read it.
///
/// # Errors
/// `EACCES`: no regular file, no right, or a mount without programs; `ETXTBSY`: somebody has it open for writing.
fn open(cred: &Arc<Cred>, path: Path) -> Result<(Arc<OpenFile>, WritersDenied), Errno> {
    let inode = path.dentry.inode()?.clone();
    if inode.kind() != FileKind::Regular || !chroma::ops::may_execute(&path.mount) {
        return Err(Errno::EACCES);
    }
    inode.permission(cred, Access::EXECUTE)?;
    let ops = inode.ops().open(&inode, OpenFlags::empty(), cred)?;
    let file = OpenFile::new(ops, path, OpenFlags::empty(), cred.clone())?;
    let unwritable = inode.deny_writers()?;
    notify::file(&file, InotifyMask::OPEN);
    Ok((file, unwritable))
}

/// A program that was found, after all scripts.
struct Found {
    executable: Executable,
    /// The identity that its file asks for.
    ids: FileIds,
    arguments: Strings,
}

fn find(current: &Current, path: Path, name: &[u8], mut arguments: Strings) -> Result<Found, Errno> {
    let mut path = path;
    let mut name = name.to_vec();
    for _ in 0..=MAX_SCRIPTS {
        let ids = file_ids(current, &path)?;
        let (file, unwritable) = open(&current.cred, path)?;
        let mut probe = [0; script::PROBE_SIZE];
        let length = load::read_at(&file, 0, &mut probe)?;
        let probe = probe.get(..length).unwrap_or_default();
        let Some(interpreter) = script::parse(probe)? else {
            let executable = Executable::examine(file, unwritable, probe)?;
            return Ok(Found { executable, ids, arguments });
        };
        arguments = script_arguments(&interpreter, &name, &arguments)?;
        name = interpreter.path.to_vec();
        path = current.view().resolve(interpreter.path, WalkFlags::FOLLOW)?;
    }
    Err(Errno::ELOOP)
}

/// The arguments of a script's interpreter: its own name, its argument, the script's name, what followed the script's own name.
fn script_arguments(
    interpreter: &script::Interpreter<'_>,
    script: &[u8],
    old: &Strings,
) -> Result<Strings, Errno> {
    let mut arguments = Strings::default();
    arguments.push(interpreter.path)?;
    if let Some(argument) = interpreter.argument {
        arguments.push(argument)?;
    }
    arguments.push(script)?;
    for argument in old.iter().skip(1) {
        arguments.push(argument)?;
    }
    Ok(arguments)
}

/// The identity that a file's set-id bits give, where the mount and the thread allow it.
fn file_ids(current: &Current, path: &Path) -> Result<FileIds, Errno> {
    let barred = path.mount.flags().contains(MountFlags::NOSUID)
        || current.thread.no_new_privileges.load(Ordering::Relaxed);
    if barred {
        return Ok(FileIds::default());
    }
    let attributes = path.dentry.inode()?.read_attributes(Clone::clone);
    let mode = attributes.mode.0;
    const GROUP_EXECUTE: u32 = 0o010;
    Ok(FileIds {
        user: (mode & S_ISUID != 0).then_some(attributes.uid),
        group: (mode & (S_ISGID | GROUP_EXECUTE) == S_ISGID | GROUP_EXECUTE).then_some(attributes.gid),
    })
}

/// A program in its new address space, ready to be entered.
struct Prepared {
    space: Arc<AddressSpace>,
    loaded: Loaded,
    to_zero: Vec<(UserAddr, usize)>,
    stack: stack::Image,
    entry: u64,
}

fn new_space(current: &Current, is_random: bool) -> Result<AddressSpace, Errno> {
    let limit = |resource| current.process.limits.current(resource);
    let stack = limit(Resource::Stack);
    let layout = if is_random { Layout::random(stack) } else { Layout::fixed(stack) };
    let space = AddressSpace::new(layout).map_err(|_| Errno::ENOMEM)?;
    let limits = space.limits();
    limits.address_space.store(limit(Resource::As), Ordering::Relaxed);
    limits.data.store(limit(Resource::Data), Ordering::Relaxed);
    limits.stack.store(limit(Resource::Stack), Ordering::Relaxed);
    Ok(space)
}

/// `AT_HWCAP`: what Linux gives on x86-64, the features in EDX of CPUID's first leaf.
fn hardware_capabilities() -> u64 {
    let [_, _, _, features] = hal::processor::cpuid(1, 0);
    u64::from(features)
}

/// Why a program is not executed.
enum Failure {
    /// The call fails, and the old program goes on.
    Refused(Errno),
    /// Its segments cannot be mapped: by then Linux has let go of the old program, and nobody is left to be told.
    Doomed,
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Self::Refused(error)
    }
}

/// Maps a program's segments.
fn map(executable: &Executable, space: &AddressSpace, base: Option<u64>) -> Result<Loaded, Failure> {
    if executable.program.is_flawed {
        return Err(Failure::Doomed);
    }
    executable.map(space, base).map_err(|_| Failure::Doomed)
}

fn prepare(
    current: &Current,
    found: &Found,
    environment: &Strings,
    name: &[u8],
    cred: &Cred,
    secure: bool,
    personality: Personality,
) -> Result<Prepared, Failure> {
    let executable = &found.executable;
    let interpreter = match executable.interpreter()? {
        Some(path) => {
            let path = current.view().resolve(&path, WalkFlags::FOLLOW)?;
            let (file, unwritable) = open(&current.cred, path)?;
            let mut probe = [0; elf::HEADER_SIZE];
            let length = load::read_at(&file, 0, &mut probe)?;
            Some(Executable::examine(file, unwritable, probe.get(..length).unwrap_or_default())?)
        }
        None => None,
    };
    let is_random = !personality.contains(Personality::ADDR_NO_RANDOMIZE);
    let space = new_space(current, is_random)?;
    let mut loaded = map(executable, &space, Some(space.layout().program))?;
    space.set_heap_start(UserAddr::new(loaded.end));
    let mut to_zero = core::mem::take(&mut loaded.to_zero);
    let own_entry = executable.header.entry.wrapping_add(loaded.bias);
    let (base, entry) = match &interpreter {
        Some(interpreter) => {
            let mut other = map(interpreter, &space, None)?;
            to_zero.append(&mut other.to_zero);
            (other.bias, interpreter.header.entry.wrapping_add(other.bias))
        }
        None => (0, own_entry),
    };
    let mut random = [0; 16];
    hal::random::fill(&mut random);
    let content = found.arguments.size() + environment.size();
    let pointers = 8 * (found.arguments.count() + environment.count());
    let room = INITIAL_STACK + (content + pointers) as u64;
    let top = space.map_stack(room, executable.program.executable_stack)?;
    let aux = stack::Auxiliary {
        hardware: hardware_capabilities(),
        hardware2: 0,
        table: executable.program.table_address.map_or(0, |at| at.wrapping_add(loaded.bias)),
        table_count: u64::from(executable.header.count),
        base,
        entry: own_entry,
        ids: (cred.uid, cred.euid, cred.gid, cred.egid),
        secure,
        random,
        signal_frame: signal::frame_size(),
        vdso: vdso::map(&space, top, is_random)?,
    };
    // The stack begins at a random place below its top page, as on Linux.
    let mut jitter = [0; 2];
    if is_random {
        hal::random::fill(&mut jitter);
    }
    let top = top.get() - ((u64::from(u16::from_le_bytes(jitter)) % 8192) & !15);
    if personality.contains(Personality::MMAP_PAGE_ZERO) && cred.has(Cap::SYS_RAWIO) {
        let _ = map_first_page(&space); // as on Linux no reason not to execute the program
    }
    let stack = stack::build(top, name, &found.arguments, environment, &aux)?;
    Ok(Prepared { space: Arc::new(space), loaded, to_zero, stack, entry })
}

/// Executes a program: on success the thread's registers are the new program's.
///
/// # Errors
/// Whatever finding and loading the program gives; `E2BIG`; [`Errno::RESTART_NO_INTR`] when the process is ending.
pub fn exec(current: &mut Current, request: Request) -> Result<(), Errno> {
    let Request { path, name, arguments, environment } = request;
    let barred = current.has_no_new_privileges();
    let found = find(current, path, &name, arguments)?;
    let (cred, secure) = ids::exec(&current.cred, found.ids);
    let personality = personality_of(current, &found.ids, &cred);
    let prepared = match prepare(current, &found, &environment, &name, &cred, secure, personality) {
        Ok(prepared) => prepared,
        Err(Failure::Refused(error)) => return Err(error),
        Err(Failure::Doomed) => {
            exit::end_process(current, ExitStatus::killed(Signal::SIGSEGV));
            return Ok(());
        }
    };
    let files = if current.files.is_shared() { Some(current.files.duplicate()?) } else { None };
    stand_alone(current)?;
    if current.has_no_new_privileges() != barred {
        // Another thread has given it a filter meanwhile: the file's set-id bits do not count any more.
        return Err(Errno::RESTART_NO_INTR);
    }
    // The point of no return.
    exit::leave_memory(current);
    current.thread.set_personality(personality);
    if let Some(files) = files {
        current.set_files(files);
    }
    let places =
        Places { code: prepared.loaded.code, data: prepared.loaded.data, stack: prepared.stack.pointer };
    let program = Program::new(
        prepared.space.clone(),
        Some(RunningFile { file: found.executable.file, _unwritable: Arc::new(found.executable.unwritable) }),
        prepared.stack.arguments,
        prepared.stack.environment,
        Arc::from(prepared.stack.vector.as_slice()),
        places,
    );
    current.set_program(Arc::new(program));
    exit::finish_vfork(current);
    become_program(current, &name, cred, secure);
    if fill(&prepared).is_err() {
        exit::end_process(current, ExitStatus::killed(Signal::SIGSEGV));
        return Ok(());
    }
    current.context.regs =
        Registers { rip: prepared.entry, rsp: prepared.stack.pointer, rflags: 0x202, ..Registers::default() };
    Ok(())
}

/// Writes what only the address space in use can be given.
fn fill(prepared: &Prepared) -> Result<(), hal::Fault> {
    for (at, length) in &prepared.to_zero {
        // Where the file is too short there is nothing to be zeroed: a program that goes there gets SIGBUS.
        user::zero_partial(*at, *length);
    }
    user::write_bytes(UserAddr::new(prepared.stack.pointer), &prepared.stack.bytes)
}

/// Ends the process's other threads and takes its number over.
fn stand_alone(current: &mut Current) -> Result<(), Errno> {
    let process = current.process.clone();
    let own_tid = current.tid();
    {
        let mut signals = process.signals.lock_irq();
        if signals.ending.is_some() || signals.executing.is_some() {
            return Err(Errno::RESTART_NO_INTR); // it ends on its way out
        }
        if signals.threads.len() > 1 {
            signals.executing = Some(own_tid);
            for thread in signals.threads.iter().filter(|thread| thread.tid() != own_tid) {
                thread.notify(Work::KILL);
            }
        }
    }
    process.thread_events.wake_all(chronos::Events::all());
    let alone = process
        .thread_events
        .wait(WaitKind::Killable, None, || (process.signals.lock_irq().threads.len() == 1).then_some(()));
    process.signals.lock_irq().executing = None;
    if alone.is_err() {
        return Err(Errno::RESTART_NO_INTR);
    }
    if own_tid != process.pid() {
        let moved = table::with(|tree| {
            let moved = tree.remove_thread(own_tid);
            current.thread.set_tid(process.pid());
            tree.add_thread(process.pid(), current.thread.clone());
            moved
        });
        drop(moved);
    }
    Ok(())
}

/// What else changes with the program.
fn become_program(current: &mut Current, name: &[u8], cred: Cred, secure: bool) {
    let actions = {
        let signals = current.process.signals.lock_irq();
        signals.actions.clone()
    };
    if Arc::strong_count(&actions) > 2 {
        let own = Arc::<Actions>::new(actions.copy());
        let old = core::mem::replace(&mut current.process.signals.lock_irq().actions, own);
        drop(old);
    }
    current.process.signals.lock_irq().actions.reset_for_exec();
    drop(actions);
    current.files.close_on_exec();
    let base = name.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    current.thread.set_name(base);
    let identity_changes = cred.euid != current.cred.euid || cred.egid != current.cred.egid;
    if identity_changes {
        current.thread.parent_death_signal.store(0, Ordering::Relaxed);
    }
    current.set_cred(cred);
    current.program.set_dumpable(!secure && !identity_changes);
    current.alt_stack = AltStack::NONE;
    current.restart = None;
    current.interrupted = None;
    timer::posix::delete_all(&current.process);
    hal::fpu::reset_current();
    if let Some(context) = current.task.context() {
        context.set_fs_base(0);
        context.set_gs_base(0);
    }
    table::with(|tree| {
        if let Some(node) = tree.get_mut(current.process.pid()) {
            node.has_executed = true;
            node.exit_signal = Some(Signal::SIGCHLD);
        }
    });
}
