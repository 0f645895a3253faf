//! How a process is related to others: links and monitors.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::reason::Reason;
use super::signal::{Signal, system_message};
use iridium_vm::{Message, Payload, Pid};

/// How many links and monitors a process may have and ask for one more.
pub(crate) const MAX_RELATIONS: usize = 1 << 20;
/// How many links and monitors a process may have while others than those of its node may ask for one
/// more: what they ask for takes memory here.
const MAX_IMPOSED: usize = 1 << 18;
/// The reference under which `monitored_by` has those that want to end with this process, while it
/// does not care for their ends. No monitor has it.
const LINK: i64 = 0;
/// What an entry of the sets takes, in bytes: nodes of trees are little more than half full when they
/// were filled in order, and the signal that asked for it is in memory for a moment too.
const PID_ENTRY: u64 = 32;
const MONITOR_ENTRY: u64 = 56;

/// Links and monitors of a process. Most processes have few or none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Relations {
    /// The processes that it is linked to.
    pub(crate) links: BTreeSet<Pid>,
    /// The processes that it monitors, by reference; those whose reply it waits for by the tag of
    /// the reply.
    pub(crate) monitors: BTreeMap<i64, Pid>,
    /// The processes that monitor this one, with their references; and those that are linked to it
    /// without it being linked to them, as to a supervisor.
    pub(crate) monitored_by: BTreeSet<(Pid, i64)>,
    /// The reference that was given last.
    references: i64,
    /// Whether exit signals arrive as messages.
    pub(crate) traps_exits: bool,
    /// Whether it gets messages about nodes that come and go.
    pub(crate) monitors_nodes: bool,
}

/// What a signal does to the process that it has reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SignalEffect {
    /// Nothing that the program would notice.
    Absorbed,
    /// It gets a message.
    Message(Message),
    /// It exits.
    Exit(Reason),
}

impl Relations {
    /// Adds a monitor; gives its reference.
    pub(crate) fn monitor(&mut self, pid: Pid) -> i64 {
        // In a restored process it may be anything, also the last one there is.
        self.references = match self.references.wrapping_add(1) {
            LINK | Message::REPLY.. => 1,
            next => next,
        };
        self.monitors.insert(self.references, pid);
        self.references
    }

    /// Adds a monitor that stands until the reply with this tag has come; gives the process that was
    /// monitored under this tag before.
    pub(crate) fn monitor_reply(&mut self, pid: Pid, tag: i64) -> Option<Pid> {
        self.monitors.insert(tag, pid).filter(|former| *former != pid)
    }

    /// Applies a signal.
    pub(crate) fn on_signal(&mut self, signal: Signal) -> SignalEffect {
        match signal {
            Signal::Message(message) => return SignalEffect::Message(message),
            Signal::Link { from } => {
                self.links.insert(from);
            }
            Signal::Unlink { from } => {
                self.links.remove(&from);
            }
            // Without a link (any more) it means nothing.
            Signal::Exit { from, reason } if self.links.remove(&from) => {
                return self.on_exit_signal(from, reason);
            }
            Signal::Exit { .. } => {}
            Signal::Kill { from, reason } => return self.on_kill(from, reason),
            Signal::Monitor { from, reference } => {
                self.monitored_by.insert((from, reference));
            }
            Signal::Demonitor { from, reference } => {
                self.monitored_by.remove(&(from, reference));
            }
            Signal::Down { from, reference, reason } => {
                // A monitor fires once.
                if self.monitors.get(&reference) == Some(&from) {
                    self.monitors.remove(&reference);
                    return SignalEffect::Message(down_message(from, reference, reason));
                }
            }
            Signal::NodeLost { node } => self.monitored_by.retain(|(pid, _)| pid.node() != node),
        }
        SignalEffect::Absorbed
    }

    /// Whether the process may ask for another link or monitor.
    pub(crate) fn may_ask(&self) -> bool {
        self.links.len() + self.monitors.len() < MAX_RELATIONS
    }

