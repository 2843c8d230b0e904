//! Sizes: of files, and of hal's share of the kernel.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Report;
use super::source::Source;

/// A file with more lines surely has two subjects.
const MOST_LINES: usize = 600;
/// A file with more lines perhaps has.
const MANY_LINES: usize = 400;

/// hal's largest share of the kernel's code, in per cent.
const HAL_SHARE: usize = 25;
/// The topmost part of the kernel: until it is there, what stands above hal is incomplete, and hal's share says nothing.
const TOP: &str = "kernel/hermes";

/// Finds long files among the Rust and C sources.
pub fn audit_files(root: &Path, files: &[PathBuf], report: &mut Report) -> Result<()> {
    let is_source = |path: &&PathBuf| path.extension().is_some_and(|end| end == "rs" || end == "c");
    let mut longest = (0, String::new());
    for path in files.iter().filter(is_source) {
        let text = fs::read(root.join(path)).with_context(|| format!("cannot read {}", path.display()))?;
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        judge(path, lines, report);
        longest = longest.max((lines, path.display().to_string()));
    }
    report.figure("lines of the longest source file", longest.0);
    Ok(())
}

fn judge(path: &Path, lines: usize, report: &mut Report) {
    if lines > MOST_LINES {
        report.finding(
            &format!("a file of more than {MOST_LINES} lines"),
            &format!("{} ({lines})", path.display()),
        );
    } else if lines > MANY_LINES {
        report.warning(&format!("more than {MANY_LINES} lines: {} ({lines})", path.display()));
    }
}

/// Compares hal's code with the whole kernel's.
pub fn audit_share(sources: &[Source], report: &mut Report) {
    let lines = |folder: &str| -> usize {
        sources.iter().filter(|source| source.below(folder)).map(Source::code_lines).sum()
    };
    let (hal, kernel) = (lines("kernel/hal"), lines("kernel"));
    report.figure("lines of code in the kernel", kernel);
    report.figure("lines of code in hal", hal);
    report.figure("hal's share of the kernel, per cent", (hal * 100).checked_div(kernel).unwrap_or(0));
    let complete = sources.iter().any(|source| source.below(TOP));
    if complete && hal * 100 > kernel * HAL_SHARE {
        report.finding(
            &format!("hal is more than {HAL_SHARE} % of the kernel"),
            &format!("{hal} of {kernel} lines"),
        );
    } else if !complete {
        report.warning(&format!("hal's share is not judged before there is {TOP}"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{findings, source};
    use super::*;

    #[test]
    fn a_long_file_fails_and_a_longish_one_warns() {
        assert!(findings(|report| judge(Path::new("a.rs"), 600, report)).is_empty());
        assert_eq!(findings(|report| judge(Path::new("a.rs"), 601, report)).len(), 1);
    }

    #[test]
    fn hals_share_is_judged_once_there_is_a_kernel() {
        let crate_of = |path: &str, lines: usize| source(path, &"const A: u8 = 1;\n".repeat(lines));
        let share = |top: &str, hal, above| {
            let sources = [crate_of("kernel/hal/src/lib.rs", hal), crate_of(top, above)];
            findings(|report| audit_share(&sources, report)).len()
        };
        assert_eq!(share("kernel/hermes/src/lib.rs", 100, 300), 0);
        assert_eq!(share("kernel/hermes/src/lib.rs", 101, 300), 1);
        assert_eq!(share("kernel/chroma/src/lib.rs", 101, 300), 0);
    }
}
