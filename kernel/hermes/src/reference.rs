//! The reference of system calls, as a page of the book: generated from the table.

use alloc::string::String;
use core::fmt::{self, Write};

use crate::row::{Row, Status};
use crate::table::ROWS;

/// The page, in Markdown.
pub fn page() -> String {
    let mut page = String::new();
    let _ = write_page(&mut page); // writing to a string cannot fail
    page
}

fn write_page(page: &mut String) -> fmt::Result {
    writeln!(page, "# System calls\n")?;
    writeln!(
        page,
        "Generated from the table in `kernel/hermes/src/table.rs`: {} calls. A number that is not listed gives `ENOSYS` and a line in the log.\n",
        ROWS.len()
    )?;
    writeln!(page, "| number | call | rights | proved by |\n|---:|---|---|---|")?;
    for row in ROWS {
        write!(page, "| {} | `{}(", row.number, row.name)?;
        for (index, parameter) in row.arguments.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(page, "{separator}{}: {}", parameter.name, parameter.kind)?;
        }
        writeln!(page, ")` | {} | {} |", row.rights, row.test)?;
    }
    writeln!(page, "\n## Notes\n")?;
    for row in ROWS.iter().filter(|row| !row.notes.is_empty()) {
        write_notes(page, row)?;
    }
    Ok(())
}

fn write_notes(page: &mut String, row: &Row) -> fmt::Result {
    writeln!(page, "**{}**\n", row.name)?;
    for note in row.notes {
        let (status, why) = match note.status {
            Status::Done => ("done", ""),
            Status::Accepted(why) => ("accepted, no effect", why),
            Status::Refused(how) => ("refused", how),
            Status::Missing(why) => ("missing", why),
        };
        let colon = if why.is_empty() { "" } else { ": " };
        writeln!(page, "- `{}`: {status}{colon}{why}", note.subject)?;
    }
    writeln!(page)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_lists_every_call_with_its_arguments() {
        let page = super::page();
        assert!(page.contains("| 0 | `read(fd: fd, buffer: bytes out, size: size)` |"), "{page}");
        assert_eq!(page.matches("\n| ").count(), crate::table::ROWS.len() + 1);
    }
}
