//! Fuzz targets of the machine, as plain functions over bytes, and a deterministic mutator.
//!
//! `cargo xtask fuzz` runs them on stable Rust. A coverage-guided fuzzer can call the same functions:
//! a cargo-fuzz target is `fuzz_target!(|data: &[u8]| iridium_vm_fuzz::targets::module(data));`.

pub mod mutate;
pub mod targets;

/// A target: it panics when the machine does what it must not.
#[derive(Clone, Copy)]
pub struct Target {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Does one input.
    pub run: fn(&[u8]),
    /// What mutations begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: [Target; 4] = [
    Target { name: "module", run: targets::module, seeds: targets::module_seeds },
    Target { name: "source", run: targets::source, seeds: targets::source_seeds },
    Target { name: "snapshot", run: targets::snapshot, seeds: targets::snapshot_seeds },
    Target { name: "differential", run: targets::differential, seeds: targets::source_seeds },
];
