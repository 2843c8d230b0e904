//! `strace`: one decoded line a call.

use alloc::string::String;
use core::fmt::Write;
use process::Current;

use crate::dispatch;
use abi::Errno;

/// Serves a call and logs it with its result. Calls that do not return (`exit`, a successful `execve`) are logged without one.
#[cold]
pub(crate) fn call(current: &mut Current) -> Result<(), Errno> {
    let mut line = String::new();
    let regs = &current.context.regs;
    // Writing to a string cannot fail.
    let _ = describe(regs.rax, regs.arguments(), &mut line);
    let (pid, name) = (current.tid(), current.thread.name());
    let served = dispatch::serve(current);
    let name = String::from_utf8_lossy(&name);
    let name = name.trim_end_matches('\0');
    match served.map(|()| current.context.regs.rax) {
        Ok(value) if value > 0xffff => hal::info!("strace", "{name}[{pid}] {line} = {value:#x}"),
        Ok(value) => hal::info!("strace", "{name}[{pid}] {line} = {value}"),
        Err(dispatch::RETURNED) => hal::info!("strace", "{name}[{pid}] {line}"),
        Err(error) => hal::info!("strace", "{name}[{pid}] {line} = -1 {error}"),
    }
    served
}

fn describe(number: u64, arguments: [u64; 6], line: &mut String) -> core::fmt::Result {
    let row = usize::try_from(number).ok().and_then(dispatch::row);
    let Some(row) = row else { return write!(line, "call_{number}()") };
    write!(line, "{}(", row.name)?;
    for (index, (parameter, raw)) in row.arguments.iter().zip(arguments).enumerate() {
        if index > 0 {
            line.push_str(", ");
        }
        (parameter.show)(raw, line)?;
    }
    line.write_char(')')
}
