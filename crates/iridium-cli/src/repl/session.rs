//! What the commands of the REPL work on.

use crossbeam_channel::{Receiver, never};

use iridium_net::Event;
use iridium_node::Node;

use super::line::Lines;
use super::machine::Machine;
use crate::args::NodeFlags;
use crate::event;

/// A REPL at work.
pub(super) struct Session {
    /// What a node is to be told that is started from here.
    pub(super) flags: NodeFlags,
    pub(super) lines: Lines,
    pub(super) machine: Machine,
    /// The node, once it was started and until it has left.
    pub(super) cluster: Option<Node>,
    pub(super) events: Receiver<Event>,
}

impl Session {
    /// Tells of an event of the mesh, and leaves the cluster when it asks for that.
    pub(super) fn on_event(&mut self, event: &Event) {
        self.lines.notice(&event::describe(event));
        if *event == Event::LeaveRequested {
            self.leave();
            self.lines.notice("this node has left the cluster");
        }
    }

    /// Leaves the cluster, if there is one. Processes stay.
    pub(super) fn leave(&mut self) {
        if let Some(node) = self.cluster.take() {
            node.leave();
        }
        if let Ok(here) = self.machine.driver.place.own_mut() {
            here.is_clustered = false;
        }
        self.events = never();
    }
}
