//! The REPL: reads lines until `!quit` or the end of the input. A line that
//! begins with `!` is a command (`command` is their table; `control`, `inspect`,
//! `cluster` and `help` do the work); any other is assembled and run on the
//! default VM (`machine`).
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
mod inspect;
mod line;
mod machine;
mod processes;
mod trace;

use crossbeam_channel::{Receiver, never, select};
use log::Level;

use iridium_net::{Event, Manager};

use crate::args::{AttachArgs, NodeFlags};
use crate::failure::Failure;
use crate::logging::Sink;
use crate::program::{Settings, Stream};
use crate::signals::Signal;
use crate::{config, event, logging, signals};
use command::Flow;
use drive::Driver;
use line::{Input, Lines};
use machine::Machine;

/// Runs the REPL.
pub(crate) fn run(flags: &NodeFlags, settings: Settings) -> Result<(), Failure> {
    let signals = signals::arriving()?;
    let mut lines = Lines::open(config::data_root(flags.data_root_dir.as_deref()).ok().as_deref())?;
    let sink = match lines.log_writer() {
        Some(writer) => Sink::Terminal(writer),
        None => Sink::Stderr,
    };
    logging::start(&flags.log, Level::Warn, sink)?;
    let stream = Stream::to(lines.output());
    let driver = Driver::start(settings, stream, signals.clone(), lines.teller())?;
    let machine = Machine::new(driver)?;
    let mut session = Session { flags, lines, machine, cluster: None, events: never() };
    let ended = session.run(&signals);
    // What is remembered stays: the end of the REPL is no farewell for good.
    if let Some(manager) = session.cluster.take() {
        manager.shutdown();
    }
    session.lines.close();
    ended
}

/// Runs the REPL as a process of a running node.
pub(crate) fn attach(_: AttachArgs) -> Result<(), Failure> {
    Err(Failure::failed("attach is not there yet"))
}

/// What the commands work on.
struct Session<'a> {
    flags: &'a NodeFlags,
    lines: Lines,
    machine: Machine,
    /// The node, once it was started and until it has left.
    cluster: Option<Manager>,
    events: Receiver<Event>,
}

impl Session<'_> {
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
                        if self.obey(&line)? == Flow::Quit {
                            return Ok(());
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
                recv(wakes) -> _ => {
                    if let Some(text) = self.machine.driver.look_in()? {
                        self.machine.driver.tell_line(&text);
                    }
                }
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
        match command::run(self, line) {
            Err(failure) if !failure.is_unread() => {
                failure.tell();
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
