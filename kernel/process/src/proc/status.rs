//! `/proc/PID/status` and `/proc/PID/statm`.

use super::stat::{Relations, Signals, state};
use super::{Target, processors, trimmed};
use crate::program::Program;
use crate::thread::Name;
use crate::user;
use abi::{Errno, Gid, Resource};
use aegis::Usage;
use alloc::sync::Arc;
use chroma::cred::Cred;
use chroma::synthetic::Text;
use core::sync::atomic::Ordering;

const PAGE: u64 = hal::PAGE_SIZE as u64;

/// A program's memory, in pages.
#[derive(Clone, Copy, Default)]
pub(super) struct Memory {
    pub usage: Usage,
    pub highest: u64,
    /// Resident pages of files, and of shared anonymous memory.
    pub files: u64,
    pub shared: u64,
    /// The program's own code.
    pub code: u64,
    pub tables: u64,
}

impl Memory {
    fn of(program: &Program) -> Self {
        // One table for each 2 MiB that has areas, as far as pages are there, and the three levels above.
        const REACH: u64 = 2 << 20;
        let (mut files, mut shared, mut spans) = (0, 0, 0u64);
        for area in program.space.areas() {
            match area.name {
                Some(_) => files += area.resident,
                None if area.shared => shared += area.resident,
                None => {}
            }
            spans = spans.saturating_add(area.end.get().div_ceil(REACH) - area.start.get() / REACH);
        }
        let usage = program.space.usage();
        let (start, end) = program.places.code;
        Self {
            usage,
            highest: program.space.highest_resident().max(usage.resident),
            files,
            shared,
            code: end.div_ceil(PAGE).saturating_sub(start / PAGE),
            tables: spans.min(usage.resident) + 3,
        }
    }

    fn of_target(target: &Target) -> Option<Self> {
        let program: Arc<Program> = target.thread.as_ref()?.program()?;
        Some(Self::of(&program))
    }
}

/// What the lines show.
pub(super) struct Status<'a> {
    pub name: Name,
    /// `None`: it has ended, and has no files and no memory.
    pub umask: Option<u32>,
    pub state: char,
    pub process: u32,
    pub number: u32,
    pub relations: Relations,
    pub cred: &'a Cred,
    pub table_size: usize,
    pub memory: Option<Memory>,
    pub threads: usize,
    pub queued: (u64, u64),
    pub signals: Signals,
    pub no_new_privileges: bool,
    /// The mode of its filters, and how many there are.
    pub filters: (u8, usize),
    /// The processors that it may run on, a bit each.
    pub cpus: u64,
}

fn state_name(state: char) -> &'static str {
    match state {
        'R' => "running",
        'S' => "sleeping",
        'D' => "disk sleep",
        'T' => "stopped",
        _ => "zombie",
    }
}

pub(super) fn format(status: &Status<'_>, text: &mut Text) {
    text.push(b"Name:\t");
    for byte in trimmed(&status.name) {
        match byte {
            b'\n' => text.push(b"\\n"),
            b'\\' => text.push(b"\\\\"),
            _ => text.push(&[*byte]),
        }
    }
    text.push(b"\n");
    if let Some(umask) = status.umask {
        writeln!(text, "Umask:\t{umask:04o}");
    }
    let Relations { parent, group, session, .. } = status.relations;
    writeln!(text, "State:\t{} ({})", status.state, state_name(status.state));
    writeln!(text, "Tgid:\t{}\nNgid:\t0\nPid:\t{}", status.process, status.number);
    writeln!(text, "PPid:\t{parent}\nTracerPid:\t0");
    let c = status.cred;
    writeln!(text, "Uid:\t{}\t{}\t{}\t{}", c.uid.0, c.euid.0, c.suid.0, c.fsuid.0);
    writeln!(text, "Gid:\t{}\t{}\t{}\t{}", c.gid.0, c.egid.0, c.sgid.0, c.fsgid.0);
    writeln!(text, "FDSize:\t{}", status.table_size);
    write!(text, "Groups:\t");
    for (index, Gid(group)) in c.groups.iter().enumerate() {
        write!(text, "{}{group}", if index == 0 { "" } else { " " });
    }
    writeln!(text, " \nNStgid:\t{}\nNSpid:\t{}", status.process, status.number);
    writeln!(text, "NSpgid:\t{group}\nNSsid:\t{session}");
    if let Some(memory) = &status.memory {
        format_memory(memory, text);
    }
    let (used, limit) = status.queued;
    writeln!(text, "Threads:\t{}\nSigQ:\t{used}/{limit}", status.threads);
    let s = status.signals;
    writeln!(text, "SigPnd:\t{:016x}\nShdPnd:\t{:016x}", s.own.0, s.shared.0);
    writeln!(
        text,
        "SigBlk:\t{:016x}\nSigIgn:\t{:016x}\nSigCgt:\t{:016x}",
        s.blocked.0, s.ignored.0, s.caught.0
    );
    writeln!(text, "CapInh:\t{:016x}\nCapPrm:\t{:016x}", c.inheritable.0, c.permitted.0);
    writeln!(text, "CapEff:\t{:016x}\nCapBnd:\t{:016x}", c.effective.0, c.bounding.0);
    writeln!(text, "CapAmb:\t{:016x}", c.ambient.0);
    let (mode, filters) = status.filters;
    writeln!(text, "NoNewPrivs:\t{}", u8::from(status.no_new_privileges));
    writeln!(text, "Seccomp:\t{mode}\nSeccomp_filters:\t{filters}");
    writeln!(text, "Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunsupported");
    writeln!(text, "Cpus_allowed:\t{:x}\nCpus_allowed_list:\t{}", status.cpus, processors::List(status.cpus));
    writeln!(text, "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0");
}

