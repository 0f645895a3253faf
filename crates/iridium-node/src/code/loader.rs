//! The thread that fetches modules from other nodes and sends them modules.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use iridium_isa::{Module, ModuleId};
use iridium_net::SendError;
use iridium_sched::Scheduler;
use iridium_vm::Program;

use super::LIMITS;
use super::cache::Cache;
use super::outgoing::Outgoing;
use super::programs::Programs;
use super::spawn::SpawnRequest;
use super::transfers::{Arrived, News, NoFile, Transfers};
use super::wanted::Wanted;
use crate::links::{Lane, Links, Peer};
use crate::orders::{Next, Orders};
use crate::this_node::ThisNode;
use crate::wire::{NodeMessage, code_bytes};

/// Modules that may wait for room on the way to one peer.
const MAX_UNSENT: usize = 4096;

/// What the loader is told.
#[derive(Debug)]
pub(crate) enum LoaderOrder {
    /// Start a process whose code was not here a moment ago.
    Spawn(SpawnRequest),
    /// A peer wants code.
    Send { to: Arc<Peer>, module: ModuleId },
}

/// Fetches modules from other nodes and sends them modules.
pub(crate) struct Loader {
    this: Arc<ThisNode>,
    links: Arc<Links>,
    programs: Arc<Programs>,
    transfers: Arc<Transfers>,
    cache: Cache,
    /// Code that is under way, and the processes that wait for it.
    wanted: Wanted,
    /// Code that waits for room, by the node to which it goes.
    unsent: BTreeMap<u32, Unsent>,
    /// What is under way, and the nodes that wait for room among it, the next first.
    outgoing: Outgoing,
    turns: VecDeque<u32>,
}

/// Code that waits for room on the way to a peer. However often the peer asks meanwhile, it is sent
/// once; and it is made when there is room, so that a peer that takes nothing in costs no memory.
struct Unsent {
    to: Arc<Peer>,
    modules: BTreeSet<ModuleId>,
}

/// What has become of code for a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Yes,
    /// Too much is queued on the link.
    LinkFull,
    /// Too much is under way to all.
    NoRoom,
}

/// The module that a node has sent, or why it is none.
fn read(id: ModuleId, file: Result<Box<[u8]>, NoFile>) -> Result<Module, String> {
    let file = file.map_err(|error| error.to_string())?;
    let module = Module::from_file(file.into(), LIMITS).map_err(|error| error.to_string())?;
    match module.id() {
        its if its == id => Ok(module),
        its => Err(format!("{its} came instead")),
    }
}

impl Loader {
    pub(crate) fn new(
        this: Arc<ThisNode>,
        links: Arc<Links>,
        programs: Arc<Programs>,
        transfers: Arc<Transfers>,
        cache: Cache,
        outgoing: Outgoing,
    ) -> Self {
        let (wanted, unsent, turns) = Default::default();
        Self { this, links, programs, transfers, cache, wanted, unsent, outgoing, turns }
    }

    /// Works until it is told to end.
    pub(crate) fn run(mut self, orders: &Orders<LoaderOrder>) {
        loop {
            let until = self.until();
            let next = orders.next(until);
            let Some(scheduler) = self.this.scheduler() else { return };
            self.take_news(&scheduler);
            // Also when there is always something else to do.
            if until.is_some_and(|until| until <= Instant::now()) {
                self.look_after_late_ones();
                self.disconnect_late_ones();
            }
            self.send_in_turn(&scheduler);
            match next {
                Next::Order(LoaderOrder::Spawn(request)) => self.spawn(&scheduler, request),
                Next::Order(LoaderOrder::Send { to, module }) => self.send(&scheduler, to, module),
                // What there was is seen to.
                Next::Nothing => {}
                Next::Stop => return,
            }
        }
    }

    /// When there is something to do although nothing has happened.
    fn until(&self) -> Option<Instant> {
        let taken = self.outgoing.until().filter(|_| !self.turns.is_empty());
        self.wanted.until().into_iter().chain(taken).min()
    }

    /// Sees to what has happened before the order that is next: a node that was lost may be back, and
    /// ask again.
    fn take_news(&mut self, scheduler: &Scheduler) {
        let News { lost, arrived, room } = self.transfers.take();
        lost.into_iter().for_each(|node| self.lose(node));
        for arrived in arrived {
            self.take(scheduler, arrived);
        }
        for node in room {
            self.send_unsent(scheduler, node);
        }
    }

