//! Events that bypass the loader's bounded queue: code arrived, node lost, room on a link.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use iridium_isa::ModuleId;
use iridium_net::WindowPermit;
use iridium_proto::MAX_MESSAGE;

use crate::share::{Bounds, Shares};
use crate::sync::lock;

/// Bytes of code that may have come and not been read: as much as there is room for long messages, and of one
/// node no less than it can send. Of several that send at the same time it may be less than they may send, so what
/// is left out is to be asked for again.
const MOST: Bounds = Bounds { of_each: 1 << 17, of_one: 2 * MAX_MESSAGE, of_all: 24 << 20 };

/// Code on its way to this node and from it. Unlike orders to the loader, none of this is refused when
/// many wait. Code that was not asked for is refused here.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    state: Mutex<State>,
    /// Bytes of code that have come and were not read.
    unread: Arc<Mutex<Shares>>,
}

/// The bytes of a file among these, until it is dropped.
#[derive(Debug)]
struct Counted {
    from: u32,
    bytes: usize,
    unread: Arc<Mutex<Shares>>,
}

impl Counted {
    /// `None` when too much has come.
    fn of(from: u32, bytes: usize, unread: &Arc<Mutex<Shares>>) -> Option<Self> {
        let mut shares = lock(unread);
        if !shares.have_room_for(from, MOST) {
            return None;
        }
        shares.take(from, bytes);
        Some(Self { from, bytes, unread: Arc::clone(unread) })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        lock(&self.unread).give_back(self.from, self.bytes);
    }
}

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
    pub(crate) file: Result<Box<[u8]>, NoFile>,
    _counted: Option<Counted>,
    /// Keeps the place of the file in the receive window until it is read.
    _permit: Option<WindowPermit>,
}

/// Why there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoFile {
    #[error("the node that wants the process does not have it")]
    NotThere,
    #[error("too much code came at once")]
    LeftOut,
}

impl Transfers {
    /// Expects a module of a node.
    pub(crate) fn expect(&self, module: ModuleId, from: u32) {
        lock(&self.state).expected.entry(module).or_default().insert(from);
    }

    /// Expects a module of a node no longer.
    pub(crate) fn forget(&self, module: ModuleId, from: u32) {
        lock(&self.state).forget(module, from);
    }

    /// Expects a module of nobody any more.
    pub(crate) fn forget_all(&self, module: ModuleId) {
        lock(&self.state).expected.remove(&module);
    }

    /// Takes code in, and answers whether it was expected.
    pub(crate) fn arrive(
        &self,
        from: u32,
        module: ModuleId,
        file: Option<Box<[u8]>>,
        permit: Option<WindowPermit>,
    ) -> bool {
        let mut state = lock(&self.state);
        let expected = state.forget(module, from);
        if expected {
            let len = file.as_ref().map(|file| file.len());
            let counted = len.and_then(|len| Counted::of(from, len, &self.unread));
            let file = file.ok_or(NoFile::NotThere);
            let file = file.and_then(|file| counted.as_ref().map(|_| file).ok_or(NoFile::LeftOut));
            let arrived = Arrived { from, module, file, _counted: counted, _permit: permit };
            state.news.arrived.push(arrived);
        }
        expected
    }

    /// Notes that a node is lost.
    pub(crate) fn lose(&self, node: u32) {
        lock(&self.state).news.lost.insert(node);
    }

    /// Notes that there may be room on the way to a node.
    pub(crate) fn make_room(&self, node: u32) {
        lock(&self.state).news.room.insert(node);
    }

    /// What has happened since this was last asked.
    pub(crate) fn take(&self) -> News {
        std::mem::take(&mut lock(&self.state).news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: ModuleId = ModuleId([1; 32]);

    #[test]
    fn of_code_that_comes_faster_than_it_is_read_so_much_is_kept_of_all_and_some_of_each() {
        let transfers = Transfers::default();
        let come = |from: u32, number: u8| {
            let module = ModuleId([number; 32]);
            transfers.expect(module, from);
            assert!(transfers.arrive(from, module, Some(vec![7; 60_000].into()), None));
        };
        for from in 0..24 {
            (0..255).for_each(|number| come(from, number));
        }
        let news = transfers.take();
        assert_eq!(news.arrived.len(), 24 * 255, "nobody waits in vain");
        let kept = |of: Option<u32>| {
            let its = news.arrived.iter().filter(|one| of.is_none_or(|of| one.from == of));
            its.filter_map(|one| one.file.as_ref().ok()).map(|file| file.len()).sum::<usize>()
        };
        assert!(kept(None) <= MOST.of_all + 24 * (MOST.of_each + 60_000), "{}", kept(None));
        assert!((0..24).all(|from| kept(Some(from)) >= MOST.of_each));
        let last = news.arrived.last().map(|one| &one.file);
        assert_eq!(last, Some(&Err(NoFile::LeftOut)), "it is to be asked for again");
        drop(news);
        assert_eq!(*lock(&transfers.unread), Shares::default());
    }

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
        assert_eq!(files, [Ok(Box::from([1]))]);
        assert!(transfers.take().arrived.is_empty());
        transfers.expect(MODULE, 2);
        transfers.expect(MODULE, 3);
        transfers.forget(MODULE, 3);
        assert!(!transfers.arrive(3, MODULE, None, None), "of another node");
        transfers.forget_all(MODULE);
        assert!(!transfers.arrive(2, MODULE, None, None), "it came too late");
    }
}
