//! Starts the processes that other nodes want, and hands what takes time to the loader.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Sender;
use iridium_isa::ModuleId;
use iridium_net::WindowPermit;
use iridium_sched::Scheduler;

use super::loader::LoaderOrder;
use super::spawn::SpawnRequest;
use super::transfers::Transfers;
use crate::links::{Links, Peer};
use crate::this_node::ThisNode;

/// Starts the processes that other nodes want. None of this waits.
pub(crate) struct Spawner {
    this: Arc<ThisNode>,
    links: Arc<Links>,
    transfers: Arc<Transfers>,
    loader: Sender<LoaderOrder>,
}

impl Spawner {
    pub(crate) fn new(
        this: Arc<ThisNode>,
        links: Arc<Links>,
        transfers: Arc<Transfers>,
        loader: Sender<LoaderOrder>,
    ) -> Self {
        Self { this, links, transfers, loader }
    }

    /// Starts a process and answers, now or when its code has come.
    pub(crate) fn spawn(&self, scheduler: &Scheduler, request: SpawnRequest) {
        if request.start_if_loaded(scheduler, &self.this, &self.links) {
            return;
        }
        if let Err(refused) = self.loader.try_send(LoaderOrder::Spawn(request))
            && let LoaderOrder::Spawn(request) = refused.into_inner()
        {
            request.answer(&self.links, Err("too many processes wait for their code".into()));
        }
    }

    /// A peer wants the code of a module.
    pub(crate) fn send_code(&self, to: Arc<Peer>, module: ModuleId) {
        if let Err(refused) = self.loader.try_send(LoaderOrder::Send { to, module })
            && let LoaderOrder::Send { to, .. } = refused.into_inner()
        {
            // It asks somebody else, or gives up, when no code comes in time.
            log::debug!("too much to do to send code of module {module} to peer={}", to.id.alias);
        }
    }

    /// The code of a module has come, or word that the peer does not have it.
    pub(crate) fn receive_code(
        &self,
        from: &Peer,
        module: ModuleId,
        file: Option<Box<[u8]>>,
        permit: WindowPermit,
    ) {
        if self.transfers.arrive(from.number(), module, file, Some(permit)) {
            self.wake_loader();
        }
    }

    /// A node is lost, and what was on its way to and from it.
    pub(crate) fn node_lost(&self, node: u32) {
        self.transfers.lose(node);
        self.wake_loader();
    }

    /// There may be room for code on the way to some node.
    pub(crate) fn link_has_room(&self) {
        self.transfers.make_room();
        self.wake_loader();
    }

    /// Ends the loader, which may take a while to get there.
    pub(crate) fn stop(&self, patience: Duration) {
        // One that has ended does not take the order.
        let _ = self.loader.send_timeout(LoaderOrder::Stop, patience);
    }

    /// Wakes the loader if it has nothing to do. Otherwise it looks for news before its next order.
    fn wake_loader(&self) {
        let _ = self.loader.try_send(LoaderOrder::CheckTransfers);
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;
    use iridium_vm::{Hosts, Limits};

    use super::*;

    #[test]
    fn a_loader_with_very_much_to_do_hears_of_room_all_the_same() {
        let (loader, orders) = bounded(1);
        let this = Arc::new(ThisNode::new(Limits::default(), Hosts::new(), 1));
        let transfers = Arc::new(Transfers::default());
        let spawner = Spawner::new(this, Arc::default(), Arc::clone(&transfers), loader);
        assert!(spawner.loader.try_send(LoaderOrder::Stop).is_ok(), "something else to do");
        spawner.link_has_room();
        assert!(matches!(orders.try_recv(), Ok(LoaderOrder::Stop)));
        assert!(transfers.take().room);
        assert!(!transfers.take().room, "once");
    }
}
