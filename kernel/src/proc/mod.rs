//! The part of `/proc` that tells of the whole machine (proc(5)): memory, time, processors, what the kernel is. What tells of
//! processes is the process crate's.

mod counts;
mod machine;
mod memory;
mod sysctl;
mod task;

use abi::Mode;
use alloc::borrow::ToOwned;
use chroma::procfs;
use chroma::synthetic::{Entry, Text, from_fn};

/// A file that anybody may read.
fn readable(generate: impl Fn(&mut Text) + Send + Sync + 'static) -> Entry {
    Entry::file(from_fn(generate), Mode(0o444))
}

/// Puts the nodes in. `command_line` is the kernel's.
pub(crate) fn start(command_line: &'static str) {
    let proc = procfs::proc();
    proc.add("cmdline", readable(move |text| writeln!(text, "{command_line}")));
    proc.add("cpuinfo", readable(machine::processors));
    proc.add("devices", readable(machine::devices));
    proc.add("loadavg", readable(counts::load_averages));
    proc.add("meminfo", readable(memory::info));
    proc.add("mounts", Entry::link(|| Ok(b"self/mounts".to_vec())));
    proc.add("partitions", readable(|text| text.push(b"major minor  #blocks  name\n\n")));
    proc.add("stat", readable(counts::stat));
    proc.add("swaps", readable(|text| text.push(b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")));
    proc.add("uptime", readable(counts::uptime));
    proc.add("version", readable(machine::version));
    proc.add("vmstat", readable(memory::statistics));
    let tty = proc.subdirectory("tty");
    tty.add("drivers", readable(machine::terminal_drivers));
    task::start();
    sysctl::start(&proc.subdirectory("sys"));
}

/// Text as a link or file owns it.
fn owned(text: &str) -> alloc::string::String {
    text.to_owned()
}
