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

/// The same for native code: how many times a peer's time fib may take, and the others in their
/// geometric mean.
const NATIVE_RATIOS: [(Name, f64, f64); 3] =
    [(Name::Native, 3.2, 1.3), (Name::LuaJit, 1.1, 1.0), (Name::Beam, 1.1, 1.0)];

/// The same for all kernels in their geometric mean.
const NATIVE_MEANS: [(Name, f64); 2] = [(Name::Wasmtime, 1.5), (Name::WasmtimeFuel, 1.0)];

/// Judges a report. A peer that was not measured is not judged.
pub(super) fn judge(report: &Report) -> Vec<Verdict> {
    let mut verdicts = judge_native(report);
    for (peer, each, mean) in RATIOS {
        let ratios = report.times.ratios(Name::Ours, peer);
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

fn judge_native(report: &Report) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (peer, of_fib, of_others) in NATIVE_RATIOS {
        let ratios = report.times.ratios(Name::OursNative, peer);
        let (fib, others): (Vec<_>, Vec<_>) =
            ratios.into_iter().partition(|(name, _)| *name == "fib");
        if let [(_, figure)] = fib[..] {
            verdicts.push(Verdict::new(format!("native time of fib / {peer}"), figure, of_fib));
        }
        if !others.is_empty() {
            let ratios: Vec<f64> = others.iter().map(|(_, ratio)| *ratio).collect();
            let what =
                format!("native time / {peer}, geometric mean of {} without fib", ratios.len());
            verdicts.push(Verdict::new(what, geometric_mean(&ratios), of_others));
        }
    }
    for (peer, limit) in NATIVE_MEANS {
        let ratios = report.times.ratios(Name::OursNative, peer);
        let ratios: Vec<f64> = ratios.into_iter().map(|(_, ratio)| ratio).collect();
        if !ratios.is_empty() {
            let what = format!("native time / {peer}, geometric mean of {}", ratios.len());
            verdicts.push(Verdict::new(what, geometric_mean(&ratios), limit));
        }
    }
    verdicts
}
