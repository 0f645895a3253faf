//! The targets, and whether they are met.

use super::contender::Name;
use super::report::Report;
use crate::bench::samples::median;
use crate::bench::verdict::Verdict;

/// A measurement, a peer, and how long ours may take as a part of the peer's time.
const TIMES: [(&str, Name, f64); 5] = [
    ("request", Name::Node, 1.0 / 1.5),
    ("request", Name::Hyper, 2.0),
    ("p99", Name::Hyper, 2.0),
    ("p99 beside loops", Name::Calm, 1.0),
    ("lines", Name::Lua, 1.0),
];
/// So many connections that wait are to cost so many KiB each more than hyper's.
const IDLE: u64 = 10_000;
const IDLE_KIB: f64 = 4.0;
/// How long a fresh request may take beside them, in milliseconds.
const FRESH_MS: f64 = 5.0;

/// Judges a report. What was not measured, or not at its full size, is not judged.
pub(super) fn judge(report: &Report) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (what, peer, limit) in TIMES {
        let ratios = report.times.ratios(Name::Ours, peer);
        if let Some((_, figure)) = ratios.iter().find(|(name, _)| *name == what) {
            verdicts.push(Verdict::new(format!("time of {what} / {peer}"), *figure, limit));
        }
    }
    let idle = &report.idle;
    if idle.connections == IDLE {
        if let Some((ours, hyper)) = idle.ours.zip(idle.hyper) {
            let what = format!("KiB of each of {IDLE} connections that wait, beyond hyper's");
            verdicts.push(Verdict::new(what, (ours - hyper) / 1024.0, IDLE_KIB));
        }
        let what = format!("milliseconds of a fresh request beside {IDLE} connections");
        verdicts.push(Verdict::new(what, median(&idle.fresh) * 1000.0, FRESH_MS));
    }
    verdicts
}
