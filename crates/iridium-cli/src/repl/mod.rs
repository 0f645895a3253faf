//! The REPL: reads lines until `!quit` or the end of the input. A line that
//! begins with `!` is a command (`table` lists them; `control`, `inspect`, `processes`,
//! `cluster` and `help` do their work). Of the others (`language`), assembly is run on the default
//! VM (`machine`), Palladium beside it (`notebook`), both as one process, which lives here or at a
//! node (`backend`).
//!
//! One thread owns everything: it waits for the next line, for events of the mesh and for
//! signals, and handles one at a time. Only reading lines has a thread of its own, because
//! it blocks.

mod backend;
mod cluster;
mod command;
mod completion;
mod control;
mod editor;
mod effect_driver;
mod help;
mod history;
mod input;
mod inspect;
mod language;
mod lines;
mod machine;
mod notebook;
mod plain_terminal;
mod processes;
mod session;
mod table;
mod trace;

use std::io::{self, IsTerminal as _};

use crossbeam_channel::{Receiver, never, select};
use log::Level;

use iridium_host::{Outside, World};
use iridium_vm::Hosts;

use crate::args::{AttachArgs, ClientFlags, NodeFlags, PermissionFlags};
use crate::failure::Failure;
use crate::logging::LogTarget;
use crate::program::{Settings, Stream, hosts};
use crate::signals::Signal;
use crate::{config, logging, output, signals};
use backend::Backend;
use command::Flow;
use completion::Offer;
use effect_driver::EffectDriver;
use input::Input;
use language::{Languages, Piece};
use lines::Lines;
use machine::Machine;
use notebook::Notebook;
use session::ReplSession;

/// Runs the REPL.
pub(crate) fn run(flags: NodeFlags, settings: Settings) -> Result<(), Failure> {
    let signals = signals::receive()?;
    let lines = open(&flags)?;
    let hosts = settings.hosts.clone();
    run_lines(flags, lines, &signals, hosts, |stream| Backend::local(settings, stream))
}

/// Runs the REPL, whose process lives at a running node.
pub(crate) fn attach(args: AttachArgs) -> Result<(), Failure> {
    let AttachArgs { node, client, log } = args;
    let signals = signals::receive()?;
    let flags = NodeFlags::attached(log);
    let lines = open(&flags)?;
    let access = ClientFlags { at: node.unwrap_or(client.at), ..client };
    let at = access.at.clone();
    let policy = PermissionFlags::default().policy()?;
    // Its programs run at the node, and nothing is allowed here.
    let outside = Outside::new();
    let input = iridium_host::Input::None;
    let world = World { policy: &policy, words: &[], input, outside: &outside };
    run_lines(flags, lines, &signals, hosts(&world), |_| {
        let backend = Backend::remote(access)?;
        // Only for people: what goes to a pipe is the output of commands and programs.
        if io::stdin().is_terminal() && io::stdout().is_terminal() {
            output::print_line(&format!(
                "attached to the node at {at} as process {}",
                backend.pid()
            ))?;
        }
        Ok(backend)
    })
}

/// Opens the input, and the log, which must not disturb the line being typed.
fn open(flags: &NodeFlags) -> Result<Lines, Failure> {
    let data = config::data_root(flags.data_root_dir.as_deref()).ok();
    let lines = Lines::open(data.as_deref(), table::words())?;
    let target = match lines.log_writer() {
        Some(writer) => LogTarget::Terminal(writer),
        None => LogTarget::Pipe,
    };
    logging::start(&flags.log, Level::Warn, target)?;
    Ok(lines)
}

/// Carries out lines until there are no more.
fn run_lines(
    flags: NodeFlags,
    mut lines: Lines,
    signals: &Receiver<Signal>,
    hosts: Hosts,
    open_backend: impl FnOnce(Stream) -> Result<Backend, Failure>,
) -> Result<(), Failure> {
    let stream = Stream::to(lines.output());
    let backend = match open_backend(stream.clone()) {
        Ok(backend) => backend,
        Err(failure) => {
            lines.close();
            return Err(failure);
        }
    };
    let (signals_of_driver, notify) = (signals.clone(), lines.notice_printer());
    let driver = EffectDriver::new(backend, hosts, stream.clone(), signals_of_driver, notify);
    let machine = Machine::new(driver)?;
    let notebook = Notebook::new()?;
    let (languages, half) = (Languages::Both, String::new());
    let mut session = ReplSession {
        flags,
        lines,
        machine,
        notebook,
        languages,
        half,
        cluster: None,
        events: never(),
    };
    let ended = session.run(signals);
    // Unlike `leave`, this keeps the peers, so that the node finds them again when the REPL
    // is started the next time.
    if let Some(node) = session.cluster.take() {
        node.shutdown();
    }
    // What nobody has read by then is lost.
    let written = stream.flush(effect_driver::OUTPUT);
    session.lines.close();
    ended?;
    written?;
    Ok(())
}

