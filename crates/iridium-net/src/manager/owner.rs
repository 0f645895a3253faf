//! The one thread that owns a node's view of the cluster. It drives the
//! membership core: feeds it what readers, dials and callers bring, and carries
//! out what it asks for. It never reads or writes a socket itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use iridium_proto::{ControlReply, ControlRequest};

use crate::application::Application;
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::error::{JoinError, StartError};
use crate::event::{Event, JoinReport};
use crate::ids::{ConnId, DialId, JoinId};
use crate::link::ClusterClient;
use crate::membership::{Action, DialFailure, Input, Membership, Start};
use crate::threads::{Threads, lock};

use super::command::{Command, JoinReply};
use super::connection::Worker;
use super::doors::{Doors, Listeners};
use super::peers_file::PeersFile;
use super::shared::Shared;

pub(super) struct Owner {
    worker: Worker,
    doors: Doors,
    peers_file: PeersFile,
    /// Connections that the core knows of.
    links: HashMap<ConnId, Arc<ClusterClient>>,
    /// Callers that wait for a join.
    joins: HashMap<JoinId, JoinReply>,
    seeds: Vec<Endpoint>,
}

impl Owner {
    pub(super) fn new(
        config: Config,
        doors: Doors,
        peers_file: PeersFile,
        threads: Threads,
        commands: Sender<Command>,
        application: Arc<dyn Application>,
        shared: Arc<Shared>,
    ) -> Self {
        let seeds = config.seeds.clone();
        let config = Arc::new(config);
        let worker = Worker { config, threads, commands, application, shared };
        Self { worker, doors, peers_file, links: HashMap::new(), joins: HashMap::new(), seeds }
    }

    /// Starts the owner's thread, then accepting.
    pub(super) fn start(
        self,
        listeners: Listeners,
        start: Start,
        inputs: Receiver<Command>,
    ) -> Result<(), StartError> {
        let worker = self.worker.clone();
        let (on_mesh, on_control) = (worker.clone(), worker.clone());
        let port = self.doors.mesh_addr().port();
        self.doors.open(
            listeners,
            &worker.config.security,
            &worker.threads,
            Arc::new(move |session, remote, first| on_mesh.accepted(session, remote, first)),
            Arc::new(move |session, remote, first| {
                on_control.accepted_for_control(session, remote, first, port);
            }),
        )?;
        let threads = worker.threads.clone();
        threads
            .spawn("iridium-manager", move || self.run(start, &inputs))
            .map_err(StartError::System)
    }

    fn run(mut self, start: Start, inputs: &Receiver<Command>) {
        let epoch = Instant::now();
        let mut core = Membership::new(start, Duration::ZERO);
        for seed in std::mem::take(&mut self.seeds) {
            core.join(seed, true, Duration::ZERO);
        }
        loop {
            self.act(&mut core);
            let wait = core.poll_timeout().map(|at| at.saturating_sub(epoch.elapsed()));
            let command = match inputs.recv_timeout(wait.unwrap_or(Duration::MAX)) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let now = epoch.elapsed();
            match command {
                None => core.handle_timeout(now),
                Some(Command::Stop { forget }) => return self.stop(&mut core, forget, inputs),
                Some(command) => self.take(&mut core, command, now),
            }
            // Inputs must not keep timers from being seen to.
            if core.poll_timeout().is_some_and(|at| at <= now) {
                core.handle_timeout(now);
            }
        }
    }

    fn take(&mut self, core: &mut Membership, command: Command, now: Duration) {
        core.may_renumber(self.worker.application.may_renumber());
        match command {
            Command::Input(input) => core.handle(input, now),
            Command::Opened(link, input) => {
                self.links.insert(link.id(), link);
                core.handle(input, now);
            }
            Command::Join { to, reply } => {
                let join = core.join(to, false, now);
                self.joins.insert(join, reply);
            }
            // Whoever asked may have gone meanwhile.
            Command::Members { reply } => drop(reply.send(core.view())),
            Command::Control { request, reply } => {
                drop(reply.send(self.answer(core, &request)));
            }
            Command::Stop { .. } => {}
        }
    }

    fn answer(&self, core: &Membership, request: &ControlRequest) -> ControlReply {
        match request {
            ControlRequest::Members => ControlReply::Members(core.view()),
            ControlRequest::Leave => {
                self.emit(&Event::LeaveRequested);
                ControlReply::Leaving
            }
            // Answered by the application, on a thread of the client's own.
            ControlRequest::Application(_) => {
                ControlReply::Failed("only the application answers this".into())
            }
            ControlRequest::Unknown(number) => ControlReply::NotUnderstood(*number),
        }
    }

