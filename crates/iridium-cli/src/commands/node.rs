//! `iridium node`: a node without a REPL, which runs the programs it was given until it
//! is told to leave.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Select, after, never, select};
use log::{Level, error, info, warn};

use iridium_host::Outside;
use iridium_isa::Module;
use iridium_net::Event;
use iridium_node::{EventKind, Node, NodeEvent};
use iridium_sched::supervisor::{Spec, Supervision};
use iridium_sched::{ExitInfo, Reason, SpawnOptions, Spawned};
use iridium_vm::{Hosts, Limits, Pid, Process, Program};

use super::node_pages::NodePages;
use super::run_app::{self, NamedApp, ReadApp};
use crate::args::{NodeFlags, TaskFlags};
use crate::failure::Failure;
use crate::logging::{LogFile, LogTarget};
use crate::program::culprits::Culprits;
use crate::program::file::display_name;
use crate::program::{Settings, Stream, drain, load_module, needs, prepare};
use crate::signals::Signal;
use crate::{config, io_error, logging, mesh_events, output, signals};

/// How long all apps together may take to end when the node is told to. Children that are
/// still running after it are dropped, whatever shutdown time they have.
const APPS_END_WITHIN: Duration = Duration::from_secs(30);
/// How long output may take at the end.
const OUTPUT_WITHIN: Duration = Duration::from_millis(500);

/// Starts the node and stays until it was asked to leave or refused.
pub(crate) fn run(
    flags: &NodeFlags,
    tasks: &TaskFlags,
    apps: &[NamedApp],
    limits: Limits,
    settings: Settings,
) -> Result<(), Failure> {
    let log_file = logging::start(&flags.log, Level::Info, LogTarget::Stderr)?;
    // A mistake in a file is reported before any other node hears of this one. A signal that comes
    // meanwhile ends the command at once, since there is nothing to leave.
    let startup = StartupTasks::read(tasks, apps, limits, &settings.hosts)?;
    // Names may have to be looked up for these, too.
    let mesh = config::of_node(flags, &tasks.join)?;
    let pages = tasks.metrics.as_ref().map(NodePages::listen).transpose()?;
    // From here on a signal is handled after the start.
    let signals = signals::receive()?;
    let stream = Stream::to(io::stdout());
    let mut node = iridium_node::Config::new(mesh, Arc::new(stream.clone()));
    node.hosts = settings.hosts;
    node.refusal = needs::refusal_of_node;
    node.workers = settings.threads.unwrap_or(node.workers);
    node.engine = settings.engine.engine()?;
    node.processes = settings.processes.unwrap_or(node.processes);
    node.memory = settings.memory.unwrap_or(node.memory);
    node.limits = limits;
    let node = Node::start(node)?;
    settings.outside.attach(node.scheduler());
    let events = node.manager().events();
    announce(&mesh_events::listens(node.manager()));
    let pages = pages.map(|pages| pages.serve(&node, tasks.join.is_empty())).transpose()?;
    if let Some(pages) = &pages {
        announce(&format!("{} shows metrics at http://{}/metrics", node.alias(), pages.addr()));
    }
    let happened = if startup.apps.is_empty() { never() } else { node.events() };
    let started = startup.start(&node, limits)?;
    let running = RunningNode {
        node,
        pages,
        stream: stream.clone(),
        log_file,
        signals,
        events,
        happened,
        started,
        outside: settings.outside,
    };
    let ended = running.run();
    // What nobody has read by then is lost.
    let _ = stream.flush(OUTPUT_WITHIN);
    ended
}

/// Prints a line on stdout. If whoever started the node has closed that, the line goes to the
/// log, and the node runs all the same.
fn announce(line: &str) {
    if let Err(error) = output::print_line(line) {
        warn!("{line} (stdout cannot be written: {})", io_error::describe(&error));
    }
}

/// The apps and programs that a node starts with, read and ready.
struct StartupTasks {
    apps: Vec<(String, Spec, Vec<Module>)>,
    programs: Vec<(String, Arc<Program>)>,
}

