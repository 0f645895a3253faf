//! The targets, and whether they are met.

use super::report::Report;
use crate::bench::samples::median;
use crate::bench::verdict::Verdict;

/// Workloads that are to take at most so much of BEAM's time.
const TIMES: [(&str, f64); 3] = [("pingpong", 0.5), ("ring", 0.5), ("spawn", 0.5)];
/// Bytes of a process that waits.
const IDLE: f64 = 1024.0;
/// GiB of a million of them, with all that belongs to the program.
const MILLION: f64 = 1.2;
/// Microseconds to save and restore one.
const SAVING: f64 = 20.0;

/// Judges a report. What was not measured, or not at its full size, is not judged.
pub(super) fn judge(report: &Report) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (workload, limit) in TIMES {
        if let Some(ratio) = report.of(workload).and_then(|measured| measured.ratio()) {
            verdicts.push(Verdict::new(format!("time of {workload} / beam"), ratio, limit));
        }
    }
    // The system may not say how much memory there is.
    let idle = report.of("idle").filter(|idle| idle.ours.iter().all(|run| run.resident > 0));
    if let Some(idle) = idle {
        let bytes = idle.bytes_each(&idle.ours);
        verdicts.push(Verdict::new("bytes of an idle process", bytes, IDLE));
        if idle.argument == 1_000_000 {
            let all = idle.resident(&idle.ours) / f64::from(1 << 30);
            verdicts.push(Verdict::new("GiB resident with 1 M idle processes", all, MILLION));
        }
    }
    let saving = median(&report.saving) * 1e6;
    verdicts.push(Verdict::new("microseconds to save and restore an idle process", saving, SAVING));
    verdicts
}
