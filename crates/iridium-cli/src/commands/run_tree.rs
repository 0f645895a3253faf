//! A tree of supervisors that runs: what its supervisors do, in words.

use iridium_sched::supervisor::{ChildBody, Spec, Supervision};
use iridium_vm::Pid;

use crate::program::culprits::Culprits;

/// A tree of supervisors that runs.
pub(super) struct Tree {
    /// The name of the app.
    pub(super) name: String,
    /// Its top supervisor.
    pub(super) top: Pid,
    spec: Spec,
    /// Why supervisors gave up.
    culprits: Culprits,
}

impl Tree {
    pub(super) fn new(name: String, top: Pid, spec: Spec) -> Self {
        Self { name, top, culprits: Culprits::new(spec.clone()), spec }
    }

    /// What a supervisor has done: what it is about, and a line. `None` when the top one has given
    /// up, which [`given_up`](Self::given_up) explains.
    pub(super) fn describe(
        &mut self,
        supervisor: Pid,
        what: &Supervision,
    ) -> Option<(String, String)> {
        let name = self.supervisor(supervisor, what);
        let (Supervision::Restarted { child, .. }
        | Supervision::NotStarted { child, .. }
        | Supervision::GaveUp { child, .. }) = what;
        if let Supervision::GaveUp { child, reason } = what {
            let by_top = supervisor == self.top;
            self.culprits.add(by_top, child, *reason);
            if by_top {
                return None;
            }
        }
        Some((format!("{name}: {child}"), format!("{name}: {what}")))
    }

    /// That and why the top supervisor has given up, when it has.
    pub(super) fn given_up(&self) -> Option<String> {
        let why = self.culprits.explain()?;
        Some(format!("the supervisor of {} has given up: {why}", self.name))
    }

    /// The name of a supervisor, found by the name of its child if only one supervisor has
    /// such a child; else its pid.
    fn supervisor(&self, pid: Pid, what: &Supervision) -> String {
        if pid == self.top {
            return self.name.clone();
        }
        let (Supervision::Restarted { child, .. }
        | Supervision::NotStarted { child, .. }
        | Supervision::GaveUp { child, .. }) = what;
        let mut found = Vec::new();
        parents(&self.name, &self.spec, child, &mut found);
        match found.as_slice() {
            [name] => (*name).to_string(),
            _ => format!("supervisor {pid}"),
        }
    }
}

/// The supervisors that have a child of this name.
fn parents<'s>(name: &'s str, spec: &'s Spec, child: &str, found: &mut Vec<&'s str>) {
    if spec.children.iter().any(|each| each.name == child) {
        found.push(name);
    }
    for each in &spec.children {
        if let ChildBody::Supervisor(spec) = &each.body {
            parents(&each.name, spec, child, found);
        }
    }
}
