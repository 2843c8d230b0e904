//! `/proc/PID/maps` and `/proc/PID/smaps`.

use super::{Target, pad};
use abi::{DeviceNumber, Errno, ProtFlags};
use aegis::AreaInfo;
use alloc::format;
use chroma::cred::Cred;
use chroma::synthetic::Text;

/// Names begin behind this many characters.
const NAME_COLUMN: usize = 73;

/// One line of `maps`.
pub(super) fn line(area: &AreaInfo, text: &mut Text) {
    let bit = |flag, letter| if area.protection.contains(flag) { letter } else { '-' };
    let (device, inode) = area.name.as_ref().map_or((0, 0), |name| name.numbers());
    let device = DeviceNumber::decode(u32::try_from(device).unwrap_or(0));
    let numbers = format!(
        "{:08x}-{:08x} {}{}{}{} {:08x} {:02x}:{:02x} {inode} ",
        area.start.get(),
        area.end.get(),
        bit(ProtFlags::READ, 'r'),
        bit(ProtFlags::WRITE, 'w'),
        bit(ProtFlags::EXEC, 'x'),
        if area.shared { 's' } else { 'p' },
        if area.name.is_some() { area.offset } else { 0 },
        device.major(),
        device.minor(),
    );
    text.push(numbers.as_bytes());
    let path = area.name.as_ref().map(|name| name.path());
    if let Some(name) = path.as_deref().or(area.label) {
        pad(text, numbers.len(), NAME_COLUMN);
        text.push(name.replace('\n', "\\012").as_bytes());
    }
    text.push(b"\n");
}

/// The lines that `smaps` puts behind each of `maps`. Which resident pages are dirty, or shared with whom, is not told apart:
/// pages of shared areas count as shared, the others as private and dirty where they can be written.
pub(super) fn details(area: &AreaInfo, text: &mut Text) {
    let kib = |pages: u64| pages.saturating_mul(hal::PAGE_SIZE as u64 / 1024);
    let size = area.end.get().saturating_sub(area.start.get()) / 1024;
    let resident = kib(area.resident);
    let writable = area.protection.contains(ProtFlags::WRITE);
    let when = |condition| if condition { resident } else { 0 };
    let lines = [
        ("Size", size),
        ("KernelPageSize", 4),
        ("MMUPageSize", 4),
        ("Rss", resident),
        ("Pss", resident),
        ("Pss_Dirty", when(writable)),
        ("Shared_Clean", when(area.shared && !writable)),
        ("Shared_Dirty", when(area.shared && writable)),
        ("Private_Clean", when(!area.shared && !writable)),
        ("Private_Dirty", when(!area.shared && writable)),
        ("Referenced", resident),
        ("Anonymous", when(area.name.is_none() && !area.shared)),
        ("LazyFree", 0),
        ("AnonHugePages", 0),
        ("ShmemPmdMapped", 0),
        ("FilePmdMapped", 0),
        ("Shared_Hugetlb", 0),
        ("Private_Hugetlb", 0),
        ("Swap", 0),
        ("SwapPss", 0),
        ("Locked", 0),
    ];
    for (name, value) in lines {
        let start = format!("{name}:");
        writeln!(text, "{start:<16}{value:8} kB");
    }
    text.push(b"THPeligible:    0\n");
    if hal::keys::are_available() {
        writeln!(text, "ProtectionKey:  {:8}", area.key.number());
    }
    text.push(b"VmFlags:");
    for (flag, name) in [(ProtFlags::READ, " rd"), (ProtFlags::WRITE, " wr"), (ProtFlags::EXEC, " ex")] {
        if area.protection.contains(flag) {
            text.push(name.as_bytes());
        }
    }
    text.push(if area.shared { b" sh" } else { b"" });
    text.push(b" mr mw me");
    text.push(if area.shared { b" ms" } else { b"" });
    text.push(if area.label == Some("[stack]") { b" gd" } else { b"" });
    text.push(b" sd \n");
}

fn each_area(target: &Target, mut show: impl FnMut(&AreaInfo)) {
    if let Some(program) = target.thread.as_ref().and_then(|thread| thread.program()) {
        program.space.areas().for_each(|area| show(&area));
    }
}

pub(super) fn read(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    each_area(target, |area| line(area, text));
    Ok(())
}

pub(super) fn smaps(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    each_area(target, |area| {
        line(area, text);
        details(area, text);
    });
    Ok(())
}