    fn spawn(&mut self, scheduler: &Scheduler, request: SpawnRequest) {
        let id = request.module;
        if request.start_if_loaded(scheduler, &self.this, &self.links) {
            return;
        }
        // Looked at before the disk: many may wait for the same.
        let is_wanted = self.wanted.has(id);
        if !is_wanted && let Some(module) = self.cache.find(id) {
            let outcome = self.ready(module);
            return self.settle(scheduler, vec![request], outcome);
        }
        if !self.wanted.has_room_for(request.peer().number()) {
            return request.answer(&self.links, Err("too many processes wait for code".into()));
        }
        if is_wanted {
            self.wanted.join(id, request);
        } else {
            self.fetch(scheduler, id, vec![request]);
        }
    }

    /// Wants code, for which these wait.
    fn fetch(&mut self, scheduler: &Scheduler, id: ModuleId, requests: Vec<SpawnRequest>) {
        // It may be long: those that were in use when the last one came may have ended meanwhile.
        self.programs.forget_unused(scheduler);
        self.wanted.begin(id, requests, Instant::now());
        if !self.ask_another(id) {
            // All who want it are lost.
            self.wanted.take(id);
        }
    }

    /// Asks for code, of the first who wants a process, has not been asked and is still there. Says whether
    /// there was one.
    fn ask_another(&mut self, id: ModuleId) -> bool {
        let asked = self.wanted.unasked(id).into_iter().find(|peer| self.ask(id, peer));
        if let Some(peer) = &asked {
            self.wanted.note_asked(id, peer.number(), Instant::now());
        }
        asked.is_some()
    }

    /// Asks a node for code. Says whether it is still there.
    fn ask(&self, id: ModuleId, peer: &Peer) -> bool {
        // Before it can come.
        self.transfers.expect(id, peer.number());
        let wanted = NodeMessage::CodeWanted { module: id };
        let sent = !peer.is_lost() && self.links.send(peer, Lane::Code, &wanted).is_ok();
        if !sent {
            self.transfers.forget(id, peer.number());
        }
        sent
    }

    /// Takes in code that was wanted. What no one waits for any more is not looked at.
    fn take(&mut self, scheduler: &Scheduler, arrived: Arrived) {
        let Arrived { from, module: id, file, .. } = arrived;
        if !self.wanted.is_asked(id, from) {
            return;
        }
        // What came before it is read by now.
        if file == Err(NoFile::LeftOut)
            && self.links.peers.find(from).is_some_and(|peer| self.ask(id, &peer))
        {
            return;
        }
        self.programs.forget_unused(scheduler);
        match read(id, file) {
            Ok(module) => {
                self.cache.keep(&module);
                let outcome = self.ready(module);
                self.transfers.forget_all(id);
                let requests = self.wanted.take(id);
                self.settle(scheduler, requests, outcome);
            }
            Err(why) => self.fail(id, from, &why),
        }
    }

    fn ready(&self, module: Module) -> Result<Arc<Program>, String> {
        self.programs.load_foreign(module).map_err(|error| error.to_string())
    }

    /// Starts those who have waited for a program, or tells them why not.
    fn settle(
        &self,
        scheduler: &Scheduler,
        requests: Vec<SpawnRequest>,
        outcome: Result<Arc<Program>, String>,
    ) {
        for request in requests {
            let started = match &outcome {
                Ok(program) => request.start(scheduler, program, &self.this.limits),
                Err(why) => Err(why.clone()),
            };
            request.answer(&self.links, started);
        }
    }

    /// The code does not come from a node that was asked: those whose nodes have it too may still get it
    /// from there.
    fn fail(&mut self, id: ModuleId, from: u32, why: &str) {
        self.transfers.forget(id, from);
        let hopeless = self.wanted.take_of(id, from);
        let limits = hopeless.first().map(|request| &request.peer().log_limits);
        if let Some(left_out) = limits.and_then(|limits| limits.admit("no code")) {
            log::warn!("got no code for module {id} from node {from}: {why}{left_out}");
        }
        for request in hopeless {
            request.answer(&self.links, Err(format!("its code did not come: {why}")));
        }
        if self.wanted.is_asked_in_vain(id, Instant::now()) && !self.ask_another(id) {
            self.give_up(id);
        }
    }

    fn lose(&mut self, node: u32) {
        self.unsent.remove(&node);
        self.turns.retain(|waiting| *waiting != node);
        for id in self.wanted.asked_of(node) {
            self.fail(id, node, "the node is lost");
        }
    }

