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
    /// Run what CI runs: fmt, clippy, tests, docs, and a cluster of three nodes
    Ci,
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
    /// Build and run without optimisation
    #[arg(long)]
    pub(crate) debug: bool,
}
