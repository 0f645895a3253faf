//! Code that is under way, and the processes that wait for it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use iridium_isa::ModuleId;

use super::spawn::SpawnRequest;
use crate::links::Peer;
use crate::share::{Bounds, Shares};

/// How long processes wait for their code after a node was asked for it last.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a node is asked alone. Then another is asked as well, if there is one that has the code: the
/// first may be slow, or not mean well.
const TURN: Duration = Duration::from_secs(2);
/// Processes that may wait for code, by the node that wants them. Each that is the first to want its module
/// counts as some more, for the memory that the module takes beside it.
const MOST: Bounds = Bounds { of_each: 64, of_one: 32_768, of_all: 49_152 };
const MODULE: usize = 2;

/// Code that is under way, and the processes that wait for it.
#[derive(Default)]
pub(super) struct Wanted {
    modules: HashMap<ModuleId, Awaited>,
    /// When to look after each, the first first. Some have come.
    due: VecDeque<(Instant, ModuleId)>,
    /// How many processes wait that each node wants; with what the modules count.
    places: Shares,
}

struct Awaited {
    /// The node for which the module counts.
    by: u32,
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
        self.places.have_room_for(node, MOST)
    }

    /// Another process waits for a module that is under way.
    pub(super) fn join(&mut self, id: ModuleId, request: SpawnRequest) {
        let node = request.peer().number();
        if let Some(awaited) = self.modules.get_mut(&id) {
            awaited.requests.push(request);
            self.places.take(node, 1);
        }
    }

    /// A module is wanted from now on, for which these wait.
    pub(super) fn begin(&mut self, id: ModuleId, requests: Vec<SpawnRequest>, now: Instant) {
        // Mostly no other comes to wait for it.
        let places = Vec::with_capacity(requests.len());
        let by = requests.first().map_or(0, |request| request.peer().number());
        let awaited =
            Awaited { by, asked: BTreeSet::new(), since: now, due: now, requests: places };
        self.modules.insert(id, awaited);
        self.places.take(by, MODULE);
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
        let Some(Awaited { by, requests, .. }) = self.modules.remove(&id) else {
            return Vec::new();
        };
        self.places.give_back(by, MODULE);
        let of_each = requests.iter().map(|request| request.peer().number());
        of_each.for_each(|node| self.places.give_back(node, 1));
        requests
    }

    /// A node does not answer for a module: gives those who wait for it that this node wants, who do not
    /// wait any more.
    pub(super) fn take_of(&mut self, id: ModuleId, node: u32) -> Vec<SpawnRequest> {
        let Some(awaited) = self.modules.get_mut(&id) else { return Vec::new() };
        awaited.asked.remove(&node);
        let its = |request: &mut SpawnRequest| request.peer().number() == node;
        let requests: Vec<_> = awaited.requests.extract_if(.., its).collect();
        self.places.give_back(node, requests.len());
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
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many times each of so many nodes has places, if it takes that many at a time.
    fn taken(places: &mut Shares, nodes: u32, at_a_time: usize) -> Vec<usize> {
        let mut counts = vec![0; nodes as usize];
        for (node, count) in (1..).zip(&mut counts) {
            while places.have_room_for(node, MOST) {
                places.take(node, at_a_time);
                *count += 1;
            }
        }
        counts
    }

    #[test]
    fn those_that_want_a_module_each_are_fewer_than_those_that_want_the_same() {
        let one = |at_a_time| taken(&mut Shares::default(), 1, at_a_time);
        assert_eq!((one(1), one(1 + MODULE)), (vec![32_768], vec![10_923]));
        let mut places = Shares::default();
        let counts = taken(&mut places, 64, 1 + MODULE);
        let crowd: usize = counts.iter().sum();
        assert!((16_384..18_000).contains(&crowd), "{crowd}");
        assert!(places.have_room_for(65, MOST), "there is some for one more");
        for (node, count) in (1..).zip(counts) {
            places.give_back(node, count * (1 + MODULE));
        }
        assert_eq!(places, Shares::default());
    }
}
