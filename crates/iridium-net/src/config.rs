//! What a node is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;

use iridium_proto::{Features, NodeAlias, NodeIp, NodeNumber, NodePort};

use crate::endpoint::Endpoint;
use crate::membership::Timing;
use crate::secret::Security;

/// What a node is told at its start.
#[derive(Debug, Clone)]
pub struct Config {
    /// The node's name. `None`: a UUID that is kept in the data root, or one
    /// for this time only when that is in use or there is no data root.
    pub alias: Option<NodeAlias>,
    /// The number of the node in pids; `None`: one is drawn.
    pub number: Option<NodeNumber>,
    /// Where to listen. Port 0 stands for any free port.
    pub bind: SocketAddr,
    /// Where else to listen, for control clients alone: a node that wants to join
    /// there is refused. `None`: they connect where nodes do, as they always can.
    pub control_bind: Option<SocketAddr>,
    /// Where others are to dial this node. `None`: at the address it listens
    /// at or, if that is unspecified, at the one they see it come from. The
    /// port is the one it listens on unless another is given.
    pub advertise: Option<(NodeIp, Option<NodePort>)>,
    /// The features that this node knows, for an application with messages that not every build
    /// understands: those of a link are at [`ClusterClient::features`](crate::ClusterClient::features).
    pub features: Features,
    /// How connections are protected.
    pub security: Security,
    /// Where files are kept, in a folder of the node's alias. `None`: nothing
    /// is kept, and nothing remembered at the next start.
    pub data_root: Option<PathBuf>,
    /// The time spans of the membership protocol.
    pub timing: Timing,
    /// Members of the cluster to join; each is tried until it answers.
    pub seeds: Vec<Endpoint>,
    /// Bytes of messages that may wait to be sent to one node; default 8 MiB.
    pub queue_bytes: usize,
}

impl Config {
    /// A node that listens at `bind`, joins nobody and keeps nothing.
    #[must_use]
    pub fn new(bind: SocketAddr, security: Security) -> Self {
        Self {
            alias: None,
            number: None,
            bind,
            control_bind: None,
            advertise: None,
            features: Features::NONE,
            security,
            data_root: None,
            timing: Timing::default(),
            seeds: Vec::new(),
            queue_bytes: 8 * 1024 * 1024,
        }
    }
}
