//! The thread that fetches code from other nodes and gives it to them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use iridium_isa::{Module, ModuleId};
use iridium_net::SendError;
use iridium_sched::Scheduler;
use iridium_vm::{Hosts, Pid, Program};

use super::{Birth, Cache};
use crate::router::{Arrived, News, Parcel, Peer, Router};

/// How long processes wait for their code.
const PATIENCE: Duration = Duration::from_secs(30);
/// Processes that may wait for code, and transfers that may wait for room.
const MAX_WAITING: usize = 100_000;
/// Code travels apart from the messages of processes; no process has this number.
const LANE: Pid = Pid::from_bits(-1);

/// What the loader is told.
#[derive(Debug)]
pub(crate) enum LoaderOrder {
    /// Start a process whose code was not here a moment ago.
    Bear(Birth),
    /// A peer wants code.
    Send { to: Arc<Peer>, module: ModuleId },
    /// Something has happened that the router has noted.
    Look,
    /// End.
    Stop,
}

/// Fetches code from other nodes and gives it to them.
pub(crate) struct Loader {
    router: Arc<Router>,
    hosts: Hosts,
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
    births: Vec<Birth>,
}

impl Loader {
    pub(crate) fn new(router: Arc<Router>, hosts: Hosts, cache: Cache) -> Self {
        let (wanted, unsent) = Default::default();
        Self { router, hosts, cache, wanted, unsent }
    }

