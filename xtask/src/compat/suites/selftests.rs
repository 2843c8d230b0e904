//! Linux's tests of itself (`tools/testing/selftests`): those that `compat-tests/selftests.toml` lists.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::content_of;
use crate::compat::{Ending, Outcome, Program, Suite, Test, linux_source, tap};
use crate::musl::{self, Compiler};
use crate::project::Project;
use crate::ui::Ui;

/// The list, below the checkout.
const LIST: &str = "compat-tests/selftests.toml";
const FOLDER: &str = "tools/testing/selftests";

/// How long a program may take when its entry says nothing.
const LIMIT_S: u64 = 60;

/// What every program is compiled with. Warnings are the authors' affair.
const FLAGS: [&str; 5] = ["-std=gnu99", "-O1", "-w", "-D_GNU_SOURCE", "-pthread"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    program: Vec<Entry>,
}

/// A program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Its sources, below the folder of the selftests. The first one's path without `.c` is its name.
    sources: Vec<String>,
    /// Flags that it needs, with `@` for the folder of the selftests.
    #[serde(default)]
    flags: Vec<String>,
    /// Words behind its name when it is started.
    #[serde(default)]
    arguments: String,
    /// How long it may take, in seconds.
    limit: Option<u64>,
}

/// Compiles the programs.
pub fn prepare(project: &Project, ui: &Ui) -> Result<Suite> {
    let path = project.root().join(LIST);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let list: List = toml::from_str(&text).with_context(|| format!("{} is wrong", path.display()))?;
    let folder = linux_source::find(project, ui)?.root.join(FOLDER);
    let compiler = Compiler::find(project, ui)?;
    let mut suite = Suite { name: "selftests", additions: Vec::new(), programs: Vec::new(), flawless: false };
    for entry in &list.program {
        let first = entry.sources.first().with_context(|| format!("{LIST}: a program has no source"))?;
        let name = first.trim_end_matches(".c").to_owned();
        let built = entry.compile(project, ui, &compiler, &folder, &name)?;
        let guest = format!("/opt/selftests/{name}");
        // Some look for files beside themselves.
        let directory = Path::new(&guest).parent().unwrap_or(Path::new("/")).display().to_string();
        suite.programs.push(Program {
            command: format!("cd {directory} && exec {guest} {}", entry.arguments),
            limit: Duration::from_secs(entry.limit.unwrap_or(LIMIT_S)),
            content: entry.content(&folder)?,
            read,
            name,
        });
        suite.additions.push((built, guest));
    }
    Ok(suite)
}

impl Entry {
    fn compile(
        &self,
        project: &Project,
        ui: &Ui,
        compiler: &Compiler,
        folder: &Path,
        name: &str,
    ) -> Result<std::path::PathBuf> {
        let sources: Vec<_> = self.sources.iter().map(|source| folder.join(source)).collect();
        let sources: Vec<&Path> = sources.iter().map(std::path::PathBuf::as_path).collect();
        let root = folder.display().to_string();
        let own: Vec<String> = self.flags.iter().map(|flag| flag.replace('@', &root)).collect();
        let include = format!("-I{root}");
        let mut flags: Vec<&str> = FLAGS.to_vec();
        flags.push(&include);
        flags.extend(own.iter().map(String::as_str));
        let harness = [folder.join("kselftest.h"), folder.join("kselftest_harness.h")];
        let program = musl::Program {
            name: &name.replace('/', "-"),
            sources: &sources,
            depends: &[&harness[0], &harness[1]],
            flags: &flags,
        };
        compiler.cc(project, ui, &program)
    }

    fn content(&self, folder: &Path) -> Result<String> {
        let files: Vec<_> = self
            .sources
            .iter()
            .map(String::as_str)
            .chain(["kselftest.h", "kselftest_harness.h"])
            .map(|file| folder.join(file))
            .collect();
        let files: Vec<&Path> = files.iter().map(std::path::PathBuf::as_path).collect();
        let mut words: Vec<&str> = FLAGS.to_vec();
        words.extend(self.flags.iter().map(String::as_str));
        words.push(&self.arguments);
        content_of(&files, &words)
    }
}

/// Reads TAP where the program prints it; its exit status is one more test: 0 passed, 4 skipped.
fn read(output: &str, ending: &Ending) -> Vec<Test> {
    // Results are looked at with another end than the true one: that is a test of its own here.
    let mut tests: Vec<Test> = tap::read(output, &Ending::Exited(0));
    tests.retain(|test| test.name != "runs to its end");
    let (outcome, detail) = match ending {
        Ending::Exited(0) => (Outcome::Passed, String::new()),
        Ending::Exited(4) => (Outcome::Skipped, last_line(output)),
        Ending::Exited(status @ 129..) => (Outcome::Failed, format!("killed by signal {}", status - 128)),
        Ending::Exited(status) => (Outcome::Failed, format!("status {status}: {}", last_line(output))),
        Ending::TooLate => (Outcome::Failed, "not finished in time".to_owned()),
        Ending::Lost(reason) | Ending::NotRun(reason) => (Outcome::Failed, reason.clone()),
    };
    tests.push(Test::new("exit status", outcome, detail));
    tests
}

fn last_line(output: &str) -> String {
    let line = output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.trim().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_tap_is_judged_by_its_status() {
        let one = |ending: Ending| read("some text\nand more\n", &ending).pop().unwrap();
        assert_eq!(one(Ending::Exited(0)).outcome, Outcome::Passed);
        assert_eq!(one(Ending::Exited(4)).outcome, Outcome::Skipped);
        assert_eq!(one(Ending::Exited(1)).detail, "status 1: and more");
        assert_eq!(one(Ending::Exited(139)).detail, "killed by signal 11");
        assert_eq!(one(Ending::TooLate).outcome, Outcome::Failed);
    }

    #[test]
    fn tap_results_are_tests_next_to_the_status() {
        let tests = read("TAP version 13\n1..2\nok 1 one\nnot ok 2 two\n", &Ending::Exited(1));
        let names: Vec<&str> = tests.iter().map(|test| &*test.name).collect();
        assert_eq!(names, ["one", "two", "exit status"]);
    }
}