impl ReplSession {
    fn run(&mut self, signals: &Receiver<Signal>) -> Result<(), Failure> {
        self.lines.print_to_terminal(concat!(
            "Iridium ",
            env!("CARGO_PKG_VERSION"),
            ". Type Palladium (1 + 2), assembly (load $0 #1), !help or !quit."
        ))?;
        self.request_line();
        loop {
            let (notices, wakes) = self.machine.driver.receivers();
            select! {
                recv(self.lines.input) -> input => match input {
                    Ok(Input::Line(line)) => {
                        for part in lines::split_commands(&line) {
                            if self.run_line(part)? == Flow::Quit {
                                return Ok(());
                            }
                        }
                        self.request_line();
                    }
                    Ok(Input::GivenUp) => {
                        self.half.clear();
                        self.request_line();
                    }
                    Ok(Input::Failed(why)) => return Err(Failure::failed(why)),
                    Ok(Input::End) | Err(_) => {
                        // What is missing in it is an error, which is told.
                        return self.end_entry().map(drop);
                    }
                },
                recv(self.events) -> event => match event {
                    Ok(event) => self.on_event(&event),
                    Err(_) => self.events = never(),
                },
                recv(notices) -> notice => if let Ok(notice) = notice {
                    self.machine.driver.report(&notice);
                },
                recv(wakes) -> _ => match self.machine.driver.check_exit() {
                    Ok(Some(text)) => self.machine.driver.print_notice(&text),
                    Ok(None) => {}
                    Err(failure) => {
                        // Moves past the line that was being typed.
                        self.lines.print_to_terminal("")?;
                        return Err(failure);
                    }
                },
                recv(signals) -> signal => {
                    if signal == Ok(Signal::SIGINT) && self.lines.is_terminal() {
                        // Ctrl-C for a program that had just ended, or on a terminal that only
                        // takes text.
                        self.half.clear();
                        continue;
                    }
                    // Moves past the line that was being typed.
                    self.lines.print_to_terminal("")?;
                    return Ok(());
                }
            }
        }
    }

    fn request_line(&self) {
        let symbols = if self.lines.is_terminal() { self.machine.symbols() } else { Vec::new() };
        let labels = symbols.into_iter().map(|(name, _)| name.to_owned()).collect();
        let (languages, half) = (self.languages, self.half.clone());
        self.lines.request(Offer { labels, languages, session: self.notebook.session(), half });
    }

    /// Runs a line. A failure of the line is printed and the REPL goes on.
    fn run_line(&mut self, line: &str) -> Result<Flow, Failure> {
        self.lines.remember(line);
        self.lines.note_typed();
        let stream = self.machine.driver.stream();
        if self.lines.is_terminal() {
            // Enter has moved the cursor to a new line.
            stream.note_line_end();
        } else {
            stream.end_line(effect_driver::OUTPUT)?;
        }
        if line.trim_start().starts_with('!') {
            return told(table::run(self, line));
        }
        for piece in self.languages.split(line, &self.half) {
            let flow = match piece {
                Piece::Assembly(lines) => told(table::assemble(self, lines))?,
                Piece::Palladium(lines) => {
                    self.half.push_str(lines);
                    self.half.push('\n');
                    match palladium::syntax::is_complete(&self.half) {
                        true => self.end_entry()?,
                        false => Flow::Continue,
                    }
                }
            };
            if flow == Flow::Quit {
                return Ok(flow);
            }
        }
        Ok(Flow::Continue)
    }

    /// Runs the entry of Palladium that has been typed so far.
    fn end_entry(&mut self) -> Result<Flow, Failure> {
        let entry = std::mem::take(&mut self.half);
        match entry.trim().is_empty() {
            true => Ok(Flow::Continue),
            false => told(table::enter(self, &entry)),
        }
    }
}

/// Prints a failure with which the REPL goes on.
fn told(flow: Result<Flow, Failure>) -> Result<Flow, Failure> {
    match flow {
        Err(failure) if !failure.is_fatal() => {
            failure.print();
            Ok(Flow::Continue)
        }
        flow => flow,
    }
}
