//! The REPL: reads lines until `!quit` or the end of the input. A line that
//! begins with `!` is a command (`command` is their table; `control`, `inspect`,
//! `cluster` and `help` do the work); any other is assembled and run on the
//! default VM (`machine`), whose process lives here or at a node (`place`).
//!
//! One thread owns everything: it waits for the next line, for what happens in
//! the mesh and for signals, and handles one at a time. Only the reading of
//! lines has a thread of its own, because it cannot wait for anything else.

mod cluster;
mod command;
mod completion;
mod control;
mod drive;
mod editor;
mod help;
mod input;
mod inspect;
mod line;
mod machine;
mod place;
mod processes;
mod session;
mod table;
mod trace;

use std::io::{self, IsTerminal as _};

use crossbeam_channel::{Receiver, never, select};
use log::Level;

use crate::args::{AttachArgs, ClientFlags, NodeFlags};
use crate::failure::Failure;
use crate::logging::Sink;
use crate::program::{Settings, Stream};
use crate::signals::Signal;
use crate::{config, logging, output, signals};
use command::Flow;
use drive::Driver;
use input::Input;
use line::Lines;
use machine::Machine;
use place::Place;
use session::Session;

/// Runs the REPL.
pub(crate) fn run(flags: NodeFlags, settings: Settings) -> Result<(), Failure> {
    let signals = signals::arriving()?;
    let lines = open(&flags)?;
    converse(flags, lines, &signals, |stream| Place::here(settings, stream))
}

/// Runs the REPL, whose process lives at a running node.
pub(crate) fn attach(words: AttachArgs) -> Result<(), Failure> {
    let AttachArgs { node, client, log } = words;
    let signals = signals::arriving()?;
    let flags = NodeFlags::attached(log);
    let lines = open(&flags)?;
    let access = ClientFlags { at: node.unwrap_or(client.at), ..client };
    let at = access.at.clone();
    converse(flags, lines, &signals, |_| {
        let place = Place::there(access)?;
        // Only people want to know; a pipe gets nothing but answers.
        if io::stdin().is_terminal() && io::stdout().is_terminal() {
            output::line(&format!("attached to the node at {at} as process {}", place.pid()))?;
        }
        Ok(place)
    })
}

/// Opens the input, and the log, which is not to get in its way.
fn open(flags: &NodeFlags) -> Result<Lines, Failure> {
    let data = config::data_root(flags.data_root_dir.as_deref()).ok();
    let lines = Lines::open(data.as_deref(), table::words())?;
    let sink = match lines.log_writer() {
        Some(writer) => Sink::Terminal(writer),
        None => Sink::Pipe,
    };
    logging::start(&flags.log, Level::Warn, sink)?;
    Ok(lines)
}

/// Carries out lines until there are no more.
fn converse(
    flags: NodeFlags,
    mut lines: Lines,
    signals: &Receiver<Signal>,
    place: impl FnOnce(Stream) -> Result<Place, Failure>,
) -> Result<(), Failure> {
    let stream = Stream::to(lines.output());
    let place = match place(stream.clone()) {
        Ok(place) => place,
        Err(failure) => {
            lines.close();
            return Err(failure);
        }
    };
    let driver = Driver::new(place, stream, signals.clone(), lines.teller());
    let machine = Machine::new(driver)?;
    let mut session = Session { flags, lines, machine, cluster: None, events: never() };
    let ended = session.run(signals);
    // What is remembered stays: the end of the REPL is no farewell for good.
    if let Some(node) = session.cluster.take() {
        node.shutdown();
    }
    session.lines.close();
    ended
}

impl Session {
    fn run(&mut self, signals: &Receiver<Signal>) -> Result<(), Failure> {
        self.lines.greet(concat!(
            "Iridium ",
            env!("CARGO_PKG_VERSION"),
            ". !help lists the commands; !quit or Ctrl-D ends."
        ))?;
        self.ask();
        loop {
            let (news, wakes) = self.machine.driver.receivers();
            select! {
                recv(self.lines.input) -> input => match input {
                    Ok(Input::Line(line)) => {
                        for part in line::parts(&line) {
                            if self.obey(part)? == Flow::Quit {
                                return Ok(());
                            }
                        }
                        self.ask();
                    }
                    Ok(Input::Failed(why)) => return Err(Failure::failed(why)),
                    Ok(Input::End) | Err(_) => return Ok(()),
                },
                recv(self.events) -> event => match event {
                    Ok(event) => self.on_event(&event),
                    Err(_) => self.events = never(),
                },
                recv(news) -> news => if let Ok(news) = news { self.machine.driver.tell(&news) },
                recv(wakes) -> _ => match self.machine.driver.look_in() {
                    Ok(Some(text)) => self.machine.driver.tell_line(&text),
                    Ok(None) => {}
                    Err(failure) => {
                        // Past the line that was being typed.
                        self.lines.greet("")?;
                        return Err(failure);
                    }
                },
                recv(signals) -> signal => {
                    if signal == Ok(Signal::SIGINT) && self.lines.is_terminal() {
                        // It was for a program that had just ended.
                        continue;
                    }
                    // Past the line that was being typed.
                    self.lines.greet("")?;
                    return Ok(());
                }
            }
        }
    }

    fn ask(&self) {
        let symbols = if self.lines.is_terminal() { self.machine.symbols() } else { Vec::new() };
        self.lines.ask(symbols.into_iter().map(|(name, _)| name).collect());
    }

    /// Carries out a line. A failure that concerns the line is told and the
    /// REPL goes on.
    fn obey(&mut self, line: &str) -> Result<Flow, Failure> {
        self.lines.remember(line);
        self.lines.note_typed();
        let stream = self.machine.driver.stream();
        if self.lines.is_terminal() {
            // The line that was typed has ended by itself.
            stream.note_line_end();
        } else {
            stream.end_line(drive::OUTPUT)?;
        }
        match table::run(self, line) {
            Err(failure) if !failure.is_end() => {
                failure.tell();
                Ok(Flow::Continue)
            }
            flow => flow,
        }
    }
}
