//! The targets, as ratios to the peers, and whether they are met.

use super::peer::Name;
use super::report::Report;
use crate::bench::samples::geometric_mean;
use crate::bench::verdict::Verdict;

/// The limits: the worst kernel and the geometric mean, against a peer.
const RATIOS: [(Name, Option<f64>, Option<f64>); 3] = [
    (Name::WasmiFuel, Some(0.9), Some(0.65)),
    (Name::Lua, Some(0.5), None),
    (Name::LuaJitOff, None, Some(1.0)),
];

/// Judges a report. A peer that was not measured is not judged.
pub(super) fn judge(report: &Report) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (peer, each, mean) in RATIOS {
        let ratios = report.times.ratios(peer);
        let Some((worst, figure)) = ratios.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else {
            continue;
        };
        if let Some(limit) = each {
            let what = format!("time of each kernel / {peer}, worst ({worst})");
            verdicts.push(Verdict::new(what, *figure, limit));
        }
        if let Some(limit) = mean {
            let ratios: Vec<f64> = ratios.iter().map(|(_, ratio)| *ratio).collect();
            let what = format!("time / {peer}, geometric mean of {}", ratios.len());
            verdicts.push(Verdict::new(what, geometric_mean(&ratios), limit));
        }
    }
    let [assembling, loading, starting] = report.rates.medians();
    let rates = [
        ("seconds to assemble 1 M lines", 1e6 / assembling, 1.0),
        ("seconds to load 1 M instructions", loading, 0.2),
        ("milliseconds to start, run `hlt` and end", starting * 1e3, 5.0),
    ];
    verdicts.extend(rates.map(|(what, figure, limit)| Verdict::new(what, figure, limit)));
    verdicts
}
