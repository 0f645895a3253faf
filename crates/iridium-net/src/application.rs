//! The application on top of the mesh, as the mesh calls it.

use std::sync::Arc;

use crossbeam_channel::Sender;
use iridium_proto::{NodeAlias, NodeId};

use crate::control::ControlStream;
use crate::event::Event;
use crate::link::{ClusterClient, Delivery, WindowPermit};

/// The application on top of the mesh. The mesh calls it on threads of its own,
/// several at the same time, and never while it holds a lock.
///
/// While `recipient`, `writable` and `event` run, a link or the whole node waits:
/// they should pass things on and return. They may send. They must not stop the
/// node, nor drop its last [`Manager`](crate::Manager): that would wait for the
/// thread that they are called on.
///
/// For each connection the order is: `event` with [`Event::Up`] or
/// [`Event::Recovered`] and the number of the connection returns before
/// `recipient` is called. A recipient may still be given messages after its
/// connection was replaced, or its node reported as down.
pub trait Application: Send + Sync {
    /// Makes the recipient of a connection's messages. It is called once, before the
    /// first message, on the thread that reads the connection.
    fn recipient(&self, from: &NodeId, link: &Arc<ClusterClient>) -> Box<dyn Recipient>;

    /// A link to that node that has refused a message with
    /// [`SendError::WouldBlock`](crate::SendError::WouldBlock) accepts messages
    /// again, or is closed; then the next send returns
    /// [`NotLinked`](crate::SendError::NotLinked). Every refusal is followed by such a
    /// call; one call may follow many refusals.
    fn writable(&self, to: &NodeAlias);

    /// Answers a control client's request to the application. It is called on a
    /// thread of that client's own and may take any time; when the node stops, the
    /// stream is closed. What is not received from the stream is dropped.
    fn control(&self, request: Vec<u8>, stream: &mut ControlStream);

    /// Whether this node may still change its number, if another node of the cluster
    /// that it joins has the same.
    fn may_renumber(&self) -> bool {
        true
    }

    /// A connection became the link to that node. The event that reports it follows.
    /// For applications that keep the link to send on.
    fn linked(&self, _id: &NodeId, _link: &Arc<ClusterClient>) {}

    /// This node has a larger incarnation now and, if it may, another number.
    fn identity_changed(&self, _id: &NodeId) {}

    /// Every event, before the subscribers of [`Manager::events`](crate::Manager::events)
    /// get it, on the thread that owns the membership.
    fn event(&self, event: &Event);
}

/// Takes the messages of one connection, on the thread that reads the socket: it must
/// not block.
///
/// Where a node has [many links](crate::Config::own_threads), that thread reads for many of them, and
/// whatever a recipient does holds up the messages and the heartbeats of all these. Of each link it
/// delivers what it has read at once, some 130 KB at most, and calls `caught_up`; then it is the turn of
/// the next one that has something. So a recipient that takes a time `t` for each such call delays
/// others by as many `t` as there are links on which something comes. A panic ends its link alone.
pub trait Recipient: Send {
    /// A message or a signal. Those of one lane come in order. The message takes up a
    /// part of the receive window until `permit` is dropped; when all 17 MiB of it
    /// are taken up, the other node can send no more. Those over 65 KiB take up a part of
    /// the 24 MiB that there are for all nodes together. An application that takes nothing for longer than a
    /// minute may lose the link: see [`WindowPermit`].
    fn deliver(&mut self, bytes: Vec<u8>, permit: WindowPermit);

    /// All messages that have come are delivered. The thread waits for more, or
    /// reads for other links, when this returns.
    fn caught_up(&mut self) {}
}

/// The application of [`Manager::start`](crate::Manager::start): messages wait
/// in a queue until they are taken out.
pub(crate) struct QueueingApplication(pub(crate) Sender<Delivery>);

/// The sender of one connection to that queue.
struct QueueRecipient {
    from: NodeId,
    deliveries: Sender<Delivery>,
}

impl Recipient for QueueRecipient {
    fn deliver(&mut self, bytes: Vec<u8>, permit: WindowPermit) {
        // The channel is bounded by the receive window. It is closed when the node is stopping.
        let _ = self.deliveries.send(Delivery { from: self.from.clone(), bytes, permit });
    }
}

impl Application for QueueingApplication {
    fn recipient(&self, from: &NodeId, _: &Arc<ClusterClient>) -> Box<dyn Recipient> {
        Box::new(QueueRecipient { from: from.clone(), deliveries: self.0.clone() })
    }

    fn writable(&self, _: &NodeAlias) {}

    fn control(&self, _: Vec<u8>, stream: &mut ControlStream) {
        // The client may have disconnected.
        let _ = stream.fail("no application on this node answers requests");
    }

    fn event(&self, _: &Event) {}
}
