//! The targets, and whether they are met.

use super::report::Report;
use crate::bench::verdict::Verdict;

/// Our time to form a mesh as a part of BEAM's, and at how many nodes.
const FORMATION: (u16, f64) = (16, 0.5);
/// At so many nodes a node is to cost no more than this when nothing happens.
const IDLE_NODES: u16 = 16;
const IDLE_MIB: f64 = 15.0;
const IDLE_PERCENT: f64 = 0.5;
/// A round trip as a part of one over bare TCP.
const ROUND_TRIP: f64 = 1.3;
/// Our time for a message as a part of BEAM's: of 64 bytes, and of 64 KiB.
const SHORT: f64 = 1.0 / 5.0;
const LONG: f64 = 1.0;

/// Judges a report. What was not measured, or not at its full size, is not judged.
pub(super) fn judge(report: &Report) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let (nodes, limit) = FORMATION;
    if let Some(ratio) = report.formation(nodes).and_then(|formation| formation.ratio()) {
        verdicts.push(Verdict::new(format!("time to a mesh of {nodes} / beam"), ratio, limit));
    }
    if report.idle_nodes == IDLE_NODES {
        let mib = report.idle.resident / f64::from(1 << 20);
        let percent = report.idle.cpu * 100.0;
        let of = format!("idle node among {IDLE_NODES}");
        verdicts.push(Verdict::new(format!("MiB resident, the largest {of}"), mib, IDLE_MIB));
        verdicts.push(Verdict::new(format!("% of a core, the mean {of}"), percent, IDLE_PERCENT));
    }
    if let Some(ratio) = report.round_trip() {
        verdicts.push(Verdict::new("round trip / bare TCP", ratio, ROUND_TRIP));
    }
    if let Some((short, long)) = report.one_way() {
        verdicts.push(Verdict::new("time of a message of 64 bytes / beam", short, SHORT));
        verdicts.push(Verdict::new("time of a message of 64 KiB / beam", long, LONG));
    }
    verdicts
}
