//! BusyBox's test suite, which its port keeps: each applet that has tests is a program.
//!
//! BusyBox's own `runtest` runs them, but for one thing: it makes 399 links before each applet's tests, which takes longer
//! than most of these; here they are made once a boot.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use walkdir::WalkDir;

use super::content_of;
use crate::compat::{Ending, Outcome, Program, Suite, Test, tap};
use crate::ports;
use crate::project::Project;
use crate::ui::Ui;

/// Where everything is in the guest.
const HOME: &str = "/opt/busybox";

/// `bc` computes for minutes under emulation; `mdev` wants a /dev of its own.
const LEFT_OUT: [&str; 2] = ["bc", "mdev"];

const LIMIT: Duration = Duration::from_secs(180);

/// What a shell does for an applet's tests. The settings are those for a machine without the Internet.
const SCRIPT: &str = r#"cd /opt/busybox/testsuite || exit 1
if [ ! -d ../runtest-tempdir-links ]; then
	mkdir ../runtest-tempdir-links
	busybox --install -s "$PWD/../runtest-tempdir-links"
	ln -s /bin/busybox ../runtest-tempdir-links/busybox
	sed -e '/^rm -rf "$LINKSDIR"/d' -e 's/^\tln -s .*/\t:/' runtest > ../runtest
fi
export SKIP_KNOWN_BUGS=y SKIP_INTERNET_TESTS=y
exec busybox ash ../runtest "#;

/// Gathers the suite from the port.
pub fn prepare(project: &Project, ui: &Ui) -> Result<Suite> {
    let built = ports::build(project, ui, "busybox")?;
    let tests = built.root.join("testsuite");
    ensure!(tests.join("runtest").is_file(), "the port keeps no test suite");

    let mut additions = Vec::new();
    for kept in ["testsuite", ".config"] {
        additions.push((built.root.join(kept), format!("{HOME}/{kept}")));
    }
    // runtest wants the program beside its folder.
    let link = project.cache("busybox-suite")?.join("busybox");
    if fs::symlink_metadata(&link).is_err() {
        symlink("/bin/busybox", &link).with_context(|| format!("cannot create {}", link.display()))?;
    }
    additions.push((project.cache("busybox-suite")?, HOME.to_owned()));

    let content = content(&tests)?;
    let recipe = &built.recipe;
    let mut programs = Vec::new();
    for name in applets(&built.root)? {
        let has_tests = tests.join(format!("{name}.tests")).is_file() || tests.join(&name).is_dir();
        if has_tests && !LEFT_OUT.contains(&&*name) {
            let command = format!("{SCRIPT}{name}");
            programs.push(Program {
                limit: LIMIT,
                content: content_of(&[], &[&content, &command, &recipe.version])?,
                read,
                command,
                name,
            });
        }
    }
    Ok(Suite { name: "busybox", additions, programs, flawless: false })
}

/// The names of the applets that the port installs, and of BusyBox itself.
fn applets(root: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::from(["busybox".to_owned()]);
    for folder in ["bin", "sbin", "usr/bin", "usr/sbin"] {
        let folder = root.join(folder);
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
            names.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// A hash of the whole suite: its files use each other.
fn content(tests: &Path) -> Result<String> {
    let mut files = Vec::new();
    for entry in WalkDir::new(tests).sort_by_file_name() {
        let entry = entry.context("cannot read the test suite")?;
        if entry.file_type().is_file() {
            files.push(entry.into_path());
        }
    }
    let paths: Vec<&Path> = files.iter().map(std::path::PathBuf::as_path).collect();
    content_of(&paths, &[])
}

/// Reads `PASS: name`, `FAIL: name`, `SKIPPED: name`, `UNTESTED: name`.
fn read(output: &str, ending: &Ending) -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    for line in output.lines() {
        let found = [
            ("PASS: ", Outcome::Passed),
            ("FAIL: ", Outcome::Failed),
            ("SKIPPED: ", Outcome::Skipped),
            ("UNTESTED: ", Outcome::Skipped),
        ];
        for (word, outcome) in found {
            if let Some(name) = line.strip_prefix(word) {
                let name = tap::unique(&tests, name.trim().to_owned());
                tests.push(Test::new(name, outcome, ""));
            }
        }
    }
    // The status is the number of failures: it says nothing new.
    let reason = match ending {
        Ending::Exited(_) => return tests,
        Ending::TooLate => "not finished in time",
        Ending::Lost(reason) | Ending::NotRun(reason) => reason,
    };
    tests.push(Test::new("runs to its end", Outcome::Failed, reason));
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_test() {
        let tests =
            read("PASS: a b\nnoise\nFAIL: c\nSKIPPED: d\nUNTESTED: e\nPASS: a b\n", &Ending::Exited(1));
        let found: Vec<(&str, Outcome)> = tests.iter().map(|test| (&*test.name, test.outcome)).collect();
        assert_eq!(
            found,
            [
                ("a b", Outcome::Passed),
                ("c", Outcome::Failed),
                ("d", Outcome::Skipped),
                ("e", Outcome::Skipped),
                ("a b (2)", Outcome::Passed),
            ]
        );
    }

    #[test]
    fn an_applet_that_hangs_fails() {
        let tests = read("PASS: a\n", &Ending::TooLate);
        assert_eq!(tests[1], Test::new("runs to its end", Outcome::Failed, "not finished in time"));
    }
}
