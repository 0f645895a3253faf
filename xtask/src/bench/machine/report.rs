//! What was measured, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::peer::{Missing, Name};
use super::rates::Rates;
use crate::bench::chart::{self, Bar};
use crate::bench::samples::{Samples, median};
use crate::bench::verdict::Verdict;

/// What was measured.
pub(super) struct Report {
    /// For each kernel its argument and the seconds of each contender.
    pub(super) kernels: Vec<(&'static str, u64, BTreeMap<Name, Samples>)>,
    pub(super) rates: Rates,
    pub(super) missing: Vec<Missing>,
    pub(super) quick: bool,
}

impl Report {
    /// Our time divided by a peer's, for each kernel that the peer has.
    pub(super) fn ratios(&self, peer: Name) -> Vec<(&'static str, f64)> {
        let ratio = |samples: &BTreeMap<Name, Samples>| {
            Some(median(samples.get(&Name::Ours)?) / median(samples.get(&peer)?))
        };
        self.kernels.iter().filter_map(|(name, _, all)| Some((*name, ratio(all)?))).collect()
    }

    /// The peers that were measured.
    pub(super) fn peers(&self) -> Vec<Name> {
        Name::PEERS.into_iter().filter(|peer| !self.ratios(*peer).is_empty()).collect()
    }

    /// For people.
    pub(super) fn table(&self, verdicts: &[Verdict]) -> String {
        let mut text =
            String::from("Our time in seconds, and as a part of each peer's (medians).\n");
        if self.quick {
            text.push_str("With --quick: small kernels, few rounds; no figures to quote.\n");
        }
        let peers = self.peers();
        let _ = write!(text, "{:>9} {:>10} {:>9}", "kernel", "n", "iridium");
        for peer in &peers {
            let _ = write!(text, " {peer:>12}");
        }
        for (kernel, argument, samples) in &self.kernels {
            let ours = samples.get(&Name::Ours).map_or(f64::NAN, |samples| median(samples));
            let _ = write!(text, "\n{kernel:>9} {argument:>10} {ours:>9.4}");
            for peer in &peers {
                match samples.get(peer).map(|samples| median(samples)) {
                    Some(theirs) => drop(write!(text, " {:>12.2}", ours / theirs)),
                    None => drop(write!(text, " {:>12}", "–")),
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
        let kernels: Vec<Value> = self
            .kernels
            .iter()
            .map(|(kernel, argument, samples)| {
                let seconds: BTreeMap<String, &Samples> =
                    samples.iter().map(|(name, samples)| (name.to_string(), samples)).collect();
                json!({ "kernel": kernel, "argument": argument, "seconds": seconds })
            })
            .collect();
        let targets: Vec<Value> = verdicts.iter().map(Verdict::json).collect();
        json!({
            "quick": self.quick,
            "kernels": kernels,
            "assembled_lines_per_second": self.rates.assembling,
            "seconds_to_load_a_million_instructions": self.rates.loading,
            "seconds_to_start_and_run_hlt": self.rates.starting,
            "targets": targets,
            "not_measured": self.missing.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>(),
        })
    }

    /// For each kernel a bar a peer.
    pub(super) fn chart(&self) -> String {
        let peers = self.peers();
        let bar = |kernel: &str, peer: Name| {
            let ratios = self.ratios(peer);
            let (_, ratio) = ratios.iter().find(|(name, _)| *name == kernel)?;
            Some(Bar { label: peer.to_string(), colour: peer.colour(), ratio: *ratio })
        };
        let rows = self.kernels.iter().map(|(kernel, ..)| {
            let bars = peers.iter().filter_map(|peer| bar(kernel, *peer)).collect();
            (kernel.to_string(), bars)
        });
        chart::draw(&rows.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::judge;
    use super::*;

    fn report() -> Report {
        let samples = |ours: f64, wasmi: f64| {
            BTreeMap::from([(Name::Ours, vec![ours; 3]), (Name::WasmiFuel, vec![wasmi; 3])])
        };
        Report {
            kernels: vec![("fib", 27, samples(0.5, 1.0)), ("sieve", 9, samples(2.0, 2.0))],
            rates: Rates { assembling: vec![2e6], loading: vec![0.1], starting: vec![0.002] },
            missing: vec![(Name::Lua, "apt-get install lua5.4".to_owned())],
            quick: false,
        }
    }

    fn table_of(report: &Report) -> String {
        report.table(&judge(report))
    }

    fn json_of(report: &Report) -> Value {
        report.json(&judge(report))
    }

    #[test]
    fn a_table_says_what_is_met_and_what_is_missed() {
        let table = table_of(&report());
        assert!(table.contains("missed   1.000 (at most 0.9)"), "{table}");
        assert!(table.contains("worst (sieve)"), "{table}");
        assert!(table.contains("missed   0.707 (at most 0.65)"), "{table}");
        assert!(table.contains("met      0.500 (at most 1) seconds to assemble"), "{table}");
        assert!(table.contains("not measured: lua5.4; apt-get install lua5.4"), "{table}");
    }

    #[test]
    fn json_has_all_samples() {
        let json = json_of(&report());
        assert_eq!(json["kernels"][0]["seconds"]["wasmi+fuel"], json!([1.0, 1.0, 1.0]));
        assert_eq!(json["targets"][0]["met"], json!(false));
    }

    #[test]
    fn the_chart_has_a_bar_for_each_ratio() {
        let svg = report().chart();
        assert_eq!(svg.matches("wasmi+fuel 0.50").count(), 1, "{svg}");
        assert_eq!(svg.matches("wasmi+fuel 1.00").count(), 1, "{svg}");
    }
}