    /// Works until it is told to end.
    pub(crate) fn run(mut self, orders: &Receiver<LoaderOrder>) {
        loop {
            let until = self.wanted.values().map(|wanted| wanted.until).min();
            let order = match until {
                Some(until) => orders.recv_deadline(until),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let Some(scheduler) = self.router.scheduler() else { return };
            self.hear_news(&scheduler);
            // Also when there is always something else to do.
            if until.is_some_and(|until| until <= Instant::now()) {
                self.give_up_late_ones();
            }
            match order {
                Ok(LoaderOrder::Bear(birth)) => self.bear(&scheduler, birth),
                Ok(LoaderOrder::Send { to, module }) => self.send(&scheduler, to, module),
                // What there was is seen to.
                Ok(LoaderOrder::Look) | Err(RecvTimeoutError::Timeout) => {}
                Ok(LoaderOrder::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Sees to what has happened before the order that is next: a node that was lost may be back, and
    /// ask again.
    fn hear_news(&mut self, scheduler: &Scheduler) {
        let News { lost, arrived, room } = self.router.transfers.take();
        lost.into_iter().for_each(|node| self.lose(node));
        for arrived in arrived {
            self.take(scheduler, arrived);
        }
        if room {
            self.send_unsent();
        }
    }

    fn bear(&mut self, scheduler: &Scheduler, birth: Birth) {
        let id = birth.module;
        if self.router.bear(scheduler, &birth) {
            return;
        }
        // Looked at before the disk: many may wait for the same.
        let is_wanted = self.wanted.contains_key(&id);
        if !is_wanted && let Some(module) = self.cache.find(id) {
            let outcome = self.make_known(scheduler, module);
            return self.settle(scheduler, vec![birth], outcome);
        }
        let waiting: usize = self.wanted.values().map(|wanted| wanted.births.len()).sum();
        if waiting >= MAX_WAITING {
            return birth.answer(&self.router, Err("too many processes wait for code".into()));
        }
        match self.wanted.get_mut(&id) {
            Some(wanted) => wanted.births.push(birth),
            None => self.fetch(id, vec![birth]),
        }
    }

    /// Asks for code, of the first who wants a process and is still there.
    fn fetch(&mut self, id: ModuleId, births: Vec<Birth>) {
        let asked = births.iter().map(Birth::peer).find(|peer| {
            let wanted = Parcel::CodeWanted { module: id };
            // Before it can come.
            self.router.transfers.expect(id, peer.number());
            !peer.is_lost() && self.router.tell(peer, LANE, &wanted).is_ok()
        });
        if let Some(from) = asked.map(|peer| peer.number()) {
            self.wanted.insert(id, Wanted { from, until: Instant::now() + PATIENCE, births });
        } else {
            self.router.transfers.forget(id);
        }
    }

    /// Takes in code that was wanted. What no one waits for any more is not looked at.
    fn take(&mut self, scheduler: &Scheduler, arrived: Arrived) {
        let Arrived { from, module: id, file, .. } = arrived;
        if self.wanted.get(&id).is_none_or(|wanted| wanted.from != from) {
            return;
        }
        let Some(Wanted { births, .. }) = self.wanted.remove(&id) else { return };
        let module = match file.map(|file| Module::from_bytes(&file)) {
            Some(Ok(module)) if module.id() == id => Ok(module),
            Some(Ok(module)) => Err(format!("{} came instead", module.id())),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("the node that wants the process does not have it".into()),
        };
        match module {
            Ok(module) => {
                self.cache.keep(&module);
                let outcome = self.make_known(scheduler, module);
                self.settle(scheduler, births, outcome);
            }
            Err(why) => {
                log::warn!("got no code for module {id} from node {from}: {why}");
                self.fail(id, births, from, &why);
            }
        }
    }

    fn make_known(&self, scheduler: &Scheduler, module: Module) -> Result<Arc<Program>, String> {
        let program = Program::new(module, &self.hosts).map_err(|error| error.to_string())?;
        let program = Arc::new(program);
        self.router.keep_for_now(scheduler, &program);
        Ok(program)
    }

    /// Starts those who have waited for a program, or tells them why not.
    fn settle(
        &self,
        scheduler: &Scheduler,
        births: Vec<Birth>,
        outcome: Result<Arc<Program>, String>,
    ) {
        for birth in births {
            let started = match &outcome {
                Ok(program) => birth.start(scheduler, program, &self.router.limits),
                Err(why) => Err(why.clone()),
            };
            birth.answer(&self.router, started);
        }
    }

    /// The code did not come from where it was expected: those whose nodes have it too may still get
    /// it from there.
    fn fail(&mut self, id: ModuleId, births: Vec<Birth>, from: u32, why: &str) {
        let (hopeless, others): (Vec<_>, Vec<_>) =
            births.into_iter().partition(|birth| birth.peer().number() == from);
        self.router.transfers.forget(id);
        for birth in hopeless {
            birth.answer(&self.router, Err(format!("its code did not come: {why}")));
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
            if let Some(Wanted { births, .. }) = self.wanted.remove(&id) {
                self.fail(id, births, node, "the node is lost");
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
            if let Some(Wanted { births, from, .. }) = self.wanted.remove(&id) {
                self.fail(id, births, from, "no answer in time");
            }
        }
    }

    /// Sends code to a peer, if it is here.
    fn send(&mut self, scheduler: &Scheduler, to: Arc<Peer>, module: ModuleId) {
        if self.unsent.iter().any(|waits| waits.module == module && Arc::ptr_eq(&waits.to, &to)) {
            return;
        }
        let known = scheduler.program(module).map(|program| program.module().to_bytes());
        let file = known.or_else(|| self.cache.find(module).map(|module| module.to_bytes()));
        if let Ok(bytes) = (Parcel::Code { module, file }).to_bytes()
            && bytes.len() <= iridium_proto::MAX_MESSAGE
        {
            self.unsent.push_back(Unsent { to, module, bytes });
            self.send_unsent();
        } else {
            // Too long for the mesh; as if it were not here.
            let _ = self.router.tell(&to, LANE, &Parcel::Code { module, file: None });
        }
    }

    fn send_unsent(&mut self) {
        for _ in 0..self.unsent.len() {
            let Some(Unsent { to, module, bytes }) = self.unsent.pop_front() else { return };
            match to.client.send_in(LANE.bits() as u64, bytes) {
                Ok(()) => self.router.count_module(),
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
