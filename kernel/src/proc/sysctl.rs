//! `/proc/sys`: settings of the kernel. Those that can't be changed say what is so.

use abi::{Errno, Mode};
use alloc::string::String;
use alloc::sync::Arc;
use chroma::Cred;
use chroma::cred::Cap;
use chroma::synthetic::{Content, Directory, Entry, Text};
use hermes::system::{RELEASE, VERSION};

use super::{owned, readable};

pub(super) fn start(sys: &Arc<Directory>) {
    let constant = |directory: &Directory, name: &str, value: &str| {
        let value = owned(value);
        directory.add(name, readable(move |text| writeln!(text, "{value}")));
    };
    let kernel = sys.subdirectory("kernel");
    for (name, value) in [
        ("ostype", "Linux"),
        ("osrelease", RELEASE),
        ("version", VERSION),
        ("cap_last_cap", "40"),
        ("ngroups_max", "65536"),
        ("randomize_va_space", "2"),
        ("threads-max", "32768"),
        ("overflowuid", "65534"),
        ("overflowgid", "65534"),
    ] {
        constant(&kernel, name, value);
    }
    constant(&kernel, "pid_max", &alloc::format!("{}", process::tree::PID_MAX));
    kernel.add("hostname", Entry::file(HostName, Mode(0o644)));
    kernel.add("domainname", Entry::file(DomainName, Mode(0o644)));
    kernel.add("printk", Entry::file(ConsoleLevel, Mode(0o644)));
    let random = kernel.subdirectory("random");
    random.add(
        "boot_id",
        readable({
            let id = uuid();
            move |text| writeln!(text, "{id}")
        }),
    );
    random.add("uuid", readable(|text| writeln!(text, "{}", uuid())));
    constant(&random, "poolsize", "256");
    constant(&random, "entropy_avail", "256");
    let fs = sys.subdirectory("fs");
    for (name, value) in [
        ("pipe-max-size", "1048576"),
        ("nr_open", "1048576"),
        ("protected_symlinks", "0"),
        ("protected_hardlinks", "0"),
        ("protected_fifos", "0"),
        ("protected_regular", "0"),
    ] {
        constant(&fs, name, value);
    }
    let vm = sys.subdirectory("vm");
    for (name, value) in [("overcommit_memory", "0"), ("max_map_count", "65530"), ("mmap_min_addr", "65536")]
    {
        constant(&vm, name, value);
    }
}

/// A random UUID (version 4).
fn uuid() -> String {
    let mut bytes = [0; 16];
    hal::random::fill(&mut bytes);
    let value = u128::from_be_bytes(bytes) & !(0xf << 76 | 0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    alloc::format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        value >> 96,
        value >> 80 & 0xffff,
        value >> 64 & 0xffff,
        value >> 48 & 0xffff,
        value & 0xffff_ffff_ffff
    )
}

/// The bytes of a setting without the newline that `echo` adds.
fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| matches!(byte, b'\n' | 0)).next().unwrap_or_default()
}

fn names() -> Result<Arc<process::namespaces::HostNames>, Errno> {
    let thread = process::thread().ok_or(Errno::ESRCH)?;
    Ok(thread.parts(|parts| parts.namespaces.names.clone()))
}

struct HostName;

impl Content for HostName {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        text.push(&names()?.host());
        text.push(b"\n");
        Ok(())
    }

    fn write(&self, cred: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        cred.require(Cap::SYS_ADMIN)?;
        names()?.set_host(trimmed(bytes).to_vec())
    }
}

struct DomainName;

impl Content for DomainName {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        text.push(&names()?.domain());
        text.push(b"\n");
        Ok(())
    }

    fn write(&self, cred: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        cred.require(Cap::SYS_ADMIN)?;
        names()?.set_domain(trimmed(bytes).to_vec())
    }
}

/// `printk`: the level below which messages reach the console; the other three numbers are Linux's fixed ones.
struct ConsoleLevel;

impl Content for ConsoleLevel {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        writeln!(text, "{}\t4\t1\t7", hal::log::console_level());
        Ok(())
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        let text = core::str::from_utf8(trimmed(bytes)).map_err(|_| Errno::EINVAL)?;
        let level = text.split_ascii_whitespace().next().and_then(|word| word.parse().ok());
        hal::log::set_console_level(level.ok_or(Errno::EINVAL)?);
        Ok(())
    }
}
