//! What the commands of the REPL work on.

use crossbeam_channel::{Receiver, never};

use iridium_net::Event;
use iridium_node::Node;

use super::language::Languages;
use super::lines::Lines;
use super::machine::Machine;
use super::notebook::Notebook;
use crate::args::NodeFlags;
use crate::mesh_events;

/// A REPL at work.
pub(super) struct ReplSession {
    /// The flags for a node that is started from here.
    pub(super) flags: NodeFlags,
    pub(super) lines: Lines,
    pub(super) machine: Machine,
    /// What runs Palladium.
    pub(super) notebook: Notebook,
    /// What lines are taken for.
    pub(super) languages: Languages,
    /// The lines of an entry of Palladium that is not complete yet.
    pub(super) half: String,
    /// The node, from its start until it has left the cluster.
    pub(super) cluster: Option<Node>,
    pub(super) events: Receiver<Event>,
}

impl ReplSession {
    /// Prints an event of the mesh. A request to leave the cluster is obeyed.
    pub(super) fn on_event(&mut self, event: &Event) {
        self.lines.print_notice(&mesh_events::describe(event));
        if *event == Event::LeaveRequested {
            self.leave();
            self.lines.print_notice("this node has left the cluster");
        }
    }

    /// Leaves the cluster, if there is one. Processes stay.
    pub(super) fn leave(&mut self) {
        if let Some(node) = self.cluster.take() {
            node.leave();
        }
        if let Ok(local) = self.machine.driver.backend.require_local_mut() {
            local.is_clustered = false;
        }
        self.events = never();
    }
}
