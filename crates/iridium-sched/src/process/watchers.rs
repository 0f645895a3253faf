//! Those outside of the scheduler who wait for the end of a process.

use std::convert::Infallible;
use std::fmt;

use crossbeam_channel::Sender;

use super::exit_info::ExitInfo;
use super::group::GroupToken;

/// Those who wait for the end of a process. Few processes have any, so their lists lie beside it.
#[derive(Debug, Default)]
pub(crate) struct Watchers(Option<Box<Lists>>);

#[derive(Default)]
struct Lists {
    /// Embedders who want to know how it ends.
    subscribers: Vec<Sender<ExitInfo>>,
    /// The groups that it belongs to.
    groups: Vec<GroupToken>,
    /// What is dropped when the process has ended.
    held: Vec<Box<dyn Send>>,
    /// Of a supervisor: disconnected when it has started its children.
    up: Option<Sender<Infallible>>,
}

impl fmt::Debug for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Lists");
        debug.field("subscribers", &self.subscribers.len()).field("groups", &self.groups);
        debug.field("held", &self.held.len()).finish_non_exhaustive()
    }
}

impl Watchers {
    /// Adds an embedder who wants to know how the process ends.
    pub(crate) fn subscribe(&mut self, subscriber: Sender<ExitInfo>) {
        self.0.get_or_insert_default().subscribers.push(subscriber);
    }

    /// Whether an embedder wants to know how the process ends.
    pub(crate) fn has_subscribers(&self) -> bool {
        self.0.as_ref().is_some_and(|lists| !lists.subscribers.is_empty())
    }

    /// Tells all subscribers how the process has ended. They may have gone meanwhile.
    pub(crate) fn tell(&mut self, info: ExitInfo) {
        let Some(lists) = &mut self.0 else { return };
        // The last one gets what nobody else holds.
        let last = lists.subscribers.pop();
        for subscriber in lists.subscribers.drain(..) {
            let _ = subscriber.try_send(info.clone());
        }
        let _ = last.map(|subscriber| subscriber.try_send(info));
    }

    /// Holds something until the process has ended.
    pub(crate) fn hold(&mut self, held: Box<dyn Send>) {
        self.0.get_or_insert_default().held.push(held);
    }

    /// The process has ended, and nobody is to be told any more.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }

    /// Adds an embedder who waits for the children of a supervisor.
    pub(crate) fn when_up(&mut self, up: Sender<Infallible>) {
        self.0.get_or_insert_default().up = Some(up);
    }

    /// The supervisor has started its children.
    pub(crate) fn is_up(&mut self) {
        if let Some(lists) = &mut self.0 {
            lists.up = None;
        }
    }

    /// Adds the process to a group, once.
    pub(crate) fn join(&mut self, token: GroupToken) {
        let groups = &mut self.0.get_or_insert_default().groups;
        if !groups.iter().any(|known| known.is_same_group(&token)) {
            groups.push(token);
        }
    }

    /// The groups that the process belongs to.
    pub(crate) fn groups(&self) -> &[GroupToken] {
        self.0.as_ref().map_or(&[], |lists| &lists.groups)
    }
}
