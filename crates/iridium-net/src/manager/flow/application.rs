//! An application that keeps what it is given until it is told to let go of it.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use iridium_proto::{NodeAlias, NodeId};

use crate::application::{Application, Recipient};
use crate::control::ControlStream;
use crate::event::Event;
use crate::ids::ConnId;
use crate::link::{ClusterClient, WindowPermit};
use crate::threads::lock;

/// What has come of all links, and who may be sent more.
#[derive(Default)]
pub(super) struct Keeper {
    come: Arc<Mutex<VecDeque<Come>>>,
    writable: Mutex<HashSet<NodeAlias>>,
}

/// A message that has come.
pub(super) struct Come {
    pub(super) conn: ConnId,
    pub(super) bytes: Vec<u8>,
    pub(super) permit: WindowPermit,
}

struct KeepingRecipient {
    conn: ConnId,
    come: Arc<Mutex<VecDeque<Come>>>,
}

impl Keeper {
    /// What has come since this was last called.
    pub(super) fn take_come(&self) -> VecDeque<Come> {
        std::mem::take(&mut lock(&self.come))
    }

    /// Whether it was said of that node, since this was last asked, that it may be sent more.
    pub(super) fn take_writable(&self, alias: &NodeAlias) -> bool {
        lock(&self.writable).remove(alias)
    }
}

impl Recipient for KeepingRecipient {
    fn deliver(&mut self, bytes: Vec<u8>, permit: WindowPermit) {
        lock(&self.come).push_back(Come { conn: self.conn, bytes, permit });
    }
}

impl Application for Keeper {
    fn recipient(&self, _: &NodeId, link: &Arc<ClusterClient>) -> Box<dyn Recipient> {
        Box::new(KeepingRecipient { conn: link.id(), come: Arc::clone(&self.come) })
    }

    fn writable(&self, to: &NodeAlias) {
        lock(&self.writable).insert(to.clone());
    }

    fn control(&self, _: Vec<u8>, _: &mut ControlStream) {}

    fn event(&self, _: &Event) {}
}
