//! What was measured, as a table, as JSON and as a chart.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::contender::Run;
use crate::bench::chart::{self, Bar};
use crate::bench::samples::{Samples, median};
use crate::bench::verdict::Verdict;

/// What was measured.
pub(super) struct Report {
    pub(super) measured: Vec<Measured>,
    /// Seconds to save and restore an idle process.
    pub(super) saving: Samples,
    /// What was not found, and what would help.
    pub(super) missing: Option<&'static str>,
    pub(super) quick: bool,
}

/// A workload, and how it went.
pub(super) struct Measured {
    pub(super) name: &'static str,
    pub(super) argument: i64,
    pub(super) ours: Vec<Run>,
    /// Empty if it was not measured.
    pub(super) beam: Vec<Run>,
}

impl Measured {
    /// Our time as a part of BEAM's.
    pub(super) fn ratio(&self) -> Option<f64> {
        (!self.beam.is_empty()).then(|| seconds(&self.ours) / seconds(&self.beam))
    }

    /// Resident memory at the end, in bytes.
    pub(super) fn resident(&self, runs: &[Run]) -> f64 {
        median(&runs.iter().map(|run| run.resident as f64).collect::<Samples>())
    }

    /// What was taken for each process that is left at the end, in bytes.
    pub(super) fn bytes_each(&self, runs: &[Run]) -> f64 {
        let taken = runs.iter().map(|run| run.resident.saturating_sub(run.before) as f64);
        median(&taken.collect::<Samples>()) / self.argument as f64
    }

    fn json(&self) -> Value {
        let runs = |runs: &[Run]| -> Vec<Value> {
            let one = |run: &Run| {
                json!({
                    "seconds": run.seconds,
                    "resident_before": run.before,
                    "resident_after": run.resident,
                })
            };
            runs.iter().map(one).collect()
        };
        json!({
            "workload": self.name,
            "argument": self.argument,
            "iridium": runs(&self.ours),
            "beam": runs(&self.beam),
        })
    }
}

impl Report {
    /// How a workload went.
    pub(super) fn of(&self, workload: &str) -> Option<&Measured> {
        self.measured.iter().find(|measured| measured.name == workload)
    }

    /// For people.
    pub(super) fn table(&self, verdicts: &[Verdict]) -> String {
        let mut text = String::from(
            "Seconds, ns for each of n, and our time as a part of BEAM's (medians).\n",
        );
        if self.quick {
            text.push_str("With --quick: small arguments, few rounds; no figures to quote.\n");
        }
        let _ = writeln!(
            text,
            "{:>9} {:>8} {:>9} {:>8} {:>9} {:>8} {:>6}",
            "workload", "n", "iridium", "ns each", "beam", "ns each", "ratio"
        );
        for measured in &self.measured {
            let Measured { name, argument, ours, beam } = measured;
            let _ = write!(text, "{name:>9} {argument:>8}");
            for runs in [ours, beam] {
                let _ = match runs.is_empty() {
                    true => write!(text, " {:>9} {:>8}", "–", "–"),
                    false => {
                        let (time, n) = (seconds(runs), *argument as f64);
                        write!(text, " {time:>9.4} {:>8.1}", time * 1e9 / n)
                    }
                };
            }
            let _ = match measured.ratio() {
                Some(ratio) => writeln!(text, " {ratio:>6.2}"),
                None => writeln!(text, " {:>6}", "–"),
            };
        }
        if let Some(idle) = self.of("idle") {
            for (name, runs) in [("iridium", &idle.ours), ("beam", &idle.beam)] {
                if !runs.is_empty() {
                    let _ = writeln!(
                        text,
                        "{name}: {:.0} bytes an idle process, {:.0} MiB resident with {}",
                        idle.bytes_each(runs),
                        idle.resident(runs) / f64::from(1 << 20),
                        idle.argument
                    );
                }
            }
        }
        text.push('\n');
        for verdict in verdicts {
            let _ = writeln!(text, "{verdict}");
        }
        if let Some(missing) = self.missing {
            let _ = writeln!(text, "not measured: {missing}");
        }
        text
    }

    /// For programs: all samples, and the judgement.
    pub(super) fn json(&self, verdicts: &[Verdict]) -> Value {
        json!({
            "quick": self.quick,
            "workloads": self.measured.iter().map(Measured::json).collect::<Vec<_>>(),
            "seconds_to_save_and_restore": self.saving,
            "targets": verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
            "not_measured": self.missing,
        })
    }

    /// For each workload a bar, and one for the memory of those that wait.
    pub(super) fn chart(&self) -> String {
        let bar =
            |what: &str, ratio| Bar { label: format!("{what} / beam"), colour: "#8172b3", ratio };
        let rows = self.measured.iter().map(|measured| {
            let mut bars: Vec<Bar> =
                measured.ratio().map(|ratio| bar("time", ratio)).into_iter().collect();
            if measured.name == "idle" && !measured.beam.is_empty() {
                let bytes = |runs| measured.bytes_each(runs);
                bars.push(bar("memory", bytes(&measured.ours) / bytes(&measured.beam)));
            }
            (measured.name.to_owned(), bars)
        });
        chart::draw(&rows.collect::<Vec<_>>())
    }
}

fn seconds(runs: &[Run]) -> f64 {
    median(&runs.iter().map(|run| run.seconds).collect::<Samples>())
}

#[cfg(test)]
mod tests {
    use super::super::target::judge;
    use super::*;

    fn report(beam: bool) -> Report {
        let run =
            |seconds, resident| vec![Run { answer: 0, seconds, before: 1 << 20, resident }; 3];
        let measured = |name, ours, beam_seconds| Measured {
            name,
            argument: 1_000_000,
            ours: run(ours, (1 << 20) + 800_000_000),
            beam: if beam { run(beam_seconds, (1 << 20) + 3_200_000_000) } else { Vec::new() },
        };
        Report {
            measured: vec![
                measured("spawn", 0.7, 1.0),
                measured("ring", 0.2, 0.5),
                measured("idle", 1.0, 2.0),
            ],
            saving: vec![3e-6; 3],
            missing: (!beam).then_some("beam; apt-get install erlang-base"),
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
        let table = table_of(&report(true));
        assert!(table.contains("missed   0.700 (at most 0.5) time of spawn / beam"), "{table}");
        assert!(table.contains("met      0.400 (at most 0.5) time of ring / beam"), "{table}");
        assert!(table.contains("met    800.000 (at most 1024) bytes"), "{table}");
        assert!(table.contains("met      0.746 (at most 1.2) GiB"), "{table}");
        assert!(table.contains("met      3.000 (at most 20) microseconds"), "{table}");
        assert!(table.contains("beam: 3200 bytes an idle process"), "{table}");
    }

    #[test]
    fn without_the_peer_only_our_own_figures_are_judged() {
        let report = report(false);
        let table = table_of(&report);
        assert!(!table.contains("/ beam") && table.contains("(at most 1024)"), "{table}");
        assert!(table.contains("not measured: beam; apt-get install erlang-base"), "{table}");
        assert_eq!(json_of(&report)["workloads"][0]["beam"], json!([]));
    }

    #[test]
    fn the_chart_has_a_bar_for_each_ratio() {
        let svg = report(true).chart();
        assert!(svg.contains("time / beam 0.70") && svg.contains("memory / beam 0.25"), "{svg}");
    }
}
