//! The targets, as ratios to the peers, and whether they are met.

use super::contender::Name;
use super::program::{JSON, KERNELS, MICRO, NAMES};
use super::report::Report;
use crate::bench::samples::geometric_mean;
use crate::bench::verdict::Verdict;

/// What programs may take, as a part of the time of a peer.
struct Target {
    /// What they are called together.
    what: &'static str,
    programs: &'static [&'static str],
    peer: Name,
    /// The worst of them.
    each: Option<f64>,
    /// Their geometric mean.
    mean: Option<f64>,
}

const TARGETS: [Target; 9] = [
    Target {
        what: "programs",
        programs: &NAMES,
        peer: Name::OursInterpreted,
        each: Some(1.0),
        mean: None,
    },
    Target {
        what: "kernels",
        programs: &KERNELS,
        peer: Name::Assembly,
        each: None,
        mean: Some(1.25),
    },
    Target {
        what: "micro programs",
        programs: &MICRO,
        peer: Name::Lua,
        each: Some(1.0),
        mean: Some(0.4),
    },
    Target {
        what: "trees",
        programs: &["binary_trees"],
        peer: Name::Lua,
        each: Some(0.2),
        mean: None,
    },
    Target {
        what: "texts and maps",
        programs: &["word_count", "k_nucleotide"],
        peer: Name::Lua,
        each: Some(1.0),
        mean: None,
    },
    Target { what: "JSON", programs: &JSON, peer: Name::Lua, each: Some(1.0), mean: None },
    Target { what: "JSON", programs: &JSON, peer: Name::Python, each: Some(10.0), mean: None },
    Target { what: "JSON", programs: &JSON, peer: Name::Dkjson, each: Some(1.0), mean: None },
    Target { what: "JSON", programs: &JSON, peer: Name::SerdeJson, each: Some(5.0), mean: None },
];

/// Judges a report. A peer that was not measured is not judged.
pub(super) fn judge(report: &Report) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for Target { what, programs, peer, each, mean } in TARGETS {
        let mut ratios = report.times.ratios(Name::Ours, peer);
        ratios.retain(|(program, _)| programs.contains(program));
        let Some((worst, figure)) = ratios.iter().max_by(|a, b| a.1.total_cmp(&b.1)) else {
            continue;
        };
        if let Some(limit) = each {
            let what = format!("time of {what} / {peer}, worst ({worst})");
            verdicts.push(Verdict::new(what, *figure, limit));
        }
        if let Some(limit) = mean {
            let ratios: Vec<f64> = ratios.iter().map(|(_, ratio)| *ratio).collect();
            let what = format!("time of {what} / {peer}, geometric mean of {}", ratios.len());
            verdicts.push(Verdict::new(what, geometric_mean(&ratios), limit));
        }
    }
    let [checking, emitting, hello] = report.compiling.medians();
    let compiling = [
        ("seconds to check 100,000 lines", checking, 1.0),
        ("seconds from 10,000 lines to a module", emitting, 0.3),
        ("milliseconds from the source of hello world to its output", hello * 1e3, 15.0),
    ];
    verdicts.extend(compiling.map(|(what, figure, limit)| Verdict::new(what, figure, limit)));
    verdicts
}
