//! What the benchmark prints: a row a metric, `name value unit …`.

use std::collections::BTreeMap;

/// A metric's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// In [`Row::unit`].
    pub value: f64,
    /// What the value counts.
    pub unit: Unit,
}

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Guest instructions (nanoseconds of guest time) for one operation.
    Nanoseconds,
    /// 10^6 bytes in 10^9 guest instructions.
    MegabytesPerSecond,
    /// 10^9 guest instructions.
    Seconds,
}

impl Unit {
    const ALL: [Self; 3] = [Self::Nanoseconds, Self::MegabytesPerSecond, Self::Seconds];

    /// As the benchmark writes it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::MegabytesPerSecond => "MB/s",
            Self::Seconds => "s",
        }
    }
}

/// The row of the whole benchmark's time.
pub const TOTAL: &str = "total";

/// The rows of a run, by name.
pub type Rows = BTreeMap<String, Row>;

/// Reads the rows out of a text with other lines among them.
pub fn parse(text: &str) -> Rows {
    text.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<(String, Row)> {
    let mut words = line.split_whitespace();
    let (name, value, unit) = (words.next()?, words.next()?, words.next()?);
    let value = value.parse().ok().filter(|value: &f64| value.is_finite() && *value > 0.0)?;
    let unit = Unit::ALL.into_iter().find(|known| known.text() == unit)?;
    Some((name.to_owned(), Row { value, unit }))
}

/// A metric, or a group of them, that could not be measured, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// The metric or the group.
    pub name: String,
    /// What the benchmark says of it.
    pub reason: String,
}

/// What could not be measured. A group ends with the first metric that cannot be, so of a group that gives the reason for a
/// metric only that is told.
pub fn failures(text: &str) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    for line in text.lines() {
        let mut words = line.trim().splitn(3, ' ');
        let (Some(name), Some(kind), reason) = (words.next(), words.next(), words.next()) else { continue };
        let explained = |group: &str| failures.iter().any(|failure| failure.name.starts_with(group));
        if kind == "SKIP" || kind == "GROUP-FAILED" && !explained(name) {
            failures.push(Failure { name: name.to_owned(), reason: reason.unwrap_or(kind).to_owned() });
        }
    }
    failures
}

/// The median of each row over several runs; the mean of the middle two when their number is even.
pub fn median(runs: &[Rows]) -> Rows {
    let mut median = Rows::new();
    for (name, row) in runs.iter().flatten() {
        let mut values: Vec<f64> = runs.iter().filter_map(|run| run.get(name)).map(|row| row.value).collect();
        values.sort_by(f64::total_cmp);
        if let (Some(low), Some(high)) = (values.get((values.len() - 1) / 2), values.get(values.len() / 2)) {
            median.insert(name.clone(), Row { value: f64::midpoint(*low, *high), unit: row.unit });
        }
    }
    median
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "[    1.0] random: crng init done\r\nMB: begin\r\nnull_syscall 360.7 ns tsc=360\r\n\
        pipe_bw_64k 1299.5 MB/s tsc/KiB=788\r\ntcp_rt_1 SKIP socket: Function not implemented\r\n\
        tcp GROUP-FAILED status=0x100\r\ntotal 1.416 s tsc=1416000000\r\nMB: end\r\n";

    #[test]
    fn rows_are_read_and_other_lines_are_not() {
        let rows = parse(OUTPUT);
        assert_eq!(rows.len(), 3);
        assert_eq!(rows["null_syscall"], Row { value: 360.7, unit: Unit::Nanoseconds });
        assert_eq!(rows["pipe_bw_64k"].unit, Unit::MegabytesPerSecond);
    }

    #[test]
    fn what_could_not_be_measured_is_told_with_its_reason() {
        let reason = "socket: Function not implemented".to_owned();
        assert_eq!(failures(OUTPUT), [Failure { name: "tcp_rt_1".to_owned(), reason }]);
        let died = failures("pipe GROUP-FAILED status=0xb");
        assert_eq!(died, [Failure { name: "pipe".to_owned(), reason: "status=0xb".to_owned() }]);
    }

    #[test]
    fn the_median_ignores_one_run_that_is_off() {
        let runs = ["a 1.0 ns", "a 9.0 ns", "a 2.0 ns"].map(parse);
        assert!((median(&runs)["a"].value - 2.0).abs() < 1e-9);
        assert!((median(&runs[..2])["a"].value - 5.0).abs() < 1e-9);
    }
}
