//! The one thread that owns a node's view of the cluster. It drives the
//! membership core: it passes commands of readers, dials and callers to it, and
//! carries out its actions. It never reads or writes a socket itself.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use iridium_proto::{ControlReply, ControlRequest};

use crate::cause::Cause;
use crate::endpoint::Endpoint;
use crate::error::{JoinError, StartError};
use crate::event::{Event, JoinReport};
use crate::ids::{ConnId, DialId, JoinId};
use crate::link::ClusterClient;
use crate::membership::{Action, DialFailure, Input, Membership, Start};
use crate::resolve;
use crate::threads::lock;

use super::command::{Command, JoinReply};
use super::connection::ConnectionContext;
use super::dials::Dials;
use super::listener_set::{BoundListeners, ListenerSet};
use super::peers_file::PeersFile;
use super::relief::Relief;

/// The owner thread and all that only it may touch.
pub(super) struct Owner {
    context: ConnectionContext,
    listeners: ListenerSet,
    peers_file: PeersFile,
    /// Connections that the core knows of.
    links: HashMap<ConnId, Arc<ClusterClient>>,
    dials: Dials,
    /// Callers that wait for a join.
    joins: HashMap<JoinId, JoinReply>,
    seeds: Vec<Endpoint>,
    relief: Relief,
}

impl Owner {
    pub(super) fn new(
        listeners: ListenerSet,
        peers_file: PeersFile,
        context: ConnectionContext,
    ) -> Self {
        let seeds = context.config.seeds.clone();
        let dials = Dials::new(context.config.timing.dial_timeout);
        let (links, joins) = (HashMap::new(), HashMap::new());
        let relief = Relief::new(Instant::now());
        Self { context, listeners, peers_file, links, dials, joins, seeds, relief }
    }

