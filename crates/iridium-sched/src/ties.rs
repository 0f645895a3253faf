//! What ties a process to others: links, monitors and names.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use iridium_vm::{Message, Pid};

use crate::reason::Reason;
use crate::signal::{Signal, system_message};

/// The ties of a process. Most processes have few or none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ties {
    /// The processes whose end is this one's too, and the other way round.
    pub(crate) links: BTreeSet<Pid>,
    /// The processes whose end this one wants to be told of, by its names for these wishes.
    pub(crate) monitors: BTreeMap<i64, Pid>,
    /// The processes that want to be told of the end of this one, with their names for the wish.
    pub(crate) watchers: BTreeSet<(Pid, i64)>,
    /// How many monitors there ever were.
    references: i64,
    /// Whether exit signals arrive as messages.
    pub(crate) traps_exits: bool,
    /// Whether nodes that come and go are told of as messages.
    pub(crate) watches_nodes: bool,
}

/// What a signal means to the process that it has reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nothing that the process would notice.
    In,
    /// It is to be told by a message.
    Told(Message),
    /// It is to end.
    End(Reason),
}

impl Ties {
    /// A new monitor; gives its name.
    pub(crate) fn monitor(&mut self, pid: Pid) -> i64 {
        // From a snapshot it may be anything.
        self.references = self.references.wrapping_add(1);
        self.monitors.insert(self.references, pid);
        self.references
    }

    /// Takes in a signal that is no message.
    pub(crate) fn take_in(&mut self, signal: Signal) -> Taken {
        match signal {
            Signal::Message(message) => return Taken::Told(message),
            Signal::Link { from } => drop(self.links.insert(from)),
            Signal::Unlink { from } => drop(self.links.remove(&from)),
            // One that has been unlinked meanwhile has no say any more.
            Signal::Exit { from, reason } if self.links.remove(&from) => {
                return self.asked_to_end(from, reason);
            }
            Signal::Exit { .. } => {}
            Signal::Kill { from, reason } => return self.killed(from, reason),
            Signal::Monitor { from, reference } => drop(self.watchers.insert((from, reference))),
            Signal::Demonitor { from, reference } => {
                self.watchers.remove(&(from, reference));
            }
            Signal::Down { from, reference, reason } => {
                // Only the first one finds it: a monitor fires once.
                if self.monitors.get(&reference) == Some(&from) {
                    self.monitors.remove(&reference);
                    let numbers = [reference, reason.0];
                    return Taken::Told(system_message(Message::DOWN, from.bits(), &numbers));
                }
            }
            Signal::NodeLost { node } => self.watchers.retain(|(pid, _)| pid.node() != node),
        }
        Taken::In
    }

    /// The memory that they take, in bytes, give or take some: the nodes of such trees are from half
    /// full to full.
    pub(crate) fn memory(&self) -> u64 {
        let links = self.links.len() * size_of::<Pid>();
        let monitors = (self.monitors.len() + self.watchers.len()) * size_of::<(Pid, i64)>();
        (size_of::<Self>() + (links + monitors) * 3 / 2) as u64
    }

