//! What a link's reader waits for beside bytes, which is the owner of the mesh: that it decides whether
//! the connection becomes a link, and that it handles what the link has brought.
//!
//! Of each link, only so much waits for the owner at a time. A member that says more than the owner
//! can hear is not read for a while, and no other link waits for it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use iridium_proto::IridiumMessage;

use crate::bell::Bell;
use crate::threads::lock;

/// What the control messages of one link that wait for the owner may weigh together. One may wait
/// whatever it weighs: a part of a list has a thousand members.
const SHARE: usize = 256;

/// Whether the owner of the mesh has made this connection a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Pending,
    /// It is one, and the application has been told.
    Admitted,
    Closed,
}

/// The state of one link, as its reader and the owner share it.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    /// Wakes the link's own reader.
    changed: Condvar,
    /// Wakes the thread that reads for many links, if the link has no reader of its own.
    bell: Option<Bell>,
}

#[derive(Debug)]
struct State {
    admission: Admission,
    /// What waits for the owner.
    unhandled: usize,
    /// The reader waits for its share to be handled.
    held_up: bool,
}

/// The place of a control message in the share of its link. Dropping it says that the message is
/// handled.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    weight: usize,
}

impl Gate {
    /// With a bell for a link that has no reader of its own.
    pub(super) fn new(bell: Option<Bell>) -> Self {
        let state = State { admission: Admission::Pending, unhandled: 0, held_up: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), bell }
    }

    /// Whether the connection is a link.
    pub(crate) fn admission(&self) -> Admission {
        lock(&self.state).admission
    }

    pub(super) fn set_admission(&self, admission: Admission) {
        lock(&self.state).admission = admission;
        self.wake_reader();
    }

    /// Waits until it is decided whether the connection is a link, `deadline` at the latest. Data may
    /// come in while the owner is still busy with the control messages before it.
    pub(crate) fn wait_for_admission(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        while state.admission == Admission::Pending {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A place for a message that is handed to the owner, and whether the reader may hand more to it, as
    /// [`has_share`](Self::has_share).
    pub(crate) fn place(self: &Arc<Self>, message: &IridiumMessage) -> (Place, bool) {
        let weight = weight(message);
        let mut state = lock(&self.state);
        state.unhandled += weight;
        (Place { gate: Arc::clone(self), weight }, state.has_share())
    }

    /// Whether the reader may hand more to the owner. If not, it is woken when it may.
    pub(crate) fn has_share(&self) -> bool {
        lock(&self.state).has_share()
    }

    /// Waits until the reader may hand more to the owner.
    pub(crate) fn wait_for_share(&self) {
        let mut state = lock(&self.state);
        let mut waits = !state.has_share();
        while waits {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            waits = state.held_up;
        }
    }

    fn wake_reader(&self) {
        match &self.bell {
            Some(bell) => bell.ring(),
            None => self.changed.notify_all(),
        }
    }
}

impl State {
    fn has_share(&mut self) -> bool {
        self.held_up = self.unhandled >= SHARE;
        !self.held_up
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = lock(&self.gate.state);
        state.unhandled -= self.weight;
        // Half of it, so that the reader is not woken for each.
        if state.unhandled <= SHARE / 2 && std::mem::take(&mut state.held_up) {
            drop(state);
            self.gate.wake_reader();
        }
    }
}

/// What a message weighs for the owner: one, and as much for each member that it tells of.
fn weight(message: &IridiumMessage) -> usize {
    match message {
        IridiumMessage::Members(members) => 1 + members.nodes.len(),
        IridiumMessage::HelloAck(ack) => 1 + ack.nodes.len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use iridium_proto::{
        MemberRecord, Members, NodeAlias, NodeId, NodeInfo, NodeIp, NodeNumber, NodePort, Ping,
        RecordState,
    };

    use super::*;

    fn ping() -> IridiumMessage {
        IridiumMessage::Ping(Ping { token: 1, digest: 2 })
    }

    #[test]
    fn who_has_used_up_its_share_goes_on_when_half_of_it_is_handled() {
        let gate = Arc::new(Gate::new(None));
        let mut places: Vec<Place> = (1..SHARE).map(|_| gate.place(&ping()).0).collect();
        assert!(gate.has_share());
        let (last, has_share) = gate.place(&ping());
        places.push(last);
        assert!(!has_share && !gate.has_share());
        places.truncate(SHARE / 2 + 1);
        let reader = thread::spawn({
            let gate = Arc::clone(&gate);
            move || gate.wait_for_share()
        });
        // Whether it waits already or not.
        places.truncate(SHARE / 2);
        reader.join().unwrap();
    }

    #[test]
    fn a_list_weighs_as_much_as_it_is_long_and_one_may_wait_however_long() {
        let gate = Arc::new(Gate::new(None));
        let alias = NodeAlias::new("a").unwrap();
        let ip = NodeIp("127.0.0.1".parse().unwrap());
        let info = NodeInfo { alias: alias.clone(), ip, port: NodePort::new(1).unwrap() };
        let id = NodeId { alias, incarnation: 1, number: NodeNumber::new(1).unwrap() };
        let record = MemberRecord { info, id, refutation: 0, state: RecordState::Alive };
        let list = Members { nodes: vec![record; 1000], answer: false };
        let (place, has_share) = gate.place(&IridiumMessage::Members(list));
        assert!(!has_share && !gate.has_share());
        drop(place);
        assert!(gate.has_share());
    }
}
