//! Which children made the supervisors of an app give up, to say at its end which one began it.

use iridium_sched::Reason;
use iridium_sched::supervisor::{Child, ChildBody, Spec};

/// The children of an app that ended too often.
pub(crate) struct Culprits {
    spec: Spec,
    /// The child for which the top supervisor has given up.
    top: Option<(String, Reason)>,
    /// Those for which others have; at most one for each name, the latest last.
    below: Vec<(String, Reason)>,
}

impl Culprits {
    pub(crate) fn new(spec: Spec) -> Self {
        Self { spec, top: None, below: Vec::new() }
    }

    /// Notes that a supervisor of the app, which may be its top one, has given up for a child.
    pub(crate) fn add(&mut self, by_top: bool, child: &str, reason: Reason) {
        if by_top {
            self.top = Some((child.into(), reason));
        } else if reason != Reason::GAVE_UP {
            self.below.retain(|(name, _)| name != child);
            self.below.push((child.into(), reason));
        }
    }

    /// Why the top supervisor has given up, in words; `None` when it has not. A child that is a
    /// supervisor, and gave up itself, did so for one below it.
    pub(crate) fn explain(&self) -> Option<String> {
        let (child, reason) = self.top.as_ref()?;
        let body = self.spec.children.iter().find(|each| each.name == *child);
        let below = body.map(|child| names_below(&child.body)).unwrap_or_default();
        let begun = self.below.iter().rev().find(|(name, _)| below.contains(&name.as_str()));
        Some(match begun.filter(|_| *reason == Reason::GAVE_UP) {
            Some((inner, reason)) => {
                format!("{child} ended too often, because its {inner} did, at last: {reason}")
            }
            None => format!("{child} ended too often, at last: {reason}"),
        })
    }
}

/// The names of all children below a supervisor.
fn names_below(body: &ChildBody) -> Vec<&str> {
    let ChildBody::Supervisor(spec) = body else { return Vec::new() };
    spec.children.iter().flat_map(name_and_below).collect()
}

fn name_and_below(child: &Child) -> Vec<&str> {
    let mut names = names_below(&child.body);
    names.push(&child.name);
    names
}
