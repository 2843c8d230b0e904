//! The system as a whole.

use abi::system::{
    GetrandomFlags, HOST_NAME_MAX, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, Sysinfo, Utsname, reboot as how,
    syslog as action,
};
use abi::{Errno, Personality};
use alloc::vec::Vec;
use chroma::Sink;
use chroma::cred::Cap;
use devices::syslog as log;
use hal::UserAddr;
use process::{Current, table};

use crate::argument::{InBytes, Out, OutBytes};
use crate::row::Outcome;
use crate::support::{DONE, count, known};

/// The version that Serix presents: C libraries refuse kernels that are older than they know.
pub const RELEASE: &str = "6.1.0-serix";
/// What it presents to those with `UNAME26`: since 3.0 followed 2.6.39, 60 more than the second number.
const OLD_RELEASE: &str = "2.6.61-serix";
/// What `uname -v` says.
pub const VERSION: &str = "#1 SMP PREEMPT";

fn field(text: &[u8]) -> [u8; 65] {
    let mut field = [0; 65];
    for (to, from) in field.iter_mut().take(64).zip(text) {
        *to = *from;
    }
    field
}

/// `uname`. The system's name is Linux's, because that is what programs ask for: whether they can run here.
pub fn uname(current: &mut Current, to: Out<Utsname>) -> Outcome {
    let names = &current.namespaces.names;
    let personality = current.thread.personality();
    let release = if personality.contains(Personality::UNAME26) { OLD_RELEASE } else { RELEASE };
    let machine: &[u8] = if personality.is_linux32() { b"i686" } else { b"x86_64" };
    to.write(&Utsname {
        sysname: field(b"Linux"),
        nodename: field(&names.host()),
        release: field(release.as_bytes()),
        version: field(VERSION.as_bytes()),
        machine: field(machine),
        domainname: field(&names.domain()),
    })?;
    DONE
}

fn name(current: &Current, name: InBytes, length: i32) -> Result<Vec<u8>, Errno> {
    current.cred.require(Cap::SYS_ADMIN)?;
    let length = usize::try_from(length).ok().filter(|n| *n <= HOST_NAME_MAX).ok_or(Errno::EINVAL)?;
    let mut bytes = alloc::vec![0; length];
    hal::user::read_bytes(name.0, &mut bytes).map_err(|_| Errno::EFAULT)?;
    Ok(bytes)
}

/// `sethostname`.
pub fn sethostname(current: &mut Current, text: InBytes, length: i32) -> Outcome {
    let text = name(current, text, length)?;
    current.namespaces.names.set_host(text)?;
    DONE
}

/// `setdomainname`.
pub fn setdomainname(current: &mut Current, text: InBytes, length: i32) -> Outcome {
    let text = name(current, text, length)?;
    current.namespaces.names.set_domain(text)?;
    DONE
}

/// `sysinfo`: memory in bytes.
pub fn sysinfo(_current: &mut Current, to: Out<Sysinfo>) -> Outcome {
    const PAGE: u64 = hal::PAGE_SIZE as u64;
    /// The loads' fixed point: 16 bits behind it, where chronos has them in hundredths.
    const POINT: u64 = 1 << 16;
    let since_boot = chronos::clock::now().since_boot();
    // Linux counts a started second.
    let uptime = since_boot.as_secs() + u64::from(since_boot.subsec_nanos() > 0);
    let processes = table::with(|tree| tree.thread_count());
    to.write(&Sysinfo {
        uptime: i64::try_from(uptime).unwrap_or(i64::MAX),
        loads: chronos::load_averages().map(|load| load * POINT / 100),
        totalram: aegis::frames::managed() * PAGE,
        freeram: aegis::frames::free() * PAGE,
        procs: u16::try_from(processes).unwrap_or(u16::MAX),
        mem_unit: 1,
        ..Sysinfo::default()
    })?;
    DONE
}

/// `getrandom`: the generator is seeded before the first program runs.
pub fn getrandom(_current: &mut Current, buffer: OutBytes, size: usize, flags: GetrandomFlags) -> Outcome {
    known(flags, GetrandomFlags::all())?;
    if flags.contains(GetrandomFlags::RANDOM | GetrandomFlags::INSECURE) {
        return Err(Errno::EINVAL);
    }
    let mut sink = Sink::user(buffer.0, size.min(i32::MAX as usize));
    let mut bytes = [0; 256];
    while sink.remaining() > 0 {
        let piece = bytes.get_mut(..sink.remaining().min(256)).unwrap_or_default();
        hal::random::fill(piece);
        match sink.put(piece) {
            Ok(written) if written < piece.len() => break,
            Ok(_) => {}
            Err(error) if sink.done() == 0 => return Err(error),
            Err(_) => break,
        }
    }
    count(sink.done())
}

/// `syslog`: the kernel's log.
pub fn syslog(current: &mut Current, what: i32, buffer: OutBytes, length: i32) -> Outcome {
    match what {
        action::READ_ALL | action::SIZE_BUFFER => log::may_read(&current.cred)?,
        _ => log::may_control(&current.cred)?,
    }
    match what {
        action::CLOSE | action::OPEN => DONE,
        action::READ | action::READ_ALL | action::READ_CLEAR => {
            let length = usize::try_from(length).map_err(|_| Errno::EINVAL)?;
            if buffer.0.is_null() {
                return Err(Errno::EINVAL);
            }
            let mut sink = Sink::user(buffer.0, length);
            count(match what {
                action::READ => log::read_new(&mut sink, true)?,
                _ => log::read_all(&mut sink, what == action::READ_CLEAR)?,
            })
        }
        action::CLEAR => {
            log::clear();
            DONE
        }
        action::CONSOLE_OFF => set_console(1),
        action::CONSOLE_ON => set_console(7),
        action::CONSOLE_LEVEL => match u8::try_from(length) {
            Ok(level @ 1..=8) => set_console(level),
            _ => Err(Errno::EINVAL),
        },
        action::SIZE_UNREAD => Ok(log::unread()),
        action::SIZE_BUFFER => count(log::SIZE),
        _ => Err(Errno::EINVAL),
    }
}

fn set_console(level: u8) -> Outcome {
    hal::log::set_console_level(level);
    DONE
}

/// `reboot`.
pub fn reboot(current: &mut Current, first: u32, second: u32, command: u32, _argument: UserAddr) -> Outcome {
    current.cred.require(Cap::SYS_BOOT)?;
    if first != LINUX_REBOOT_MAGIC1 || !LINUX_REBOOT_MAGIC2.contains(&second) {
        return Err(Errno::EINVAL);
    }
    match command {
        how::RESTART | how::RESTART2 => {
            hal::notice!("system", "restarting");
            hal::power::reboot()
        }
        how::POWER_OFF | how::HALT => {
            hal::notice!("system", "power off");
            hal::power::off()
        }
        how::CAD_ON | how::CAD_OFF => DONE, // no keyboard sends it
        _ => Err(Errno::EINVAL),
    }
}

/// `vhangup`: hangs up the caller's terminal.
pub fn vhangup(current: &mut Current) -> Outcome {
    current.cred.require(Cap::SYS_TTY_CONFIG)?;
    process::terminals::hang_up(&current.process);
    DONE
}
