//! The phase `inject`: the n-th charge of a call fails, for each n, and nothing comes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::Gate;
use crate::audit;
use crate::audit::source::{self, Source};
use crate::guest::{self, Addition, End, Kernel, Machine};
use crate::musl::{self, Compiler};
use crate::project::Project;
use crate::ui::Ui;

const FOLDER: &str = "compat-tests/inject";
/// The points that no scenario reaches, a file of the kernel a line: how many, and why.
const UNREACHED: &str = "unreached.txt";
/// What makes failures possible.
const WORD: &str = "serix.fault_injection";
const LIMIT: Duration = Duration::from_secs(300);

/// How a charge is written in the source.
const CHARGES: [&str; 6] = [
    "charge::admit(",
    "charge::reserve(",
    "charge::reserve_exact(",
    "frames::user_page(",
    "frames::user_copy(",
    "inject::point(",
];
/// The crates whose charges are looked for.
const CRATES: [&str; 6] = ["aegis", "chroma", "devices", "net", "process", "hermes"];
/// Where charges are defined rather than made.
const DEFINITIONS: [&str; 2] = ["kernel/aegis/src/charge.rs", "kernel/aegis/src/inject.rs"];

/// What the guest's program told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    findings: Vec<String>,
    scenarios: u64,
    failures: u64,
    /// Charges of each scenario.
    charges: BTreeMap<String, u64>,
    /// File and line of each point that failed.
    points: BTreeSet<(String, u32)>,
    is_whole: bool,
}

/// Runs the scenarios on two processors, and looks which charges of the source they reach.
pub fn run(gate: &mut Gate<'_>) {
    let mut told = None;
    gate.tally.check("inject: no charge that fails does harm", || {
        let result = scenarios(gate.project, gate.ui, Kernel::Serix)?;
        let calls: Vec<&str> = result.charges.keys().filter_map(|name| name.split(' ').next()).collect();
        let calls: BTreeSet<&str> = calls.into_iter().collect();
        println!(
            "inject: {} scenarios of {} calls, {} failures, {} points",
            result.scenarios,
            calls.len(),
            result.failures,
            result.points.len()
        );
        let findings = result.findings.join("\n");
        let is_whole = result.is_whole;
        told = Some(result);
        ensure!(findings.is_empty(), "{findings}");
        ensure!(is_whole, "the program did not come to its end");
        Ok(())
    });
    if gate.kernels.contains(&Kernel::Linux) {
        let name = "inject: unharmed, every scenario holds on Linux";
        let holds = || {
            let told = scenarios(gate.project, gate.ui, Kernel::Linux)?;
            ensure!(told.findings.is_empty(), "{}", told.findings.join("\n"));
            ensure!(told.is_whole && told.scenarios > 0, "the program did not come to its end");
            Ok(())
        };
        gate.tally.check(name, || super::ask(Kernel::Linux, name, holds));
    }
    let Some(told) = told else { return };
    gate.tally.check("inject: the charges that are never failed are those that are listed", || {
        let root = gate.project.root();
        let path = root.join(FOLDER).join(UNREACHED);
        let list = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let differences = compare(&unreached(root, &told.points)?, &listed(&list)?);
        if differences.is_empty() { Ok(()) } else { bail!("{}", differences.join("\n")) }
    });
}

/// Runs the program in a guest: on Linux once, with nothing that fails.
fn scenarios(project: &Project, ui: &Ui, kernel: Kernel) -> Result<Told> {
    let folder = project.root().join(FOLDER);
    let sources = musl::sources_in(&folder)?;
    let sources: Vec<&Path> = sources.iter().map(AsRef::as_ref).collect();
    let header = folder.join("inject.h");
    let program =
        musl::Program { name: "inject", sources: &sources, depends: &[&header], flags: &musl::FLAGS };
    let built = Compiler::find(project, ui)?.cc(project, ui, &program)?;

    let mut machine = Machine::new(kernel);
    machine.processors = 2;
    machine.additions.push(Addition::new(&built, "/opt/inject")?);
    let (command, what) = match kernel {
        Kernel::Serix => {
            machine.append = WORD.to_owned();
            ("/opt/inject", "each charge fails once")
        }
        Kernel::Linux => ("/opt/inject plain", "nothing fails"),
    };
    let step = ui.step(format!("{kernel}: {what}"));
    let captured = guest::capture(project, ui, &machine, command, &[], Some(LIMIT))?;
    step.done();
    let output = String::from_utf8_lossy(&captured.stdout);
    let mut told = read(&output);
    if captured.end != End::Exited(0) {
        let last = output.lines().last().unwrap_or_default();
        told.findings.push(format!(
            "{:?} after `{last}`; the log's end: {}",
            captured.end,
            captured.log_end()
        ));
    }
    Ok(told)
}

