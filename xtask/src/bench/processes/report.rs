//! What was measured, as a table, as JSON and as a chart.

use std::fmt::{self, Write as _};

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

/// The time of one as a part of another's.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ratio {
    PalladiumOfAssembly,
    PalladiumOfBeam,
    AssemblyOfBeam,
}

/// All of them, in the order of the table.
const RATIOS: [Ratio; 3] =
    [Ratio::PalladiumOfAssembly, Ratio::PalladiumOfBeam, Ratio::AssemblyOfBeam];

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PalladiumOfAssembly => "palladium / assembly",
            Self::PalladiumOfBeam => "palladium / beam",
            Self::AssemblyOfBeam => "assembly / beam",
        })
    }
}

/// A workload, and how it went.
pub(super) struct Measured {
    pub(super) name: &'static str,
    pub(super) argument: i64,
    // Empty where it was not measured.
    pub(super) palladium: Vec<Run>,
    pub(super) assembly: Vec<Run>,
    pub(super) beam: Vec<Run>,
}

impl Measured {
    /// Of what was measured.
    pub(super) fn ratio(&self, ratio: Ratio) -> Option<f64> {
        let (one, other) = match ratio {
            Ratio::PalladiumOfAssembly => (&self.palladium, &self.assembly),
            Ratio::PalladiumOfBeam => (&self.palladium, &self.beam),
            Ratio::AssemblyOfBeam => (&self.assembly, &self.beam),
        };
        (!one.is_empty() && !other.is_empty()).then(|| seconds(one) / seconds(other))
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
            "palladium": runs(&self.palladium),
            "assembly": runs(&self.assembly),
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
        let mut text = String::from("Nanoseconds for each of n, and ratios of times (medians).\n");
        if self.quick {
            text.push_str("With --quick: small arguments, few rounds; no figures to quote.\n");
        }
        let _ = writeln!(
            text,
            "{:>9} {:>8} {:>9} {:>9} {:>9} {:>10} {:>8} {:>8}",
            "workload", "n", "palladium", "assembly", "beam", "pd / asm", "pd/beam", "asm/beam"
        );
        for measured in &self.measured {
            let Measured { name, argument, palladium, assembly, beam } = measured;
            let _ = write!(text, "{name:>9} {argument:>8}");
            for runs in [palladium, assembly, beam] {
                let each = (!runs.is_empty()).then(|| seconds(runs) * 1e9 / *argument as f64);
                let _ = write!(text, " {:>9}", figure(each, 1));
            }
            let [of_assembly, of_beam, ours] = RATIOS.map(|ratio| figure(measured.ratio(ratio), 2));
            let _ = writeln!(text, " {of_assembly:>10} {of_beam:>8} {ours:>8}");
        }
        if let Some(idle) = self.of("idle") {
            let all = [
                ("palladium", &idle.palladium),
                ("assembly", &idle.assembly),
                ("beam", &idle.beam),
            ];
            for (name, runs) in all.into_iter().filter(|(_, runs)| !runs.is_empty()) {
                let _ = writeln!(
                    text,
                    "{name}: {:.0} bytes an idle process, {:.0} MiB resident with {}",
                    idle.bytes_each(runs),
                    idle.resident(runs) / f64::from(1 << 20),
                    idle.argument
                );
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
        let bar = |label: String, ratio| Bar { label, colour: "#8172b3", ratio };
        let rows = self.measured.iter().map(|measured| {
            let of = |ratio: Ratio| Some(bar(ratio.to_string(), measured.ratio(ratio)?));
            let mut bars: Vec<Bar> = RATIOS.into_iter().filter_map(of).collect();
            if measured.name == "idle" && !measured.beam.is_empty() {
                let bytes = |runs| measured.bytes_each(runs);
                for (name, runs) in
                    [("palladium", &measured.palladium), ("assembly", &measured.assembly)]
                {
                    let ratio = bytes(runs) / bytes(&measured.beam);
                    bars.push(bar(format!("memory {name} / beam"), ratio));
                }
            }
            (measured.name.to_owned(), bars)
        });
        chart::draw(&rows.collect::<Vec<_>>())
    }
}

/// A figure of the table, or a dash where it was not measured.
fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
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
        let measured = |name, [palladium, assembly, beam_seconds]: [f64; 3]| Measured {
            name,
            argument: 1_000_000,
            palladium: run(palladium, (1 << 20) + 1_200_000_000),
            assembly: run(assembly, (1 << 20) + 800_000_000),
            beam: if beam { run(beam_seconds, (1 << 20) + 3_200_000_000) } else { Vec::new() },
        };
        Report {
            measured: vec![
                measured("spawn", [0.8, 0.7, 1.0]),
                measured("ring", [0.3, 0.2, 0.5]),
                measured("idle", [1.1, 1.0, 2.0]),
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
        assert!(
            table.contains("missed   0.700 (at most 0.5) time of spawn, assembly / beam"),
            "{table}"
        );
        assert!(
            table.contains("met      0.400 (at most 0.5) time of ring, assembly / beam"),
            "{table}"
        );
        assert!(
            table.contains("missed   0.800 (at most 0.6) time of spawn, palladium / beam"),
            "{table}"
        );
        assert!(
            table.contains("missed   1.500 (at most 1.3) time of ring, palladium / assembly"),
            "{table}"
        );
        assert!(table.contains("met    1200.000 (at most 1536) bytes of an idle actor"), "{table}");
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
        assert!(svg.contains("assembly / beam 0.70"), "{svg}");
        assert!(svg.contains("memory assembly / beam 0.25"), "{svg}");
    }
}