fn format_memory(memory: &Memory, text: &mut Text) {
    let usage = &memory.usage;
    let mut line =
        |name: &str, pages: u64| writeln!(text, "{name}:\t{:8} kB", pages.saturating_mul(PAGE / 1024));
    line("VmPeak", usage.total);
    line("VmSize", usage.total);
    line("VmLck", 0);
    line("VmPin", 0);
    line("VmHWM", memory.highest);
    line("VmRSS", usage.resident);
    line("RssAnon", usage.resident.saturating_sub(memory.files).saturating_sub(memory.shared));
    line("RssFile", memory.files);
    line("RssShmem", memory.shared);
    line("VmData", usage.data);
    line("VmStk", usage.stack);
    line("VmExe", memory.code);
    line("VmLib", usage.text.saturating_sub(memory.code));
    line("VmPTE", memory.tables);
    line("VmSwap", 0);
    line("HugetlbPages", 0);
    writeln!(text, "CoreDumping:\t0\nTHP_enabled:\t0");
}

pub(super) fn read(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    let process = &target.process;
    let thread = target.thread.as_ref();
    let cred = target.cred();
    let user = thread.map_or_else(|| user::of(cred.uid), |thread| thread.parts(|parts| parts.user.clone()));
    let queued = user.queued_signals.load(Ordering::Relaxed);
    let status = Status {
        name: target.name(),
        umask: thread.and_then(|thread| thread.fs()).map(|fs| fs.umask().0),
        state: state(target),
        process: process.pid(),
        number: target.number,
        relations: Relations::of(process.pid()),
        cred: &cred,
        table_size: thread.and_then(|thread| thread.files()).map_or(0, |files| files.size()),
        memory: Memory::of_target(target),
        threads: process.visible_threads(),
        queued: (queued, process.limits.current(Resource::Sigpending)),
        signals: Signals::of(target),
        no_new_privileges: thread.is_some_and(|thread| thread.no_new_privileges.load(Ordering::Relaxed)),
        filters: thread.map_or((0, 0), |thread| (thread.seccomp.mode() as u8, thread.seccomp.count())),
        cpus: hal::cpu::online_set()
            & thread.and_then(|thread| thread.task()).map_or(u64::MAX, |task| task.allowed()),
    };
    format(&status, text);
    Ok(())
}

/// Pages: all, resident, of those shared, code, libraries (never told), data and stack, dirty (never told).
pub(super) fn format_statm(memory: &Memory, text: &mut Text) {
    let usage = &memory.usage;
    let shared = memory.files + memory.shared;
    let data = usage.data + usage.stack;
    writeln!(text, "{} {} {shared} {} 0 {data} 0", usage.total, usage.resident, memory.code);
}

pub(super) fn statm(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    format_statm(&Memory::of_target(target).unwrap_or_default(), text);
    Ok(())
}
