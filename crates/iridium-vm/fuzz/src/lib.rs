//! Fuzz targets of the machine and of Palladium, as plain functions over bytes, and deterministic
//! makers of inputs.
//!
//! `cargo xtask fuzz` runs them on stable Rust. A coverage-guided fuzzer can call the same functions:
//! a cargo-fuzz target is `fuzz_target!(|data: &[u8]| iridium_vm_fuzz::targets::module(data));`.

// What is in the tests of Palladium as well.
#[path = "../../../palladium/tests/agree/mod.rs"]
mod agree;
#[path = "../../../palladium/tests/common/mod.rs"]
mod common;
pub mod engine;
#[path = "../../../palladium/tests/generate/mod.rs"]
mod generate;
pub mod mutate;
#[path = "../../../palladium/tests/oracle/mod.rs"]
mod oracle;
#[path = "../../../palladium/tests/payloads/mod.rs"]
mod payloads;
pub mod targets;

use mutate::{Random, mutate};

/// A target: it panics when what it looks at does what it must not.
#[derive(Clone, Copy)]
pub struct Target {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Does one input.
    pub run: fn(&[u8]),
    /// What makes the inputs.
    pub inputs: fn() -> Inputs,
}

/// Makes an input of random numbers.
pub type Inputs = Box<dyn Fn(&mut Random) -> Vec<u8>>;

/// All targets.
pub const TARGETS: [Target; 7] = [
    Target { name: "module", run: targets::module, inputs: || mutated(targets::module_seeds()) },
    Target { name: "source", run: targets::source, inputs: || mutated(targets::source_seeds()) },
    Target {
        name: "snapshot",
        run: targets::snapshot,
        inputs: || mutated(targets::snapshot_seeds()),
    },
    Target {
        name: "differential",
        run: targets::differential,
        inputs: || mutated(targets::source_seeds()),
    },
    Target {
        name: "palladium-source",
        run: targets::palladium_source,
        inputs: targets::palladium_source_inputs,
    },
    Target {
        name: "palladium-programs",
        run: targets::palladium_programs,
        inputs: targets::palladium_programs_inputs,
    },
    Target {
        name: "palladium-messages",
        run: targets::palladium_messages,
        inputs: targets::palladium_messages_inputs,
    },
];

/// Inputs that are such seeds, changed in a few places.
pub fn mutated(seeds: Vec<Vec<u8>>) -> Inputs {
    Box::new(move |random| mutate(&seeds, random))
}
