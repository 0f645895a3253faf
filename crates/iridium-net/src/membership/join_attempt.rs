//! One join that is under way.

use std::collections::BTreeSet;

use iridium_proto::{NodeAlias, NodeInfo};

use crate::endpoint::Endpoint;
use crate::ids::DialId;

/// The dial of an address, repeated until the node there answers or the join ends.
#[derive(Debug)]
pub(super) struct JoinAttempt {
    pub(super) endpoint: Endpoint,
    /// The peer that was at the address, if it is remembered from an earlier run.
    pub(super) remembered: Option<NodeInfo>,
    /// Whether it is repeated until the node answers.
    pub(super) persistent: bool,
    pub(super) failures: u32,
    pub(super) token: u64,
    /// The dial that is under way.
    pub(super) dial: Option<DialId>,
    /// The seed, once it has answered.
    pub(super) seed: Option<NodeAlias>,
    /// Members that the seed named and that are still being dialled.
    pub(super) waiting: BTreeSet<NodeAlias>,
    pub(super) unreachable: Vec<NodeAlias>,
}
