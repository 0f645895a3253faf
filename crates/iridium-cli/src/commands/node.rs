//! `iridium node`: a node without a REPL, with the programs it was given, until it
//! is told to leave.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Select, after, select};
use log::{Level, error, info, warn};

use iridium_isa::Module;
use iridium_net::Event;
use iridium_node::Node;
use iridium_sched::supervisor::Spec;
use iridium_sched::{ExitInfo, Reason, SpawnOptions, Spawned};
use iridium_vm::{Limits, Pid, Process, Program};

use super::app;
use crate::args::{NodeFlags, TaskFlags};
use crate::failure::Failure;
use crate::logging::Sink;
use crate::program::load::{name, reason};
use crate::program::{Settings, Stream, load, prepare};
use crate::signals::Signal;
use crate::{config, event, logging, output, signals};

/// How long all apps together may take to end when the node is told to. Children
/// that have longer are dropped then, as the rest is.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long output may take at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Starts the node and stays until it was asked to leave or refused.
pub(crate) fn run(
    flags: &NodeFlags,
    tasks: &TaskFlags,
    limits: Limits,
    settings: Settings,
) -> Result<(), Failure> {
    // First of all, so that a signal during the start is obeyed after it.
    let signals = signals::arriving()?;
    logging::start(&flags.log, Level::Info, Sink::Stderr)?;
    // What is wrong with a file is said before anybody hears of the node.
    let work = Work::read(tasks)?;
    let stream = Stream::to(io::stdout());
    let mut node =
        iridium_node::Config::new(config::of_node(flags, &tasks.join)?, Arc::new(stream.clone()));
    node.workers = settings.threads.unwrap_or(node.workers);
    node.processes = settings.processes.unwrap_or(node.processes);
    node.memory = settings.memory.unwrap_or(node.memory);
    node.limits = limits;
    node.metrics = tasks.metrics.as_ref().map(config::listen_at).transpose()?;
    let node = Node::start(node)?;
    let events = node.manager().events();
    say(&event::listens(node.manager()));
    if let Some(addr) = node.metrics_addr() {
        say(&format!("{} shows metrics at http://{addr}/metrics", node.alias()));
    }
    let started = work.start(&node, limits)?;
    let ended = Running { node, stream: stream.clone(), signals, events, started }.tend();
    // If nobody takes what is left, it is lost.
    let _ = stream.flush(FAREWELL);
    ended
}

/// Says a line on stdout. Whoever started the node may have closed that, and it runs all the same;
/// then the line is in the log.
fn say(line: &str) {
    if let Err(error) = output::line(line) {
        warn!("{line} (stdout takes nothing: {})", reason(&error));
    }
}

/// What a node has to do, read and ready to be started.
struct Work {
    apps: Vec<(String, Spec, Vec<Module>)>,
    programs: Vec<(String, Arc<Program>)>,
}

impl Work {
    fn read(tasks: &TaskFlags) -> Result<Self, Failure> {
        let app = |file: &std::path::PathBuf| {
            let (app, spec, modules) = app::read(file)?;
            Ok((app.name().map_or_else(|| stem(file), ToString::to_string), spec, modules))
        };
        let program = |file: &std::path::PathBuf| Ok((name(file), prepare(load(file)?.module)?));
        let apps = tasks.app.iter().map(app).collect::<Result<Vec<_>, Failure>>()?;
        let mut names = HashSet::new();
        if let Some((name, ..)) = apps.iter().find(|(name, ..)| !names.insert(name)) {
            return Err(Failure::usage(format!(
                "two apps are called {name}; give one of them another name = \"…\" in its file"
            )));
        }
        Ok(Self { apps, programs: tasks.run.iter().map(program).collect::<Result<_, Failure>>()? })
    }

    fn start(self, node: &Node, limits: Limits) -> Result<Vec<Started>, Failure> {
        let mut started = Vec::new();
        for (name, spec, modules) in self.apps {
            for module in modules {
                node.load(module)?;
            }
            let (pid, ending) = node.start_app(&name, spec).map_err(|error| {
                Failure::failed(format!("cannot start the app {name}: {error}"))
            })?;
            info!("app {name} runs as process {pid}");
            started.push(Started { name, pid, ending, is_app: true });
        }
        for (name, program) in self.programs {
            let program = node.load(Module::clone(program.module()))?;
            let process = Process::new(&program, limits);
            let options = SpawnOptions::default();
            let spawned = node.scheduler().spawn_with(process, &program, options);
            let Spawned { pid, exit: ending, .. } =
                spawned.map_err(|full| Failure::failed(format!("cannot start {name}: {full}")))?;
            info!("{name} runs as process {pid}");
            started.push(Started { name, pid, ending, is_app: false });
        }
        Ok(started)
    }
}