    /// Whether processes of other nodes may not ask for another link or monitor.
    pub(crate) fn is_full_for_others(&self) -> bool {
        self.links.len() + self.monitored_by.len() >= MAX_IMPOSED
    }

    /// The memory that its own monitors take, in bytes.
    pub(crate) fn own_memory(&self) -> u64 {
        size_of::<Self>() as u64 + self.monitors.len() as u64 * MONITOR_ENTRY
    }

    /// The memory in bytes of what others may have asked for.
    pub(crate) fn imposed_memory(&self) -> u64 {
        self.links.len() as u64 * PID_ENTRY + self.monitored_by.len() as u64 * MONITOR_ENTRY
    }

    /// Adds one that wants to end with this process, which does not care for its end.
    pub(crate) fn add_follower(&mut self, pid: Pid) {
        self.monitored_by.insert((pid, LINK));
    }

    /// Removes one that was [added](Self::add_follower).
    pub(crate) fn remove_follower(&mut self, pid: Pid) {
        self.monitored_by.remove(&(pid, LINK));
    }

    /// The nodes of all related processes.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = u32> {
        let monitored_by = self.monitored_by.iter().map(|(pid, _)| pid);
        let pids = self.links.iter().chain(self.monitors.values()).chain(monitored_by);
        pids.map(|pid| pid.node()).filter(|node| *node != 0)
    }

    /// The signals for the loss of the related processes of which `is_lost` holds.
    pub(crate) fn lost_signals(
        &self,
        is_lost: impl Fn(&Pid) -> bool,
        reason: Reason,
    ) -> Vec<Signal> {
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
    fn on_exit_signal(&self, from: Pid, reason: Reason) -> SignalEffect {
        if self.traps_exits {
            let exit = system_message(Message::EXIT, from.bits(), &[reason.0]);
            return SignalEffect::Message(exit);
        }
        if reason == Reason::NORMAL { SignalEffect::Absorbed } else { SignalEffect::Exit(reason) }
    }

    fn on_kill(&self, from: Pid, reason: Reason) -> SignalEffect {
        match self.on_exit_signal(from, reason) {
            _ if reason == Reason::KILLED => SignalEffect::Exit(reason),
            SignalEffect::Absorbed => SignalEffect::Exit(reason),
            effect => effect,
        }
    }

    /// Removes one related process, and gives the signal to send it when this one exits.
    pub(crate) fn next_exit_signal(&mut self, from: Pid, reason: Reason) -> Option<(Pid, Signal)> {
        if let Some(pid) = self.links.pop_first() {
            return Some((pid, Signal::Exit { from, reason }));
        }
        if let Some((pid, reference)) = self.monitored_by.pop_first() {
            return Some(match reference {
                LINK => (pid, Signal::Exit { from, reason }),
                reference => (pid, Signal::Down { from, reference, reason }),
            });
        }
        let (reference, pid) = self.monitors.pop_first()?;
        Some((pid, Signal::Demonitor { from, reference }))
    }
}

