//! What happens at a node, for those who subscribe to it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, Sender, bounded};
use iridium_net::Event;
use iridium_proto::{NodeAlias, NodeInfo};
use iridium_sched::supervisor::Supervision;
use iridium_sched::{ExitInfo, Observer, Reason};
use iridium_vm::Pid;

use crate::sync::lock;
use crate::wire::form::{fields, numbered};

/// Events that may wait for one subscriber before it is cut off.
const MAX_EVENTS: usize = 4096;
/// Traps that are logged in a second; the rest are counted.
const MAX_LOGGED: u64 = 10;

/// Something that has happened at a node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeEvent {
    /// The time at which it happened, in milliseconds since 1970.
    pub time: u64,
    /// The kind of event, with its details.
    pub kind: EventKind,
}

/// The kind of an event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// A member is linked to this node and answers.
    Up {
        /// The alias of the member, and the address that it listens on.
        info: NodeInfo,
    },
    /// A member has fallen silent.
    Suspect {
        /// The alias of the member.
        alias: NodeAlias,
    },
    /// A suspect member is there after all.
    Recovered {
        /// The alias of the member.
        alias: NodeAlias,
        /// Whether messages may have been lost with its connection.
        reconnected: bool,
    },
    /// A member was given up.
    Down {
        /// The alias of the member.
        alias: NodeAlias,
    },
    /// A member said goodbye.
    Left {
        /// The alias of the member.
        alias: NodeAlias,
    },
    /// A process has ended with another reason than normal.
    Ended {
        /// The process.
        pid: Pid,
        /// The exit reason.
        reason: Reason,
        /// The trap that ended it, in words.
        trap: Option<String>,
    },
    /// A supervisor has done something.
    Supervised {
        /// The pid of the supervisor.
        supervisor: Pid,
        /// The action that it took.
        what: Supervision,
    },
}

fields!(NodeEvent { time: u64, kind: EventKind });

numbered!(EventKind {
    0 Up { info: NodeInfo };
    1 Suspect { alias: NodeAlias };
    2 Recovered { alias: NodeAlias, reconnected: bool };
    3 Down { alias: NodeAlias };
    4 Left { alias: NodeAlias };
    5 Ended { pid: Pid, reason: Reason, trap: Option<String> };
    6 Supervised { supervisor: Pid, what: Supervision };
});

/// How often things have happened since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) failures: u64,
    pub(crate) traps: u64,
    pub(crate) restarts: u64,
}

/// Publishes what happens to all subscribers, and counts it.
#[derive(Default)]
pub(crate) struct EventBus {
    subscribers: Mutex<Vec<(u64, Sender<NodeEvent>)>>,
    /// How many subscribers there ever were.
    counted: AtomicU64,
    failures: AtomicU64,
    traps: AtomicU64,
    restarts: AtomicU64,
    /// The second in which traps were logged last, and how many then.
    logged: Mutex<(u64, u64)>,
    /// Who else is told how processes end.
    next: Option<Arc<dyn Observer>>,
}

/// What happens from the beginning of the subscription to the moment it is dropped.
pub(crate) struct Subscription<'b> {
    bus: &'b EventBus,
    number: u64,
    pub(crate) events: Receiver<NodeEvent>,
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        lock(&self.bus.subscribers).retain(|(number, _)| *number != self.number);
    }
}

impl EventBus {
    pub(crate) fn new(next: Option<Arc<dyn Observer>>) -> Self {
        Self { next, ..Self::default() }
    }

    /// Everything that happens from now on. A subscriber that lets 4,096 events pile up is cut off:
    /// its receiver then ends.
    pub(crate) fn events(&self) -> Receiver<NodeEvent> {
        self.enter().1
    }

    /// As [`events`](Self::events), for those who come and go: the place of one who is gone is
    /// otherwise kept until something happens, which on a quiet node may be never.
    pub(crate) fn subscribe(&self) -> Subscription<'_> {
        let (number, events) = self.enter();
        Subscription { bus: self, number, events }
    }

    fn enter(&self) -> (u64, Receiver<NodeEvent>) {
        let (subscriber, events) = bounded(MAX_EVENTS);
        let number = self.counted.fetch_add(1, Ordering::Relaxed);
        lock(&self.subscribers).push((number, subscriber));
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
        let kind = match event {
            Event::Up { info, .. } => EventKind::Up { info: info.clone() },
            Event::Suspect { id } => EventKind::Suspect { alias: id.alias.clone() },
            Event::Recovered { id, reconnected, .. } => {
                EventKind::Recovered { alias: id.alias.clone(), reconnected: *reconnected }
            }
            Event::Down { id } => EventKind::Down { alias: id.alias.clone() },
            Event::Left { id } => EventKind::Left { alias: id.alias.clone() },
            // About this node's own doings, which its owner is told.
            _ => return,
        };
        self.publish(|| kind);
    }

    /// Sends an event to all subscribers. With none, it is not even made.
    fn publish(&self, kind: impl FnOnce() -> EventKind) {
        let mut subscribers = lock(&self.subscribers);
        if subscribers.is_empty() {
            return;
        }
        let event = NodeEvent { time: now(), kind: kind() };
        subscribers.retain(|(_, subscriber)| subscriber.try_send(event.clone()).is_ok());
    }

    /// Logs a trap, unless there are very many.
    fn log_trap(&self, exit: &ExitInfo) {
        let Some(trap) = &exit.trap else { return };
        let (this, unlogged) = self.is_to_be_logged();
        if unlogged > 0 {
            log::warn!("{unlogged} more processes trapped within a second");
        }
        if this {
            // In one line, as all of the log.
            let trap = trap.to_string();
            let parts: Vec<_> = trap.lines().map(str::trim).collect();
            log::warn!("process pid={}: {}", exit.pid, parts.join(" "));
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

impl Observer for EventBus {
    fn exited(&self, exit: &ExitInfo) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        if exit.trap.is_some() {
            self.traps.fetch_add(1, Ordering::Relaxed);
            self.log_trap(exit);
        }
        self.publish(|| EventKind::Ended {
            pid: exit.pid,
            reason: exit.reason,
            trap: exit.trap.as_ref().map(ToString::to_string),
        });
        if let Some(next) = &self.next {
            next.exited(exit);
        }
    }

    fn supervised(&self, supervisor: Pid, what: &Supervision) {
        if let Supervision::Restarted { .. } = what {
            self.restarts.fetch_add(1, Ordering::Relaxed);
            log::info!("supervisor pid={supervisor}: {what}");
        } else {
            log::warn!("supervisor pid={supervisor}: {what}");
        }
        self.publish(|| EventKind::Supervised { supervisor, what: what.clone() });
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
    fn subscriptions_that_are_dropped_take_no_place_although_nothing_happens() {
        let bus = EventBus::default();
        let stays = bus.subscribe();
        for _ in 0..3 {
            drop(bus.subscribe());
        }
        assert_eq!(lock(&bus.subscribers).len(), 1);
        let alias = NodeAlias::new("a").unwrap();
        bus.publish(|| EventKind::Down { alias });
        assert!(stays.events.try_recv().is_ok());
    }
}
