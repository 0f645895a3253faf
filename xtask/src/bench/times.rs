//! The times of programs beside those of their peers: a table, JSON and a chart.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use super::chart::{self, Bar};
use super::samples::{Samples, median};
use super::verdict::Verdict;

/// The systems that run the same programs, in the order of the table.
pub(super) trait System: Copy + Ord + fmt::Display + 'static {
    const OURS: Self;
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
    /// Our time divided by a peer's, for each program that the peer has.
    pub(super) fn ratios(&self, peer: S) -> Vec<(&'static str, f64)> {
        let ratio = |samples: &BTreeMap<S, Samples>| {
            Some(median(samples.get(&S::OURS)?) / median(samples.get(&peer)?))
        };
        self.programs.iter().filter_map(|(name, _, all)| Some((*name, ratio(all)?))).collect()
    }

    /// The peers that were measured.
    fn peers(&self) -> Vec<S> {
        S::PEERS.iter().copied().filter(|peer| !self.ratios(*peer).is_empty()).collect()
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
        let _ = write!(text, "{:>wide$} {:>10} {:>9}", self.what, "n", S::OURS);
        for peer in &peers {
            let _ = write!(text, " {peer:>12}");
        }
        for (program, argument, samples) in &self.programs {
            let ours = samples.get(&S::OURS).map_or(f64::NAN, |samples| median(samples));
            let _ = write!(text, "\n{program:>wide$} {argument:>10} {ours:>9.4}");
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

    /// For each program a bar a peer.
    pub(super) fn chart(&self) -> String {
        let ratios: Vec<_> =
            self.peers().into_iter().map(|peer| (peer, self.ratios(peer))).collect();
        let rows = self.programs.iter().map(|(program, ..)| {
            let bar = |(peer, ratios): &(S, Vec<(&str, f64)>)| {
                let (_, ratio) = ratios.iter().find(|(name, _)| name == program)?;
                Some(Bar { label: peer.to_string(), colour: peer.colour(), ratio: *ratio })
            };
            (program.to_string(), ratios.iter().filter_map(bar).collect())
        });
        chart::draw(&rows.collect::<Vec<_>>())
    }
}
