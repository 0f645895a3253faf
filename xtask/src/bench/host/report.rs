//! What was measured of the outside world.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::contender::Name;
use super::idle::Idle;
use crate::bench::samples::{Samples, median};
use crate::bench::times::Times;
use crate::bench::verdict::Verdict;

/// A measurement, its size, and the samples of each system.
pub(super) type Row = (&'static str, u64, BTreeMap<Name, Samples>);

/// Adds a sample.
pub(super) fn put(samples: &mut BTreeMap<Name, Samples>, name: Name, figure: f64) {
    samples.entry(name).or_default().push(figure);
}

/// Times beside those of the peers, and connections that wait.
pub(super) struct Report {
    pub(super) times: Times<Name>,
    pub(super) idle: Idle,
}

impl Report {
    /// For people.
    pub(super) fn table(&self, verdicts: &[Verdict]) -> String {
        let mut text = self.times.table(verdicts);
        let Idle { connections, ours, hyper, fresh } = &self.idle;
        let kib = |bytes: &Option<f64>| match bytes {
            Some(bytes) => format!("{:.2} KiB", bytes / 1024.0),
            None => "–".to_owned(),
        };
        let (ours, hyper, fresh) = (kib(ours), kib(hyper), median(fresh) * 1000.0);
        let _ = writeln!(
            text,
            "each of {connections} connections that wait: {ours}, hyper's {hyper}; a fresh request \
             beside them: {fresh:.2} ms"
        );
        text
    }

    /// For programs: all samples, and the judgement.
    pub(super) fn json(&self, verdicts: &[Verdict]) -> Value {
        let Idle { connections, ours, hyper, fresh } = &self.idle;
        let mut all = self.times.json(verdicts, &[("seconds_of_a_fresh_request", fresh)]);
        all["idle"] =
            json!({ "connections": connections, "bytes_each": ours, "bytes_each_hyper": hyper });
        all
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::judge;
    use super::*;

    fn report(connections: u64) -> Report {
        let samples = |figures: &[(Name, f64)]| -> BTreeMap<Name, Samples> {
            figures.iter().map(|(name, figure)| (*name, vec![*figure; 3])).collect()
        };
        let programs = vec![
            (
                "request",
                64,
                samples(&[(Name::Ours, 3e-5), (Name::Hyper, 1e-5), (Name::Node, 6e-5)]),
            ),
            ("p99", 64, samples(&[(Name::Ours, 4e-3), (Name::Hyper, 4e-3)])),
            ("lines", 9, samples(&[(Name::Ours, 0.2)])),
        ];
        let missing = vec![(Name::Lua, "apt-get install lua5.4".to_owned())];
        let (ours, hyper) = (Some(9216.0), Some(4096.0));
        Report {
            times: Times { what: "measurement", programs, missing, quick: false },
            idle: Idle { connections, ours, hyper, fresh: vec![0.001, 0.009, 0.002] },
        }
    }

    #[test]
    fn a_table_says_what_is_met_and_what_is_missed() {
        let report = report(10_000);
        let table = report.table(&judge(&report));
        for line in [
            "met      0.500 (at most 0.6666666666666666) time of request / node.js",
            "missed   3.000 (at most 2) time of request / hyper",
            "met      1.000 (at most 2) time of p99 / hyper",
            "missed   5.000 (at most 4) KiB of each of 10000 connections that wait, beyond hyper's",
            "met      2.000 (at most 5) milliseconds of a fresh request beside 10000 connections",
            "each of 10000 connections that wait: 9.00 KiB, hyper's 4.00 KiB; a fresh request \
             beside them: 2.00 ms",
            "not measured: lua5.4; apt-get install lua5.4",
        ] {
            assert!(table.contains(line), "{line} in {table}");
        }
        assert_eq!(report.json(&judge(&report))["idle"]["connections"], json!(10_000));
    }

    #[test]
    fn what_was_not_measured_in_full_is_not_judged() {
        let report = report(500);
        assert_eq!(judge(&report).len(), 3);
    }
}