    /// Carries out what the core asks for.
    fn act(&mut self, core: &mut Membership) {
        // First, so that whoever is told of a change finds it there.
        *lock(&self.worker.shared.me) = core.me();
        while let Some(action) = core.poll_action() {
            match action {
                Action::Dial { dial, to } => self.dial(dial, to),
                Action::Send { conn, message } => {
                    if let Some(link) = self.links.get(&conn) {
                        log::trace!("to {}: {}", link.remote_ip(), message.name());
                        link.send_control(message);
                    }
                }
                Action::Close { conn, why } => {
                    if let Some(link) = self.links.remove(&conn) {
                        log::debug!("closing {}:{}: {why}", link.remote_ip(), link.remote_port());
                        link.close();
                    }
                }
                Action::Link { id, conn } => {
                    if let Some(link) = self.links.get(&conn) {
                        link.belongs_to(id.clone());
                        lock(&self.worker.shared.routes).insert(id.alias.clone(), Arc::clone(link));
                        self.worker.application.linked(&id, link);
                    }
                }
                Action::Unlink { id, conn } => {
                    let mut routes = lock(&self.worker.shared.routes);
                    if routes.get(&id.alias).is_some_and(|link| link.id() == conn) {
                        routes.remove(&id.alias);
                    }
                }
                Action::Features { conn, features } => {
                    if let Some(link) = self.links.get(&conn) {
                        link.set_features(features);
                    }
                }
                Action::Emit(event) => self.emit(&event),
                Action::Joined { join, outcome } => self.joined(join, outcome),
                Action::SavePeers(peers) => self.peers_file.save_peers(peers),
                Action::Reborn(id) => {
                    log::warn!("this node goes on as {id}, number {}", id.number);
                    self.peers_file.save_incarnation(id.incarnation);
                    self.worker.application.reborn(&id);
                }
            }
        }
    }

    fn dial(&self, dial: DialId, to: Endpoint) {
        let worker = self.worker.clone();
        let spawned = self.worker.threads.spawn("iridium-peer", move || worker.dial(dial, &to));
        if let Err(e) = spawned {
            let failure = DialFailure::Unreachable(format!("no thread to dial with: {e}"));
            // The owner sends to itself: never wait for room.
            let input = Command::Input(Input::DialFailed { dial, failure });
            if self.worker.commands.try_send(input).is_err() {
                log::error!("a dial was lost: no thread and no room");
            }
        }
    }

    fn joined(&mut self, join: JoinId, outcome: Result<JoinReport, JoinError>) {
        match self.joins.remove(&join) {
            // The caller may have gone meanwhile.
            Some(reply) => drop(reply.send(outcome)),
            None => self.emit(&match outcome {
                Ok(report) => Event::Joined(report),
                Err(error) => Event::JoinFailed(error),
            }),
        }
    }

    /// Tells of an event, then lets through what a connection has brought that
    /// was told of by it.
    fn emit(&self, event: &Event) {
        self.worker.application.event(event);
        if let Event::Up { link, .. } | Event::Recovered { reconnected: true, link, .. } = event
            && let Some(link) = self.links.get(&link.conn())
        {
            link.admit();
        }
        lock(&self.worker.shared.listeners).retain(|listener| {
            let sent = listener.try_send(event.clone());
            let full = matches!(sent, Err(crossbeam_channel::TrySendError::Full(_)));
            // Events since the start are kept for a first listener who may never come.
            let awaited = lock(&self.worker.shared.since_start).take_if(|_| full).is_some();
            if full && !awaited {
                log::error!("a listener was cut off: it did not take its events");
            }
            sent.is_ok()
        });
    }

    /// Says goodbye and closes everything; the threads end by themselves.
    fn stop(mut self, core: &mut Membership, forget: bool, inputs: &Receiver<Command>) {
        self.worker.shared.over.store(true, Ordering::SeqCst);
        core.leave();
        self.act(core);
        for link in self.links.values() {
            link.close();
        }
        for command in inputs.try_iter() {
            if let Command::Opened(link, _) = command {
                link.abort();
            }
        }
        if forget {
            self.peers_file.save_peers(Vec::new());
        }
        self.doors.close();
        self.worker.shared.controls.end();
        lock(&self.worker.shared.routes).clear();
        lock(&self.worker.shared.listeners).clear();
    }
}
