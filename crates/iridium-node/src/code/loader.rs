//! The thread that fetches modules from other nodes and sends them modules.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use iridium_isa::{Module, ModuleId};
use iridium_net::SendError;
use iridium_sched::Scheduler;
use iridium_vm::Program;

use super::cache::Cache;
use super::programs::Programs;
use super::spawn::SpawnRequest;
use super::transfers::{Arrived, News, Transfers};
use crate::links::{Lane, Links, Peer};
use crate::this_node::ThisNode;
use crate::wire::NodeMessage;

/// How long processes wait for their code.
const PATIENCE: Duration = Duration::from_secs(30);
/// Processes that may wait for code, and transfers that may wait for room.
const MAX_WAITING: usize = 100_000;

/// What the loader is told.
#[derive(Debug)]
pub(crate) enum LoaderOrder {
    /// Start a process whose code was not here a moment ago.
    Spawn(SpawnRequest),
    /// A peer wants code.
    Send { to: Arc<Peer>, module: ModuleId },
    /// Something has happened that [`Transfers`] has noted.
    CheckTransfers,
    /// End.
    Stop,
}

/// Fetches modules from other nodes and sends them modules.
pub(crate) struct Loader {
    this: Arc<ThisNode>,
    links: Arc<Links>,
    programs: Arc<Programs>,
    transfers: Arc<Transfers>,
    cache: Cache,
    /// Code that is under way, and the processes that wait for it.
    wanted: HashMap<ModuleId, Wanted>,
    /// Code that waits for room on the way to a peer.
    unsent: VecDeque<Unsent>,
}

/// Code that waits for room on the way to a peer. However often the peer asks meanwhile, it is sent
/// once.
struct Unsent {
    to: Arc<Peer>,
    module: ModuleId,
    bytes: Vec<u8>,
}

/// Code that is under way.
struct Wanted {
    from: u32,
    until: Instant,
    requests: Vec<SpawnRequest>,
}

impl Loader {
    pub(crate) fn new(
        this: Arc<ThisNode>,
        links: Arc<Links>,
        programs: Arc<Programs>,
        transfers: Arc<Transfers>,
        cache: Cache,
    ) -> Self {
        let (wanted, unsent) = Default::default();
        Self { this, links, programs, transfers, cache, wanted, unsent }
    }

