//! `/proc/PID/status` and its small relatives.

use abi::Errno;
use abi::process::Resource;
use alloc::vec::Vec;
use chroma::synthetic::Text;
use process::table;

use super::Task;
use super::stat::state;

/// A task's name without its padding. What has ended has none any more.
pub(super) fn task_name(task: &Task) -> Vec<u8> {
    let Some(thread) = &task.thread else { return b"ended".to_vec() };
    thread.name().iter().copied().take_while(|byte| *byte != 0).collect()
}

/// Signals as masks.
#[derive(Default)]
pub(super) struct SignalSets {
    pub(super) pending: u64,
    pub(super) blocked: u64,
    pub(super) ignored: u64,
    pub(super) caught: u64,
}

pub(super) fn signal_sets(task: &Task) -> SignalSets {
    let Some(thread) = &task.thread else { return SignalSets::default() };
    let (ignored, caught) = task.process.lock_signals().actions.ignored_and_caught();
    SignalSets {
        pending: thread.pending_set().0,
        blocked: thread.blocked().0,
        ignored: ignored.0,
        caught: caught.0,
    }
}

pub(super) fn name(task: &Task, text: &mut Text) -> Result<(), Errno> {
    text.push(&task_name(task));
    text.push(b"\n");
    Ok(())
}

pub(super) fn oom_adjustment(task: &Task, text: &mut Text) -> Result<(), Errno> {
    writeln!(text, "{}", task.process.oom_adjustment());
    Ok(())
}

pub(super) fn status(task: &Task, text: &mut Text) -> Result<(), Errno> {
    let pid = task.process.pid();
    let cred = task.thread.as_ref().map_or_else(|| task.process.cred(), |thread| thread.cred());
    text.push(b"Name:\t");
    text.push(&task_name(task));
    if let Some(fs) = task.thread.as_ref().and_then(|thread| thread.fs()) {
        write!(text, "\nUmask:\t{:04o}", fs.umask().0);
    }
    let (letter, word) = state(task);
    writeln!(text, "\nState:\t{letter} ({word})");
    writeln!(
        text,
        "Tgid:\t{pid}\nNgid:\t0\nPid:\t{}\nPPid:\t{}\nTracerPid:\t0",
        task.number,
        table::parent_of(pid)
    );
    writeln!(text, "Uid:\t{}\t{}\t{}\t{}", cred.uid, cred.euid, cred.suid, cred.fsuid);
    writeln!(text, "Gid:\t{}\t{}\t{}\t{}", cred.gid, cred.egid, cred.sgid, cred.fsgid);
    let files = task.thread.as_ref().and_then(|thread| thread.files());
    writeln!(text, "FDSize:\t{}", files.map_or(0, |files| files.size()));
    text.push(b"Groups:\t");
    for group in cred.groups.iter() {
        write!(text, "{group} ");
    }
    text.push(b"\n");
    if let Some(program) = task.thread.as_ref().and_then(|thread| thread.program()) {
        let (usage, page) = (program.space.usage(), hal::PAGE_SIZE as u64 / 1024);
        for (name, pages) in [
            ("VmPeak", usage.total),
            ("VmSize", usage.total),
            ("VmHWM", program.space.highest_resident()),
            ("VmRSS", usage.resident),
            ("VmData", usage.data),
            ("VmStk", usage.stack),
            ("VmExe", usage.text),
        ] {
            writeln!(text, "{name}:\t{:>8} kB", pages * page);
        }
    }
    writeln!(text, "Threads:\t{}", task.process.thread_count().max(1));
    let sets = signal_sets(task);
    writeln!(text, "SigPnd:\t{:016x}\nShdPnd:\t{:016x}", sets.pending, 0);
    writeln!(
        text,
        "SigBlk:\t{:016x}\nSigIgn:\t{:016x}\nSigCgt:\t{:016x}",
        sets.blocked, sets.ignored, sets.caught
    );
    for (name, set) in [
        ("CapInh", cred.inheritable),
        ("CapPrm", cred.permitted),
        ("CapEff", cred.effective),
        ("CapBnd", cred.bounding),
        ("CapAmb", cred.ambient),
    ] {
        writeln!(text, "{name}:\t{:016x}", set.0);
    }
    Ok(())
}

pub(super) fn limits(task: &Task, text: &mut Text) -> Result<(), Errno> {
    writeln!(text, "{:<25} {:<20} {:<20} {:<10}", "Limit", "Soft Limit", "Hard Limit", "Units");
    let value = |limit: u64| match limit {
        u64::MAX => alloc::string::String::from("unlimited"),
        limit => alloc::format!("{limit}"),
    };
    for (name, resource, unit) in [
        ("Max cpu time", Resource::Cpu, "seconds"),
        ("Max file size", Resource::Fsize, "bytes"),
        ("Max data size", Resource::Data, "bytes"),
        ("Max stack size", Resource::Stack, "bytes"),
        ("Max core file size", Resource::Core, "bytes"),
        ("Max processes", Resource::Nproc, "processes"),
        ("Max open files", Resource::Nofile, "files"),
        ("Max address space", Resource::As, "bytes"),
    ] {
        let limit = task.process.limits.get(resource);
        writeln!(text, "{name:<25} {:<20} {:<20} {unit:<10}", value(limit.rlim_cur), value(limit.rlim_max));
    }
    Ok(())
}
