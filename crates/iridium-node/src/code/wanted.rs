//! Code that is under way, and the processes that wait for it.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use iridium_isa::ModuleId;

use super::spawn::SpawnRequest;

/// How long processes wait for their code.
const PATIENCE: Duration = Duration::from_secs(30);
/// Processes that may wait for code: in all, and of those that one node wants.
const MAX_WAITING: usize = 100_000;
const MAX_OF_ONE: usize = 32_768;

/// Code that is under way, and the processes that wait for it.
#[derive(Default)]
pub(super) struct Wanted {
    modules: HashMap<ModuleId, Awaited>,
    /// When each is given up, the first first. Some have come.
    late: VecDeque<(Instant, ModuleId)>,
    /// How many processes wait that each node wants, and how many in all.
    of: HashMap<u32, usize>,
    all: usize,
}

struct Awaited {
    from: u32,
    until: Instant,
    requests: Vec<SpawnRequest>,
}

impl Wanted {
    /// Whether that module is under way.
    pub(super) fn has(&self, id: ModuleId) -> bool {
        self.modules.contains_key(&id)
    }

    /// Whether another process may wait that this node wants.
    pub(super) fn has_room_for(&self, node: u32) -> bool {
        self.all < MAX_WAITING && self.of.get(&node).is_none_or(|count| *count < MAX_OF_ONE)
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

    /// A node was asked for a module, for which these wait.
    pub(super) fn begin(&mut self, id: ModuleId, from: u32, requests: Vec<SpawnRequest>) {
        let until = Instant::now() + PATIENCE;
        self.late.push_back((until, id));
        self.modules.insert(id, Awaited { from, until, requests: Vec::new() });
        requests.into_iter().for_each(|request| self.join(id, request));
    }

    /// Those who wait for a module, if that node was asked for it. They do not wait any more.
    pub(super) fn take(&mut self, id: ModuleId, from: u32) -> Option<Vec<SpawnRequest>> {
        self.modules.get(&id).filter(|awaited| awaited.from == from)?;
        let requests = self.modules.remove(&id)?.requests;
        for request in &requests {
            let node = request.peer().number();
            if let Some(count) = self.of.get_mut(&node) {
                *count -= 1;
                if *count == 0 {
                    self.of.remove(&node);
                }
            }
        }
        self.all -= requests.len();
        Some(requests)
    }

    /// The modules that a node was asked for, and those who wait for them, as [`take`](Self::take).
    pub(super) fn take_from(&mut self, node: u32) -> Vec<(ModuleId, Vec<SpawnRequest>)> {
        let its = self.modules.iter().filter(|(_, awaited)| awaited.from == node);
        let its: Vec<_> = its.map(|(id, _)| *id).collect();
        its.into_iter().filter_map(|id| Some((id, self.take(id, node)?))).collect()
    }

    /// When the next one is to be given up, at the earliest.
    pub(super) fn until(&self) -> Option<Instant> {
        self.late.front().map(|(until, _)| *until)
    }

    /// One that has not come in time, with who was asked for it, as [`take`](Self::take).
    pub(super) fn take_late(&mut self, now: Instant) -> Option<(ModuleId, u32, Vec<SpawnRequest>)> {
        while let Some((until, id)) = self.late.pop_front_if(|(until, _)| *until <= now) {
            let awaited = self.modules.get(&id).filter(|awaited| awaited.until == until);
            if let Some(from) = awaited.map(|awaited| awaited.from) {
                return Some((id, from, self.take(id, from)?));
            }
        }
        None
    }
}
