//! The command `iridium`: programs, a node of a cluster, the REPL, and questions
//! to running nodes.
//!
//! A run has three steps: `args` says what may be typed, `config` makes of it
//! what the network layer wants to know, and a module of `commands` (or `repl`)
//! carries it out; both run programs by `program`. Whatever fails is a
//! [`Failure`], which is one line on stderr and an exit code.

mod args;
mod commands;
mod config;
mod event;
mod failure;
mod logging;
mod output;
mod program;
mod repl;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    run(Cli::parse()).unwrap_or_else(|failure| failure.report())
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let done = |()| ExitCode::SUCCESS;
    let Some(command) = cli.command else {
        return match cli.file {
            Some(file) => commands::run::short(&file, &cli.start, &cli.run),
            None if cli.daemon_mode => commands::node::run(&cli.node, &cli.join).map(done),
            None => repl::run(&cli.node).map(done),
        };
    };
    match command {
        Command::Run { file, start, run } => commands::run::start(&file, &start, &run),
        Command::Resume { file, run } => commands::run::resume(&file, &run),
        Command::Asm { file, output, strip } => {
            commands::assemble::asm(&file, output.as_deref(), strip).map(done)
        }
        Command::Disasm { file } => commands::assemble::disasm(&file).map(done),
        Command::Check { files } => commands::assemble::check(&files).map(done),
        Command::Node { flags, join } => commands::node::run(&flags, &join).map(done),
        Command::Members { client, json } => commands::members::run(&client, json).map(done),
        Command::Leave { client } => commands::leave::run(&client).map(done),
        Command::Secret(task) => commands::secret::run(&task).map(done),
        Command::Completions { shell } => commands::manual::completions(shell).map(done),
        Command::Man => commands::manual::man_page().map(done),
    }
}
