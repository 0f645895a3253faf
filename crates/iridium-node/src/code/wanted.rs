//! Code that is under way, and the processes that wait for it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use iridium_isa::ModuleId;

use super::spawn::SpawnRequest;
use crate::links::Peer;
use crate::share::Bounds;

/// How long processes wait for their code after a node was asked for it last.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a node is asked alone. Then another is asked as well, if there is one that has the code: the
/// first may be slow, or not mean well.
const TURN: Duration = Duration::from_secs(2);
/// Processes that may wait for code, by the node that wants them.
const MOST: Bounds = Bounds { of_each: 64, of_one: 32_768, of_all: 65_536 };

/// Code that is under way, and the processes that wait for it.
#[derive(Default)]
pub(super) struct Wanted {
    modules: HashMap<ModuleId, Awaited>,
    /// When to look after each, the first first. Some have come.
    due: VecDeque<(Instant, ModuleId)>,
    /// How many processes wait that each node wants, and how many in all.
    of: HashMap<u32, usize>,
    all: usize,
}

struct Awaited {
    /// The nodes that were asked and may still answer, and when the last of them was.
    asked: BTreeSet<u32>,
    since: Instant,
    due: Instant,
    requests: Vec<SpawnRequest>,
}

impl Wanted {
    /// Whether that module is under way.
    pub(super) fn has(&self, id: ModuleId) -> bool {
        self.modules.contains_key(&id)
    }

    /// Whether another process may wait that this node wants.
    pub(super) fn has_room_for(&self, node: u32) -> bool {
        MOST.allow_more(self.of.get(&node).copied().unwrap_or(0), self.all)
    }

    /// Another process waits for a module that is under way.
    pub(super) fn join(&mut self, id: ModuleId, request: SpawnRequest) {
        let node = request.peer().number();
        if let Some(awaited) = self.modules.get_mut(&id) {
            awaited.requests.push(request);
            *self.of.entry(node).or_default() += 1;
            self.all += 1;
        }
    }

    /// A module is wanted from now on, for which these wait.
    pub(super) fn begin(&mut self, id: ModuleId, requests: Vec<SpawnRequest>, now: Instant) {
        // Mostly no other comes to wait for it.
        let places = Vec::with_capacity(requests.len());
        let awaited = Awaited { asked: BTreeSet::new(), since: now, due: now, requests: places };
        self.modules.insert(id, awaited);
        requests.into_iter().for_each(|request| self.join(id, request));
        self.look_again(id, now);
    }

    /// The nodes that have a module, as they want processes of it, and were not asked for it.
    pub(super) fn unasked(&self, id: ModuleId) -> Vec<Arc<Peer>> {
        let Some(awaited) = self.modules.get(&id) else { return Vec::new() };
        let mut seen = awaited.asked.clone();
        let peers = awaited.requests.iter().map(SpawnRequest::peer);
        peers.filter(|peer| seen.insert(peer.number())).cloned().collect()
    }

    /// A node was asked for a module.
    pub(super) fn note_asked(&mut self, id: ModuleId, node: u32, now: Instant) {
        if let Some(awaited) = self.modules.get_mut(&id) {
            awaited.asked.insert(node);
            awaited.since = now;
        }
    }

    /// Whether a node was asked for a module and may still answer.
    pub(super) fn is_asked(&self, id: ModuleId, node: u32) -> bool {
        self.modules.get(&id).is_some_and(|awaited| awaited.asked.contains(&node))
    }

    /// Whether nobody will answer any more who was asked for a module.
    pub(super) fn is_asked_in_vain(&self, id: ModuleId, now: Instant) -> bool {
        let in_vain =
            |awaited: &Awaited| awaited.asked.is_empty() || now >= awaited.since + PATIENCE;
        self.modules.get(&id).is_some_and(in_vain)
    }

    /// Those who wait for a module. They do not wait any more.
    pub(super) fn take(&mut self, id: ModuleId) -> Vec<SpawnRequest> {
        let requests = self.modules.remove(&id).map(|awaited| awaited.requests).unwrap_or_default();
        self.forget(&requests);
        requests
    }

    /// A node does not answer for a module: gives those who wait for it that this node wants, who do not
    /// wait any more.
    pub(super) fn take_of(&mut self, id: ModuleId, node: u32) -> Vec<SpawnRequest> {
        let Some(awaited) = self.modules.get_mut(&id) else { return Vec::new() };
        awaited.asked.remove(&node);
        let its = |request: &mut SpawnRequest| request.peer().number() == node;
        let requests: Vec<_> = awaited.requests.extract_if(.., its).collect();
        self.forget(&requests);
        requests
    }

    /// The modules that a node was asked for and may still answer.
    pub(super) fn asked_of(&self, node: u32) -> Vec<ModuleId> {
        let its = self.modules.iter().filter(|(_, awaited)| awaited.asked.contains(&node));
        its.map(|(id, _)| *id).collect()
    }

    /// When to look after the next one, at the earliest.
    pub(super) fn until(&self) -> Option<Instant> {
        self.due.front().map(|(due, _)| *due)
    }

    /// One that has not come in a while.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<ModuleId> {
        while let Some((due, id)) = self.due.pop_front_if(|(due, _)| *due <= now) {
            if self.modules.get(&id).is_some_and(|awaited| awaited.due == due) {
                return Some(id);
            }
        }
        None
    }

    /// Has a module looked after again in a while.
    pub(super) fn look_again(&mut self, id: ModuleId, now: Instant) {
        if let Some(awaited) = self.modules.get_mut(&id) {
            awaited.due = now + TURN;
            self.due.push_back((awaited.due, id));
        }
    }

    fn forget(&mut self, requests: &[SpawnRequest]) {
        for request in requests {
            let node = request.peer().number();
            if let Some(count) = self.of.get_mut(&node) {
                *count -= 1;
                if *count == 0 {
                    self.of.remove(&node);
                }
            }
        }
        self.all -= requests.len();
    }
}
