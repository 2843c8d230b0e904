//! `/proc/sys`: what can be asked, and a little that can be set.
//!
//! A value that is a fact of this kernel is read-only, where Linux would let it be changed: a write that changes nothing would be
//! a lie.

use super::seccomp_settings;
use super::system::{RELEASE, VERSION};
use crate::namespaces::HostNames;
use crate::thread::Parts;
use crate::{boot, current, ipc, limits, tree};
use abi::process::NGROUPS_MAX;
use abi::{Errno, Mode};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use chroma::cred::{Cap, CapSet, Cred};
use chroma::mount::MOUNT_MAX;
use chroma::notify::LIMITS;
use chroma::protect;
use chroma::synthetic::{Content, Directory, Entry, Text, from_fn};
use chronos::real_time;
use core::sync::atomic::{AtomicU32, Ordering};
use devices::syslog;
use hal::Once;

fn fact(directory: &Directory, name: &str, value: impl ToString) {
    let value: String = value.to_string();
    directory.add(name, Entry::file(from_fn(move |text| writeln!(text, "{value}")), Mode(0o444)));
}

pub(super) fn add(top: &Directory) {
    add_kernel(&top.subdirectory("kernel"));
    let vm = top.subdirectory("vm");
    fact(&vm, "max_map_count", 65530);
    fact(&vm, "mmap_min_addr", 65536);
    fact(&vm, "overcommit_memory", 0);
    fact(&vm, "swappiness", 0);
    vm.add("drop_caches", Entry::file(DropCaches, Mode(0o200)));
    let fs = top.subdirectory("fs");
    let inotify = fs.subdirectory("inotify");
    for (name, value) in [
        ("max_queued_events", &LIMITS.queued_events),
        ("max_user_instances", &LIMITS.user_instances),
        ("max_user_watches", &LIMITS.user_watches),
    ] {
        inotify.add(name, Entry::file(Setting(value, 0), Mode(0o644)));
    }
    super::mqueue::add(&fs.subdirectory("mqueue"));
    fs.add("file-nr", Entry::file(from_fn(file_numbers), Mode(0o444)));
    fact(&fs, "file-max", chroma::file::open_limit());
    fs.add("mount-max", Entry::file(Setting(&MOUNT_MAX, 1), Mode(0o644)));
    fact(&fs, "nr_open", limits::NR_OPEN);
    fact(&fs, "overflowgid", 65534);
    fact(&fs, "overflowuid", 65534);
    fact(&fs, "pipe-max-size", 1 << 20);
    for (name, level) in [
        ("protected_fifos", &protect::FIFOS),
        ("protected_hardlinks", &protect::HARDLINKS),
        ("protected_regular", &protect::REGULAR),
        ("protected_symlinks", &protect::SYMLINKS),
    ] {
        fs.add(name, Entry::file(Protection(level), Mode(0o644)));
    }
    fact(&fs, "suid_dumpable", 0);
}

fn file_numbers(text: &mut Text) {
    // The number in the middle has been 0 since Linux 2.6.
    writeln!(text, "{}\t0\t{}", chroma::file::open_count(), chroma::file::open_limit());
}

