//! The targets, and whether they are met.

use super::contender::Run;
use super::report::{Ratio, Report};
use crate::bench::samples::median;
use crate::bench::verdict::Verdict;

/// What is to take at most which part of whose time.
const TIMES: [(&str, Ratio, f64); 14] = [
    ("pingpong", Ratio::AssemblyOfBeam, 0.5),
    ("ring", Ratio::AssemblyOfBeam, 0.5),
    ("spawn", Ratio::AssemblyOfBeam, 0.5),
    ("pingpong", Ratio::PalladiumOfAssembly, 1.3),
    ("ring", Ratio::PalladiumOfAssembly, 1.3),
    ("spawn", Ratio::PalladiumOfAssembly, 1.3),
    ("skynet", Ratio::PalladiumOfAssembly, 1.3),
    ("oneway", Ratio::PalladiumOfAssembly, 1.3),
    ("pingpong", Ratio::PalladiumOfBeam, 0.6),
    ("ring", Ratio::PalladiumOfBeam, 0.6),
    ("spawn", Ratio::PalladiumOfBeam, 0.6),
    ("skynet", Ratio::PalladiumOfBeam, 0.6),
    ("oneway", Ratio::PalladiumOfBeam, 1.0),
    ("call", Ratio::PalladiumOfBeam, 0.5),
];
/// Bytes of an actor that waits.
const IDLE_ACTOR: f64 = 1536.0;
/// Bytes of a process that waits.
const IDLE: f64 = 1024.0;
/// GiB of a million of them, with all that belongs to the program.
const MILLION: f64 = 1.2;
/// Microseconds to save and restore one.
const SAVING: f64 = 20.0;

/// Judges a report. What was not measured, or not at its full size, is not judged.
pub(super) fn judge(report: &Report) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (workload, ratio, limit) in TIMES {
        if let Some(value) = report.of(workload).and_then(|measured| measured.ratio(ratio)) {
            verdicts.push(Verdict::new(format!("time of {workload}, {ratio}"), value, limit));
        }
    }
    // The system may not say how much memory there is.
    let all_say = |runs: &[Run]| !runs.is_empty() && runs.iter().all(|run| run.resident > 0);
    if let Some(idle) = report.of("idle").filter(|idle| all_say(&idle.palladium)) {
        let bytes = idle.bytes_each(&idle.palladium);
        verdicts.push(Verdict::new("bytes of an idle actor", bytes, IDLE_ACTOR));
    }
    if let Some(idle) = report.of("idle").filter(|idle| all_say(&idle.assembly)) {
        let bytes = idle.bytes_each(&idle.assembly);
        verdicts.push(Verdict::new("bytes of an idle process", bytes, IDLE));
        if idle.argument == 1_000_000 {
            let all = idle.resident(&idle.assembly) / f64::from(1 << 30);
            verdicts.push(Verdict::new("GiB resident with 1 M idle processes", all, MILLION));
        }
    }
    let saving = median(&report.saving) * 1e6;
    verdicts.push(Verdict::new("microseconds to save and restore an idle process", saving, SAVING));
    verdicts
}
