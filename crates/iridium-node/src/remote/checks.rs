//! A peer is authenticated, but what it says is still checked: it may speak only for its own
//! processes, and only to those of this node. Everything else is ignored.

use iridium_sched::Signal;
use iridium_vm::{Message, Pid};

use crate::links::Peer;

/// Whether a message may be delivered here. Negative tags are what this node tells its processes.
pub(crate) fn may_deliver(me: u32, peer: &Peer, to: Pid, message: &Message) -> bool {
    is_for_here(me, peer, to) && message.tag >= 0 && is_of(peer, Pid::from_bits(message.sender))
}

/// Whether a signal may be delivered here: it has to be about a process of the node that has sent it.
pub(super) fn may_signal(me: u32, peer: &Peer, (from, to): (Pid, Pid), signal: &Signal) -> bool {
    is_for_here(me, peer, to) && is_of(peer, from) && speaks_for_its_own(peer, signal)
}

fn is_for_here(me: u32, peer: &Peer, to: Pid) -> bool {
    let here = to.node() == me;
    if !here {
        log::debug!("peer={} has sent something to {to:?}, which is not here", peer.id.alias);
    }
    here
}

/// Whether a process is of that node, or nobody: then an operator acts there.
fn is_of(peer: &Peer, from: Pid) -> bool {
    let its = from == Pid::NOBODY || from.node() == peer.number();
    if !its && let Some(left_out) = peer.log_limits.admit("speaks for others") {
        let alias = &peer.id.alias;
        log::warn!("peer={alias} speaks for {from:?}, which is not of that node{left_out}");
    }
    its
}

fn speaks_for_its_own(peer: &Peer, signal: &Signal) -> bool {
    match signal {
        Signal::Message(message) => message.tag >= 0 && is_of(peer, Pid::from_bits(message.sender)),
        Signal::Link { from }
        | Signal::Unlink { from }
        | Signal::Exit { from, .. }
        | Signal::Kill { from, .. }
        | Signal::Monitor { from, .. }
        | Signal::Demonitor { from, .. }
        | Signal::Down { from, .. } => is_of(peer, *from),
        // Each node finds out for itself.
        Signal::NodeLost { .. } => false,
    }
}
