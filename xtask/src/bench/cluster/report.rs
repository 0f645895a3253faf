//! What was measured, as a table, as JSON and as a chart.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::mesh::Cost;
use super::{beam, ours};
use crate::bench::chart::{self, Bar};
use crate::bench::samples::{Samples, median};
use crate::bench::verdict::Verdict;

/// What was measured.
#[derive(Default)]
pub(super) struct Report {
    pub(super) formations: Vec<Formation>,
    /// What a node costs in a mesh of so many when nothing happens; of BEAM too.
    pub(super) idle_nodes: u16,
    pub(super) idle: Cost,
    pub(super) beam_idle: Option<Cost>,
    pub(super) rates: Vec<ours::Rates>,
    pub(super) beam_rates: Vec<beam::Rates>,
    /// What was not measured, and what would help.
    pub(super) missing: Vec<String>,
    pub(super) quick: bool,
}

/// How long so many nodes take to a mesh, in seconds.
pub(super) struct Formation {
    pub(super) nodes: u16,
    pub(super) ours: Samples,
    /// Empty if it was not measured.
    pub(super) beam: Samples,
}

impl Formation {
    /// Our time as a part of BEAM's.
    pub(super) fn ratio(&self) -> Option<f64> {
        (!self.beam.is_empty()).then(|| median(&self.ours) / median(&self.beam))
    }
}

impl Report {
    /// How a mesh of so many nodes formed.
    pub(super) fn formation(&self, nodes: u16) -> Option<&Formation> {
        self.formations.iter().find(|formation| formation.nodes == nodes)
    }

    fn ours(&self, of: impl Fn(&ours::Rates) -> f64) -> Option<f64> {
        (!self.rates.is_empty()).then(|| median(&self.rates.iter().map(of).collect::<Samples>()))
    }

    fn beam(&self, of: impl Fn(&beam::Rates) -> f64) -> Option<f64> {
        let rates = &self.beam_rates;
        (!rates.is_empty()).then(|| median(&rates.iter().map(of).collect::<Samples>()))
    }

    /// Our round trip as a part of one over bare TCP.
    pub(super) fn round_trip(&self) -> Option<f64> {
        self.ours(|rates| rates.round_trip_us / rates.raw_round_trip_us)
    }

    /// Our time for a message as a part of BEAM's: of 64 bytes, and of 64 KiB.
    pub(super) fn one_way(&self) -> Option<(f64, f64)> {
        let short = self.beam(|r| r.one_way_64_per_s)? / self.ours(|r| r.one_way_64_per_s)?;
        let long =
            self.beam(|r| r.one_way_64k_bytes_per_s)? / self.ours(|r| r.one_way_64k_bytes_per_s)?;
        Some((short, long))
    }

    /// For people.
    pub(super) fn table(&self, verdicts: &[Verdict]) -> String {
        let mut text = String::from("Medians; of times, our time as a part of BEAM's.\n");
        if self.quick {
            text.push_str("With --quick: few nodes, few rounds; no figures to quote.\n");
        }
        let _ = writeln!(text, "{:<30} {:>10} {:>10} {:>6}", "", "iridium", "beam", "ratio");
        let mut row = |what: &str, ours: Option<f64>, beam: Option<f64>, ratio: Option<f64>| {
            let cell = |figure: Option<f64>, digits| match figure {
                Some(figure) => format!("{figure:.digits$}"),
                None => "–".to_owned(),
            };
            let (ours, beam, ratio) = (cell(ours, 3), cell(beam, 3), cell(ratio, 2));
            let _ = writeln!(text, "{what:<30} {ours:>10} {beam:>10} {ratio:>6}");
        };
        for formation in &self.formations {
            let Formation { nodes, ours, beam } = formation;
            let beam = (!beam.is_empty()).then(|| median(beam));
            let what = format!("{nodes} nodes to a mesh, s");
            row(&what, Some(median(ours)), beam, formation.ratio());
        }
        let mib = |cost: &Cost| cost.resident / f64::from(1 << 20);
        let percent = |cost: &Cost| cost.cpu * 100.0;
        let idle = (self.idle_nodes > 0).then_some(self.idle);
        let (beam, among) = (self.beam_idle, self.idle_nodes);
        let what = format!("idle among {among}, MiB at most");
        row(&what, idle.as_ref().map(mib), beam.as_ref().map(mib), None);
        let what = format!("idle among {among}, % of a core");
        row(&what, idle.as_ref().map(percent), beam.as_ref().map(percent), None);
        let (short, long) = self.one_way().unzip();
        let (trip, beam_trip) = (self.ours(|r| r.round_trip_us), self.beam(|r| r.round_trip_us));
        row("round trip, us", trip, beam_trip, trip.zip(beam_trip).map(|(a, b)| a / b));
        row("the same over bare TCP, us", self.ours(|r| r.raw_round_trip_us), None, None);
        let million = |rate: Option<f64>| rate.map(|rate| rate / 1e6);
        let ours_short = million(self.ours(|r| r.one_way_64_per_s));
        let beam_short = million(self.beam(|r| r.one_way_64_per_s));
        row("one way 64 B, million a second", ours_short, beam_short, short);
        let giga = |rate: Option<f64>| rate.map(|rate| rate / 1e9);
        let ours_long = giga(self.ours(|r| r.one_way_64k_bytes_per_s));
        let beam_long = giga(self.beam(|r| r.one_way_64k_bytes_per_s));
        row("one way 64 KiB, GB/s", ours_long, beam_long, long);
        text.push('\n');
        for verdict in verdicts {
            let _ = writeln!(text, "{verdict}");
        }
        for missing in &self.missing {
            let _ = writeln!(text, "not measured: {missing}");
        }
        text
    }