impl StartupTasks {
    fn read(
        tasks: &TaskFlags,
        apps: &[NamedApp],
        limits: Limits,
        hosts: &Hosts,
    ) -> Result<Self, Failure> {
        let named = |file: &Path, app: ReadApp| {
            (app.name.unwrap_or_else(|| stem(file)), app.spec, app.modules)
        };
        let read = |app: &NamedApp| app.load(hosts).map(|read| named(&app.file, read));
        let mut apps = apps.iter().map(read).collect::<Result<Vec<_>, Failure>>()?;
        let mut programs = Vec::new();
        for file in &tasks.run {
            // As with `iridium run`, the app of a program comes first, and there may be no `main`.
            let program = prepare(load_module(file)?, hosts)?;
            let app = run_app::of_module(Module::clone(program.module()), limits);
            if app.is_none() || program.module().app().is_some_and(|app| app.main) {
                programs.push((display_name(file), program));
            }
            apps.extend(app.map(|app| named(file, app)));
        }
        let mut names = HashSet::new();
        if let Some((name, ..)) = apps.iter().find(|(name, ..)| !names.insert(name)) {
            return Err(Failure::usage(format!(
                "two apps are called {name}; give one of them another name = \"…\" in its file"
            )));
        }
        Ok(Self { apps, programs })
    }

    fn start(self, node: &Node, limits: Limits) -> Result<Vec<StartedTask>, Failure> {
        let mut started = Vec::new();
        for (name, spec, modules) in self.apps {
            for module in modules {
                node.load(module)?;
            }
            let top = spec.clone();
            let (pid, exit) = node.start_app(&name, spec).map_err(|error| {
                Failure::failed(format!("cannot start the app {name}: {error}"))
            })?;
            info!("app {name} runs as process {pid}");
            started.push(StartedTask { name, pid, exit, culprits: Some(Culprits::new(top)) });
        }
        for (name, program) in self.programs {
            let program = node.load(Module::clone(program.module()))?;
            let process = Process::new(&program, limits);
            let options = SpawnOptions::default();
            let spawned = node.scheduler().spawn_with(process, &program, options);
            let Spawned { pid, exit, .. } =
                spawned.map_err(|full| Failure::failed(format!("cannot start {name}: {full}")))?;
            info!("{name} runs as process {pid}");
            started.push(StartedTask { name, pid, exit, culprits: None });
        }
        Ok(started)
    }
}

/// An app or a program that the node has started.
struct StartedTask {
    name: String,
    /// Its top supervisor, or its first process.
    pid: Pid,
    exit: Receiver<ExitInfo>,
    /// Of an app: why its supervisors gave up.
    culprits: Option<Culprits>,
}

/// A node that runs.
struct RunningNode {
    node: Node,
    pages: Option<NodePages>,
    /// Where programs write to.
    stream: Stream,
    log_file: Option<LogFile>,
    signals: Receiver<Signal>,
    events: Receiver<Event>,
    /// What happens to processes, if there are apps.
    happened: Receiver<NodeEvent>,
    started: Vec<StartedTask>,
    /// Where the sockets of its programs are.
    outside: Arc<Outside>,
}

/// What a running node waits for.
enum NodeInput {
    /// A closed channel counts as a signal: no other could come.
    Signal(Option<Signal>),
    Mesh(Option<Event>),
    /// `None` when this node did not keep up.
    Happened(Option<NodeEvent>),
    /// The output of processes could not be written.
    OutputFailed,
    /// The app or program at this index of `started` has ended.
    Exit(usize, Option<ExitInfo>),
}

impl RunningNode {
    fn run(mut self) -> Result<(), Failure> {
        loop {
            match self.next_input() {
                NodeInput::Signal(signal) => {
                    if self.is_to_end(signal) {
                        self.end_apps();
                        drain(&self.outside, &self.signals);
                        self.node.shutdown();
                        return Ok(());
                    }
                }
                NodeInput::OutputFailed => {
                    if let Err(error) = self.stream.flush(Duration::ZERO) {
                        let why = io_error::describe(&error);
                        warn!("the output of processes is lost from now on: {why}");
                    }
                }
                NodeInput::Happened(Some(event)) => self.note(&event),
                NodeInput::Happened(None) => self.happened = never(),
                NodeInput::Mesh(None) => {
                    return Err(Failure::failed("the node has stopped by itself"));
                }
                NodeInput::Mesh(Some(event)) => {
                    if let Some(failure) = mesh_events::fatal(&event) {
                        self.node.shutdown();
                        return Err(failure);
                    }
                    match event {
                        Event::Up { .. } | Event::Joined(_) => {
                            self.pages.iter().for_each(|pages| pages.set_ready(true));
                            info!("{}", mesh_events::describe(&event));
                        }
                        Event::LeaveRequested => {
                            info!("{}", mesh_events::describe(&event));
                            self.end_apps();
                            self.node.leave();
                            return Ok(());
                        }
                        Event::JoinFailed(_) => warn!("{}", mesh_events::describe(&event)),
                        // The network layer has logged these, with reasons.
                        _ => {}
                    }
                }
                NodeInput::Exit(which, exit) => {
                    // What has led to it is told before.
                    self.happened.clone().try_iter().for_each(|event| self.note(&event));
                    let ended = self.started.remove(which);
                    ended.log_end(exit.map(|exit| exit.reason));
                }
            }
        }
    }