/// An app or a program that the node has started.
struct Started {
    name: String,
    /// Its top supervisor, or its first process.
    pid: Pid,
    ending: Receiver<ExitInfo>,
    is_app: bool,
}

/// A node at work.
struct Running {
    node: Node,
    /// Where programs write to.
    stream: Stream,
    signals: Receiver<Signal>,
    events: Receiver<Event>,
    started: Vec<Started>,
}

/// What there is to hear.
enum Heard {
    Signal,
    Mesh(Option<Event>),
    /// Output of processes could not be written.
    Unwritten,
    /// One of those that were started has ended.
    End(usize, Option<ExitInfo>),
}

impl Running {
    fn tend(mut self) -> Result<(), Failure> {
        loop {
            match self.hear() {
                Heard::Signal => {
                    self.end_apps();
                    self.node.shutdown();
                    return Ok(());
                }
                Heard::Unwritten => {
                    if let Err(error) = self.stream.flush(Duration::ZERO) {
                        let why = reason(&error);
                        warn!("the output of processes is lost from now on: {why}");
                    }
                }
                Heard::Mesh(None) => {
                    return Err(Failure::failed("the node has stopped by itself"));
                }
                Heard::Mesh(Some(event)) => {
                    if let Some(failure) = event::fatal(&event, self.node.manager()) {
                        self.node.shutdown();
                        return Err(failure);
                    }
                    match event {
                        Event::Up { .. } | Event::Joined(_) => {
                            info!("{}", event::describe(&event));
                        }
                        Event::LeaveRequested => {
                            info!("{}", event::describe(&event));
                            self.end_apps();
                            self.node.leave();
                            return Ok(());
                        }
                        // The network layer has logged these with its reasons.
                        _ => {}
                    }
                }
                Heard::End(which, ending) => {
                    let ended = self.started.remove(which);
                    ended.tell(ending.map(|ending| ending.reason));
                }
            }
        }
    }

    fn hear(&self) -> Heard {
        let mut select = Select::new();
        let (signal, event) = (select.recv(&self.signals), select.recv(&self.events));
        let failed = select.recv(self.stream.failed());
        let endings: Vec<_> =
            self.started.iter().map(|started| select.recv(&started.ending)).collect();
        let chosen = select.select();
        let at = chosen.index();
        if at == signal {
            // There will be no other when the thread that fetches them is gone.
            let _ = chosen.recv(&self.signals);
            return Heard::Signal;
        }
        if at == failed {
            // That it is so is all that it says.
            let _ = chosen.recv(self.stream.failed());
            return Heard::Unwritten;
        }
        let which = endings.iter().position(|ending| *ending == at);
        match which.and_then(|which| Some((which, self.started.get(which)?))) {
            Some((which, started)) => Heard::End(which, chosen.recv(&started.ending).ok()),
            None => {
                debug_assert_eq!(at, event);
                Heard::Mesh(chosen.recv(&self.events).ok())
            }
        }
    }

    /// Asks the apps to end, the last one first, each of whose children has its
    /// time. Another signal, or the end of all patience, ends that.
    fn end_apps(&self) {
        // Who waits for room for its output could not hear that it is to end.
        self.stream.hurry();
        let deadline = after(PATIENCE);
        let since = Instant::now();
        for app in self.started.iter().rev().filter(|started| started.is_app) {
            self.node.scheduler().kill(app.pid, Reason::SHUTDOWN);
            select! {
                recv(app.ending) -> _ => info!("app {} has ended", app.name),
                recv(self.signals) -> _ => {
                    warn!("told to end again: the apps are dropped as they are");
                    return;
                }
                recv(deadline) -> _ => {
                    let seconds = since.elapsed().as_secs();
                    warn!("app {} has not ended in {seconds} s: it is dropped as it is", app.name);
                    return;
                }
            }
        }
    }
}

impl Started {
    /// Tells of the end. What traps there were, and where, was logged when they
    /// came.
    fn tell(&self, reason: Option<Reason>) {
        let Self { name, pid, .. } = self;
        match reason {
            Some(reason @ (Reason::NORMAL | Reason::SHUTDOWN)) if self.is_app => {
                info!("app {name} has ended: {reason}");
            }
            Some(reason) if self.is_app => error!("app {name} has ended: {reason}"),
            Some(Reason::NORMAL) | None => info!("{name}, process {pid}, has ended"),
            Some(reason) if reason.0 > 0 => info!("{name}, process {pid}, has ended: {reason}"),
            Some(reason) => warn!("{name}, process {pid}, has ended: {reason}"),
        }
    }
}

/// What an app is called whose file does not say.
fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}
