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
/// Below this many lines most of what will stand above hal is missing, and its share says nothing.
const SHARE_COUNTS_FROM: usize = 20_000;

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
    if kernel >= SHARE_COUNTS_FROM && hal * 100 > kernel * HAL_SHARE {
        report.finding(
            &format!("hal is more than {HAL_SHARE} % of the kernel"),
            &format!("{hal} of {kernel} lines"),
        );
    } else if kernel < SHARE_COUNTS_FROM {
        report.warning(&format!("hal's share is not judged below {SHARE_COUNTS_FROM} lines of kernel"));
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
        let share = |hal, above| {
            let sources =
                [crate_of("kernel/hal/src/lib.rs", hal), crate_of("kernel/chroma/src/lib.rs", above)];
            findings(|report| audit_share(&sources, report)).len()
        };
        assert_eq!(share(5000, 15_000), 0);
        assert_eq!(share(5001, 15_000), 1);
        assert_eq!(share(1000, 1000), 0);
    }
}
