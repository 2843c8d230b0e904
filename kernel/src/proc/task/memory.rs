//! A task's memory: areas, sizes, and the strings that `exec` left in it.

use abi::Errno;
use abi::memory::ProtFlags;
use alloc::sync::Arc;
use chroma::synthetic::Text;
use hal::{PAGE_SIZE, UserAddr};
use process::Program;

use super::Task;

/// The most of a program's strings that is shown.
const LONGEST: u64 = 128 * 1024;

fn program(task: &Task) -> Option<Arc<Program>> {
    task.thread.as_ref()?.program()
}

/// Copies a range of a program's memory, as far as it is there: its tables are looked up page by page, as the program need
/// not be the one that runs.
fn copy(program: &Program, (start, end): (u64, u64), text: &mut Text) {
    let end = end.min(start.saturating_add(LONGEST));
    let mut at = start;
    let mut buffer = [0; 256];
    while at < end {
        let address = UserAddr::new(at);
        let Some((page, _)) = program.space.tables().query(address) else { return };
        let offset = address.page_offset();
        let wanted = (end - at).min((PAGE_SIZE - offset) as u64).min(buffer.len() as u64) as usize;
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let count = page.copy_out(offset, part);
        text.push(part.get(..count).unwrap_or_default());
        at += count.max(1) as u64;
    }
}

pub(super) fn command_line(task: &Task, text: &mut Text) -> Result<(), Errno> {
    if let Some(program) = program(task) {
        copy(&program, program.arguments, text);
    }
    Ok(())
}

pub(super) fn environment(task: &Task, text: &mut Text) -> Result<(), Errno> {
    if let Some(program) = program(task) {
        copy(&program, program.environment, text);
    }
    Ok(())
}

pub(super) fn auxiliary(task: &Task, text: &mut Text) -> Result<(), Errno> {
    if let Some(program) = program(task) {
        text.push(&program.auxiliary);
    }
    Ok(())
}

pub(super) fn sizes(task: &Task, text: &mut Text) -> Result<(), Errno> {
    let usage = program(task).map(|program| program.space.usage()).unwrap_or_default();
    let data = usage.data + usage.stack;
    writeln!(text, "{} {} {} {} 0 {data} 0", usage.total, usage.resident, usage.shared, usage.text);
    Ok(())
}

pub(super) fn maps(task: &Task, text: &mut Text) -> Result<(), Errno> {
    /// The column that names begin in.
    const NAME: usize = 73;
    let Some(program) = program(task) else { return Ok(()) };
    for area in program.space.areas() {
        let letter = |flag, letter| if area.protection.contains(flag) { letter } else { '-' };
        let (device, number) = area.name.as_ref().map_or((0, 0), |name| name.numbers());
        let line = alloc::format!(
            "{:08x}-{:08x} {}{}{}{} {:08x} {:02x}:{:02x} {number} ",
            area.start.get(),
            area.end.get(),
            letter(ProtFlags::READ, 'r'),
            letter(ProtFlags::WRITE, 'w'),
            letter(ProtFlags::EXEC, 'x'),
            if area.shared { 's' } else { 'p' },
            area.offset,
            device >> 8 & 0xfff,
            device & 0xff | device >> 12 & 0xf_ff00,
        );
        match (&area.name, area.label) {
            (Some(name), _) => writeln!(text, "{line:<NAME$}{}", name.path()),
            (None, Some(label)) => writeln!(text, "{line:<NAME$}{label}"),
            (None, None) => writeln!(text, "{line}"),
        }
    }
    Ok(())
}
