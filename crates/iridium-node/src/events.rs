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
/// Of these, how many may be ends and restarts of processes. More are only counted, so that in a
/// storm of them there is room for what is rare.
const MAX_FREQUENT: usize = MAX_EVENTS / 2;
/// How long the texts of those that wait may be together, about: the longer that of one is, the fewer may wait.
const MAX_TEXT: usize = 256 << 10;
/// Traps, and starts of children, that are logged in a second; the rest are counted.
const MAX_LOGGED: u64 = 10;
/// A line counts as one more for each so many bytes of it: a backtrace may be long.
const LONG_LINE: usize = 1 << 10;

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
    /// Processes have ended, or children were started again, faster than the subscriber was told.
    /// The last of these events follows.
    Skipped {
        /// How many events were left out.
        count: u64,
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
    7 Skipped { count: u64 };
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
    subscribers: Mutex<Vec<Subscriber>>,
    /// How many subscribers there ever were.
    counted: AtomicU64,
    failures: AtomicU64,
    traps: AtomicU64,
    restarts: AtomicU64,
    logged_traps: LogLimit,
    logged_starts: LogLimit,
    /// Who else is told how processes end.
    next: Option<Arc<dyn Observer>>,
}

/// One who is told what happens.
struct Subscriber {
    number: u64,
    sender: Sender<NodeEvent>,
    /// How many events were left out since the last one that was sent, and the last of them.
    skipped: (u64, Option<NodeEvent>),
}

impl Subscriber {
    /// Sends an event. Answers whether the subscriber is still there and keeps up.
    fn tell(&mut self, event: &NodeEvent) -> bool {
        let most = MAX_FREQUENT.min(MAX_TEXT / event.kind.text().max(1));
        if event.kind.is_frequent() && self.sender.len() >= most {
            self.skipped.0 += 1;
            self.skipped.1 = Some(event.clone());
            return true;
        }
        self.take_skipped().into_iter().all(|event| self.sender.try_send(event).is_ok())
            && self.sender.try_send(event.clone()).is_ok()
    }

    /// What sums up the events that were left out, and the last of them.
    fn take_skipped(&mut self) -> Vec<NodeEvent> {
        let (count, last) = std::mem::take(&mut self.skipped);
        let Some(last) = last else { return Vec::new() };
        let others = count.saturating_sub(1);
        let sum = NodeEvent { time: last.time, kind: EventKind::Skipped { count: others } };
        if others > 0 { vec![sum, last] } else { vec![last] }
    }
}

impl EventKind {
    /// How long the text is that it comes with, in bytes.
    fn text(&self) -> usize {
        match self {
            Self::Ended { trap, .. } => trap.as_ref().map_or(0, String::len),
            Self::Supervised { what: Supervision::NotStarted { error, .. }, .. } => error.len(),
            _ => 0,
        }
    }

    /// Whether it may come as often as processes can end.
    fn is_frequent(&self) -> bool {
        match self {
            Self::Ended { .. } => true,
            Self::Supervised { what, .. } => !matches!(what, Supervision::GaveUp { .. }),
            _ => false,
        }
    }
}

/// What happens from the beginning of the subscription to the moment it is dropped.
pub(crate) struct Subscription<'b> {
    bus: &'b EventBus,
    number: u64,
    pub(crate) events: Receiver<NodeEvent>,
}

impl Subscription<'_> {
    /// The end of what was left out, for a subscriber that has nothing else to read: what comes
    /// next may be long in coming.
    pub(crate) fn take_skipped(&self) -> Vec<NodeEvent> {
        let mut subscribers = lock(&self.bus.subscribers);
        let me = subscribers.iter_mut().find(|subscriber| subscriber.number == self.number);
        me.map(Subscriber::take_skipped).unwrap_or_default()
    }
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        lock(&self.bus.subscribers).retain(|subscriber| subscriber.number != self.number);
    }
}

/// Bounds how often something is logged.
#[derive(Default)]
struct LogLimit(Mutex<LoggedLately>);

/// The second in which something was logged last, how often it happened then, and how often it
/// was not logged.
#[derive(Default)]
struct LoggedLately {
    second: u64,
    happened: u64,
    unlogged: u64,
}

impl LogLimit {
    /// Whether this time it is to be logged, and how often it was not before.
    fn count(&self) -> (bool, u64) {
        let second = now() / 1000;
        let mut lately = lock(&self.0);
        if lately.second != second {
            *lately = LoggedLately { second, unlogged: lately.unlogged, ..Default::default() };
        }
        lately.happened += 1;
        if lately.happened > MAX_LOGGED {
            lately.unlogged += 1;
            return (false, 0);
        }
        (true, std::mem::take(&mut lately.unlogged))
    }

    /// What was logged is as long as so many others.
    fn charge(&self, more: u64) {
        lock(&self.0).happened += more;
    }

    /// How often it was not logged, to log that now.
    fn take_unlogged(&self) -> u64 {
        std::mem::take(&mut lock(&self.0).unlogged)
    }
}

