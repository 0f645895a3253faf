//! The apps of this node.

use crossbeam_channel::Receiver;
use iridium_sched::supervisor::Spec;
use iridium_sched::{ExitInfo, Scheduler, StartSupervisorError};
use iridium_vm::Pid;

use super::Operators;
use crate::control::protocol::{AppRow, ChildRow};
use crate::error::NodeError;
use crate::sync::lock;

/// How deep the tree of an app is shown.
const MAX_DEPTH: u32 = 32;

impl Operators {
    /// As [`Node::start_app`](crate::Node::start_app).
    pub(crate) fn start_app(
        &self,
        name: &str,
        spec: Spec,
    ) -> Result<(Pid, Receiver<ExitInfo>), NodeError> {
        let scheduler = self.this.running()?;
        let started =
            scheduler.start_supervisor(spec, Some(name)).map_err(|error| match error {
                StartSupervisorError::TooManyProcesses(full) => full.into(),
                error => match scheduler.find(name) {
                    Some(pid) => NodeError::Refused(format!("process {pid} has the name {name}")),
                    None => NodeError::Refused(error.to_string()),
                },
            })?;
        lock(&self.apps).push((name.to_string(), started.pid));
        Ok((started.pid, started.exit))
    }

    /// The apps that were started here, oldest first.
    pub(super) fn apps(&self) -> Result<Vec<AppRow>, NodeError> {
        let scheduler = self.this.running()?;
        let row = |(name, pid): (String, Pid)| {
            let mut rows = Vec::new();
            let runs = collect(&scheduler, pid, 0, &mut rows);
            AppRow { name, pid, children: runs.then_some(rows) }
        };
        let apps = lock(&self.apps).clone();
        Ok(apps.into_iter().map(row).collect())
    }

    pub(super) fn newest_app(&self) -> Result<Pid, NodeError> {
        let newest = lock(&self.apps).last().map(|(_, pid)| *pid);
        newest.ok_or_else(|| NodeError::Refused("no app was started at the node".into()))
    }
}

/// Collects the tree below a supervisor. Answers whether it is one.
fn collect(scheduler: &Scheduler, supervisor: Pid, depth: u32, rows: &mut Vec<ChildRow>) -> bool {
    let Some(children) = scheduler.children(supervisor) else { return false };
    for child in children {
        let (pid, supervises) = (child.pid, child.supervises);
        rows.push(ChildRow { depth, name: child.name, pid, supervises });
        if let Some(pid) = pid
            && supervises
            && depth < MAX_DEPTH
        {
            collect(scheduler, pid, depth + 1, rows);
        }
    }
    true
}
