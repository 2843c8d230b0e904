//! `strace`: one decoded line a call, as strace(1) would print it.

use abi::Errno;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use hal::UserAddr;
use process::Current;

use crate::argument::{Argument, InBytes, OutBytes, show_bytes};
use crate::dispatch;
use crate::row::Parameter;

/// Serves a call and logs it with its result. Calls that do not return (`exit`, a successful `execve`) are logged without one.
#[cold]
pub(crate) fn call(current: &mut Current) -> Result<(), Errno> {
    let (number, arguments) = (current.context.regs.rax, current.context.regs.arguments());
    let row = usize::try_from(number).ok().and_then(dispatch::row);
    let parameters = row.map_or(&[][..], |row| row.arguments);
    // What the call reads is shown as it was before, what it writes as it is afterwards.
    let mut shown: Vec<String> =
        (0..parameters.len()).map(|index| show(parameters, &arguments, index, InBytes::TYPE, None)).collect();
    let (pid, name) = (current.tid(), current.thread.name());
    let served = dispatch::filtered(current);
    let result = served.map(|()| current.context.regs.rax);
    if let Ok(count) = result {
        for (index, text) in shown.iter_mut().enumerate() {
            if parameters.get(index).is_some_and(|parameter| parameter.kind == OutBytes::TYPE) {
                *text = show(parameters, &arguments, index, OutBytes::TYPE, Some(count));
            }
        }
    }
    let name = String::from_utf8_lossy(&name);
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = write!(line, "{}[{pid}] ", name.trim_end_matches('\0'));
    let _ = match row {
        Some(row) => write!(line, "{}({})", row.name, shown.join(", ")),
        None => write!(line, "syscall_{number:#x}()"),
    };
    let _ = match result {
        Ok(value) if value > 0xffff => write!(line, " = {value:#x}"),
        Ok(value) => write!(line, " = {value}"),
        Err(dispatch::RETURNED) => Ok(()),
        Err(error) => write!(line, " = -1 {error}"),
    };
    hal::info!("strace", "{line}");
    served
}

/// Shows an argument; the bytes behind one of the kind `bytes` too, of which there are `count`, or as many as the argument
/// behind it says.
fn show(
    parameters: &[Parameter],
    arguments: &[u64; 6],
    index: usize,
    bytes: &str,
    count: Option<u64>,
) -> String {
    let mut text = String::new();
    let (Some(parameter), Some(&raw)) = (parameters.get(index), arguments.get(index)) else { return text };
    let size = || {
        let next = parameters.get(index + 1).filter(|next| next.kind == usize::TYPE);
        next.and_then(|_| arguments.get(index + 1)).copied()
    };
    let _ = match count.or_else(size).filter(|_| parameter.kind == bytes) {
        Some(count) => show_bytes(UserAddr::new(raw), count, &mut text),
        None => (parameter.show)(raw, &mut text),
    };
    text
}
