//! What the gate allows operations to cost on Serix.
//!
//! Instructions repeat to a few in a thousand, so a limit can be a number. The limits are generous: they are there to notice
//! that a lookup has become a search, not to keep anybody from adding an instruction.

use anyhow::{Result, bail};

use super::table::{self, Measured};

/// How much more than on Linux an operation may cost.
const MOST: f64 = 1.5;
/// How much all of them may cost on the average, relative to Linux.
const MEAN: f64 = 0.8;
/// The most instructions of some operations, whatever they cost on Linux.
const INSTRUCTIONS: &[(&str, f64)] = &[("null_syscall", 200.0), ("clock_gettime_libc", 100.0)];

/// Checks Serix's rows against Linux's and against fixed limits.
///
/// # Errors
/// Names what costs too much.
pub fn check(measured: &Measured) -> Result<()> {
    let over = over(measured);
    if over.is_empty() { Ok(()) } else { bail!("{}", over.join("; ")) }
}

fn over(measured: &Measured) -> Vec<String> {
    let mut over = Vec::new();
    for (name, ratio) in table::ratios(measured) {
        if ratio > MOST {
            over.push(format!("{name}: {ratio:.2} of Linux, at most {MOST} allowed"));
        }
    }
    if let Some(mean) = table::mean(measured)
        && mean > MEAN
    {
        over.push(format!("geometric mean: {mean:.2} of Linux, at most {MEAN} allowed"));
    }
    for (name, most) in INSTRUCTIONS {
        match measured.serix.as_ref().and_then(|rows| rows.get(*name)) {
            Some(row) if row.value <= *most => {}
            Some(row) => over.push(format!("{name}: {:.0} instructions, at most {most} allowed", row.value)),
            None => over.push(format!("{name}: not measured")),
        }
    }
    over
}

#[cfg(test)]
mod tests {
    use super::super::rows::parse;
    use super::{Measured, over};

    fn measured(serix: &str) -> Measured {
        let linux = "null_syscall 360.0 ns\nclock_gettime_libc 80.0 ns\nstat 3000.0 ns\npipe_bw 100.0 MB/s";
        Measured { serix: Some(parse(serix)), linux: Some(parse(linux)), ..Measured::default() }
    }

    #[test]
    fn what_is_cheap_passes_and_what_is_not_there_yet_too() {
        let good = "null_syscall 150.0 ns\nclock_gettime_libc 60.0 ns\nstat 2000.0 ns";
        assert_eq!(over(&measured(good)), Vec::<String>::new());
    }

    #[test]
    fn each_limit_is_told_of() {
        let bad = "null_syscall 300.0 ns\nstat 6000.0 ns\npipe_bw 50.0 MB/s";
        let over = over(&measured(bad));
        let names: Vec<_> = over.iter().filter_map(|text| text.split(':').next()).collect();
        assert_eq!(names, ["pipe_bw", "stat", "geometric mean", "null_syscall", "clock_gettime_libc"]);
    }
}
