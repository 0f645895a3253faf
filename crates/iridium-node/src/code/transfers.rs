//! Events that bypass the loader's bounded queue: code arrived, node lost, room on a link.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use iridium_isa::ModuleId;
use iridium_net::WindowPermit;

use crate::sync::lock;

/// Code on its way to this node and from it. Unlike orders to the loader, none of this is refused when
/// many wait. Code that was not asked for is refused here.
#[derive(Debug, Default)]
pub(crate) struct Transfers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Of which nodes each module is expected.
    expected: HashMap<ModuleId, BTreeSet<u32>>,
    news: News,
}

impl State {
    /// Expects a module of a node no longer. Says whether it did.
    fn forget(&mut self, module: ModuleId, from: u32) -> bool {
        let Some(nodes) = self.expected.get_mut(&module) else { return false };
        let was_expected = nodes.remove(&from);
        if nodes.is_empty() {
            self.expected.remove(&module);
        }
        was_expected
    }
}

/// What has happened, to be heard in this order.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Nodes that were lost.
    pub(crate) lost: BTreeSet<u32>,
    /// At most one of each that was expected of a node.
    pub(crate) arrived: Vec<Arrived>,
    /// Nodes on the way to which there may be room for what waits to be sent.
    pub(crate) room: BTreeSet<u32>,
}

/// Code that has come.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) from: u32,
    pub(crate) module: ModuleId,
    /// `None` when the node does not have it.
    pub(crate) file: Option<Box<[u8]>>,
    /// Keeps the place of the file in the receive window until it is read.
    _permit: Option<WindowPermit>,
}

impl Transfers {
    /// Expects a module of a node.
    pub(crate) fn expect(&self, module: ModuleId, from: u32) {
        lock(&self.0).expected.entry(module).or_default().insert(from);
    }

    /// Expects a module of a node no longer.
    pub(crate) fn forget(&self, module: ModuleId, from: u32) {
        lock(&self.0).forget(module, from);
    }

    /// Expects a module of nobody any more.
    pub(crate) fn forget_all(&self, module: ModuleId) {
        lock(&self.0).expected.remove(&module);
    }

    /// Takes code in, and answers whether it was expected.
    pub(crate) fn arrive(
        &self,
        from: u32,
        module: ModuleId,
        file: Option<Box<[u8]>>,
        permit: Option<WindowPermit>,
    ) -> bool {
        let mut state = lock(&self.0);
        let expected = state.forget(module, from);
        if expected {
            state.news.arrived.push(Arrived { from, module, file, _permit: permit });
        }
        expected
    }

    /// Notes that a node is lost.
    pub(crate) fn lose(&self, node: u32) {
        lock(&self.0).news.lost.insert(node);
    }

    /// Notes that there may be room on the way to a node.
    pub(crate) fn make_room(&self, node: u32) {
        lock(&self.0).news.room.insert(node);
    }

    /// What has happened since this was last asked.
    pub(crate) fn take(&self) -> News {
        std::mem::take(&mut lock(&self.0).news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: ModuleId = ModuleId([1; 32]);

    #[test]
    fn only_what_was_asked_for_is_taken_in_and_once() {
        let transfers = Transfers::default();
        assert!(!transfers.arrive(2, MODULE, None, None), "nobody wants it");
        transfers.expect(MODULE, 2);
        assert!(!transfers.arrive(3, MODULE, None, None), "of another node");
        assert!(transfers.arrive(2, MODULE, Some(Box::from([1])), None));
        assert!(!transfers.arrive(2, MODULE, Some(Box::from([2])), None), "a second time");
        let files: Vec<_> =
            transfers.take().arrived.into_iter().map(|arrived| arrived.file).collect();
        assert_eq!(files, [Some(Box::from([1]))]);
        assert!(transfers.take().arrived.is_empty());
        transfers.expect(MODULE, 2);
        transfers.expect(MODULE, 3);
        transfers.forget(MODULE, 3);
        assert!(!transfers.arrive(3, MODULE, None, None), "of another node");
        transfers.forget_all(MODULE);
        assert!(!transfers.arrive(2, MODULE, None, None), "it came too late");
    }
}
