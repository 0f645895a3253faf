//! What runs on top of the mesh, as the mesh sees it.

use std::sync::Arc;

use crossbeam_channel::Sender;
use iridium_proto::{NodeAlias, NodeId};

use crate::control::ControlStream;
use crate::event::{Event, LinkId};
use crate::link::{ClusterClient, Delivery, Room};

/// What runs on top of the mesh. The mesh calls it on threads of its own, several
/// at a time, and never while it holds a lock.
///
/// `deliver`, `room` and `event` hold up a link or the whole node for as long as
/// they take: they hand things on and return. They may send. They must not stop
/// the node, nor drop the last [`Manager`](crate::Manager) of it: that waits for
/// the very thread they are called on.
///
/// For each connection there is an order: `event` with [`Event::Up`] or
/// [`Event::Recovered`] and the number of the connection returns before the
/// first `deliver` from it. After that a `deliver` may still come from a
/// connection that has been replaced, or whose node has been called down. Its
/// number tells: it is not the one that the last such event gave.
pub trait Application: Send + Sync {
    /// A message from another node, straight off the socket, on the thread that
    /// reads the link. Those of one lane come in order, signals among them. `room`
    /// keeps the place of the bytes in the receive window until it is dropped;
    /// once 17 MiB are kept, the other node's senders wait.
    fn deliver(&self, from: &NodeId, link: LinkId, bytes: Vec<u8>, room: Room);

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

    /// A connection carries messages from now on; the event that tells of it
    /// follows. For applications that keep the link to send on.
    fn linked(&self, _id: &NodeId, _link: &Arc<ClusterClient>) {}

    /// Whether this node may still take another number, should its own turn out
    /// to be taken in the cluster that it joins.
    fn may_renumber(&self) -> bool {
        true
    }

    /// This node goes on as another: with a larger incarnation and, if it may,
    /// another number.
    fn reborn(&self, _id: &NodeId) {}

    /// Everything that the listeners of [`Manager::events`](crate::Manager::events)
    /// are told, before they are, on the one thread that keeps the membership.
    fn event(&self, event: &Event);
}

/// The application of [`Manager::start`](crate::Manager::start): messages wait
/// in a queue until they are taken out.
pub(crate) struct Queueing(pub(crate) Sender<Delivery>);

impl Application for Queueing {
    fn deliver(&self, from: &NodeId, _: LinkId, bytes: Vec<u8>, room: Room) {
        // Not bounded by the channel but by the receive window. When nobody
        // wants messages any more, the node is stopping.
        let _ = self.0.send(Delivery { from: from.clone(), bytes, room });
    }

    fn room(&self, _: &NodeAlias) {}

    fn control(&self, _: Vec<u8>, stream: &mut ControlStream) {
        // A client that has gone need not be told.
        let _ = stream.fail("this node answers no such requests");
    }

    fn event(&self, _: &Event) {}
}