    /// The nodes of all who are tied to this process.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = u32> {
        let watchers = self.watchers.iter().map(|(pid, _)| pid);
        let pids = self.links.iter().chain(self.monitors.values()).chain(watchers);
        pids.map(|pid| pid.node()).filter(|node| *node != 0)
    }

    /// What the process is told when those it is tied to of whom `is_lost` holds are lost.
    pub(crate) fn lost_with(&self, is_lost: impl Fn(&Pid) -> bool, reason: Reason) -> Vec<Signal> {
        let links = self.links.iter().filter(|pid| is_lost(pid));
        let links = links.map(|from| Signal::Exit { from: *from, reason });
        let monitors = self.monitors.iter().filter(|(_, pid)| is_lost(pid));
        let monitors = monitors.map(|(reference, from)| {
            let (from, reference) = (*from, *reference);
            Signal::Down { from, reference, reason }
        });
        links.chain(monitors).collect()
    }

    /// A linked process has ended.
    fn asked_to_end(&self, from: Pid, reason: Reason) -> Taken {
        if self.traps_exits {
            let exit = system_message(Message::EXIT, from.bits(), &[reason.0]);
            return Taken::Told(exit);
        }
        if reason == Reason::NORMAL { Taken::In } else { Taken::End(reason) }
    }

    fn killed(&self, from: Pid, reason: Reason) -> Taken {
        match self.asked_to_end(from, reason) {
            _ if reason == Reason::KILLED => Taken::End(reason),
            Taken::In => Taken::End(reason),
            taken => taken,
        }
    }

    /// What others are told when the process ends: to whom, and what.
    pub(crate) fn farewell(
        &self,
        from: Pid,
        reason: Reason,
    ) -> impl Iterator<Item = (Pid, Signal)> {
        let links = self.links.iter().map(move |pid| (*pid, Signal::Exit { from, reason }));
        let watchers = self.watchers.iter().map(move |(pid, reference)| {
            (*pid, Signal::Down { from, reference: *reference, reason })
        });
        let monitors = self
            .monitors
            .iter()
            .map(move |(reference, pid)| (*pid, Signal::Demonitor { from, reference: *reference }));
        links.chain(watchers).chain(monitors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Pid = Pid::new(1, 1);
    const OTHER: Pid = Pid::new(1, 2);
    const FAR: Pid = Pid::new(2, 1);

    fn crash(from: Pid) -> Signal {
        Signal::Exit { from, reason: Reason(7) }
    }

    fn told(tag: i64, numbers: &[i64]) -> Taken {
        Taken::Told(system_message(tag, OTHER.bits(), numbers))
    }

    #[test]
    fn a_linked_end_counts_once_and_only_while_linked() {
        let mut ties = Ties::default();
        assert_eq!(ties.take_in(crash(OTHER)), Taken::In, "not linked");
        ties.take_in(Signal::Link { from: OTHER });
        ties.take_in(Signal::Unlink { from: OTHER });
        assert_eq!(ties.take_in(crash(OTHER)), Taken::In, "not linked any more");
        ties.take_in(Signal::Link { from: OTHER });
        assert_eq!(ties.take_in(crash(OTHER)), Taken::End(Reason(7)));
        assert_eq!(ties.take_in(crash(OTHER)), Taken::In, "the link is gone");
    }

    #[test]
    fn a_normal_end_is_for_those_who_trap_exits_only() {
        let normal = || Signal::Exit { from: OTHER, reason: Reason::NORMAL };
        let mut ties = Ties::default();
        ties.links.insert(OTHER);
        assert_eq!(ties.take_in(normal()), Taken::In);
        ties.links.insert(OTHER);
        ties.traps_exits = true;
        assert_eq!(ties.take_in(normal()), told(Message::EXIT, &[0]));
    }

    #[test]
    fn a_kill_ends_and_only_minus_one_cannot_be_trapped() {
        let kill = |reason| Signal::Kill { from: OTHER, reason: Reason(reason) };
        for traps_exits in [false, true] {
            let mut ties = Ties { traps_exits, ..Ties::default() };
            assert_eq!(ties.take_in(kill(-1)), Taken::End(Reason::KILLED));
            for reason in [0, 5, -4] {
                let expected = match traps_exits {
                    true => told(Message::EXIT, &[reason]),
                    false => Taken::End(Reason(reason)),
                };
                assert_eq!(ties.take_in(kill(reason)), expected);
            }
        }
        // Through a link the reason of a killed process can be trapped.
        let mut ties = Ties { traps_exits: true, ..Ties::default() };
        ties.links.insert(OTHER);
        let killed = Signal::Exit { from: OTHER, reason: Reason::KILLED };
        assert_eq!(ties.take_in(killed), told(Message::EXIT, &[-1]));
    }

    #[test]
    fn a_monitor_fires_once() {
        let mut ties = Ties::default();
        let reference = ties.monitor(OTHER);
        assert_ne!(reference, ties.monitor(OTHER), "each monitor has a name of its own");
        let down = || Signal::Down { from: OTHER, reference, reason: Reason(3) };
        assert_eq!(ties.take_in(down()), told(Message::DOWN, &[reference, 3]));
        assert_eq!(ties.take_in(down()), Taken::In);
    }

    #[test]
    fn with_a_node_go_the_links_and_monitors_there_and_no_others() {
        let mut ties = Ties::default();
        ties.links.extend([OTHER, FAR]);
        let reference = ties.monitor(FAR);
        ties.monitor(OTHER);
        ties.watchers.extend([(FAR, 1), (OTHER, 1)]);
        let reason = Reason::NODE_LOST;
        let expected =
            [Signal::Exit { from: FAR, reason }, Signal::Down { from: FAR, reference, reason }];
        assert_eq!(ties.lost_with(|pid| pid.node() == 2, reason), expected);
        assert_eq!(ties.take_in(Signal::NodeLost { node: 2 }), Taken::In);
        assert_eq!(ties.watchers, BTreeSet::from([(OTHER, 1)]));
    }

    #[test]
    fn an_end_is_told_to_everyone_who_is_tied() {
        let mut ties = Ties::default();
        ties.links.insert(OTHER);
        ties.watchers.insert((FAR, 9));
        let reference = ties.monitor(FAR);
        let told: Vec<_> = ties.farewell(ME, Reason(4)).collect();
        let (from, reason) = (ME, Reason(4));
        assert_eq!(
            told,
            [
                (OTHER, Signal::Exit { from, reason }),
                (FAR, Signal::Down { from, reference: 9, reason }),
                (FAR, Signal::Demonitor { from, reference }),
            ]
        );
    }
}
