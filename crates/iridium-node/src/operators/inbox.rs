//! What processes understand.

use std::sync::Arc;

use iridium_isa::module::protocols_to_bytes;
use iridium_sched::Scheduler;
use iridium_vm::Pid;

use super::Operators;
use super::cluster::ANSWER_WITHIN;
use super::held::Held;
use crate::control::protocol::Target;
use crate::error::NodeError;
use crate::report::Inbox;
use crate::wire::{Query, Response};

impl Operators {
    /// What a process of this node or of another one understands.
    pub(super) fn understands(
        &self,
        of: &Target,
        held: &Arc<Held>,
    ) -> Result<(Pid, Inbox), NodeError> {
        let pid = self.resolve(of)?;
        let scheduler = self.this.running()?;
        if pid.node() == scheduler.node() {
            let inbox = inbox(&scheduler, pid).and_then(|inbox| held.inbox(inbox));
            return Ok((pid, inbox.map_err(NodeError::Refused)?));
        }
        let peer = self.links.peers.find(pid.node());
        let peer = peer.ok_or_else(|| NodeError::NoProcess(of.to_string()))?;
        match self.ask(&peer.id.alias, Query::Understands(pid), ANSWER_WITHIN, held)? {
            Response::Understands(inbox) => Ok((pid, inbox.map_err(NodeError::Refused)?)),
            _ => Err(NodeError::NoAnswer(peer.id.alias.clone())),
        }
    }
}

/// What a process of this node understands.
///
/// # Errors
/// Why that is not known, in words.
pub(super) fn inbox(scheduler: &Scheduler, pid: Pid) -> Result<Inbox, String> {
    let found = scheduler.program_of(pid);
    let (program, at) =
        found.ok_or_else(|| format!("process {pid} runs no program that could be asked"))?;
    let module = program.module();
    Ok(Inbox {
        function: module.label_before(at).map(|(label, _)| label.to_owned()),
        protocols: protocols_to_bytes(module.protocols()).into(),
    })
}
