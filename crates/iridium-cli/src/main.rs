//! The command `iridium`: programs, a node of a cluster, the REPL, and questions
//! to running nodes.
//!
//! A run has three steps: `args` parses the command line, `config` turns it into the
//! configuration of the network layer, and a module of `commands` (or `repl`) carries it
//! out; both run programs by means of `program`. Whatever fails is a [`Failure`]: one line
//! on stderr and an exit code.

mod advice;
mod allocator;
mod args;
mod commands;
mod config;
mod failure;
mod io_error;
mod logging;
mod mesh_events;
mod output;
mod path_text;
mod program;
mod repl;
mod signals;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, Parser};

use iridium_host::{Input, Outside, World};

use args::{Cli, Command, ExecutionFlags, NodeLimitFlags, PermissionFlags, TaskFlags};
use commands::run_app::NamedApp;
use failure::Failure;
use program::Settings;

fn main() -> ExitCode {
    allocator::keep_little();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => match words_behind_file(&error) {
            Some(failure) => return failure.report(),
            None => return print_by_parser(&error),
        },
    };
    run(cli).unwrap_or_else(|failure| failure.report())
}

/// Prints what the parser of the command line says: help, the version, or what is wrong.
fn print_by_parser(said: &clap::Error) -> ExitCode {
    match said.print().and_then(|()| io::stdout().flush()) {
        Err(error) if !said.use_stderr() => Failure::from(error).report(),
        _ => ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(u8::MAX)),
    }
}

