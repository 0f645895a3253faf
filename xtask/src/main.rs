//! The project's own tasks: `cargo xtask --help`.
//!
//! Nothing here links our crates. The cluster tasks build the binary `iridium` and use it as
//! a user does, so they test what is shipped.

mod attack;
mod bench;
mod build;
mod chaos;
mod children;
mod ci;
mod cluster;
mod flags;
mod fuzz;
mod image;
mod interrupt;
mod repository;
mod sim;
mod soak;
mod stress;

use std::process::ExitCode;

use clap::Parser;

use cluster::Cluster;
use flags::{Task, Xtask};

fn main() -> ExitCode {
    let outcome = match Xtask::parse().task {
        Task::ClusterUp(flags) => Cluster::of_developer().up(&flags),
        Task::ClusterDown => Cluster::of_developer().down(),
        Task::ClusterStatus => Cluster::of_developer().status(),
        Task::Ci => ci::run(),
        Task::Chaos(flags) => chaos::run(&flags),
        Task::Attack(flags) => attack::run(&flags),
        Task::Bench(what) => bench::run(&what),
        Task::Fuzz(flags) => fuzz::run(&flags),
        Task::Sim(flags) => sim::run(&flags),
        Task::Soak(flags) => soak::run(&flags),
        Task::Image(flags) => image::run(&flags),
        Task::Stress(flags) => stress::run(&flags),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