    /// For programs: all samples, and the judgement.
    pub(super) fn json(&self, verdicts: &[Verdict]) -> Value {
        let formation = |formation: &Formation| {
            let Formation { nodes, ours, beam } = formation;
            json!({ "nodes": nodes, "iridium_seconds": ours, "beam_seconds": beam })
        };
        let cost = |cost: Cost| json!({ "resident_most": cost.resident, "cpu_mean": cost.cpu });
        let ours = |rates: &ours::Rates| {
            json!({
                "round_trip_us": rates.round_trip_us,
                "raw_round_trip_us": rates.raw_round_trip_us,
                "one_way_64_per_s": rates.one_way_64_per_s,
                "one_way_64k_bytes_per_s": rates.one_way_64k_bytes_per_s,
            })
        };
        let beam = |rates: &beam::Rates| {
            json!({
                "round_trip_us": rates.round_trip_us,
                "one_way_64_per_s": rates.one_way_64_per_s,
                "one_way_64k_bytes_per_s": rates.one_way_64k_bytes_per_s,
            })
        };
        json!({
            "quick": self.quick,
            "formation": self.formations.iter().map(formation).collect::<Vec<_>>(),
            "idle": {
                "nodes": self.idle_nodes,
                "iridium": (self.idle_nodes > 0).then(|| cost(self.idle)),
                "beam": self.beam_idle.map(cost),
            },
            "messages": {
                "iridium": self.rates.iter().map(ours).collect::<Vec<_>>(),
                "beam": self.beam_rates.iter().map(beam).collect::<Vec<_>>(),
            },
            "targets": verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
            "not_measured": self.missing,
        })
    }

    /// A bar for each ratio.
    pub(super) fn chart(&self) -> String {
        let beam = |ratio| Bar { label: "time / beam".to_owned(), colour: "#8172b3", ratio };
        let formation = |formation: &Formation| {
            let bars = formation.ratio().map(beam).into_iter().collect();
            (format!("mesh of {}", formation.nodes), bars)
        };
        let mut rows: Vec<(String, Vec<Bar>)> = self.formations.iter().map(formation).collect();
        if let Some(ratio) = self.round_trip() {
            let label = "time / bare TCP".to_owned();
            rows.push(("round trip".to_owned(), vec![Bar { label, colour: "#937860", ratio }]));
        }
        if let Some((short, long)) = self.one_way() {
            rows.push(("64 B".to_owned(), vec![beam(short)]));
            rows.push(("64 KiB".to_owned(), vec![beam(long)]));
        }
        chart::draw(&rows)
    }
}

#[cfg(test)]
mod tests {
    use super::super::target::judge;
    use super::*;

    fn report() -> Report {
        Report {
            formations: vec![
                Formation { nodes: 3, ours: vec![0.1], beam: vec![] },
                Formation { nodes: 16, ours: vec![0.5, 0.6, 0.7], beam: vec![3.0] },
            ],
            idle_nodes: 16,
            idle: Cost { resident: 8.0 * f64::from(1 << 20), cpu: 0.006 },
            rates: vec![ours::Rates {
                round_trip_us: 50.0,
                raw_round_trip_us: 40.0,
                one_way_64_per_s: 1e6,
                one_way_64k_bytes_per_s: 1e9,
            }],
            beam_rates: vec![beam::Rates {
                round_trip_us: 60.0,
                one_way_64_per_s: 1e5,
                one_way_64k_bytes_per_s: 2e9,
            }],
            ..Report::default()
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
        assert!(table.contains("met      0.200 (at most 0.5) time to a mesh of 16"), "{table}");
        assert!(table.contains("met      8.000 (at most 15) MiB resident"), "{table}");
        assert!(table.contains("missed   0.600 (at most 0.5) % of a core"), "{table}");
        assert!(table.contains("met      1.250 (at most 1.3) round trip"), "{table}");
        assert!(
            table.contains("met      0.100 (at most 0.2) time of a message of 64 b"),
            "{table}"
        );
        assert!(table.contains("missed   2.000 (at most 1) time of a message of 64 K"), "{table}");
        let svg = report().chart();
        assert!(svg.contains("mesh of 16") && svg.contains("time / bare TCP 1.25"), "{svg}");
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        let missing = vec!["messages".to_owned()];
        let formations = vec![Formation { nodes: 3, ours: vec![0.1], beam: vec![] }];
        let report = Report { formations, missing, idle_nodes: 3, quick: true, ..report() };
        let report = Report { rates: vec![], beam_rates: vec![], ..report };
        let table = table_of(&report);
        assert!(!table.contains("at most 1.3") && !table.contains("at most 15"), "{table}");
        assert!(table.contains("not measured: messages"), "{table}");
        assert_eq!(json_of(&report)["targets"], json!([]));
    }
}
