//! The times of programs beside those of their peers: a table, JSON and a chart.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use super::chart::{self, Bar};
use super::samples::{Samples, median};
use super::verdict::Verdict;

/// The systems that run the same programs, in the order of the table.
pub(super) trait System: Copy + Ord + fmt::Display + 'static {
    const OURS: &'static [Self];
    const PEERS: &'static [Self];

    /// That of its bars.
    fn colour(self) -> &'static str;
}

/// What was measured.
pub(super) struct Times<S> {
    /// What one of the programs is called.
    pub(super) what: &'static str,
    /// For each program its argument and the seconds of each system.
    pub(super) programs: Vec<(&'static str, u64, BTreeMap<S, Samples>)>,
    /// What could not be measured, and what to do about it.
    pub(super) missing: Vec<(S, String)>,
    pub(super) quick: bool,
}

impl<S: System> Times<S> {
    /// The time of one of ours divided by a peer's, for each program that both have.
    pub(super) fn ratios(&self, ours: S, peer: S) -> Vec<(&'static str, f64)> {
        let ratio = |samples: &BTreeMap<S, Samples>| {
            Some(median(samples.get(&ours)?) / median(samples.get(&peer)?))
        };
        self.programs.iter().filter_map(|(name, _, all)| Some((*name, ratio(all)?))).collect()
    }

    /// The peers that were measured.
    fn peers(&self) -> Vec<S> {
        let is_measured =
            |peer: &S| S::OURS.iter().any(|ours| !self.ratios(*ours, *peer).is_empty());
        S::PEERS.iter().copied().filter(is_measured).collect()
    }

    /// For people.
    pub(super) fn table(&self, verdicts: &[Verdict]) -> String {
        let mut text =
            String::from("Our time in seconds, and as a part of each peer's (medians).\n");
        if self.quick {
            let what = self.what;
            let _ = writeln!(text, "With --quick: small {what}s, few rounds; no figures to quote.");
        }
        let peers = self.peers();
        let wide = self.programs.iter().map(|(name, ..)| name.len()).max().unwrap_or(0).max(9);
        let _ = write!(text, "{:>wide$} {:>10} {:>11} {:>9}", self.what, "n", "ours", "seconds");
        for peer in &peers {
            let _ = write!(text, " {peer:>13}");
        }
        for ((program, argument, samples), ours) in self.rows() {
            let seconds = samples.get(&ours).map_or(f64::NAN, |samples| median(samples));
            let _ = write!(text, "\n{program:>wide$} {argument:>10} {ours:>11} {seconds:>9.4}");
            for peer in &peers {
                match samples.get(peer).map(|samples| median(samples)) {
                    Some(theirs) => drop(write!(text, " {:>13.2}", seconds / theirs)),
                    None => drop(write!(text, " {:>13}", "–")),
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

    /// Each program with each of ours.
    fn rows(&self) -> impl Iterator<Item = (&(&'static str, u64, BTreeMap<S, Samples>), S)> {
        self.programs.iter().flat_map(|program| S::OURS.iter().map(move |ours| (program, *ours)))
    }

    /// For programs: all samples, the judgement, and what else was measured.
    pub(super) fn json(&self, verdicts: &[Verdict], more: &[(&str, &Samples)]) -> Value {
        let programs = self.programs.iter().map(|(program, argument, samples)| {
            let seconds: BTreeMap<String, &Samples> =
                samples.iter().map(|(system, samples)| (system.to_string(), samples)).collect();
            json!({ self.what: program, "argument": argument, "seconds": seconds })
        });
        let missing = self.missing.iter().map(|(system, _)| system.to_string());
        let mut all = json!({
            "quick": self.quick,
            format!("{}s", self.what): programs.collect::<Vec<_>>(),
            "targets": verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
            "not_measured": missing.collect::<Vec<_>>(),
        });
        for (name, samples) in more {
            all[*name] = json!(samples);
        }
        all
    }

    /// For each program, and each of ours, a bar a peer.
    pub(super) fn chart(&self) -> String {
        let peers = self.peers();
        let rows = self.rows().map(|((program, ..), ours)| {
            let bar = |peer: &S| {
                let ratios = self.ratios(ours, *peer);
                let (_, ratio) = ratios.into_iter().find(|(name, _)| name == program)?;
                Some(Bar { label: peer.to_string(), colour: peer.colour(), ratio })
            };
            let name = match S::OURS {
                [_] => program.to_string(),
                _ => format!("{program}, {ours}"),
            };
            (name, peers.iter().filter_map(bar).collect())
        });
        chart::draw(&rows.collect::<Vec<_>>())
    }
}