impl EventBus {
    pub(crate) fn new(next: Option<Arc<dyn Observer>>) -> Self {
        Self { next, ..Self::default() }
    }

    /// Everything that happens from now on. A subscriber that lets 4,096 events pile up is cut off:
    /// its receiver then ends. When 2,048 wait, or fewer where an event comes with a long text, further ends and
    /// restarts of processes are counted, and summed up before the next event.
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
        let (sender, events) = bounded(MAX_EVENTS);
        let number = self.counted.fetch_add(1, Ordering::Relaxed);
        lock(&self.subscribers).push(Subscriber { number, sender, skipped: (0, None) });
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
        subscribers.retain_mut(|subscriber| subscriber.tell(&event));
    }

    /// Logs a trap, unless there are very many.
    fn log_trap(&self, exit: &ExitInfo) {
        let Some(trap) = &exit.trap else { return };
        let (this, unlogged) = self.logged_traps.count();
        if unlogged > 0 {
            log::warn!("{unlogged} more processes have trapped");
        }
        if this {
            // In one line, as all of the log.
            let trap = trap.to_string();
            let parts: Vec<_> = trap.lines().map(str::trim).collect();
            let line = parts.join(" ");
            self.logged_traps.charge((line.len() / LONG_LINE) as u64);
            log::warn!("process pid={}: {line}", exit.pid);
        }
    }

    /// Logs what a supervisor has done: of starts and failed starts, unless there are very many;
    /// that it gives up, always.
    fn log_supervision(&self, supervisor: Pid, what: &Supervision) {
        let (this, unlogged) = match what {
            Supervision::GaveUp { .. } => (true, self.logged_starts.take_unlogged()),
            _ => self.logged_starts.count(),
        };
        if unlogged > 0 {
            log::warn!("{unlogged} more children were started again, or could not be");
        }
        match what {
            _ if !this => {}
            Supervision::Restarted { .. } => log::info!("supervisor pid={supervisor}: {what}"),
            _ => log::warn!("supervisor pid={supervisor}: {what}"),
        }
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
        }
        self.log_supervision(supervisor, what);
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

    #[test]
    fn a_storm_is_summed_up_and_its_last_word_is_heard() {
        let bus = EventBus::default();
        let (slow, all) = (bus.subscribe(), 2 * MAX_EVENTS as u64);
        let child = || "culprit".to_string();
        let (supervisor, reason) = (Pid::new(1, 1), Reason::NORMAL);
        let restarted =
            |serial| Supervision::Restarted { child: child(), pid: Pid::new(1, serial), reason };
        for serial in 0..all {
            bus.supervised(supervisor, &restarted(serial));
        }
        let gave_up = Supervision::GaveUp { child: child(), reason };
        bus.supervised(supervisor, &gave_up);
        let kinds: Vec<_> = slow.events.try_iter().map(|event| event.kind).collect();
        let skipped = all - MAX_FREQUENT as u64 - 1;
        let [.., sum, last, end] = kinds.as_slice() else { panic!("{kinds:?}") };
        assert_eq!(*sum, EventKind::Skipped { count: skipped });
        assert_eq!(*last, EventKind::Supervised { supervisor, what: restarted(all - 1) });
        assert_eq!(*end, EventKind::Supervised { supervisor, what: gave_up });
        assert_eq!(kinds.len(), MAX_FREQUENT + 3);

        // The same when nothing follows.
        for serial in 0..all {
            bus.supervised(supervisor, &restarted(serial));
        }
        assert_eq!(slow.events.try_iter().count(), MAX_FREQUENT);
        assert_eq!(slow.take_skipped().len(), 2);
        assert_eq!(slow.take_skipped(), []);
    }

    #[test]
    fn of_long_reports_fewer_wait_for_one_who_does_not_read() {
        let bus = EventBus::default();
        let slow = bus.subscribe();
        let ended = |len: usize| {
            let (pid, reason) = (Pid::new(1, 1), Reason(7));
            bus.publish(|| EventKind::Ended { pid, reason, trap: Some("x".repeat(len)) });
        };
        (0..MAX_EVENTS).for_each(|_| ended(16 << 10));
        assert_eq!(slow.events.len(), 16);
        (0..MAX_EVENTS).for_each(|_| ended(100));
        assert_eq!(slow.events.len(), MAX_FREQUENT);
    }

    #[test]
    fn what_happens_very_often_is_logged_a_few_times_a_second() {
        let limit = LogLimit::default();
        let logged = (0..1000).filter(|_| limit.count().0).count() as u64;
        // A second may have ended meanwhile.
        assert!((MAX_LOGGED..=3 * MAX_LOGGED).contains(&logged), "{logged}");
        assert!(limit.take_unlogged() >= 1000 - 3 * MAX_LOGGED);
        assert_eq!(limit.take_unlogged(), 0);
        let logged = (0..1000).filter(|_| limit.count().0).inspect(|_| limit.charge(MAX_LOGGED));
        assert!((0..=2).contains(&logged.count()), "one a second");
    }
}
