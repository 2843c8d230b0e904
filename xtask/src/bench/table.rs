//! The table: Serix, Linux, and how much more Serix costs.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::json;

use super::rows::{Failure, Row, Rows, Unit};

/// The rows of each kernel that was measured.
#[derive(Default)]
pub struct Measured {
    /// Serix's.
    pub serix: Option<Rows>,
    /// What could not be measured on Serix.
    pub failures: Vec<Failure>,
    /// Linux's.
    pub linux: Option<Rows>,
}

/// A metric on both kernels.
struct Line<'a> {
    name: &'a str,
    unit: Unit,
    serix: Option<f64>,
    linux: Option<f64>,
}

impl Line<'_> {
    /// What Serix costs for each that Linux costs: below 1, Serix is faster. A rate counts inversely.
    fn ratio(&self) -> Option<f64> {
        let (serix, linux) = (self.serix?, self.linux?);
        Some(match self.unit {
            Unit::Nanoseconds | Unit::Seconds => serix / linux,
            Unit::MegabytesPerSecond => linux / serix,
        })
    }
}

/// All metrics that either kernel gave, by name.
fn lines(measured: &Measured) -> Vec<Line<'_>> {
    let both: Vec<(&String, &Row)> = measured.serix.iter().chain(&measured.linux).flatten().collect();
    let units: BTreeMap<&String, Unit> = both.into_iter().map(|(name, row)| (name, row.unit)).collect();
    let value = |rows: &Option<Rows>, name: &String| Some(rows.as_ref()?.get(name)?.value);
    let mut lines = Vec::new();
    for (name, unit) in units {
        let (serix, linux) = (value(&measured.serix, name), value(&measured.linux, name));
        lines.push(Line { name, unit, serix, linux });
    }
    lines
}

/// The geometric mean over the operations that both kernels gave; the time of the whole benchmark is no operation.
fn geometric_mean(lines: &[Line<'_>]) -> Option<f64> {
    let operations = lines.iter().filter(|line| line.unit != Unit::Seconds);
    let logarithms: Vec<f64> = operations.filter_map(Line::ratio).map(f64::ln).collect();
    let count = u32::try_from(logarithms.len()).ok().filter(|count| *count > 0)?;
    Some((logarithms.iter().sum::<f64>() / f64::from(count)).exp())
}

/// The ratio of each operation that both kernels gave.
pub fn ratios(measured: &Measured) -> Vec<(String, f64)> {
    let lines = lines(measured);
    let operations = lines.iter().filter(|line| line.unit != Unit::Seconds);
    operations.filter_map(|line| Some((line.name.to_owned(), line.ratio()?))).collect()
}

/// Their geometric mean.
pub fn mean(measured: &Measured) -> Option<f64> {
    geometric_mean(&lines(measured))
}

/// For people.
pub fn text(measured: &Measured) -> String {
    let lines = lines(measured);
    let cell = |value: Option<f64>, digits| value.map_or("-".to_owned(), |value| format!("{value:.digits$}"));
    let mut text = format!("{:26} {:>5} {:>12} {:>12} {:>7}\n", "metric", "unit", "Serix", "Linux", "ratio");
    for line in &lines {
        let (serix, linux, ratio) = (cell(line.serix, 1), cell(line.linux, 1), cell(line.ratio(), 2));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:26} {:>5} {serix:>12} {linux:>12} {ratio:>7}", line.name, line.unit.text());
    }
    if let Some(mean) = geometric_mean(&lines) {
        let _ = writeln!(text, "{:58} {mean:>7.2}", "geometric mean");
    }
    for failure in &measured.failures {
        let _ = writeln!(text, "not measured on Serix: {}: {}", failure.name, failure.reason);
    }
    text
}

/// For programs.
pub fn json(measured: &Measured) -> Result<String> {
    let lines = lines(measured);
    let row = |line: &Line<'_>| {
        json!({
            "name": line.name,
            "unit": line.unit.text(),
            "serix": line.serix,
            "linux": line.linux,
            "ratio": line.ratio(),
        })
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    let failure = |failure: &Failure| json!({ "name": failure.name, "reason": failure.reason });
    let failures: Vec<_> = measured.failures.iter().map(failure).collect();
    let whole = json!({
        "rows": rows,
        "geometric_mean": geometric_mean(&lines),
        "not_measured_on_serix": failures,
    });
    serde_json::to_string_pretty(&whole).context("cannot write JSON")
}

#[cfg(test)]
mod tests {
    use super::super::rows::parse;
    use super::*;

    #[test]
    fn a_ratio_above_one_means_slower_for_times_and_for_rates() {
        let measured = Measured {
            serix: Some(parse("call 200.0 ns\nbytes 50.0 MB/s\ntotal 9.0 s\nonly 1.0 ns")),
            linux: Some(parse("call 100.0 ns\nbytes 400.0 MB/s\ntotal 1.0 s")),
            ..Measured::default()
        };
        let lines = lines(&measured);
        let ratios: Vec<_> =
            lines.iter().map(|line| line.ratio().map(|ratio| format!("{ratio:.1}"))).collect();
        let expected = [Some("8.0"), Some("2.0"), None, Some("9.0")].map(|ratio| ratio.map(str::to_owned));
        assert_eq!(ratios, expected);
        assert!((geometric_mean(&lines).expect("two operations") - 4.0).abs() < 1e-9);
    }
}