fn add_kernel(kernel: &Directory) {
    fact(kernel, "arch", "x86_64");
    fact(kernel, "cap_last_cap", CapSet::FULL.0.ilog2());
    kernel.add("dmesg_restrict", Entry::file(LogRestriction, Mode(0o644)));
    kernel.add(
        "domainname",
        Entry::file(HostName { get: HostNames::domain, set: HostNames::set_domain }, Mode(0o644)),
    );
    kernel.add(
        "hostname",
        Entry::file(HostName { get: HostNames::host, set: HostNames::set_host }, Mode(0o644)),
    );
    kernel.add("hung_task_timeout_secs", Entry::file(HungTimeout, Mode(0o644)));
    fact(kernel, "msgmax", ipc::messages::LONGEST);
    fact(kernel, "msgmnb", ipc::messages::info(false).1.msgmnb);
    fact(kernel, "msgmni", ipc::messages::info(false).1.msgmni);
    fact(kernel, "sem", ipc::semaphores::limits());
    let shared = ipc::shared::limits().1;
    fact(kernel, "shmall", shared.shmall);
    fact(kernel, "shmmax", shared.shmmax);
    fact(kernel, "shmmni", shared.shmmni);
    fact(kernel, "ngroups_max", NGROUPS_MAX);
    fact(kernel, "osrelease", RELEASE);
    fact(kernel, "ostype", "Linux");
    fact(kernel, "overflowgid", 65534);
    fact(kernel, "overflowuid", 65534);
    fact(kernel, "pid_max", tree::PID_MAX);
    kernel.add("printk", Entry::file(Printk, Mode(0o644)));
    fact(kernel, "randomize_va_space", 2);
    kernel.add("sched_rr_timeslice_ms", Entry::file(from_fn(round_robin_turn), Mode(0o444)));
    kernel.add("sched_rt_period_us", Entry::file(RealTimePeriod, Mode(0o644)));
    kernel.add("sched_rt_runtime_us", Entry::file(RealTimeRunTime, Mode(0o644)));
    kernel.add(
        "threads-max",
        Entry::file(from_fn(|text| writeln!(text, "{}", boot::thread_limit())), Mode(0o444)),
    );
    fact(kernel, "version", VERSION);
    kernel.add("watchdog_thresh", Entry::file(WatchdogThreshold, Mode(0o644)));
    seccomp_settings::add(&kernel.subdirectory("seccomp"));
    let random = kernel.subdirectory("random");
    random.add("boot_id", Entry::file(from_fn(|text| uuid(boot_id(), text)), Mode(0o444)));
    random.add("uuid", Entry::file(from_fn(|text| uuid(random_id(), text)), Mode(0o444)));
    // The generator is seeded before the first program runs, and gives 256 bits of strength from then on.
    fact(&random, "entropy_avail", 256);
    fact(&random, "poolsize", 256);
}

/// A random UUID (RFC 9562, version 4).
fn random_id() -> u128 {
    let mut bytes = [0; 16];
    hal::random::fill(&mut bytes);
    with_version(u128::from_be_bytes(bytes))
}

fn with_version(random: u128) -> u128 {
    random & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62
}

fn boot_id() -> u128 {
    static BOOT_ID: Once<u128> = Once::new();
    if BOOT_ID.get().is_none() {
        // Whoever comes second uses the first one's.
        let _ = BOOT_ID.set(random_id());
    }
    BOOT_ID.get().copied().unwrap_or_default()
}

fn uuid(id: u128, text: &mut Text) {
    let (a, b, c, d, e) =
        (id >> 96, id >> 80 & 0xffff, id >> 64 & 0xffff, id >> 48 & 0xffff, id & 0xffff_ffff_ffff);
    writeln!(text, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}");
}

/// A name of the host, as the caller's namespace has it.
struct HostName {
    get: fn(&HostNames) -> Vec<u8>,
    set: fn(&HostNames, Vec<u8>) -> Result<(), Errno>,
}

fn names() -> Result<Arc<HostNames>, Errno> {
    let thread = current::thread().ok_or(Errno::EINVAL)?;
    let names = |parts: &Parts| parts.namespaces.as_ref().map(|namespaces| namespaces.names.clone());
    thread.parts(names).ok_or(Errno::EINVAL)
}

impl Content for HostName {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        text.push(&(self.get)(&*names()?));
        text.push(b"\n");
        Ok(())
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        let line = bytes.split(|byte| matches!(byte, b'\n' | 0)).next().unwrap_or_default();
        // Linux cuts what is too long.
        let name = line.get(..abi::system::HOST_NAME_MAX).unwrap_or(line);
        (self.set)(&*names()?, name.to_vec())
    }
}

/// Whether reading the log takes a privilege; only who has it may say so.
struct LogRestriction;

impl Content for LogRestriction {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        writeln!(text, "{}", u8::from(syslog::is_restricted()));
        Ok(())
    }

    fn write(&self, cred: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        cred.require(Cap::SYS_ADMIN)?;
        match number(bytes)? {
            0 => syslog::restrict(false),
            1 => syslog::restrict(true),
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }
}

/// After how many seconds of a wait that nothing interrupts a thread is reported; 0 for never.
struct HungTimeout;

impl Content for HungTimeout {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        writeln!(text, "{}", chronos::hung_timeout());
        Ok(())
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        /// Linux counts in ticks of a signed word: `LONG_MAX / HZ`.
        const LONGEST: u64 = i64::MAX as u64 / 250;
        let seconds = number(bytes)?;
        if seconds > LONGEST {
            return Err(Errno::EINVAL);
        }
        chronos::set_hung_timeout(seconds);
        Ok(())
    }
}

