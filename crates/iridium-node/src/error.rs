//! What can go wrong.

use std::io;

use iridium_isa::Module;
use iridium_proto::NodeAlias;
use iridium_sched::TooManyProcesses;
use iridium_vm::MissingImports;
use thiserror::Error;

/// Why a node did not start. Nothing is left running.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The mesh of the node did not start.
    #[error(transparent)]
    Mesh(#[from] iridium_net::StartError),
    /// The scheduler that the node was to use belongs to another node.
    #[error("the scheduler belongs to another node")]
    SchedulerTaken,
    /// The system has no threads for the node.
    #[error("the system has no threads for the node: {0}")]
    Threads(#[from] io::Error),
}

/// What is told of a module that imports functions which a node does not have.
pub type Refusal = fn(&Module, &MissingImports) -> String;

/// Why a node did not do what it was asked. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// There are as many processes as there may be.
    #[error(transparent)]
    Full(#[from] TooManyProcesses),
    /// The node has been shut down.
    #[error("the node has been shut down")]
    Stopped,
    /// No node of that name is linked to this one.
    #[error("there is no node {0} in the cluster")]
    NoNode(NodeAlias),
    /// The other node was lost, or took too long. It may have done it nevertheless.
    #[error("no answer from {0}")]
    NoAnswer(NodeAlias),
    /// The other node does not know the question.
    #[error("{0} does not understand this; its version may be another")]
    NotUnderstood(NodeAlias),
    /// There is no such process; its pid or its name.
    #[error("there is no {0}")]
    NoProcess(String),
    /// The request cannot be carried out, and why.
    #[error("{0}")]
    Refused(String),
}
