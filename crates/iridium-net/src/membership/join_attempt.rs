//! One join that is under way.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use iridium_proto::{NodeAlias, NodeInfo};

use crate::endpoint::Endpoint;
use crate::error::JoinError;

/// Who wants a join, and so what becomes of it when nobody answers.
#[derive(Debug)]
pub(super) enum JoinKind {
    /// Somebody waits for the outcome of one attempt.
    Asked,
    /// A seed of the configuration: tried until it answers.
    Seed,
    /// A peer from an earlier run: tried until it answers, and nobody is told.
    Remembered(NodeInfo),
}

/// A join. It is tried in rounds: in each, every address of the endpoint is dialled at the same
/// time, and each is a seed in its own right.
#[derive(Debug)]
pub(super) struct JoinAttempt {
    pub(super) endpoint: Endpoint,
    pub(super) kind: JoinKind,
    /// Rounds in a row in which an address did not answer.
    pub(super) failures: u32,
    /// The token of its current timer.
    pub(super) token: u64,
    /// Whether its name is being looked up.
    pub(super) looking_up: bool,
    /// The addresses that are being tried.
    pub(super) open: BTreeSet<SocketAddr>,
    /// The first failure of the round after which to try again may help.
    pub(super) failure: Option<JoinError>,
    /// Whether an address has led to this node itself in this round.
    pub(super) is_own: bool,
    /// The addresses that have refused for good, and are not dialled again.
    pub(super) refused: BTreeMap<SocketAddr, JoinError>,
    /// Whether a round has ended, or takes longer than one should.
    pub(super) tried: bool,
    /// The node that answered first.
    pub(super) seed: Option<NodeAlias>,
    /// Whether that was reported.
    pub(super) reported: bool,
    /// Members that were named in answer and that are still being dialled.
    pub(super) waiting: BTreeSet<NodeAlias>,
    pub(super) unreachable: Vec<NodeAlias>,
}

/// What a round has come to. The first of these that holds for one of the addresses.
pub(super) enum RoundEnd {
    /// To try again may help.
    Failed(JoinError),
    /// A node has answered.
    Joined,
    /// There is nobody who has not refused for good.
    Refused(JoinError),
    /// There is only this node itself.
    Own,
}

impl JoinAttempt {
    pub(super) fn new(endpoint: Endpoint, kind: JoinKind) -> Self {
        Self {
            endpoint,
            kind,
            failures: 0,
            token: 0,
            looking_up: false,
            open: BTreeSet::new(),
            failure: None,
            is_own: false,
            refused: BTreeMap::new(),
            tried: false,
            seed: None,
            reported: false,
            waiting: BTreeSet::new(),
            unreachable: Vec::new(),
        }
    }

    /// The peer that it is for, if that is remembered from an earlier run.
    pub(super) fn remembered(&self) -> Option<&NodeInfo> {
        match &self.kind {
            JoinKind::Remembered(peer) => Some(peer),
            JoinKind::Asked | JoinKind::Seed => None,
        }
    }

    pub(super) fn is_seed(&self) -> bool {
        matches!(self.kind, JoinKind::Seed)
    }

    pub(super) fn begin_round(&mut self) {
        self.token = 0;
        self.open.clear();
        self.failure = None;
        self.is_own = false;
    }

    /// Whether the round goes on.
    pub(super) fn is_under_way(&self) -> bool {
        self.looking_up || !self.open.is_empty() || !self.waiting.is_empty()
    }

    pub(super) fn round_end(&self) -> RoundEnd {
        match (&self.failure, &self.seed, self.refused.values().next()) {
            (Some(failure), _, _) => RoundEnd::Failed(failure.clone()),
            (None, Some(_), _) => RoundEnd::Joined,
            (None, None, Some(refusal)) => RoundEnd::Refused(refusal.clone()),
            (None, None, None) => RoundEnd::Own,
        }
    }

    /// Whether it has led to this node itself and to nobody else.
    pub(super) fn is_only_own(&self) -> bool {
        self.is_own && !self.is_under_way() && matches!(self.round_end(), RoundEnd::Own)
    }

    /// The endpoint, for messages; with the address, if it is one of a name.
    pub(super) fn shown(&self, addr: SocketAddr) -> String {
        match &self.endpoint {
            Endpoint::Addr(_) => addr.to_string(),
            name @ Endpoint::Name { .. } => format!("{name} ({addr})"),
        }
    }
}
