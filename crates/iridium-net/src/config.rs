//! The configuration of a node.

use std::net::SocketAddr;
use std::path::PathBuf;

use iridium_proto::{Features, NodeAlias, NodeIp, NodeNumber, NodePort};

use crate::endpoint::Endpoint;
use crate::membership::Timing;
use crate::secret::Security;

/// The configuration of a node.
#[derive(Debug, Clone)]
#[must_use]
pub struct Config {
    /// The node's alias. `None`: a UUID that is kept in the data root, or a new one
    /// when that is in use or there is no data root.
    pub alias: Option<NodeAlias>,
    /// The number of the node in pids. `None`: a random one.
    pub number: Option<NodeNumber>,
    /// Where to listen. Port 0 stands for any free port.
    pub bind: SocketAddr,
    /// Another address to listen at, for control clients alone. `None`: they connect
    /// where nodes do, which they can in any case.
    pub control_bind: Option<SocketAddr>,
    /// The address at which others dial this node. `None`: the address that it
    /// listens at or, if that is unspecified, the one that they see it come from.
    /// Without a port it is the port that it listens on.
    pub advertise: Option<(NodeIp, Option<NodePort>)>,
    /// The features that this node knows, for an application with messages that not every build
    /// understands: those of a link are at [`ClusterClient::features`](crate::ClusterClient::features).
    pub features: Features,
    /// How connections are protected.
    pub security: Security,
    /// The folder in which the node keeps its files, in a folder of its alias.
    /// `None`: it keeps no files and remembers nothing for its next start.
    pub data_root: Option<PathBuf>,
    /// The time spans of the membership protocol.
    pub timing: Timing,
    /// Members of the cluster to join: each, and each address of a name, is tried until it
    /// answers. All nodes may be given the same, since a node that finds itself skips that.
    pub seeds: Vec<Endpoint>,
    /// Bytes of messages that may be queued for one node, 8 MiB by default; and as many of short ones, up to
    /// 65 KiB each, but of these at most 2 MiB.
    pub queue_bytes: usize,
    /// How many links have two threads of their own at the same time; 16 by default. Two threads carry
    /// all others together, with a somewhat longer round trip.
    pub own_threads: usize,
}

impl Config {
    /// A node that listens at `bind`, joins nobody and keeps nothing.
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
            own_threads: 16,
        }
    }
}
