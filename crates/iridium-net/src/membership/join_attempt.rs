//! One join that is under way.

use std::collections::BTreeSet;

use iridium_proto::{NodeAlias, NodeInfo};

use crate::endpoint::Endpoint;
use crate::ids::DialId;

/// An address at which a member is thought to be.
#[derive(Debug)]
pub(super) struct JoinAttempt {
    pub(super) endpoint: Endpoint,
    /// The alias behind the address, where this node remembers it.
    pub(super) remembered: Option<NodeInfo>,
    /// Whether to go on until it works.
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