/// Reads what the program told.
fn read(output: &str) -> Told {
    let mut told = Told::default();
    for line in output.lines() {
        let number = |text: &str| text.trim().parse().unwrap_or(0);
        if let Some(finding) = line.strip_prefix("FOUND ") {
            told.findings.push(finding.to_owned());
        } else if let Some(count) = line.strip_prefix("scenarios ") {
            told.scenarios = number(count);
        } else if let Some(count) = line.strip_prefix("failures ") {
            told.failures = number(count);
        } else if let [name, charges, _] = line.split('\t').collect::<Vec<_>>()[..] {
            told.charges.insert(name.to_owned(), number(charges));
        } else if let [place, _, failed] = line.split(' ').collect::<Vec<_>>()[..]
            && let Some((file, line)) = place.rsplit_once(':')
            && number(failed) > 0
        {
            told.points.insert((file.to_owned(), number(line) as u32));
        }
        told.is_whole |= line == "end";
    }
    told
}

/// How many points of each file did not fail.
fn unreached(root: &Path, reached: &BTreeSet<(String, u32)>) -> Result<BTreeMap<String, usize>> {
    let mut files = audit::files(root)?;
    files.retain(|file| {
        CRATES.iter().any(|name| file.starts_with(Path::new("kernel").join(name).join("src")))
    });
    let mut missing = BTreeMap::new();
    for source in source::read_all(root, &files)? {
        let file = source.path.to_string_lossy().into_owned();
        if DEFINITIONS.contains(&file.as_str()) {
            continue;
        }
        let count = points(&source).filter(|line| !reached.contains(&(file.clone(), *line))).count();
        if count > 0 {
            missing.insert(file, count);
        }
    }
    Ok(missing)
}

/// The lines with charges, counted from 1; without comments and tests.
fn points(source: &Source) -> impl Iterator<Item = u32> {
    source.lines.iter().zip(1..).filter_map(|(line, number)| {
        let line = line.split("//").next().unwrap_or_default();
        let is_charge = CHARGES.iter().any(|charge| line.contains(charge));
        (is_charge && !source.excluded(number as usize)).then_some(number)
    })
}

/// Reads the list of what is not reached.
fn listed(text: &str) -> Result<BTreeMap<String, usize>> {
    let mut list = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut parts = line.splitn(3, char::is_whitespace);
        let (Some(file), Some(count), Some(why)) = (parts.next(), parts.next(), parts.next()) else {
            bail!("not a file, a number and a reason: {line}");
        };
        ensure!(!why.trim().is_empty(), "{file} is not reached without a reason");
        list.insert(file.to_owned(), count.parse().with_context(|| format!("not a number: {line}"))?);
    }
    Ok(list)
}

/// What is found and not listed, or listed and not found.
fn compare(found: &BTreeMap<String, usize>, listed: &BTreeMap<String, usize>) -> Vec<String> {
    let files: BTreeSet<&String> = found.keys().chain(listed.keys()).collect();
    let count = |list: &BTreeMap<String, usize>, file: &str| list.get(file).copied().unwrap_or(0);
    let differs = |file: &&&String| count(found, file) != count(listed, file);
    let line = |file: &String| {
        format!("{file}: {} charges never failed, {} are listed", count(found, file), count(listed, file))
    };
    files.iter().filter(differs).map(|file| line(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Source, compare, listed, points, read};
    use std::collections::BTreeMap;
    use std::path::Path;

    #[test]
    fn what_the_program_tells_is_read() {
        let told = read(
            "fork\t10\t52 ms\nFOUND fork, charge 3: a child is left\nscenarios 1\nfailures 10\nheap 5\nframes 6\n\
             kernel/a.rs:7 3 1\nkernel/a.rs:8 3 0\nend\n",
        );
        assert_eq!((told.scenarios, told.failures, told.is_whole), (1, 10, true));
        assert_eq!(told.findings, ["fork, charge 3: a child is left"]);
        assert_eq!(told.charges["fork"], 10);
        assert_eq!(told.points.into_iter().collect::<Vec<_>>(), [("kernel/a.rs".to_owned(), 7)]);
    }

    #[test]
    fn charges_of_the_source_are_found() {
        let text = "fn a() { // charge::admit(1)\n charge::admit(2)?;\n\n x::charge::reserve(&mut y, 1);\n}\n\
                    #[cfg(test)]\nfn b() {\n charge::admit(3)\n}\nfn c() {\n charge::admit(4)\n}\n";
        let source = Source::parse(Path::new("kernel/a/src/b.rs"), text).expect("valid Rust");
        assert_eq!(points(&source).collect::<Vec<_>>(), [2, 4, 11]);
    }

    #[test]
    fn the_list_has_to_be_exact() {
        let list = listed("# a comment\n\nkernel/a.rs 2 nobody calls it\n").unwrap();
        assert_eq!(list, BTreeMap::from([("kernel/a.rs".to_owned(), 2)]));
        assert!(listed("kernel/a.rs 2\n").is_err());
        assert!(compare(&list, &list).is_empty());
        assert_eq!(compare(&BTreeMap::new(), &list).len(), 1);
    }
}
