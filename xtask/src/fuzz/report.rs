//! What the fuzzer says, read, judged and shown.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};
use serde::Serialize;

/// At least so many of a hundred calls have to succeed: else the arguments are nonsense, and little is reached.
const SUCCESSES_PERCENT: u64 = 30;

/// How much less memory may be free afterwards, in KiB: a million calls that leak nothing left 50 to 200 less.
const LEAK_KB: i64 = 1024;

/// What became of a call.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Call {
    /// It is never made.
    pub left_out: bool,
    /// How often it was made.
    pub tries: u64,
    /// How often it gave no error.
    pub successes: u64,
    /// How often it gave which error, by number.
    pub errnos: BTreeMap<u32, u64>,
}

/// A run's result.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Of each call, by name.
    pub calls: BTreeMap<String, Call>,
    /// Numbers of batches and their ends.
    pub figures: BTreeMap<String, u64>,
    /// What the machine had before and afterwards; -1 is what it does not tell.
    pub measures: BTreeMap<String, [i64; 2]>,
    /// The last calls of a batch that was made alone.
    pub last_calls: Vec<String>,
    /// What was said beside that: what has gone wrong in the guest.
    pub findings: Vec<String>,
}

impl Report {
    /// Reads what the guest's fuzzer wrote; a batch that was made `alone` shows its calls, further in than all else.
    ///
    /// # Errors
    /// A line is not what the fuzzer writes.
    pub fn read(text: &str, alone: bool) -> Result<Self> {
        let mut report = Self::default();
        for line in text.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "call" => report.read_call(rest).with_context(|| format!("not a call: {line:?}"))?,
                "figure" => {
                    let (name, value) = rest.split_once(' ').context("a figure has a name")?;
                    report.figures.insert(name.to_owned(), value.parse()?);
                }
                "measure" => report.read_measure(rest).with_context(|| format!("not a measure: {line:?}"))?,
                "beat" => {}
                "lane" | "" if alone => report.last_calls.push(line.to_owned()),
                _ => report.findings.push(line.to_owned()),
            }
        }
        Ok(report)
    }

    fn read_call(&mut self, text: &str) -> Result<()> {
        let mut words = text.split(' ');
        let mut next = || words.next().context("too short");
        let name = next()?.to_owned();
        let left_out = next()? == "out";
        let (tries, successes) = (next()?.parse()?, next()?.parse()?);
        let mut errnos = BTreeMap::new();
        for word in words {
            let (number, count) = word.split_once(':').context("an error has a count")?;
            errnos.insert(number.parse()?, count.parse()?);
        }
        self.calls.insert(name, Call { left_out, tries, successes, errnos });
        Ok(())
    }

    fn read_measure(&mut self, text: &str) -> Result<()> {
        let mut words = text.split(' ');
        let mut next = || words.next().context("too short");
        let index = usize::from(next()? == "after");
        let name = next()?.to_owned();
        let value = next()?.parse()?;
        if let Some(place) = self.measures.entry(name).or_insert([-1, -1]).get_mut(index) {
            *place = value;
        }
        Ok(())
    }

    /// Tries and successes of all calls.
    pub fn totals(&self) -> (u64, u64) {
        self.calls
            .values()
            .fold((0, 0), |(tries, successes), call| (tries + call.tries, successes + call.successes))
    }

    /// What is wrong, in words; `every` call must have succeeded in a run that is long enough.
    pub fn problems(&self, every: bool) -> Vec<String> {
        let mut problems = self.findings.clone();
        if let Some(count) = self.figures.get("stuck").filter(|count| **count > 0) {
            problems.push(format!("{count} processes cannot be killed"));
        }
        problems.extend(
            self.measures.iter().filter_map(|(name, [before, after])| self.leak(name, *before, *after)),
        );
        let (tries, successes) = self.totals();
        if every && successes * 100 < tries * SUCCESSES_PERCENT {
            problems.push(format!("{successes} of {tries} calls succeed: less than {SUCCESSES_PERCENT} %"));
        }
        let never = self.calls.iter().filter(|(_, call)| every && !call.left_out && call.successes == 0);
        problems.extend(never.map(|(name, call)| format!("{name} never succeeds ({} tries)", call.tries)));
        problems
    }

    fn leak(&self, name: &str, before: i64, after: i64) -> Option<String> {
        if after == -1 {
            return None; // the run did not come to its end, or it cannot be read: either is told
        }
        let gone = match name {
            "memory_kb" => before - after > LEAK_KB,
            _ => after != before,
        };
        gone.then(|| format!("leak: {name} {before} before, {after} afterwards"))
    }

    /// The table of calls, and the figures.
    pub fn table(&self) -> String {
        let mut table = format!("{:24} {:>9} {:>9}  errno\n", "call", "tries", "successes");
        for (name, call) in &self.calls {
            if call.left_out {
                let _ = writeln!(table, "{name:24} {:>9} {:>9}  left out", "-", "-");
                continue;
            }
            let _ = write!(table, "{name:24} {:>9} {:>9} ", call.tries, call.successes);
            for number in call.errnos.keys() {
                let _ = write!(table, " {number}");
            }
            table.push('\n');
        }
        for (name, value) in &self.figures {
            let _ = writeln!(table, "{name}: {value}");
        }
        for (name, [before, after]) in &self.measures {
            let _ = writeln!(table, "{name}: {before} before, {after} afterwards");
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "call read in 10 6 9:3 14:1\ncall reboot out 0 0\nbeat 5 calls\nfigure cut 0\n\
                        measure before total_kb 1000\nmeasure before memory_kb 5000\nmeasure after total_kb 1000\n\
                        measure after memory_kb 3976\n";

    #[test]
    fn tries_successes_and_errors_are_read() {
        let report =
            Report::read(&format!("{GOOD}lane worker 1 role 0 batch 7\n  12 read(0x3) = 5\n"), true).unwrap();
        assert_eq!(report.last_calls.len(), 2);
        assert_eq!((report.calls["read"].tries, report.calls["read"].successes), (10, 6));
        assert_eq!(report.calls["read"].errnos, BTreeMap::from([(9, 3), (14, 1)]));
        assert_eq!(report.totals(), (10, 6));
        assert_eq!(report.problems(true), [] as [String; 0]);
        assert!(
            report.table().contains("read                            10         6  "),
            "{}",
            report.table()
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        let wrong = |line: &str| Report::read(&format!("{GOOD}{line}\n"), false).unwrap().problems(true);
        assert_eq!(wrong("measure after memory_kb 3975"), ["leak: memory_kb 5000 before, 3975 afterwards"]);
        assert_eq!(wrong("measure after threads 7"), ["leak: threads -1 before, 7 afterwards"]);
        assert_eq!(wrong("call dup in 5 0 9:5"), ["dup never succeeds (5 tries)"]);
        assert_eq!(wrong("figure stuck 2"), ["2 processes cannot be killed"]);
        assert_eq!(wrong("finding impossible"), ["finding impossible"]);
        assert_eq!(wrong("  further in"), ["  further in"]);
        assert_eq!(wrong("lane worker"), ["lane worker"]);
        assert_eq!(wrong("call dup in 50 1 9:49"), ["7 of 60 calls succeed: less than 30 %"]);
    }

    #[test]
    fn a_broken_line_is_an_error() {
        assert!(Report::read("call read in 10", false).is_err());
        assert!(Report::read("figure x y", false).is_err());
    }
}
