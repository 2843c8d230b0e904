//! The kernel's own figures, directly in `/proc`.

use super::{cpuinfo, meminfo};
use crate::process::Process;
use crate::usage::ticks;
use crate::{table, terminals};
use abi::Mode;
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::inode::Bytes;
use chroma::synthetic::{Directory, Entry, Text, from_fn};
use chronos::SystemTime;
use core::time::Duration;
use hal::Once;

/// The version that Serix presents: C libraries refuse kernels that are older than they know.
pub const RELEASE: &str = "6.1.0-serix";
/// What `uname -v` says.
pub const VERSION: &str = "#1 SMP PREEMPT";

/// What the tables of a network say that has no interface, and no socket of these families.
const NET: [(&str, &str); 5] = [
    (
        "dev",
        concat!(
            "Inter-|   Receive                                                |  Transmit\n",
            " face |bytes    packets errs drop fifo frame compressed multicast|",
            "bytes    packets errs drop fifo colls carrier compressed\n",
        ),
    ),
    (
        "tcp",
        concat!(
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
            "                                                     \n",
        ),
    ),
    (
        "udp",
        concat!(
            "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout",
            " inode ref pointer drops            \n",
        ),
    ),
    (
        "raw",
        concat!(
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout",
            " inode ref pointer drops\n",
        ),
    ),
    ("arp", "IP address       HW type     Flags       HW address            Mask     Device\n"),
];

/// `/proc/PID/net`: one network for all.
pub(super) fn net() -> Arc<Directory> {
    static NETWORK: Once<Arc<Directory>> = Once::new();
    if let Some(directory) = NETWORK.get() {
        return directory.clone();
    }
    let directory = Directory::new();
    for (name, header) in NET {
        directory.add(name, Entry::file(from_fn(|text| text.push(header.as_bytes())), Mode(0o444)));
    }
    directory.add("unix", Entry::file(from_fn(net::unix::listing::format), Mode(0o444)));
    // Whoever comes second keeps an equal one.
    let _ = NETWORK.set(directory.clone());
    directory
}

/// The number of a process's terminal, and its foreground process group: 0 and -1 without one.
pub(super) fn terminal(process: &Process) -> (u32, i32) {
    let Some(tty) = terminals::of(process) else { return (0, -1) };
    let foreground = tty.foreground().and_then(|group| i32::try_from(group.0).ok());
    (tty.number().encode(), foreground.unwrap_or(-1))
}

fn link(target: &'static str) -> Entry {
    Entry::link(move || Ok(Bytes::from(target)))
}

pub(super) fn add(top: &Directory, command_line: &'static str) {
    let file = |name: &str, make: fn(&mut Text)| top.add(name, Entry::file(from_fn(make), Mode(0o444)));
    top.add("cmdline", Entry::file(from_fn(move |text| writeln!(text, "{command_line}")), Mode(0o444)));
    file("cpuinfo", cpus);
    file("devices", devices);
    file("diskstats", |_| {});
    file("loadavg", |text| {
        let (threads, last) = table::with(|tree| (tree.thread_count(), tree.last_number()));
        // The reader runs, whatever else does.
        let running = chronos::runnable_threads().max(1);
        loads(chronos::load_averages(), running, threads, last, text);
    });
    file("meminfo", |text| meminfo::format(&meminfo::Memory::now(), text));
    file("modules", |_| {});
    file("partitions", |_| {});
    file("stat", |text| statistics(&Statistics::now(), text));
    file("swaps", |text| text.push(b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"));
    file("uptime", |text| uptime(chronos::clock::now().since_boot(), chronos::system_time().idle, text));
    file("version", |text| writeln!(text, "Linux version {RELEASE} (Serix) {VERSION}"));
    file("vmstat", |text| meminfo::format_vmstat(&meminfo::Memory::now(), text));
    top.add("mounts", link("self/mounts"));
    top.add("net", link("self/net"));
}

fn cpus(text: &mut Text) {
    let count = hal::cpu::online();
    for number in 0..count {
        cpuinfo::format(number, count, hal::time::tsc_khz(), hal::processor::cpuid, text);
    }
}

fn devices(text: &mut Text) {
    text.push(b"Character devices:\n");
    for (major, name) in devices::registry::character_devices() {
        writeln!(text, "{major:3} {name}");
    }
    text.push(b"\nBlock devices:\n");
}

/// `loadavg`: averages in hundredths.
pub(super) fn loads(loads: [u64; 3], running: usize, threads: usize, last: u32, text: &mut Text) {
    for load in loads {
        write!(text, "{}.{:02} ", load / 100, load % 100);
    }
    writeln!(text, "{running}/{threads} {last}");
}

pub(super) fn uptime(up: Duration, idle: Duration, text: &mut Text) {
    let hundredths = |time: Duration| time.subsec_millis() / 10;
    write!(text, "{}.{:02} ", up.as_secs(), hundredths(up));
    writeln!(text, "{}.{:02}", idle.as_secs(), hundredths(idle));
}

/// What `/proc/stat` shows, in ticks where it is time.
pub(super) struct Statistics {
    pub processors: Vec<SystemTime>,
    pub switches: u64,
    pub boot: u64,
    pub processes: u32,
    pub running: usize,
}

impl Statistics {
    fn now() -> Self {
        let processors = 0..u32::try_from(hal::cpu::online()).unwrap_or(0);
        let processors: Vec<_> =
            processors.map(|number| chronos::processor_time(hal::CpuId::new(number))).collect();
        Self {
            switches: processors.iter().map(|time| time.switches).sum(),
            processors,
            boot: chronos::clock::from_boot(hal::Instant::from_nanos(0)).as_secs(),
            processes: table::with(|tree| tree.last_number()),
            running: chronos::runnable_threads().max(1),
        }
    }
}

/// Interrupts are not counted; nothing waits for a disk; there are no soft interrupts.
pub(super) fn statistics(all: &Statistics, text: &mut Text) {
    let sum = |part: fn(&SystemTime) -> Duration| ticks(all.processors.iter().map(part).sum());
    let (user, system, idle) = (sum(|time| time.user), sum(|time| time.system), sum(|time| time.idle));
    writeln!(text, "cpu  {user} 0 {system} {idle} 0 0 0 0 0 0");
    for (number, time) in all.processors.iter().enumerate() {
        let (user, system, idle) = (ticks(time.user), ticks(time.system), ticks(time.idle));
        writeln!(text, "cpu{number} {user} 0 {system} {idle} 0 0 0 0 0 0");
    }
    writeln!(text, "intr 0\nctxt {}\nbtime {}\nprocesses {}", all.switches, all.boot, all.processes);
    writeln!(text, "procs_running {}\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0", all.running);
}
