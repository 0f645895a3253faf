//! What operators do to single processes.

use std::sync::Arc;

use iridium_sched::{Distribution as _, Reason, SendRefused, Signal};
use iridium_vm::{Message, Payload, Pid, Program, Register, Start};

use super::Operators;
use crate::control::protocol::{SpawnOrder, Target};
use crate::error::NodeError;

impl Operators {
    /// Starts a process that runs a program, or on another node one of the same module.
    pub(crate) fn spawn(
        &self,
        order: &SpawnOrder,
        program: &Arc<Program>,
    ) -> Result<Pid, NodeError> {
        let scheduler = self.this.running()?;
        let app = if order.link_app { Some(self.newest_app()?) } else { None };
        let start = start(order, program)?;
        let (module, limits, name) = (program.module().id(), order.limits, order.name.clone());
        let pid = match &order.on {
            Some(alias) => self.spawn_on(Some(alias), module, start, limits, name)?,
            None => self.spawn_here(program, &start, limits, name.as_deref())?,
        };
        if let Some(app) = app {
            scheduler.deliver(app, pid, Signal::Link { from: app });
            scheduler.deliver(pid, app, Signal::Link { from: pid });
        }
        Ok(pid)
    }

    /// Sends a message in nobody's name. That there is no room for it on the way to another node is
    /// told.
    pub(super) fn send(
        &self,
        target: &Target,
        tag: i64,
        payload: Payload,
    ) -> Result<Pid, NodeError> {
        if tag < 0 {
            return Err(NodeError::Refused(format!("{tag} is a tag of the system's own")));
        }
        let to = self.resolve(target)?;
        let scheduler = self.this.running()?;
        if to.node() == scheduler.node() {
            scheduler.send(Pid::NOBODY, to, tag, payload);
            return Ok(to);
        }
        let message = Message { tag, sender: Pid::NOBODY.bits(), payload };
        let why = match self.remote.message(Pid::NOBODY, to, message) {
            Ok(()) => return Ok(to),
            Err(SendRefused::NoCredit(_)) => {
                format!("too much waits on the way to the node of process {to}; try again later")
            }
            Err(SendRefused::TooLong(_)) => "the message is too long for another node".into(),
        };
        Err(NodeError::Refused(why))
    }

    /// Ends a process, or tells it to.
    pub(super) fn kill(&self, target: &Target, reason: Reason) -> Result<Pid, NodeError> {
        let pid = self.resolve(target)?;
        self.this.running()?.kill(pid, reason);
        Ok(pid)
    }

    /// The process that is meant.
    ///
    /// One of this node has to live. Of one that lives elsewhere, nobody here knows; but its node has
    /// to be there.
    pub(super) fn resolve(&self, target: &Target) -> Result<Pid, NodeError> {
        match target {
            Target::Pid(pid) => {
                let scheduler = self.this.running()?;
                let there = match pid.node() == scheduler.node() {
                    true => scheduler.is_alive(*pid),
                    false => self.links.peers.find(pid.node()).is_some(),
                };
                if there { Ok(*pid) } else { Err(NodeError::NoProcess(target.to_string())) }
            }
            Target::Name(name, alias) => {
                let found = self.find(name, alias.as_ref())?;
                found.ok_or_else(|| NodeError::NoProcess(format!("process {target}")))
            }
        }
    }
}

/// Where a process starts, and with which registers.
fn start(order: &SpawnOrder, program: &Program) -> Result<Start, NodeError> {
    let mut arguments = Box::new([Register::default(); Start::ARGUMENTS]);
    let most = arguments.len();
    if order.arguments.len() > most {
        let why = format!("a process starts with at most {most} arguments");
        return Err(NodeError::Refused(why));
    }
    for (register, argument) in arguments.iter_mut().zip(&order.arguments) {
        *register = *argument;
    }
    Ok(Start { entry: order.entry.unwrap_or(program.module().entry()), arguments })
}