/// The failure for `iridium FILE WORD`, a word or flag that the parser does not expect: the first
/// word may be a misspelt command, or somebody expects to pass words to a program.
fn words_behind_file(error: &clap::Error) -> Option<Failure> {
    let word = match (error.get(ContextKind::InvalidSubcommand), error.get(ContextKind::InvalidArg))
    {
        (Some(ContextValue::String(word)), _) | (_, Some(ContextValue::String(word))) => word,
        _ => return None,
    };
    let given: Vec<_> = std::env::args_os().skip(1).collect();
    let is_command = |name: &str| given.iter().any(|word| word.as_os_str() == name);
    if Cli::command().get_subcommands().any(|of| is_command(of.get_name())) {
        return None;
    }
    let slip = given.first().and_then(|first| commands::run::unknown_command(Path::new(first)));
    slip.or_else(|| {
        (!word.starts_with('-')).then(|| {
            Failure::usage(format!(
                "{word} is one word too many; words for a program go behind --, and numbers for \
                 registers after --arg"
            ))
        })
    })
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let done = |()| ExitCode::SUCCESS;
    let outside = Arc::new(Outside::new());
    let settings = |execution: &ExecutionFlags, limits: &NodeLimitFlags, fuel, hosts| Settings {
        threads: execution.threads,
        engine: execution.engine,
        processes: limits.process_limit,
        memory: limits.memory_limit,
        fuel,
        hosts,
        outside: Arc::clone(&outside),
    };
    let hosts = |permissions: &PermissionFlags, apps: &[NamedApp], words: &[String], input| {
        let mut policy = permissions.policy()?;
        apps.iter().try_for_each(|app| app.allow(&mut policy))?;
        Ok::<_, Failure>(program::hosts(&World {
            policy: &policy,
            words,
            input,
            outside: &outside,
        }))
    };
    let Some(command) = cli.command else {
        // Only a program that runs alone has the standard input.
        let input = if cli.file.is_some() { Input::Standard } else { Input::None };
        let hosts = hosts(&cli.permissions, &[], &cli.start.words, input)?;
        let settings = settings(&cli.execution, &cli.node_limits, cli.run.fuel, hosts);
        return match cli.file {
            Some(file) => {
                commands::run::shorthand(&file, &cli.start, &cli.limits, settings, &cli.run)
            }
            None if cli.daemon_mode => {
                let tasks = TaskFlags { join: cli.join, ..TaskFlags::default() };
                commands::node::run(&cli.node, &tasks, &[], cli.limits.limits(), settings).map(done)
            }
            None if cli.limits.is_any() => Err(Failure::usage(
                "the limits of each process are for programs and nodes; name a file",
            )),
            None => repl::run(cli.node, settings).map(done),
        };
    };
    match command {
        Command::Run { file, app, execution, start, run, permissions, limits, node_limits } => {
            let input = if file.is_some() { Input::Standard } else { Input::None };
            let app = app.as_deref().map(NamedApp::open).transpose()?;
            let hosts = hosts(&permissions, app.as_slice(), &start.words, input)?;
            let settings = settings(&execution, &node_limits, run.fuel, hosts);
            match (file, app) {
                (Some(file), _) => commands::run::start(&file, &start, &limits, settings, &run),
                (None, Some(app)) => commands::run_app::run(&app, settings, run.stats),
                (None, None) => Err(Failure::usage("name a program, or an app file with --app")),
            }
        }
        Command::Resume { file, execution, run, permissions } => {
            let hosts = hosts(&permissions, &[], &[], Input::Standard)?;
            let settings = settings(&execution, &NodeLimitFlags::default(), run.fuel, hosts);
            commands::run::resume(&file, settings, &run)
        }
        Command::Asm { file, listing: true, .. } => commands::assemble::listing(&file).map(done),
        Command::Asm { file, output, strip, .. } => {
            commands::assemble::asm(&file, output.as_deref(), strip).map(done)
        }
        Command::Disasm { file, native: true } => {
            commands::assemble::disasm_native(&file).map(done)
        }
        Command::Disasm { file, .. } => commands::assemble::disasm(&file).map(done),
        Command::Test { files, filter, json, permissions } => {
            let hosts = hosts(&permissions, &[], &[], Input::None)?;
            let outside = Arc::clone(&outside);
            let settings = Settings { hosts, outside, ..Settings::default() };
            commands::test::run(&files, filter.as_deref(), json, settings)
        }
        Command::Fmt { files, check } => commands::format::run(&files, check).map(done),
        Command::Doc { files, out } => commands::document::run(&files, out.as_deref()).map(done),
        Command::Check { files, against: Some(old), json, .. } => {
            commands::against::run(&files, &old, json).map(done)
        }
        Command::Check { files, copies, permissions, .. } => {
            commands::assemble::check(&files, copies, permissions).map(done)
        }
        Command::New { name, template } => commands::new::run(&name, template).map(done),
        Command::Lsp => commands::language_server::run().map(done),
        Command::Node { flags, tasks, execution, permissions, limits, node_limits } => {
            let apps = tasks.app.iter().map(|file| NamedApp::open(file));
            let apps = apps.collect::<Result<Vec<_>, _>>()?;
            let hosts = hosts(&permissions, &apps, &[], Input::None)?;
            let settings = settings(&execution, &node_limits, None, hosts);
            commands::node::run(&flags, &tasks, &apps, limits.limits(), settings).map(done)
        }
        Command::Members { client, json } => commands::members::run(&client, json).map(done),
        Command::Ps { client, all, json } => commands::ps::run(&client, all, json).map(done),
        Command::Top { client, json } => commands::top::run(&client, json).map(done),
        Command::Spawn(args) => commands::process_commands::spawn(&args).map(done),
        Command::Send(args) => commands::process_commands::send(&args).map(done),
        Command::Call(args) => commands::speak::call(&args).map(done),
        Command::Kill(args) => commands::process_commands::kill(&args).map(done),
        Command::Apps { client, json } => commands::apps::run(&client, json).map(done),
        Command::Events { client, follow, json } => {
            commands::events::run(&client, follow, json).map(done)
        }
        Command::Attach(args) => repl::attach(args).map(done),
        Command::Forget { alias, client } => commands::forget::run(&client, &alias).map(done),
        Command::Leave { client } => commands::leave::run(&client).map(done),
        Command::Secret(task) => commands::secret::run(&task).map(done),
        Command::Completions { shell } => commands::manual::completions(shell).map(done),
        Command::Man => commands::manual::man_page().map(done),
    }
}