/// Half the seconds after which a processor that serves no timer is reported; 0 for never.
struct WatchdogThreshold;

impl Content for WatchdogThreshold {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        writeln!(text, "{}", chronos::watchdog_threshold());
        Ok(())
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        const LONGEST: u32 = 60;
        let seconds = number(bytes)?;
        if seconds > LONGEST {
            return Err(Errno::EINVAL);
        }
        chronos::set_watchdog_threshold(seconds);
        Ok(())
    }
}

fn round_robin_turn(text: &mut Text) {
    writeln!(text, "{}", chronos::ROUND_ROBIN_TURN.as_millis());
}

/// The period of which real-time threads have a part, in microseconds.
struct RealTimePeriod;

impl Content for RealTimePeriod {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        writeln!(text, "{}", real_time::period_micros());
        Ok(())
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        let fits = real_time::set_limits(number(bytes)?, real_time::run_time_micros());
        if fits { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

/// That part, in microseconds; -1 for all of it.
struct RealTimeRunTime;

impl Content for RealTimeRunTime {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        writeln!(text, "{}", real_time::run_time_micros());
        Ok(())
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        let text = core::str::from_utf8(bytes).map_err(|_| Errno::EINVAL)?;
        let micros = text.trim().parse().map_err(|_| Errno::EINVAL)?;
        let fits = real_time::set_limits(real_time::period_micros(), micros);
        if fits { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

/// The level of messages that the console shows; Linux's other three have one value each here.
struct Printk;

impl Content for Printk {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        writeln!(text, "{}\t4\t1\t7", hal::log::console_level());
        Ok(())
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        let first =
            bytes.split(u8::is_ascii_whitespace).find(|word| !word.is_empty()).ok_or(Errno::EINVAL)?;
        let text = core::str::from_utf8(first).map_err(|_| Errno::EINVAL)?;
        hal::log::set_console_level(text.parse().map_err(|_| Errno::EINVAL)?);
        Ok(())
    }
}

/// The number at the start of what was written to a setting.
pub(super) fn number<T: core::str::FromStr>(bytes: &[u8]) -> Result<T, Errno> {
    let text = core::str::from_utf8(bytes.trim_ascii()).map_err(|_| Errno::EINVAL)?;
    text.parse().map_err(|_| Errno::EINVAL)
}

/// A number that may be anything an `int` holds from a least one on.
struct Setting(&'static AtomicU32, u32);

impl Content for Setting {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        writeln!(text, "{}", self.0.load(Ordering::Relaxed));
        Ok(())
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        let value = u32::try_from(number::<i32>(bytes)?).map_err(|_| Errno::EINVAL)?;
        if value < self.1 {
            return Err(Errno::EINVAL);
        }
        self.0.store(value, Ordering::Relaxed);
        Ok(())
    }
}

/// How much links and files of other users are protected.
struct Protection(&'static protect::Level);

impl Content for Protection {
    fn read(&self, _: &Cred, text: &mut Text) -> Result<(), Errno> {
        writeln!(text, "{}", self.0.get());
        Ok(())
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        self.0.set(number(bytes)?)
    }
}

/// Writing 2 or 3 lets names go that nobody uses, and stacks that are kept for the next thread (1 is for pages of files, which
/// are the files themselves here).
struct DropCaches;

impl Content for DropCaches {
    fn read(&self, _: &Cred, _: &mut Text) -> Result<(), Errno> {
        Err(Errno::EINVAL)
    }

    fn write(&self, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
        match bytes.trim_ascii() {
            b"1" => {}
            b"2" | b"3" => {
                // A folder's name is idle only when those in it are gone: as deep as it takes.
                while chroma::dentry::shrink(usize::MAX) > 0 {}
                chronos::reclaim();
                chronos::trim();
                hal::context::trim_stacks();
                hal::heap::trim();
            }
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{uuid, with_version};
    use chroma::synthetic::Text;

    #[test]
    fn a_random_uuid_says_so() {
        let mut text = Text::default();
        uuid(with_version(u128::MAX), &mut text);
        uuid(with_version(0), &mut text);
        let expected = "ffffffff-ffff-4fff-bfff-ffffffffffff\n00000000-0000-4000-8000-000000000000\n";
        assert_eq!(core::str::from_utf8(text.bytes()), Ok(expected));
    }
}
