//! `cargo xtask bench`: Iridium and other systems, the peers, measured in turn in one run.
//!
//! Times differ between machines and moments, so the ratio of medians is what counts.

mod chart;
mod cluster;
mod host;
mod installed;
mod machine;
mod memory;
mod palladium;
mod processes;
mod results;
mod samples;
mod times;
mod verdict;

use anyhow::Result;

use crate::flags::Bench;

/// Measures what is asked for.
pub(crate) fn run(what: &Bench) -> Result<()> {
    match what {
        Bench::Machine(flags) => machine::measure(flags),
        Bench::Processes(flags) => processes::measure(flags),
        Bench::Cluster(flags) => cluster::measure(flags),
        Bench::Palladium(flags) => palladium::measure(flags),
        Bench::Host(flags) => host::measure(flags),
    }
}
