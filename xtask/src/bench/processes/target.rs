//! The targets, and whether they are met.

use super::contender::Run;
use super::report::{Measured, Report};
use crate::bench::samples::median;
use crate::bench::verdict::Verdict;

/// Workloads in assembly that are to take at most so much of BEAM's time.
const ASSEMBLY: [(&str, f64); 3] = [("pingpong", 0.5), ("ring", 0.5), ("spawn", 0.5)];
/// Workloads in Palladium that are to take at most so much of the time of assembly,
const PALLADIUM: [&str; 5] = ["pingpong", "ring", "spawn", "skynet", "oneway"];
const PALLADIUM_OF_ASSEMBLY: f64 = 1.3;
/// and of BEAM's.
const PALLADIUM_OF_BEAM: [(&str, f64); 6] = [
    ("pingpong", 0.6),
    ("ring", 0.6),
    ("spawn", 0.6),
    ("skynet", 0.6),
    ("oneway", 1.0),
    ("call", 0.5),
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
    let mut time = |workload: &str, what: &str, ratio: Option<f64>, limit| {
        if let Some(ratio) = ratio {
            verdicts.push(Verdict::new(format!("time of {workload}, {what}"), ratio, limit));
        }
    };
    for (workload, limit) in ASSEMBLY {
        let of = |measured: &Measured| Measured::ratio(&measured.assembly, &measured.beam);
        time(workload, "assembly / beam", report.of(workload).and_then(of), limit);
    }
    for workload in PALLADIUM {
        let of = |measured: &Measured| Measured::ratio(&measured.palladium, &measured.assembly);
        let ratio = report.of(workload).and_then(of);
        time(workload, "palladium / assembly", ratio, PALLADIUM_OF_ASSEMBLY);
    }
    for (workload, limit) in PALLADIUM_OF_BEAM {
        let of = |measured: &Measured| Measured::ratio(&measured.palladium, &measured.beam);
        time(workload, "palladium / beam", report.of(workload).and_then(of), limit);
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
