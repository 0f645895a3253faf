//! The command line of `cargo xtask`.

use clap::{Args, Parser, Subcommand};

/// The project's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Xtask {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Start nodes on this machine, join them, and watch them until Ctrl-C
    ClusterUp(ClusterUp),
    /// Stop the cluster that `cluster-up` started
    ClusterDown,
    /// Show what each node of the running cluster sees
    ClusterStatus,
    /// Run what CI runs: fmt, clippy, tests, docs, a cluster of three nodes, schedules of threads,
    /// a little stress, a short bench and a little fuzzing
    Ci,
    /// Measure ours and the peers side by side
    #[command(subcommand)]
    Bench(Bench),
    /// Run mutated inputs through the machine
    Fuzz(Fuzz),
    /// Let everything happen to real nodes in network namespaces; needs root
    Chaos(Chaos),
    /// Let processes do everything to each other at once
    Stress(Stress),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// The machine: the six kernels, assembling, loading, starting
    Machine(BenchFlags),
    /// Processes: starting, messages, a million of them, saving
    Processes(BenchFlags),
    /// The cluster: forming a mesh, idle nodes, messages between nodes
    Cluster(BenchFlags),
}

#[derive(Debug, Args)]
pub(crate) struct BenchFlags {
    /// Smaller arguments and fewer rounds: for a look, not for figures
    #[arg(long)]
    pub(crate) quick: bool,
    /// Do not measure the peers
    #[arg(long)]
    pub(crate) alone: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// What to fuzz; all targets in turn if left out
    #[arg(value_parser = ["module", "source", "snapshot", "differential"])]
    pub(crate) target: Option<String>,
    /// Inputs a target
    #[arg(long, value_name = "N", default_value_t = 1_000_000, conflicts_with = "seconds")]
    pub(crate) runs: u64,
    /// Stop a target after this time
    #[arg(long, value_name = "N")]
    pub(crate) seconds: Option<u64>,
    /// The seed of the mutations, to see the same inputs again; chosen by the time if left out
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// Run a saved input instead
    #[arg(long, value_name = "FILE", requires = "target")]
    pub(crate) replay: Option<std::path::PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Chaos {
    /// Begin no step after this time
    #[arg(long, value_name = "N", default_value_t = 120)]
    pub(crate) seconds: u64,
    /// The seed of the steps, to see the same again; chosen by the time if left out
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How many nodes
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u8).range(4..=32))]
    pub(crate) nodes: u8,
    /// Build and run without optimisation
    #[arg(long)]
    pub(crate) debug: bool,
}

/// What is left out is up to the test.
#[derive(Debug, Args)]
pub(crate) struct Stress {
    /// How many processes
    #[arg(long, value_name = "N")]
    pub(crate) processes: Option<u64>,
    /// For how long
    #[arg(long, value_name = "S")]
    pub(crate) seconds: Option<u64>,
    /// The seed of what they do
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// On how many threads
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct ClusterUp {
    /// How many nodes
    #[arg(short = 'n', value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) nodes: u16,
    /// Port of the first node; the others get the ports after it
    #[arg(long, value_name = "PORT", default_value_t = 2254,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) base_port: u16,
    /// Return when the cluster is up, and leave it running
    #[arg(long)]
    pub(crate) detach: bool,
    /// Show work on all nodes, one of which is killed; then stop
    #[arg(long, conflicts_with = "detach")]
    pub(crate) demo: bool,
    /// Build and run without optimisation
    #[arg(long)]
    pub(crate) debug: bool,
}