    /// Works until it is told to end.
    pub(crate) fn run(mut self, orders: &Receiver<LoaderOrder>) {
        loop {
            let until = self.wanted.values().map(|wanted| wanted.until).min();
            let order = match until {
                Some(until) => orders.recv_deadline(until),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let Some(scheduler) = self.this.scheduler() else { return };
            self.take_news(&scheduler);
            // Also when there is always something else to do.
            if until.is_some_and(|until| until <= Instant::now()) {
                self.give_up_late_ones();
            }
            match order {
                Ok(LoaderOrder::Spawn(request)) => self.spawn(&scheduler, request),
                Ok(LoaderOrder::Send { to, module }) => self.send(&scheduler, to, module),
                // What there was is seen to.
                Ok(LoaderOrder::CheckTransfers) | Err(RecvTimeoutError::Timeout) => {}
                Ok(LoaderOrder::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Sees to what has happened before the order that is next: a node that was lost may be back, and
    /// ask again.
    fn take_news(&mut self, scheduler: &Scheduler) {
        let News { lost, arrived, room } = self.transfers.take();
        lost.into_iter().for_each(|node| self.lose(node));
        for arrived in arrived {
            self.take(scheduler, arrived);
        }
        if room {
            self.send_unsent();
        }
    }

    fn spawn(&mut self, scheduler: &Scheduler, request: SpawnRequest) {
        let id = request.module;
        if request.start_if_loaded(scheduler, &self.this, &self.links) {
            return;
        }
        // Looked at before the disk: many may wait for the same.
        let is_wanted = self.wanted.contains_key(&id);
        if !is_wanted && let Some(module) = self.cache.find(id) {
            let outcome = self.ready(module);
            return self.settle(scheduler, vec![request], outcome);
        }
        let waiting: usize = self.wanted.values().map(|wanted| wanted.requests.len()).sum();
        if waiting >= MAX_WAITING {
            return request.answer(&self.links, Err("too many processes wait for code".into()));
        }
        match self.wanted.get_mut(&id) {
            Some(wanted) => wanted.requests.push(request),
            None => self.fetch(id, vec![request]),
        }
    }

    /// Asks for code, of the first who wants a process and is still there.
    fn fetch(&mut self, id: ModuleId, requests: Vec<SpawnRequest>) {
        let asked = requests.iter().map(SpawnRequest::peer).find(|peer| {
            let wanted = NodeMessage::CodeWanted { module: id };
            // Before it can come.
            self.transfers.expect(id, peer.number());
            !peer.is_lost() && self.links.send(peer, Lane::Code, &wanted).is_ok()
        });
        if let Some(from) = asked.map(|peer| peer.number()) {
            self.wanted.insert(id, Wanted { from, until: Instant::now() + PATIENCE, requests });
        } else {
            self.transfers.forget(id);
        }
    }

    /// Takes in code that was wanted. What no one waits for any more is not looked at.
    fn take(&mut self, scheduler: &Scheduler, arrived: Arrived) {
        let Arrived { from, module: id, file, .. } = arrived;
        if self.wanted.get(&id).is_none_or(|wanted| wanted.from != from) {
            return;
        }
        let Some(Wanted { requests, .. }) = self.wanted.remove(&id) else { return };
        let module = match file.map(|file| Module::from_bytes(&file)) {
            Some(Ok(module)) if module.id() == id => Ok(module),
            Some(Ok(module)) => Err(format!("{} came instead", module.id())),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("the node that wants the process does not have it".into()),
        };
        match module {
            Ok(module) => {
                self.cache.keep(&module);
                let outcome = self.ready(module);
                self.settle(scheduler, requests, outcome);
            }
            Err(why) => {
                let limits = requests.first().map(|request| &request.peer().log_limits);
                if let Some(left_out) = limits.and_then(|limits| limits.admit("no code")) {
                    log::warn!("got no code for module {id} from node {from}: {why}{left_out}");
                }
                self.fail(id, requests, from, &why);
            }
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

    /// The code did not come from where it was expected: those whose nodes have it too may still get
    /// it from there.
    fn fail(&mut self, id: ModuleId, requests: Vec<SpawnRequest>, from: u32, why: &str) {
        let (hopeless, others): (Vec<_>, Vec<_>) =
            requests.into_iter().partition(|request| request.peer().number() == from);
        self.transfers.forget(id);
        for request in hopeless {
            request.answer(&self.links, Err(format!("its code did not come: {why}")));
        }
        if !others.is_empty() {
            self.fetch(id, others);
        }
    }

    fn lose(&mut self, node: u32) {
        self.unsent.retain(|unsent| unsent.to.number() != node);
        let lost: Vec<_> = self
            .wanted
            .iter()
            .filter(|(_, wanted)| wanted.from == node)
            .map(|(id, _)| *id)
            .collect();
        for id in lost {
            if let Some(Wanted { requests, .. }) = self.wanted.remove(&id) {
                self.fail(id, requests, node, "the node is lost");
            }
        }
    }

    fn give_up_late_ones(&mut self) {
        let now = Instant::now();
        let late: Vec<_> = self
            .wanted
            .iter()
            .filter(|(_, wanted)| wanted.until <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            if let Some(Wanted { requests, from, .. }) = self.wanted.remove(&id) {
                self.fail(id, requests, from, "no answer in time");
            }
        }
    }

    /// Sends code to a peer, if it is here.
    fn send(&mut self, scheduler: &Scheduler, to: Arc<Peer>, module: ModuleId) {
        if self.unsent.iter().any(|unsent| unsent.module == module && Arc::ptr_eq(&unsent.to, &to))
        {
            return;
        }
        let known = scheduler.program(module).map(|program| program.module().to_bytes().into());
        let file = known.or_else(|| self.cache.find(module).map(|module| module.to_bytes().into()));
        if let Ok(bytes) = (NodeMessage::Code { module, file }).to_bytes()
            && bytes.len() <= iridium_proto::MAX_MESSAGE
        {
            self.unsent.push_back(Unsent { to, module, bytes });
            self.send_unsent();
        } else {
            // Too long for the mesh; as if it were not here.
            let absent = NodeMessage::Code { module, file: None };
            if let Err(error) = self.links.send(&to, Lane::Code, &absent) {
                log::debug!("peer={} does not learn that there is no code: {error}", to.id.alias);
            }
        }
    }

    fn send_unsent(&mut self) {
        for _ in 0..self.unsent.len() {
            let Some(Unsent { to, module, bytes }) = self.unsent.pop_front() else { return };
            match to.client.send_in(Lane::Code.number(), bytes) {
                Ok(()) => self.links.count_module_sent(),
                Err(refused)
                    if refused.why == SendError::WouldBlock && self.unsent.len() < MAX_WAITING =>
                {
                    self.unsent.push_back(Unsent { to, module, bytes: refused.bytes });
                }
                Err(_) => {}
            }
        }
    }
}
