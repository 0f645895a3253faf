//! What runs on top of the mesh, as the mesh sees it.

use std::sync::Arc;

use crossbeam_channel::Sender;
use iridium_proto::{NodeAlias, NodeId};

use crate::control::ControlStream;
use crate::event::Event;
use crate::link::{ClusterClient, Delivery, Room};

/// What runs on top of the mesh. The mesh calls it on threads of its own, several
/// at a time, and never while it holds a lock.
///
/// `recipient`, `room` and `event` hold up a link or the whole node for as long as
/// they take: they hand things on and return. They may send. They must not stop
/// the node, nor drop the last [`Manager`](crate::Manager) of it: that waits for
/// the very thread they are called on.
///
/// For each connection there is an order: `event` with [`Event::Up`] or
/// [`Event::Recovered`] and the number of the connection returns before its
/// `recipient` is asked for. A recipient may still be handed messages after its
/// connection has been replaced, or its node called down.
pub trait Application: Send + Sync {
    /// Who takes what comes on a connection; asked for once, before the first
    /// message, on the thread that reads it.
    fn recipient(&self, from: &NodeId, link: &Arc<ClusterClient>) -> Box<dyn Recipient>;

    /// A link to that node that had refused a message with
    /// [`SendError::WouldBlock`](crate::SendError::WouldBlock) takes messages
    /// again, or is gone, which the next attempt finds out. Every refusal is
    /// followed by such a call; one call may answer many.
    fn room(&self, to: &NodeAlias);

    /// A control client asks something that the mesh itself does not answer. On a
    /// thread of that client's own, which may take all the time it needs; when
    /// the node stops, the stream says that it is closed. What is not read from
    /// the stream is thrown away.
    fn control(&self, request: Vec<u8>, stream: &mut ControlStream);

    /// Whether this node may still take another number, should its own turn out
    /// to be taken in the cluster that it joins.
    fn may_renumber(&self) -> bool {
        true
    }

    /// A connection carries messages from now on; the event that tells of it
    /// follows. For applications that keep the link to send on.
    fn linked(&self, _id: &NodeId, _link: &Arc<ClusterClient>) {}

    /// This node goes on as another: with a larger incarnation and, if it may,
    /// another number.
    fn reborn(&self, _id: &NodeId) {}

    /// Everything that the listeners of [`Manager::events`](crate::Manager::events)
    /// are told, before they are, on the one thread that keeps the membership.
    fn event(&self, event: &Event);
}

/// Takes what comes on one connection, straight off the socket: it must not wait.
pub trait Recipient {
    /// A message. Those of one lane come in order, signals among them. `room`
    /// keeps the place of the bytes in the receive window until it is dropped;
    /// once 17 MiB are kept, the other node's senders wait.
    fn deliver(&mut self, bytes: Vec<u8>, room: Room);

    /// All that has come by now has been delivered; the thread waits for more
    /// when this returns.
    fn caught_up(&mut self) {}
}

/// The application of [`Manager::start`](crate::Manager::start): messages wait
/// in a queue until they are taken out.
pub(crate) struct Queueing(pub(crate) Sender<Delivery>);

/// The end of the queue that one connection has.
struct Queue {
    from: NodeId,
    deliveries: Sender<Delivery>,
}

impl Recipient for Queue {
    fn deliver(&mut self, bytes: Vec<u8>, room: Room) {
        // Not bounded by the channel but by the receive window. When nobody
        // wants messages any more, the node is stopping.
        let _ = self.deliveries.send(Delivery { from: self.from.clone(), bytes, room });
    }
}

impl Application for Queueing {
    fn recipient(&self, from: &NodeId, _: &Arc<ClusterClient>) -> Box<dyn Recipient> {
        Box::new(Queue { from: from.clone(), deliveries: self.0.clone() })
    }

    fn room(&self, _: &NodeAlias) {}

    fn control(&self, _: Vec<u8>, stream: &mut ControlStream) {
        // A client that has gone need not be told.
        let _ = stream.fail("this node answers no such requests");
    }

    fn event(&self, _: &Event) {}
}