/// What a process learns of the end of one that it has monitored. Who waits for a reply gets this in
/// its place: the reason, and a byte that makes it longer than any value that is made of 8-byte cells.
fn down_message(from: Pid, reference: i64, reason: Reason) -> Message {
    if reference < Message::REPLY {
        return system_message(Message::DOWN, from.bits(), &[reference, reason.0]);
    }
    let bytes = reason.0.to_le_bytes().into_iter().chain([1]).collect();
    Message { tag: reference, sender: from.bits(), payload: Payload::Bytes(bytes) }
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

    fn message(tag: i64, numbers: &[i64]) -> SignalEffect {
        SignalEffect::Message(system_message(tag, OTHER.bits(), numbers))
    }

    #[test]
    fn a_linked_end_counts_once_and_only_while_linked() {
        let mut relations = Relations::default();
        assert_eq!(relations.on_signal(crash(OTHER)), SignalEffect::Absorbed, "not linked");
        relations.on_signal(Signal::Link { from: OTHER });
        relations.on_signal(Signal::Unlink { from: OTHER });
        assert_eq!(
            relations.on_signal(crash(OTHER)),
            SignalEffect::Absorbed,
            "not linked any more"
        );
        relations.on_signal(Signal::Link { from: OTHER });
        assert_eq!(relations.on_signal(crash(OTHER)), SignalEffect::Exit(Reason(7)));
        assert_eq!(relations.on_signal(crash(OTHER)), SignalEffect::Absorbed, "the link is gone");
    }

    #[test]
    fn a_normal_end_is_for_those_who_trap_exits_only() {
        let normal = || Signal::Exit { from: OTHER, reason: Reason::NORMAL };
        let mut relations = Relations::default();
        relations.links.insert(OTHER);
        assert_eq!(relations.on_signal(normal()), SignalEffect::Absorbed);
        relations.links.insert(OTHER);
        relations.traps_exits = true;
        assert_eq!(relations.on_signal(normal()), message(Message::EXIT, &[0]));
    }

    #[test]
    fn a_kill_ends_and_only_minus_one_cannot_be_trapped() {
        let kill = |reason| Signal::Kill { from: OTHER, reason: Reason(reason) };
        for traps_exits in [false, true] {
            let mut relations = Relations { traps_exits, ..Relations::default() };
            assert_eq!(relations.on_signal(kill(-1)), SignalEffect::Exit(Reason::KILLED));
            for reason in [0, 5, -4] {
                let expected = match traps_exits {
                    true => message(Message::EXIT, &[reason]),
                    false => SignalEffect::Exit(Reason(reason)),
                };
                assert_eq!(relations.on_signal(kill(reason)), expected);
            }
        }
        // Through a link the reason of a killed process can be trapped.
        let mut relations = Relations { traps_exits: true, ..Relations::default() };
        relations.links.insert(OTHER);
        let killed = Signal::Exit { from: OTHER, reason: Reason::KILLED };
        assert_eq!(relations.on_signal(killed), message(Message::EXIT, &[-1]));
    }

    #[test]
    fn a_monitor_fires_once() {
        let mut relations = Relations::default();
        let reference = relations.monitor(OTHER);
        assert_ne!(reference, relations.monitor(OTHER), "each monitor has a reference of its own");
        let down = || Signal::Down { from: OTHER, reference, reason: Reason(3) };
        assert_eq!(relations.on_signal(down()), message(Message::DOWN, &[reference, 3]));
        assert_eq!(relations.on_signal(down()), SignalEffect::Absorbed);
    }

    #[test]
    fn with_a_node_go_the_links_and_monitors_there_and_no_others() {
        let mut relations = Relations::default();
        relations.links.extend([OTHER, FAR]);
        let reference = relations.monitor(FAR);
        relations.monitor(OTHER);
        relations.monitored_by.extend([(FAR, 1), (OTHER, 1)]);
        let reason = Reason::NODE_LOST;
        let expected =
            [Signal::Exit { from: FAR, reason }, Signal::Down { from: FAR, reference, reason }];
        assert_eq!(relations.lost_signals(|pid| pid.node() == 2, reason), expected);
        assert_eq!(relations.on_signal(Signal::NodeLost { node: 2 }), SignalEffect::Absorbed);
        assert_eq!(relations.monitored_by, BTreeSet::from([(OTHER, 1)]));
    }

    #[test]
    fn an_exit_is_signalled_to_everyone_related() {
        let mut relations = Relations::default();
        relations.links.insert(OTHER);
        relations.monitored_by.insert((FAR, 9));
        let reference = relations.monitor(FAR);
        relations.add_follower(OTHER);
        let told: Vec<_> =
            std::iter::from_fn(|| relations.next_exit_signal(ME, Reason(4))).collect();
        let (from, reason) = (ME, Reason(4));
        assert_eq!(
            told,
            [
                (OTHER, Signal::Exit { from, reason }),
                (OTHER, Signal::Exit { from, reason }),
                (FAR, Signal::Down { from, reference: 9, reason }),
                (FAR, Signal::Demonitor { from, reference }),
            ]
        );
    }
}
