//! What happens at a node, for those who want to follow it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, bounded};
use iridium_net::Event;
use iridium_proto::{NodeAlias, NodeInfo};
use iridium_sched::supervisor::Supervision;
use iridium_sched::{ExitInfo, Observer, Reason};
use iridium_vm::Pid;
use serde::{Deserialize, Serialize};

use crate::sync::lock;

/// Events that may wait for one listener before it is cut off.
const MAX_EVENTS: usize = 4096;
/// Traps that are logged in a second; the rest are counted.
const MAX_LOGGED: u64 = 10;

/// Something that has happened at a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeEvent {
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// What.
    pub what: Happening,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Happening {
    /// A member is linked to this node and answers.
    Up {
        /// Where it listens.
        info: NodeInfo,
    },
    /// A member has fallen silent.
    Suspect {
        /// Its alias.
        alias: NodeAlias,
    },
    /// A suspect member is there after all.
    Recovered {
        /// Its alias.
        alias: NodeAlias,
        /// Whether messages may have been lost with its connection.
        reconnected: bool,
    },
    /// A member was given up.
    Down {
        /// Its alias.
        alias: NodeAlias,
    },
    /// A member said goodbye.
    Left {
        /// Its alias.
        alias: NodeAlias,
    },
    /// A process has ended with another reason than normal.
    Ended {
        /// Which.
        pid: Pid,
        /// Why.
        reason: Reason,
        /// The trap that ended it, in words.
        trap: Option<String>,
    },
    /// A supervisor has done something.
    Supervised {
        /// Its pid.
        supervisor: Pid,
        /// What.
        what: Supervision,
    },
}

/// How often things have happened since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) failures: u64,
    pub(crate) traps: u64,
    pub(crate) restarts: u64,
}

/// Tells everyone who listens, and counts.
#[derive(Default)]
pub(crate) struct Hub {
    listeners: Mutex<Vec<(u64, Sender<NodeEvent>)>>,
    /// How many listeners there ever were.
    counted: AtomicU64,
    failures: AtomicU64,
    traps: AtomicU64,
    restarts: AtomicU64,
    /// The second in which traps were logged last, and how many then.
    logged: Mutex<(u64, u64)>,
    /// Who else wants to know how processes end.
    next: Option<Arc<dyn Observer>>,
}

/// A listener that gives its place back when it is dropped.
pub(crate) struct Follower<'h> {
    hub: &'h Hub,
    number: u64,
    pub(crate) events: Receiver<NodeEvent>,
}

impl Drop for Follower<'_> {
    fn drop(&mut self) {
        lock(&self.hub.listeners).retain(|(number, _)| *number != self.number);
    }
}

impl Hub {
    pub(crate) fn new(next: Option<Arc<dyn Observer>>) -> Self {
        Self { next, ..Self::default() }
    }

    /// Everything that happens from now on. A listener that lets 4,096 events pile up is cut off:
    /// its receiver then ends.
    pub(crate) fn listen(&self) -> Receiver<NodeEvent> {
        self.enter().1
    }

    /// As [`listen`](Self::listen), for those who come and go: the place of one who is gone is
    /// otherwise kept until something happens, which on a quiet node may be never.
    pub(crate) fn follow(&self) -> Follower<'_> {
        let (number, events) = self.enter();
        Follower { hub: self, number, events }
    }

    fn enter(&self) -> (u64, Receiver<NodeEvent>) {
        let (listener, events) = bounded(MAX_EVENTS);
        let number = self.counted.fetch_add(1, Ordering::Relaxed);
        lock(&self.listeners).push((number, listener));
        (number, events)
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            failures: read(&self.failures),
            traps: read(&self.traps),
            restarts: read(&self.restarts),
        }
    }

    /// Passes on what the mesh tells.
    pub(crate) fn member(&self, event: &Event) {
        let what = match event {
            Event::Up { info, .. } => Happening::Up { info: info.clone() },
            Event::Suspect { id } => Happening::Suspect { alias: id.alias.clone() },
            Event::Recovered { id, reconnected, .. } => {
                Happening::Recovered { alias: id.alias.clone(), reconnected: *reconnected }
            }
            Event::Down { id } => Happening::Down { alias: id.alias.clone() },
            Event::Left { id } => Happening::Left { alias: id.alias.clone() },
            // About this node's own doings, which its owner is told.
            Event::Refused { .. }
            | Event::Joined(_)
            | Event::JoinFailed(_)
            | Event::LeaveRequested
            | Event::NotDialable { .. } => return,
        };
        self.tell(|| what);
    }

    /// Tells all listeners. With none, nothing is put together.
    fn tell(&self, what: impl FnOnce() -> Happening) {
        let mut listeners = lock(&self.listeners);
        if listeners.is_empty() {
            return;
        }
        let event = NodeEvent { time: now(), what: what() };
        listeners.retain(|(_, listener)| listener.try_send(event.clone()).is_ok());
    }

    /// Logs a trap, unless there are very many.
    fn log_trap(&self, ending: &ExitInfo) {
        let Some(trap) = &ending.trap else { return };
        let (this, unlogged) = self.is_to_be_logged();
        if unlogged > 0 {
            log::warn!("{unlogged} more processes trapped within a second");
        }
        if this {
            // In one line, as all of the log.
            let trap = trap.to_string();
            let parts: Vec<_> = trap.lines().map(str::trim).collect();
            log::warn!("process pid={}: {}", ending.pid, parts.join(" "));
        }
    }

    /// Whether a trap is to be logged, and how many were not that came before.
    fn is_to_be_logged(&self) -> (bool, u64) {
        let second = now() / 1000;
        let mut logged = lock(&self.logged);
        let mut unlogged = 0;
        if logged.0 != second {
            unlogged = logged.1.saturating_sub(MAX_LOGGED);
            *logged = (second, 0);
        }
        logged.1 += 1;
        (logged.1 <= MAX_LOGGED, unlogged)
    }
}

impl Observer for Hub {
    fn exited(&self, ending: &ExitInfo) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        if ending.trap.is_some() {
            self.traps.fetch_add(1, Ordering::Relaxed);
            self.log_trap(ending);
        }
        self.tell(|| Happening::Ended {
            pid: ending.pid,
            reason: ending.reason,
            trap: ending.trap.as_ref().map(ToString::to_string),
        });
        if let Some(next) = &self.next {
            next.exited(ending);
        }
    }

    fn supervised(&self, supervisor: Pid, what: &Supervision) {
        if let Supervision::Restarted { .. } = what {
            self.restarts.fetch_add(1, Ordering::Relaxed);
            log::info!("supervisor pid={supervisor}: {what}");
        } else {
            log::warn!("supervisor pid={supervisor}: {what}");
        }
        self.tell(|| Happening::Supervised { supervisor, what: what.clone() });
        if let Some(next) = &self.next {
            next.supervised(supervisor, what);
        }
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn followers_that_have_gone_take_no_place_although_nothing_happens() {
        let hub = Hub::default();
        let stays = hub.follow();
        for _ in 0..3 {
            drop(hub.follow());
        }
        assert_eq!(lock(&hub.listeners).len(), 1);
        let alias = NodeAlias::new("a").unwrap();
        hub.tell(|| Happening::Down { alias });
        assert!(stays.events.try_recv().is_ok());
    }
}