    /// Asks others for what has not come in a while. When all were asked, it is given up in the end.
    fn look_after_late_ones(&mut self) {
        let now = Instant::now();
        while let Some(id) = self.wanted.take_due(now) {
            if self.ask_another(id) || !self.wanted.is_asked_in_vain(id, now) {
                self.wanted.look_again(id, now);
            } else {
                self.give_up(id);
            }
        }
    }

    fn give_up(&mut self, id: ModuleId) {
        self.transfers.forget_all(id);
        for request in self.wanted.take(id) {
            request.answer(&self.links, Err("its code did not come: no answer in time".into()));
        }
    }

    /// Sends code to a peer, if it is here, when there is room and what it has wanted before is sent.
    fn send(&mut self, scheduler: &Scheduler, to: Arc<Peer>, module: ModuleId) {
        let node = to.number();
        if let Some(unsent) = self.unsent.get_mut(&node) {
            if unsent.modules.len() < MAX_UNSENT {
                unsent.modules.insert(module);
            }
            return;
        }
        self.unsent.insert(node, Unsent { to, modules: BTreeSet::from([module]) });
        self.send_unsent(scheduler, node);
    }

    /// Sends a peer what there was no room for.
    fn send_unsent(&mut self, scheduler: &Scheduler, node: u32) {
        let Some(mut unsent) = self.unsent.remove(&node) else { return };
        while let Some(module) = unsent.modules.pop_first() {
            let sent = self.send_now(scheduler, &unsent.to, module);
            if sent == Sent::Yes {
                continue;
            }
            unsent.modules.insert(module);
            // It may have a turn, and be here since there is room on its link.
            if sent == Sent::NoRoom && !self.turns.contains(&node) {
                self.turns.push_back(node);
            }
            self.unsent.insert(node, unsent);
            return;
        }
    }

    /// Sends code to those who have waited for room among all that is under way.
    fn send_in_turn(&mut self, scheduler: &Scheduler) {
        while self.outgoing.has_room()
            && let Some(node) = self.turns.pop_front()
        {
            self.send_unsent(scheduler, node);
        }
    }

    /// Sends code to a peer, or word that it is not here. When there is room again on the way to it,
    /// [`Transfers`] knows.
    fn send_now(&mut self, scheduler: &Scheduler, to: &Arc<Peer>, module: ModuleId) -> Sent {
        let file = match self.outgoing.find(module) {
            Some(file) => file,
            None if !self.outgoing.has_room() && self.has(scheduler, module) => {
                return Sent::NoRoom;
            }
            None => match self.message(scheduler, module) {
                Some(message) => self.outgoing.add(module, message),
                None => return self.send_none(to, module),
            },
        };
        let message = self.outgoing.address(file, to.number(), Instant::now());
        match to.client.send_shared_in(Lane::Code.number(), message) {
            Ok(()) => self.links.count_module_sent(),
            Err(SendError::WouldBlock) => return Sent::LinkFull,
            // As if it were not here.
            Err(SendError::TooLong { .. }) => return self.send_none(to, module),
            // Nobody waits for it any more.
            Err(SendError::NotLinked) => {}
        }
        Sent::Yes
    }

    /// Whether a module is here.
    fn has(&self, scheduler: &Scheduler, module: ModuleId) -> bool {
        scheduler.program(module).is_some() || self.cache.has(module)
    }

    /// The message with a module, if it is here.
    fn message(&self, scheduler: &Scheduler, module: ModuleId) -> Option<Vec<u8>> {
        let known = scheduler.program(module).map(|program| Arc::clone(program.module()));
        let found = known.or_else(|| self.cache.find(module).map(Arc::new))?;
        Some(code_bytes(module, &found.to_pieces()))
    }

    /// Tells a peer that a module is not here.
    fn send_none(&self, to: &Peer, module: ModuleId) -> Sent {
        match self.links.try_send(to, Lane::Code, &NodeMessage::Code { module, file: None }) {
            Err(SendError::WouldBlock) => Sent::LinkFull,
            // Nobody waits for it any more, if it was not sent.
            _ => Sent::Yes,
        }
    }

    /// Closes links on which code stays, while others wait for room.
    fn disconnect_late_ones(&mut self) {
        if self.turns.is_empty() {
            return;
        }
        let late = self.outgoing.take_late(Instant::now());
        for peer in late.into_iter().filter_map(|node| self.links.peers.find(node)) {
            if let Some(left_out) = peer.log_limits.admit("takes no code") {
                let alias = &peer.id.alias;
                log::warn!(
                    "closed the link to peer={alias}: it does not take the code that it wants, and \
                     others wait{left_out}"
                );
            }
            peer.client.abort();
        }
    }
}