    /// Starts to accept connections, and the owner's thread.
    pub(super) fn start(
        self,
        bound: BoundListeners,
        start: Start,
        inputs: Receiver<Command>,
    ) -> Result<(), StartError> {
        let context = self.context.clone();
        let (on_mesh, on_control) = (context.clone(), context.clone());
        let port = self.listeners.mesh_addr().port();
        self.listeners.start(
            bound,
            &context.config.security,
            &context.threads,
            Arc::new(move |session, remote, first| on_mesh.accepted(session, remote, first)),
            Arc::new(move |session, remote, first| {
                on_control.accepted_for_control(session, remote, first, port);
            }),
        )?;
        let threads = context.threads.clone();
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
            self.perform_actions(&mut core, epoch.elapsed());
            let wait = core.poll_timeout().map(|at| at.saturating_sub(epoch.elapsed()));
            let command = match inputs.recv_timeout(wait.unwrap_or(Duration::MAX)) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let now = epoch.elapsed();
            let late = core.poll_timeout().map_or(Duration::ZERO, |at| now.saturating_sub(at));
            self.relieve(late);
            match command {
                None => {}
                Some(Command::Stop { forget }) => return self.stop(&mut core, now, forget, inputs),
                Some(command) => self.handle_command(&mut core, command, now),
            }
            // Timers must not be delayed by a stream of commands. What has come before is handled
            // first: those whose messages were not looked at yet are not silent.
            if core.poll_timeout().is_some_and(|at| at <= now) {
                for command in inputs.try_iter().take(inputs.len()) {
                    if let Command::Stop { forget } = command {
                        return self.stop(&mut core, now, forget, inputs);
                    }
                    self.handle_command(&mut core, command, now);
                }
                core.handle_timeout(epoch.elapsed());
            }
        }
    }

    /// This is done with each heartbeat, and oftener when there is more to do.
    fn relieve(&mut self, late: Duration) {
        let ConnectionContext { config, shared, application, .. } = &self.context;
        let unrun = (late > config.timing.starved_after).then_some(late);
        self.relief.turn(&self.links, shared, &**application, unrun, Instant::now());
    }

    fn handle_command(&mut self, core: &mut Membership, command: Command, now: Duration) {
        core.may_renumber(self.context.application.may_renumber());
        match command {
            Command::Input(input) => {
                if let Input::Closed { conn } = input {
                    // The core closes only what has not ended by itself.
                    self.links.remove(&conn);
                }
                self.handle_input(core, input, now);
            }
            Command::Message { conn, message, place } => {
                core.handle(Input::Message { conn, message }, now);
                drop(place);
            }
            Command::Opened(link, input) => {
                self.links.insert(link.id(), link);
                self.handle_input(core, input, now);
            }
            Command::Join { to, reply } => {
                let join = core.join(to, false, now);
                self.joins.insert(join, reply);
            }
            // The caller may have gone meanwhile.
            Command::Members { reply } => drop(reply.send(core.view())),
            Command::Forget { alias, reply } => drop(reply.send(core.forget(&alias, now))),
            Command::Control { request, reply } => {
                drop(reply.send(self.control_reply(core, &request, now)));
            }
            Command::Stop { .. } => {}
        }
    }

    fn handle_input(&mut self, core: &mut Membership, input: Input, now: Duration) {
        match input {
            Input::Connected { dial, .. } => self.dials.ended(dial, true, now),
            Input::DialFailed { dial, .. } => self.dials.ended(dial, false, now),
            _ => {}
        }
        core.handle(input, now);
    }

    fn control_reply(
        &self,
        core: &mut Membership,
        request: &ControlRequest,
        now: Duration,
    ) -> ControlReply {
        match request {
            ControlRequest::Members => ControlReply::Members(core.view()),
            ControlRequest::Leave => {
                self.emit(&Event::LeaveRequested);
                ControlReply::Leaving
            }
            ControlRequest::Forget(alias) => match core.forget(alias, now) {
                Ok(()) => ControlReply::Forgotten,
                Err(error) => ControlReply::Failed(error.to_string()),
            },
            // The thread of the client hands these to the application.
            ControlRequest::Application(_) => {
                ControlReply::Failed("only the application answers this".into())
            }
            ControlRequest::Unknown(number) => ControlReply::NotUnderstood(*number),
        }
    }

    /// Carries out the actions of the core.
    fn perform_actions(&mut self, core: &mut Membership, now: Duration) {
        // First, so that it is up to date when the application is called.
        *lock(&self.context.shared.me) = core.me();
        loop {
            while let Some(action) = core.poll_action() {
                self.perform(core, action, now);
            }
            let next = self.dials.next(now, |dial| core.wants(dial));
            let Some((dial, to)) = next else { return };
            if let Err(failure) = self.dial(dial, to) {
                self.handle_input(core, Input::DialFailed { dial, failure }, now);
            }
        }
    }

    fn perform(&mut self, core: &mut Membership, action: Action, now: Duration) {
        match action {
            Action::Dial { dial, to } => self.dials.add(dial, to),
            Action::LookUp { join, host, port } => {
                if let Err(why) = self.look_up(join, host, port) {
                    core.handle(Input::LookedUp { join, outcome: Err(why) }, now);
                }
            }
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
                    link.set_peer(id.clone());
                    lock(&self.context.shared.routes).insert(id.alias.clone(), Arc::clone(link));
                    self.context.application.linked(&id, link);
                }
            }
            Action::Unlink { id, conn } => {
                let mut routes = lock(&self.context.shared.routes);
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
            Action::Joined { join, outcome } => self.report_join(join, outcome),
            Action::SavePeers(peers) => self.peers_file.save_peers(peers),
            Action::IdentityChanged(id) => {
                log::warn!("this node has a new identity: {id}, number {}", id.number);
                self.peers_file.save_incarnation(id.incarnation);
                self.context.application.identity_changed(&id);
            }
        }
    }

    /// Has a thread dial, which reports the outcome.
    fn dial(&self, dial: DialId, to: SocketAddr) -> Result<(), DialFailure> {
        let context = self.context.clone();
        let dials = self.context.threads.run(move || context.dial(dial, to));
        dials.map_err(|error| DialFailure::Unreachable(Cause::new(error)))
    }

    /// Starts to look up a name.
    fn look_up(&self, join: JoinId, host: String, port: u16) -> Result<(), Cause> {
        let commands = self.context.commands.clone();
        let spawned = resolve::look_up(host, port, move |outcome| {
            // The node may have stopped meanwhile.
            let _ = commands.send(Command::Input(Input::LookedUp { join, outcome }));
        });
        spawned.map_err(Cause::new)
    }

    fn report_join(&mut self, join: JoinId, outcome: Result<JoinReport, JoinError>) {
        match self.joins.remove(&join) {
            // The caller may have gone meanwhile.
            Some(reply) => drop(reply.send(outcome)),
            None => self.emit(&match outcome {
                Ok(report) => Event::Joined(report),
                Err(error) => Event::JoinFailed(error),
            }),
        }
    }

    /// Reports an event, then lets data through that came on the connection it reports.
    fn emit(&self, event: &Event) {
        self.context.application.event(event);
        if let Event::Up { link, .. } | Event::Recovered { reconnected: true, link, .. } = event
            && let Some(link) = self.links.get(&link.conn())
        {
            link.admit();
        }
        lock(&self.context.shared.subscribers).retain(|subscriber| {
            let sent = subscriber.try_send(event.clone());
            let full = matches!(sent, Err(crossbeam_channel::TrySendError::Full(_)));
            // The first subscriber may never come; its channel may fill up.
            let awaited = lock(&self.context.shared.since_start).take_if(|_| full).is_some();
            if full && !awaited {
                log::error!("cut off a subscriber that does not take its events");
            }
            sent.is_ok()
        });
    }

    /// Leaves and closes everything. The threads of connections end by themselves.
    fn stop(
        mut self,
        core: &mut Membership,
        now: Duration,
        forget: bool,
        inputs: &Receiver<Command>,
    ) {
        self.context.shared.stopping.store(true, Ordering::SeqCst);
        core.leave();
        self.perform_actions(core, now);
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
        self.listeners.stop();
        self.context.shared.controls.stop();
        lock(&self.context.shared.routes).clear();
        lock(&self.context.shared.subscribers).clear();
    }
}
