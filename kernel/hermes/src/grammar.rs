//! The grammar of system calls, for the fuzzer: generated from the table.
//!
//! A line is a call: its number, its name, and its arguments, with tabs between. An argument is its name, its type, the type
//! that it points to, that type's size in bytes, and its named flags as a hexadecimal number, with colons between.

use alloc::string::String;
use core::fmt::{self, Write};

use crate::row::Row;
use crate::table::ROWS;

/// The grammar, a line a call.
pub fn text() -> String {
    let mut text = String::new();
    for row in ROWS {
        let _ = write_row(&mut text, row); // writing to a string cannot fail
    }
    text
}

fn write_row(text: &mut String, row: &Row) -> fmt::Result {
    write!(text, "{}\t{}", row.number, row.name)?;
    for parameter in row.arguments {
        let shape = &parameter.shape;
        let target = (shape.target)();
        let target = target.rsplit("::").next().unwrap_or(target);
        write!(text, "\t{}:{}:{target}:{}:{:x}", parameter.name, parameter.kind, shape.size, shape.bits)?;
    }
    writeln!(text)
}

#[cfg(test)]
mod tests {
    use alloc::format;

    #[test]
    fn a_line_tells_types_targets_sizes_and_flags() {
        let text = super::text();
        assert_eq!(text.lines().count(), crate::table::ROWS.len());
        let line = |name: &str| text.lines().find(|line| line.split('\t').nth(1) == Some(name)).unwrap();
        assert_eq!(line("fstat"), "5\tfstat\tfd:fd::0:0\tto:out:Stat:144:0");
        assert_eq!(line("pipe"), "22\tpipe\tends:out:[i32; 2]:8:0");
        let bits = abi::OpenFlags::all().bits();
        assert_eq!(
            line("dup3"),
            format!("292\tdup3\told:fd::0:0\tnew:fd::0:0\tflags:open flags::0:{bits:x}")
        );
    }
}
