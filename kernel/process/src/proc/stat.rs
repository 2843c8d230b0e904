//! `/proc/PID/stat`: 52 numbers in one line.

use super::{Target, trimmed};
use crate::program::Program;
use crate::table;
use crate::thread::Name;
use crate::usage::{Usage, ticks};
use abi::{Errno, Resource, SigSet, Signal};
use alloc::sync::Arc;
use chroma::cred::Cred;
use chroma::synthetic::Text;
use chronos::{Policy, Scheduling, WaitKind};

/// What a thread is doing.
pub(super) fn state(target: &Target) -> char {
    let Some(thread) = &target.thread else { return 'Z' };
    if thread.is_parked() {
        return 'T';
    }
    match thread.task().and_then(|task| task.blocked()) {
        None => 'R',
        Some(WaitKind::Interruptible) => 'S',
        Some(_) => 'D',
    }
}

/// The relations of a process.
#[derive(Clone, Copy, Default)]
pub(super) struct Relations {
    pub parent: u32,
    pub group: u32,
    pub session: u32,
    pub exit_signal: i32,
    pub exit_code: i32,
    pub has_executed: bool,
}

impl Relations {
    pub fn of(pid: u32) -> Self {
        table::with(|tree| {
            tree.get(pid).map(|node| Self {
                parent: node.parent,
                group: node.group,
                session: node.session,
                exit_signal: node.exit_signal.map_or(0, Signal::as_i32),
                exit_code: node.report.ended.map_or(0, |status| status.0),
                has_executed: node.has_executed,
            })
        })
        .unwrap_or_default()
    }
}

/// Signals: pending for the thread and for the process, blocked, ignored, caught.
#[derive(Clone, Copy, Default)]
pub(super) struct Signals {
    pub own: SigSet,
    pub shared: SigSet,
    pub blocked: SigSet,
    pub ignored: SigSet,
    pub caught: SigSet,
}

impl Signals {
    pub fn of(target: &Target) -> Self {
        let (shared, actions) = {
            let signals = target.process.lock_signals();
            (signals.pending.set(), signals.actions.clone())
        };
        let mut all = Self { shared, ..Self::default() };
        if let Some(thread) = &target.thread {
            all.own = thread.pending_set();
            all.blocked = thread.blocked();
        }
        for signal in (1..=64).filter_map(Signal::new) {
            let action = actions.get(signal);
            if action.handler == abi::signal::SIG_IGN {
                all.ignored = all.ignored.with(signal);
            } else if action.is_caught() {
                all.caught = all.caught.with(signal);
            }
        }
        all
    }
}

/// Linux's priority, nice value, real-time priority and policy number (`sched(7)`).
fn scheduling(scheduling: Scheduling) -> (i32, i32, u8, u8) {
    let nice = i32::from(scheduling.nice);
    match scheduling.policy {
        Policy::Fair => (20 + nice, nice, 0, 0),
        Policy::Fifo(priority) => (-1 - i32::from(priority), nice, priority, 1),
        Policy::RoundRobin(priority) => (-1 - i32::from(priority), nice, priority, 2),
        Policy::Batch => (20 + nice, nice, 0, 3),
        Policy::Idle => (20 + nice, nice, 0, 5),
    }
}

/// Addresses, for those who may look into the process.
#[derive(Clone, Copy, Default)]
pub(super) struct Addresses {
    pub code: (u64, u64),
    pub stack: u64,
    pub data: (u64, u64),
    pub heap: u64,
    pub arguments: (u64, u64),
    pub environment: (u64, u64),
}

/// The line's numbers, named as in `proc(5)`.
pub(super) struct Stat {
    pub pid: u32,
    pub name: Name,
    pub state: char,
    pub relations: Relations,
    pub terminal: u32,
    pub foreground: i32,
    pub flags: u32,
    pub user: u64,
    pub system: u64,
    pub children_user: u64,
    pub children_system: u64,
    pub scheduling: (i32, i32, u8, u8),
    pub threads: usize,
    pub started: u64,
    pub size: u64,
    pub resident: u64,
    pub resident_limit: u64,
    pub addresses: Addresses,
    pub signals: Signals,
    pub waits: bool,
    pub cpu: usize,
}

/// Linux's process flags: it is ending; it has not executed since it was forked; its addresses are random.
const EXITING: u32 = 0x4;
const FORK_NO_EXEC: u32 = 0x40;
const RANDOMIZED: u32 = 0x40_0000;

