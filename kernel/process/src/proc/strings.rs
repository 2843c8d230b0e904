//! What a process says of itself: its arguments, environment, auxiliary vector, name.

use super::{Target, trimmed};
use crate::current;
use crate::program::Program;
use abi::Errno;
use aegis::AddressSpace;
use alloc::sync::Arc;
use chroma::cred::Cred;
use chroma::synthetic::Text;
use hal::{PAGE_SIZE, UserAddr};

fn program(target: &Target) -> Option<Arc<Program>> {
    target.thread.as_ref().and_then(|thread| thread.program())
}

/// Appends another program's memory, as far as it is mapped. May sleep.
fn append_memory(space: &AddressSpace, start: u64, end: u64, text: &mut Text) {
    let mut at = start;
    while at < end {
        let address = UserAddr::new(at);
        let page_start = address.page_down();
        if space.tables().query(page_start).is_none() && space.bring(address).is_err() {
            return;
        }
        let Some((page, ..)) = space.tables().query(page_start) else { return };
        let offset = usize::try_from(at - page_start.get()).unwrap_or(0);
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(PAGE_SIZE - offset);
        let mut bytes = [0; 256];
        let piece = bytes.get_mut(..wanted.min(256)).unwrap_or_default();
        let copied = page.copy_out(offset, piece);
        if copied == 0 {
            return;
        }
        text.push(piece.get(..copied).unwrap_or_default());
        at = at.saturating_add(copied as u64);
    }
}

/// The arguments. A program that wrote over their end (to show a title) is believed, as far as its environment reached.
pub(super) fn cmdline(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    let Some(program) = program(target) else { return Ok(()) };
    let (start, end) = program.arguments;
    append_memory(&program.space, start, end, text);
    if text.bytes().last().is_some_and(|last| *last != 0) {
        append_memory(&program.space, end, program.environment.1, text);
        text.truncate(trimmed(text.bytes()).len());
        text.push(b"\0");
    }
    Ok(())
}

pub(super) fn environ(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    let Some(program) = program(target) else { return Ok(()) };
    let (start, end) = program.environment;
    append_memory(&program.space, start, end, text);
    Ok(())
}

pub(super) fn auxv(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    if let Some(program) = program(target) {
        text.push(&program.auxiliary);
    }
    Ok(())
}

pub(super) fn comm(target: &Target, _: &Cred, text: &mut Text) -> Result<(), Errno> {
    text.push(trimmed(&target.name()));
    text.push(b"\n");
    Ok(())
}

/// Renames a thread; `EINVAL` for threads of other processes.
pub(super) fn set_comm(target: &Target, _: &Cred, bytes: &[u8]) -> Result<(), Errno> {
    let own = current::thread().is_some_and(|thread| Arc::ptr_eq(thread.process(), &target.process));
    let thread = target.thread.as_ref().filter(|_| own).ok_or(Errno::EINVAL)?;
    thread.set_name(trimmed(bytes));
    Ok(())
}
