//! One member as this node sees it.

use std::net::SocketAddr;
use std::time::Duration;

use iridium_proto::{
    Introduction, MemberRecord, MemberView, NodeAlias, NodeId, NodeInfo, RecordState, ViewState,
};

use crate::ids::{ConnId, DialId};

use super::interface::{DialFailure, Time};
use super::probe::Suspicion;

/// The state of a member. Gossip alone never makes a member alive, nor is it reported
/// as down because of it: both take a link of this node's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Other nodes have named it; there has been no link yet.
    Known,
    /// There is a link and it answers.
    Alive,
    /// Its link is silent or gone.
    Suspect,
    /// Neither this node nor those it asked reach it.
    Down,
    /// It has left the cluster; final for this incarnation.
    Left,
    /// An operator has had it forgotten when it was down or had left; final for this
    /// incarnation. It stays as a tombstone, so that late gossip does not bring it back.
    Forgotten,
}

/// A dial of this node's own that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// No connection yet.
    Connecting(DialId),
    /// `Join` or `Hello` was sent and is not answered yet.
    Greeting(ConnId),
}

/// A connection that is to replace a link that may still answer.
#[derive(Debug)]
pub(super) struct Claim {
    /// The connection that waits.
    pub(super) candidate: ConnId,
    /// When the incumbent link answers this heartbeat or a later one, the claim is
    /// rejected; `None` when it waits for this node's own dial.
    pub(super) ping: Option<u64>,
}

/// A member.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) info: NodeInfo,
    pub(super) id: NodeId,
    pub(super) refutation: u32,
    pub(super) state: State,
    /// It has been linked to this node, so that it is remembered for the next start; or an operator of
    /// this node has said what is known of it.
    pub(super) met: bool,
    /// The latest life of it that has left by its own word, and not only by that of others, and when.
    pub(super) left: Option<(NodeId, Time)>,
    /// An operator of this node has had it forgotten, and not only one of another, as that says.
    pub(super) forgotten_here: bool,
    /// Another address than its own at which others have it, to be tried once.
    pub(super) elsewhere: Option<SocketAddr>,
    /// Whether it was last dialled at such an address.
    pub(super) was_elsewhere: bool,
    /// Who has named it first, if it was heard of before it was met.
    pub(super) told_by: Option<NodeAlias>,
    /// A node that this one was to join has named it.
    pub(super) named_by_seed: bool,
    /// `Up` was reported, and neither `Down` nor `Left` since.
    pub(super) announced: bool,
    pub(super) link: Option<ConnId>,
    pub(super) attempt: Option<Attempt>,
    pub(super) claim: Option<Claim>,
    pub(super) suspicion: Option<Suspicion>,
    /// When a message last came from it, or a node that was asked has last reached it.
    pub(super) last_heard: Time,
    pub(super) rtt: Option<Duration>,
    /// Dials in a row that have failed.
    pub(super) failures: u32,
    /// Why the last of them failed.
    pub(super) failure: Option<DialFailure>,
    /// When it was last dialled.
    pub(super) dialled: Option<Time>,
    /// The token of the current redial timer; 0 without one.
    pub(super) token: u64,
    /// When to dial it again, once it is down.
    pub(super) dial_at: Time,
    /// When it went down or left.
    pub(super) ended: Time,
}

impl Member {
    pub(super) fn new(info: NodeInfo, id: NodeId, refutation: u32, now: Time) -> Self {
        Self {
            info,
            id,
            refutation,
            state: State::Known,
            met: false,
            left: None,
            forgotten_here: false,
            elsewhere: None,
            was_elsewhere: false,
            told_by: None,
            named_by_seed: false,
            announced: false,
            link: None,
            attempt: None,
            claim: None,
            suspicion: None,
            last_heard: now,
            rtt: None,
            failures: 0,
            failure: None,
            dialled: None,
            token: 0,
            dial_at: now,
            ended: now,
        }
    }

    pub(super) fn introduced(intro: &Introduction, now: Time) -> Self {
        Self::new(intro.info.clone(), intro.id.clone(), intro.refutation, now)
    }

    /// Whether this node knows it itself, and not only from what others tell.
    pub(super) fn is_first_hand(&self) -> bool {
        self.met || self.link.is_some()
    }

    /// Whether it counts as a member.
    pub(super) fn is_present(&self) -> bool {
        !matches!(self.state, State::Down | State::Left | State::Forgotten)
    }

    /// Whether it is over for good, as far as others are to be believed.
    pub(super) fn is_final(&self) -> bool {
        self.said_so() || self.forgotten_here
    }

    /// Whether it has left by its own word.
    fn said_so(&self) -> bool {
        self.left.as_ref().is_some_and(|(left, _)| *left == self.id)
    }

    /// By which incarnation an introduction is outdated: by a later one than its own that was linked to this
    /// node, or by its own, if that has taken its leave, whatever others have told since. What is only
    /// heard refuses nobody; nor does one that has ended before that time: who introduces itself lives. Its
    /// disk may have been set back, or another have taken leave in its name.
    pub(super) fn outdates(&self, id: &NodeId, recent: Time) -> Option<u64> {
        let is_long_gone = !self.is_present() && self.ended < recent;
        let is_earlier = id.incarnation < self.id.incarnation;
        if self.met && is_earlier && !is_long_gone {
            return Some(self.id.incarnation);
        }
        let left = self.left.as_ref().filter(|(left, at)| left == id && *at >= recent);
        left.map(|(left, _)| left.incarnation)
    }

    /// Whether this node should go on dialling it.
    pub(super) fn should_dial(&self) -> bool {
        !self.is_final() && self.link.is_none()
    }

    /// Whether to look for it at the next start.
    pub(super) fn is_worth_remembering(&self) -> bool {
        !self.is_final() && self.state != State::Forgotten && self.met
    }

    pub(super) fn record(&self) -> MemberRecord {
        MemberRecord {
            info: self.info.clone(),
            id: self.id.clone(),
            refutation: self.refutation,
            state: match self.state {
                State::Alive => RecordState::Alive,
                State::Known | State::Suspect => RecordState::Suspect,
                State::Forgotten if self.forgotten_here => RecordState::Forgotten,
                State::Left | State::Forgotten if self.said_so() => RecordState::Left,
                // What is only heard is not passed on.
                State::Down | State::Left | State::Forgotten => RecordState::Down,
            },
        }
    }

    /// As it is listed; `None` when it has been forgotten.
    pub(super) fn view(&self) -> Option<MemberView> {
        let state = match self.state {
            State::Alive => ViewState::Alive,
            State::Known | State::Suspect => ViewState::Suspect,
            State::Down => ViewState::Down,
            State::Left => ViewState::Left,
            State::Forgotten => return None,
        };
        Some(MemberView {
            info: self.info.clone(),
            id: self.id.clone(),
            state,
            rtt_us: self.link.and(self.rtt).map(|rtt| {
                // A round trip is at least 1 us: 0 would read as "not measured".
                u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX).max(1)
            }),
        })
    }
}
