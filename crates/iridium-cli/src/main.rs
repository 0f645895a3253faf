//! The command `iridium`: a node of a cluster, the REPL, and questions to
//! running nodes.
//!
//! A run has three steps: `args` says what may be typed, `config` makes of it
//! what the network layer wants to know, and a module of `commands` (or `repl`)
//! carries it out. Whatever fails is a [`Failure`], which is one line on stderr
//! and an exit code.

mod args;
mod commands;
mod config;
mod event;
mod failure;
mod logging;
mod output;
mod repl;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        None if cli.daemon_mode => commands::node::run(&cli.node, &cli.join),
        None => repl::run(&cli.node),
        Some(Command::Node { flags, join }) => commands::node::run(&flags, &join),
        Some(Command::Members { client, json }) => commands::members::run(&client, json),
        Some(Command::Leave { client }) => commands::leave::run(&client),
        Some(Command::Secret(task)) => commands::secret::run(&task),
        Some(Command::Completions { shell }) => commands::manual::completions(shell),
        Some(Command::Man) => commands::manual::man_page(),
    }
}
