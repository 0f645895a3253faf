//! Starts the processes that other nodes want, and hands what takes time to the loader.

use std::sync::Arc;

use iridium_isa::ModuleId;
use iridium_net::WindowPermit;
use iridium_sched::Scheduler;

use super::loader::LoaderOrder;
use super::spawn::SpawnRequest;
use super::transfers::Transfers;
use crate::links::{Links, Peer};
use crate::orders::Orders;
use crate::this_node::ThisNode;

/// Starts the processes that other nodes want. None of this waits.
pub(crate) struct Spawner {
    this: Arc<ThisNode>,
    links: Arc<Links>,
    transfers: Arc<Transfers>,
    orders: Arc<Orders<LoaderOrder>>,
}

impl Spawner {
    pub(crate) fn new(
        this: Arc<ThisNode>,
        links: Arc<Links>,
        transfers: Arc<Transfers>,
        orders: Arc<Orders<LoaderOrder>>,
    ) -> Self {
        Self { this, links, transfers, orders }
    }

    /// Starts a process and answers, now or when its code has come.
    pub(crate) fn spawn(&self, scheduler: &Scheduler, request: SpawnRequest) {
        if request.start_if_loaded(scheduler, &self.this, &self.links) {
            return;
        }
        let node = request.peer().number();
        if let Err(LoaderOrder::Spawn(request)) =
            self.orders.give(node, LoaderOrder::Spawn(request))
        {
            request.answer(&self.links, Err("too many processes wait for their code".into()));
        }
    }

    /// A peer wants the code of a module.
    pub(crate) fn send_code(&self, to: Arc<Peer>, module: ModuleId) {
        let node = to.number();
        if let Err(LoaderOrder::Send { to, .. }) =
            self.orders.give(node, LoaderOrder::Send { to, module })
        {
            // It asks somebody else, or gives up, when no code comes in time.
            log::debug!("too much waits to send code of module {module} to peer={}", to.id.alias);
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
            self.orders.wake();
        }
    }

    /// A node is lost, and what was on its way to and from it.
    pub(crate) fn node_lost(&self, node: u32) {
        self.transfers.lose(node);
        self.orders.wake();
    }

    /// There may be room for code on the way to a node.
    pub(crate) fn link_has_room(&self, node: u32) {
        self.transfers.make_room(node);
        self.orders.wake();
    }

    /// Ends the loader, as soon as it has done what it is at.
    pub(crate) fn stop(&self) {
        self.orders.stop();
    }
}