/// The signals that fit the old fields.
fn low(set: SigSet) -> u64 {
    set.0 & 0x7fff_ffff
}

impl Stat {
    fn of(target: &Target, is_open: bool) -> Self {
        let process = &target.process;
        let relations = Relations::of(process.pid());
        let (terminal, foreground) = super::system::terminal(process);
        let usage = match &target.thread {
            Some(thread) if target.is_task => Usage::of_thread(thread),
            _ => process.usage(),
        };
        let children = process.children_usage();
        let task = target.thread.as_ref().and_then(|thread| thread.task());
        let program = target.thread.as_ref().and_then(|thread| thread.program());
        let memory = program.as_ref().map(|program| program.space.usage()).unwrap_or_default();
        let started =
            target.thread.as_ref().filter(|_| target.is_task).map_or(process.started(), |t| t.started());
        let state = state(target);
        let flags = RANDOMIZED
            | if state == 'Z' { EXITING } else { 0 }
            | if relations.has_executed { 0 } else { FORK_NO_EXEC };
        Self {
            pid: target.number,
            name: target.name(),
            state,
            relations: Relations {
                exit_signal: if target.is_task && target.number != process.pid() {
                    -1
                } else {
                    relations.exit_signal
                },
                exit_code: if is_open { relations.exit_code } else { 0 },
                ..relations
            },
            terminal,
            foreground,
            flags,
            user: ticks(usage.user),
            system: ticks(usage.system),
            children_user: ticks(children.user),
            children_system: ticks(children.system),
            scheduling: scheduling(task.as_ref().map_or(Policy::NORMAL.into(), |task| task.scheduling())),
            threads: process.visible_threads(),
            started: ticks(started.since_boot()),
            size: memory.total.saturating_mul(hal::PAGE_SIZE as u64),
            resident: memory.resident,
            resident_limit: process.limits.current(Resource::Rss),
            addresses: program.map(|program| addresses(&program, is_open)).unwrap_or_default(),
            signals: Signals::of(target),
            waits: is_open && state != 'R' && state != 'Z',
            cpu: task.map_or(0, |task| task.cpu().index()),
        }
    }
}

fn addresses(program: &Arc<Program>, is_open: bool) -> Addresses {
    if !is_open {
        return Addresses { code: (1, 1), ..Addresses::default() };
    }
    let heap = program.space.areas().find(|area| area.label == Some("[heap]"));
    Addresses {
        code: program.places.code,
        stack: program.places.stack,
        data: program.places.data,
        heap: heap.map_or(0, |area| area.start.get()),
        arguments: program.arguments,
        environment: program.environment,
    }
}

/// The line. Page faults and the two memory-less fields of the system are not counted: 0.
pub(super) fn format(stat: &Stat, text: &mut Text) {
    write!(text, "{} (", stat.pid);
    text.push(trimmed(&stat.name));
    let Relations { parent, group, session, exit_signal, exit_code, .. } = stat.relations;
    write!(text, ") {} {parent} {group} {session} {} {} ", stat.state, stat.terminal, stat.foreground);
    write!(text, "{} 0 0 0 0 {} {} ", stat.flags, stat.user, stat.system);
    let (priority, nice, real_time, policy) = stat.scheduling;
    write!(text, "{} {} {priority} {nice} ", stat.children_user, stat.children_system);
    write!(text, "{} 0 {} {} {} ", stat.threads, stat.started, stat.size, stat.resident);
    let at = stat.addresses;
    write!(text, "{} {} {} {} 0 0 ", stat.resident_limit, at.code.0, at.code.1, at.stack);
    let signals = stat.signals;
    write!(text, "{} {} ", low(signals.own), low(signals.blocked));
    write!(text, "{} {} {} 0 0 ", low(signals.ignored), low(signals.caught), u8::from(stat.waits));
    write!(text, "{exit_signal} {} {real_time} {policy} 0 0 0 ", stat.cpu);
    write!(text, "{} {} {} ", at.data.0, at.data.1, at.heap);
    write!(text, "{} {} {} {} ", at.arguments.0, at.arguments.1, at.environment.0, at.environment.1);
    writeln!(text, "{exit_code}");
}

pub(super) fn read(target: &Target, cred: &Cred, text: &mut Text) -> Result<(), Errno> {
    format(&Stat::of(target, target.is_open_to(cred)), text);
    Ok(())
}
