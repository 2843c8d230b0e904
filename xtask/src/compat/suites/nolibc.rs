//! Linux's `nolibc-test`: system calls from a program without a C library, and that library's own functions.

use std::time::Duration;

use anyhow::{Context, Result};
use walkdir::WalkDir;

use super::content_of;
use crate::compat::{Ending, Outcome, Program, Suite, Test, linux_source, tap};
use crate::musl::{self, Compiler};
use crate::project::Project;
use crate::ui::Ui;

const SOURCE: &str = "tools/testing/selftests/nolibc/nolibc-test.c";
const HEADERS: &str = "tools/include/nolibc";
const GUEST: &str = "/opt/compat/nolibc-test";
const LIMIT: Duration = Duration::from_secs(60);

/// Compiles the program.
pub fn prepare(project: &Project, ui: &Ui) -> Result<Suite> {
    let root = linux_source::find(project, ui)?.root;
    let (source, folder) = (root.join(SOURCE), root.join(HEADERS));
    let mut headers = Vec::new();
    for entry in WalkDir::new(&folder).sort_by_file_name() {
        let entry = entry.context("cannot read nolibc's headers")?;
        if entry.file_type().is_file() {
            headers.push(entry.into_path());
        }
    }
    let mut files: Vec<&std::path::Path> = headers.iter().map(std::path::PathBuf::as_path).collect();
    let include = folder.join("nolibc.h");
    let include = include.to_string_lossy();
    let flags = ["-Os", "-fno-asynchronous-unwind-tables", "-nostdlib", "-include", &include];
    let program = musl::Program { name: "nolibc-test", sources: &[&source], depends: &files, flags: &flags };
    let built = Compiler::find(project, ui)?.cc(project, ui, &program)?;
    files.push(&source);
    // It asks descriptor 0 for what a pipe or a terminal can tell.
    let command = format!(": | {GUEST}");
    let content = content_of(&files, &[&flags[..4], &[&command]].concat())?;
    Ok(Suite {
        name: "nolibc",
        additions: vec![(built, GUEST.to_owned())],
        programs: vec![Program { name: "nolibc-test".to_owned(), command, limit: LIMIT, content, read }],
        flawless: false,
    })
}

/// Reads lines such as `12 getpid = 7    [OK]` below `Running test 'syscall'`.
fn read(output: &str, ending: &Ending) -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    let mut group = "";
    for line in output.lines() {
        if let Some(name) = line.strip_prefix("Running test '") {
            group = name.trim_end().trim_end_matches('\'');
            continue;
        }
        let line = line.trim_end();
        let found = [("[OK]", Outcome::Passed), ("[FAIL]", Outcome::Failed), ("[SKIPPED]", Outcome::Skipped)];
        for (word, outcome) in found {
            if let Some(text) = line.strip_suffix(word) {
                let mut words = text.split_whitespace();
                let numbered = words.next().is_some_and(|number| number.parse::<u32>().is_ok());
                if let (true, Some(name)) = (numbered, words.next()) {
                    let detail = if outcome == Outcome::Passed { "" } else { text.trim() };
                    let name = tap::unique(&tests, format!("{group}: {name}"));
                    tests.push(Test::new(name, outcome, detail));
                }
            }
        }
    }
    let reason = match ending {
        Ending::Exited(status @ 129..) => format!("killed by signal {}", status - 128),
        Ending::Exited(_) if tests.is_empty() => "printed no results".to_owned(),
        Ending::Exited(_) => return tests,
        Ending::TooLate => "not finished in time".to_owned(),
        Ending::Lost(reason) | Ending::NotRun(reason) => reason.clone(),
    };
    tests.push(Test::new("runs to its end", Outcome::Failed, reason));
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "Running test 'syscall'\n0 getpid = 33     [OK]\n1 chmod_net = -1 EPERM  != (-1 EINVAL) [FAIL]\nErrors during this test: 1\n\nRunning test 'stdlib'\n0 getpid = 1   [SKIPPED]\n";

    #[test]
    fn results_are_named_after_their_group() {
        let tests = read(OUTPUT, &Ending::Exited(1));
        let found: Vec<(&str, Outcome)> = tests.iter().map(|test| (&*test.name, test.outcome)).collect();
        assert_eq!(
            found,
            [
                ("syscall: getpid", Outcome::Passed),
                ("syscall: chmod_net", Outcome::Failed),
                ("stdlib: getpid", Outcome::Skipped),
            ]
        );
        assert!(tests[1].detail.contains("EPERM"));
    }

    #[test]
    fn a_death_is_a_failure() {
        assert_eq!(read(OUTPUT, &Ending::Exited(139)).len(), 4);
        assert_eq!(read("", &Ending::Exited(0)).len(), 1);
    }
}
