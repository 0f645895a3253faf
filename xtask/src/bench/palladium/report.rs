//! What was measured, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::compiling::Compiling;
use super::contender::{Missing, Name};
use crate::bench::chart::{self, Bar};
use crate::bench::samples::{Samples, median};
use crate::bench::verdict::Verdict;

/// What was measured.
pub(super) struct Report {
    /// For each program its argument and the seconds of each contender.
    pub(super) programs: Vec<(&'static str, u64, BTreeMap<Name, Samples>)>,
    pub(super) compiling: Compiling,
    pub(super) missing: Vec<Missing>,
    pub(super) quick: bool,
}

impl Report {
    /// Our time divided by a peer's, for each program that the peer has.
    pub(super) fn ratios(&self, peer: Name) -> Vec<(&'static str, f64)> {
        let ratio = |samples: &BTreeMap<Name, Samples>| {
            Some(median(samples.get(&Name::Ours)?) / median(samples.get(&peer)?))
        };
        self.programs.iter().filter_map(|(name, _, all)| Some((*name, ratio(all)?))).collect()
    }

    /// The peers that were measured.
    fn peers(&self) -> Vec<Name> {
        Name::PEERS.into_iter().filter(|peer| !self.ratios(*peer).is_empty()).collect()
    }

    /// For people.
    pub(super) fn table(&self, verdicts: &[Verdict]) -> String {
        let mut text =
            String::from("Our time in seconds, and as a part of each peer's (medians).\n");
        if self.quick {
            text.push_str("With --quick: small programs, few rounds; no figures to quote.\n");
        }
        let peers = self.peers();
        let _ = write!(text, "{:>18} {:>9} {:>9}", "program", "n", Name::Ours);
        for peer in &peers {
            let _ = write!(text, " {peer:>11}");
        }
        for (program, argument, samples) in &self.programs {
            let ours = samples.get(&Name::Ours).map_or(f64::NAN, |samples| median(samples));
            let _ = write!(text, "\n{program:>18} {argument:>9} {ours:>9.4}");
            for peer in &peers {
                match samples.get(peer).map(|samples| median(samples)) {
                    Some(theirs) => drop(write!(text, " {:>11.2}", ours / theirs)),
                    None => drop(write!(text, " {:>11}", "–")),
                }
            }
        }
        text.push_str("\n\n");
        for verdict in verdicts {
            let _ = writeln!(text, "{verdict}");
        }
        for (peer, remedy) in &self.missing {
            let _ = writeln!(text, "not measured: {peer}; {remedy}");
        }
        text
    }

    /// For programs: all samples, and the judgement.
    pub(super) fn json(&self, verdicts: &[Verdict]) -> Value {
        let programs: Vec<Value> = self
            .programs
            .iter()
            .map(|(program, argument, samples)| {
                let seconds: BTreeMap<String, &Samples> =
                    samples.iter().map(|(name, samples)| (name.to_string(), samples)).collect();
                json!({ "program": program, "argument": argument, "seconds": seconds })
            })
            .collect();
        json!({
            "quick": self.quick,
            "programs": programs,
            "seconds_to_check_100000_lines": self.compiling.checking,
            "seconds_from_10000_lines_to_a_module": self.compiling.emitting,
            "seconds_from_hello_world_to_its_output": self.compiling.hello,
            "targets": verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
            "not_measured": self.missing.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>(),
        })
    }

    /// For each program a bar a peer.
    pub(super) fn chart(&self) -> String {
        let ratios: Vec<_> =
            self.peers().into_iter().map(|peer| (peer, self.ratios(peer))).collect();
        let rows = self.programs.iter().map(|(program, ..)| {
            let bar = |(peer, ratios): &(Name, Vec<(&str, f64)>)| {
                let (_, ratio) = ratios.iter().find(|(name, _)| name == program)?;
                Some(Bar { label: peer.to_string(), colour: peer.colour(), ratio: *ratio })
            };
            (program.to_string(), ratios.iter().filter_map(bar).collect())
        });
        chart::draw(&rows.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::judge;
    use super::*;

    fn report() -> Report {
        let samples = |name: Name, ours: f64, theirs: f64| {
            BTreeMap::from([(Name::Ours, vec![ours; 3]), (name, vec![theirs; 3])])
        };
        Report {
            programs: vec![
                ("fib", 27, samples(Name::Assembly, 1.5, 1.0)),
                ("queens", 9, samples(Name::Lua, 0.5, 1.0)),
                ("list", 9, samples(Name::Lua, 0.2, 2.0)),
                ("fannkuch", 9, samples(Name::Lua, 9.0, 1.0)),
            ],
            compiling: Compiling { checking: vec![0.5], emitting: vec![0.4], hello: vec![0.012] },
            missing: vec![(Name::Python, "apt-get install python3".to_owned())],
            quick: false,
        }
    }

    #[test]
    fn a_table_says_what_is_met_and_what_is_missed() {
        let report = report();
        let table = report.table(&judge(&report));
        assert!(table.contains("missed   1.500 (at most 1.25) time of kernels"), "{table}");
        assert!(table.contains("met      0.500 (at most 1) time of micro programs"), "{table}");
        assert!(table.contains("worst (queens)"), "{table}");
        assert!(table.contains("met      0.224 (at most 0.4) time of micro programs"), "{table}");
        assert!(table.contains("missed   0.400 (at most 0.3) seconds from 10,000"), "{table}");
        assert!(table.contains("met     12.000 (at most 15) milliseconds"), "{table}");
        assert!(table.contains("not measured: cpython; apt-get install python3"), "{table}");
    }

    #[test]
    fn json_has_all_samples() {
        let report = report();
        let json = report.json(&judge(&report));
        assert_eq!(json["programs"][1]["seconds"]["lua5.4"], json!([1.0, 1.0, 1.0]));
        assert_eq!(json["targets"][0]["met"], json!(false));
    }

    #[test]
    fn the_chart_has_a_bar_for_each_ratio() {
        let svg = report().chart();
        assert_eq!(svg.matches("lua5.4 0.50").count(), 1, "{svg}");
        assert_eq!(svg.matches("assembly 1.50").count(), 1, "{svg}");
    }
}
