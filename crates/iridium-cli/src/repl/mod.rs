//! The REPL: reads commands and carries them out until `!quit` or the end of
//! the input.
//!
//! One thread owns everything: it waits for the next line, for what happens in
//! the mesh and for signals, and handles one at a time. Only the reading of
//! lines has a thread of its own, because it cannot wait for anything else.

mod cluster;
mod command;
mod editor;
mod line;

use crossbeam_channel::{Receiver, never, select};
use log::Level;

use iridium_net::{Event, Manager};

use crate::args::NodeFlags;
use crate::failure::Failure;
use crate::logging::Sink;
use crate::{config, event, logging, output, signals};
use command::Flow;
use line::{Input, Lines};

/// Runs the REPL.
pub(crate) fn run(flags: &NodeFlags) -> Result<(), Failure> {
    let asked_to_end = signals::termination()?;
    let lines = Lines::open(config::data_root(flags).ok().as_deref())?;
    let sink = match lines.log_writer() {
        Some(writer) => Sink::Terminal(writer),
        None => Sink::Stderr,
    };
    logging::start(&flags.log, Level::Warn, sink)?;
    let mut session = Session { flags, lines, cluster: None, events: never() };
    let ended = session.run(&asked_to_end);
    // What is remembered stays: the end of the REPL is no farewell for good.
    if let Some(manager) = session.cluster.take() {
        manager.shutdown();
    }
    session.lines.close();
    ended
}

/// What the commands work on.
struct Session<'a> {
    flags: &'a NodeFlags,
    lines: Lines,
    /// The node, once it was started and until it has left.
    cluster: Option<Manager>,
    events: Receiver<Event>,
}

impl Session<'_> {
    fn run(&mut self, asked_to_end: &Receiver<()>) -> Result<(), Failure> {
        self.lines.greet(concat!(
            "Iridium ",
            env!("CARGO_PKG_VERSION"),
            ". !help lists the commands; !quit or Ctrl-D ends."
        ))?;
        self.lines.ask();
        loop {
            select! {
                recv(self.lines.input) -> input => match input {
                    Ok(Input::Line(line)) => {
                        if self.obey(&line)? == Flow::Quit {
                            return Ok(());
                        }
                        self.lines.ask();
                    }
                    Ok(Input::Failed(why)) => return Err(Failure::failed(why)),
                    Ok(Input::End) | Err(_) => return Ok(()),
                },
                recv(self.events) -> event => match event {
                    Ok(event) => self.on_event(&event),
                    Err(_) => self.events = never(),
                },
                recv(asked_to_end) -> _ => {
                    // Past the line that was being typed.
                    self.lines.greet("")?;
                    return Ok(());
                }
            }
        }
    }

    /// Carries out a line. A failure that concerns the line is told and the
    /// REPL goes on.
    fn obey(&mut self, line: &str) -> Result<Flow, Failure> {
        self.lines.remember(line);
        match command::run(self, line) {
            Err(failure) if !failure.is_unread() => {
                output::error(failure.message());
                Ok(Flow::Continue)
            }
            flow => flow,
        }
    }

    fn on_event(&mut self, event: &Event) {
        self.lines.notice(&event::describe(event));
        if *event == Event::LeaveRequested {
            self.leave();
            self.lines.notice("this node has left the cluster");
        }
    }

    fn leave(&mut self) {
        if let Some(manager) = self.cluster.take() {
            manager.leave();
        }
        self.events = never();
    }
}
