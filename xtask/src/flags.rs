//! The command line of `cargo xtask`.

use clap::{Args, Parser, Subcommand, value_parser};

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
    /// Run what CI runs: fmt, clippy, licences (with cargo-deny), each library alone, tests, docs, a
    /// cluster of three nodes, thread schedules (loom), and short runs of stress, bench, chaos, attack
    /// and fuzz
    Ci,
    /// Measure Iridium beside other systems
    #[command(subcommand)]
    Bench(Bench),
    /// Run mutated inputs through assembler, verifier, interpreter, mesh and node
    Fuzz(Fuzz),
    /// Kill, stop and cut off real nodes in network namespaces; needs root
    Chaos(Chaos),
    /// Lie to real nodes on this machine, and crowd their doors: they must keep their bounds
    Attack(Attack),
    /// Run simulated clusters through random schedules of faults and lies
    Sim(Sim),
    /// Keep five real nodes at work for long, while some are killed, stopped and leave
    Soak(Soak),
    /// Stress the scheduler: many processes that send, link, kill and spawn at once
    Stress(Stress),
    /// Build a small container image of the command, from scratch; needs Docker
    Image(Image),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// The machine: six kernels, assembling, loading, starting
    Machine(BenchFlags),
    /// Processes: starting a million, messages, saving
    Processes(BenchFlags),
    /// The cluster: forming a mesh, idle nodes, messages between nodes
    Cluster(BenchFlags),
    /// Palladium: programs beside assembly and other languages, checking, compiling
    Palladium(BenchFlags),
    /// The outside world: a service over HTTP, idle connections, lines of a file
    Host(BenchFlags),
}

#[derive(Debug, Args)]
pub(crate) struct BenchFlags {
    /// Smaller arguments and fewer rounds: the figures mean little
    #[arg(long)]
    pub(crate) quick: bool,
    /// Do not measure the other systems
    #[arg(long)]
    pub(crate) alone: bool,
    /// Measure what `cargo build` makes: the figures mean nothing, the answers are checked
    #[arg(long, requires = "quick")]
    pub(crate) debug: bool,
}

/// What can be fuzzed of the machine and of Palladium.
pub(crate) const FUZZED_MACHINE: [&str; 7] = [
    "module",
    "source",
    "snapshot",
    "differential",
    "palladium-source",
    "palladium-programs",
    "palladium-messages",
];
/// What can be fuzzed of the mesh and of the node.
pub(crate) const FUZZED_NODE: [&str; 8] =
    ["frames", "greeting", "node-messages", "control", "peers", "membership", "flow", "app"];

#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// What to fuzz [default: all in turn]
    #[arg(value_parser = [&FUZZED_MACHINE[..], &FUZZED_NODE].concat())]
    pub(crate) target: Option<String>,
    /// Number of inputs for each target
    #[arg(long, value_name = "N", default_value_t = 1_000_000, conflicts_with = "seconds")]
    pub(crate) runs: u64,
    /// Run each target for this many seconds instead
    #[arg(long, value_name = "N")]
    pub(crate) seconds: Option<u64>,
    /// Seed of the mutations, to repeat a run [default: from the time]
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// Run a saved input instead
    #[arg(long, value_name = "FILE", requires = "target")]
    pub(crate) replay: Option<std::path::PathBuf>,
    /// Build and run without optimisation
    #[arg(long)]
    pub(crate) debug: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Chaos {
    /// Begin no step after this many seconds
    #[arg(long, value_name = "N", default_value_t = 120)]
    pub(crate) seconds: u64,
    /// Seed of the steps, to repeat a run [default: from the time]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Number of nodes
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u8).range(4..=32))]
    pub(crate) nodes: u8,
    /// Build and run without optimisation
    #[arg(long)]
    pub(crate) debug: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Attack {
    /// Which attacks [default: all]
    #[arg(value_name = "STEP")]
    pub(crate) steps: Vec<String>,
    /// A few of them, and brief
    #[arg(long)]
    pub(crate) short: bool,
    /// Build and run without optimisation
    #[arg(long)]
    pub(crate) debug: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// Number of seeds, each of which is a schedule of each kind
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = value_parser!(u64).range(1..))]
    pub(crate) seeds: u64,
    /// The first of them
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub(crate) from: u64,
    /// Show what meshes of 100 to 1,000 nodes cost instead
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    pub(crate) table: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// Length of the run
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub(crate) minutes: u64,
    /// The same in seconds
    #[arg(long, value_name = "N", conflicts_with = "minutes")]
    pub(crate) seconds: Option<u64>,
    /// Seed of the faults, to repeat a run [default: from the time]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Build and run without optimisation
    #[arg(long)]
    pub(crate) debug: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Image {
    /// Name of the image
    #[arg(long, value_name = "NAME", default_value = "iridium")]
    pub(crate) tag: String,
    /// Build without optimisation
    #[arg(long)]
    pub(crate) debug: bool,
}

/// The test has defaults for what is left out.
#[derive(Debug, Args)]
pub(crate) struct Stress {
    /// Number of processes
    #[arg(long, value_name = "N")]
    pub(crate) processes: Option<u64>,
    /// Length of the run in seconds
    #[arg(long, value_name = "S")]
    pub(crate) seconds: Option<u64>,
    /// Seed of what the processes do
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Number of threads
    #[arg(long, value_name = "N")]
    pub(crate) workers: Option<u64>,
    /// Build and run without optimisation
    #[arg(long)]
    pub(crate) debug: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ClusterUp {
    /// Number of nodes
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
    /// Run a program on all nodes, kill one of them, and stop at the end
    #[arg(long, conflicts_with = "detach")]
    pub(crate) demo: bool,
    /// Build and run with optimisation, which takes several minutes the first time
    #[arg(long)]
    pub(crate) release: bool,
}