    fn next_input(&self) -> NodeInput {
        let mut select = Select::new();
        let (signal, event) = (select.recv(&self.signals), select.recv(&self.events));
        let (failed, happened) = (select.recv(self.stream.failed()), select.recv(&self.happened));
        let exits: Vec<_> = self.started.iter().map(|started| select.recv(&started.exit)).collect();
        let chosen = select.select();
        let at = chosen.index();
        if at == signal {
            return NodeInput::Signal(chosen.recv(&self.signals).ok());
        }
        if at == failed {
            // It carries no value: the error is taken by `flush`.
            let _ = chosen.recv(self.stream.failed());
            return NodeInput::OutputFailed;
        }
        if at == happened {
            return NodeInput::Happened(chosen.recv(&self.happened).ok());
        }
        let which = exits.iter().position(|exit| *exit == at);
        match which.and_then(|which| Some((which, self.started.get(which)?))) {
            Some((which, started)) => NodeInput::Exit(which, chosen.recv(&started.exit).ok()),
            None => {
                debug_assert_eq!(at, event);
                NodeInput::Mesh(chosen.recv(&self.events).ok())
            }
        }
    }

    /// Notes why the supervisors of apps give up.
    fn note(&mut self, event: &NodeEvent) {
        let EventKind::Supervised { supervisor, what: Supervision::GaveUp { child, reason } } =
            &event.kind
        else {
            return;
        };
        for StartedTask { pid, culprits, .. } in &mut self.started {
            if let Some(culprits) = culprits {
                culprits.add(pid == supervisor, child, *reason);
            }
        }
    }

    /// Whether a signal tells the node to end. SIGHUP does not when there is a log file: who
    /// moves that away has it opened again by this.
    fn is_to_end(&self, signal: Option<Signal>) -> bool {
        match (&self.log_file, signal) {
            (Some(log_file), Some(Signal::SIGHUP)) => {
                log_file.reopen();
                false
            }
            _ => true,
        }
    }

    /// Asks the apps to end, the last one first, and waits for each within the shutdown times
    /// of its children. Another signal ends the waiting, and so does `APPS_END_WITHIN`.
    fn end_apps(&self) {
        self.pages.iter().for_each(|pages| pages.set_ready(false));
        let deadline = after(APPS_END_WITHIN);
        let since = Instant::now();
        for app in self.started.iter().rev().filter(|started| started.culprits.is_some()) {
            self.node.scheduler().kill(app.pid, Reason::SHUTDOWN);
            loop {
                select! {
                    recv(app.exit) -> _ => {
                        info!("app {} has ended", app.name);
                        break;
                    }
                    recv(self.signals) -> signal => if self.is_to_end(signal.ok()) {
                        warn!("told to end again: the apps are stopped as they are");
                        return;
                    },
                    recv(deadline) -> _ => {
                        let (name, seconds) = (&app.name, since.elapsed().as_secs());
                        warn!("app {name} has not ended in {seconds} s: it is stopped as it is");
                        return;
                    }
                }
            }
        }
    }
}

impl StartedTask {
    /// Logs the end. Traps were logged when they occurred, with their places.
    fn log_end(&self, reason: Option<Reason>) {
        let Self { name, pid, culprits, .. } = self;
        match (reason, culprits) {
            (Some(reason @ (Reason::NORMAL | Reason::SHUTDOWN)), Some(_)) => {
                info!("app {name} has ended: {reason}");
            }
            (Some(reason), Some(culprits)) => {
                let why = culprits.explain().map(|why| format!("; {why}")).unwrap_or_default();
                error!("app {name} has ended: {reason}{why}");
            }
            (Some(Reason::NORMAL), None) | (None, _) => info!("{name}, process {pid}, has ended"),
            (Some(reason), None) if reason.0 > 0 => {
                info!("{name}, process {pid}, has ended: {reason}")
            }
            (Some(reason), None) => warn!("{name}, process {pid}, has ended: {reason}"),
        }
    }
}

/// The name of an app whose file gives none.
fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}
