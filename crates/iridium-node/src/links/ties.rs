//! Links and monitors that the processes of a peer have asked for with processes of this node: they
//! take memory here, and cost the peer nothing.

use std::collections::HashSet;
use std::sync::Mutex;

use iridium_sched::Signal;
use iridium_vm::Pid;

use crate::sync::lock;

/// So many a peer may have, however many processes here they are with.
const MOST: usize = 1 << 18;
/// What a link has in place of the reference of a monitor, which begin with 1.
const LINK: i64 = 0;

/// The ties of one peer: those that it has asked for, until it or the process here has ended them. What
/// processes here have asked for is theirs.
#[derive(Debug, Default)]
pub(crate) struct Ties(Mutex<HashSet<Tie>>);

/// The process of the peer, that of this node, and the reference.
type Tie = (Pid, Pid, i64);

impl Ties {
    /// Notes what a signal of the peer to a process of this node does to its ties, before that is
    /// delivered. Answers whether it may be: it may not when it asks for one too many.
    pub(crate) fn admit(&self, to: Pid, signal: &Signal) -> bool {
        match *signal {
            Signal::Link { from } => self.add((from, to, LINK)),
            Signal::Monitor { from, reference } => self.add((from, to, reference)),
            Signal::Unlink { from } | Signal::Exit { from, .. } => self.end((from, to, LINK)),
            Signal::Demonitor { from, reference } => self.end((from, to, reference)),
            _ => true,
        }
    }

    /// Notes that a process of this node tells one of the peer of its end.
    pub(crate) fn told(&self, to: Pid, signal: &Signal) {
        match *signal {
            Signal::Exit { from, .. } | Signal::Unlink { from } => self.end((to, from, LINK)),
            Signal::Down { from, reference, .. } => self.end((to, from, reference)),
            _ => true,
        };
    }

    fn add(&self, tie: Tie) -> bool {
        let mut ties = lock(&self.0);
        ties.contains(&tie) || (ties.len() < MOST && ties.insert(tie))
    }

    fn end(&self, tie: Tie) -> bool {
        lock(&self.0).remove(&tie);
        true
    }
}

#[cfg(test)]
mod tests {
    use iridium_sched::Reason;

    use super::*;

    const HERE: Pid = Pid::new(1, 1);
    const THERE: Pid = Pid::new(2, 1);

    fn link(number: u64) -> Signal {
        Signal::Link { from: Pid::new(2, number) }
    }

    #[test]
    fn a_peer_may_have_so_many_whomever_they_are_with() {
        let ties = Ties::default();
        assert!((1..=MOST as u64).all(|number| ties.admit(HERE, &link(number))));
        assert!(!ties.admit(HERE, &Signal::Monitor { from: THERE, reference: 1 }));
        assert!(!ties.admit(Pid::new(1, 2), &link(1)), "nor with another process");
        assert!(ties.admit(HERE, &link(1)), "it has this one");
        ties.admit(HERE, &Signal::Unlink { from: THERE });
        assert!(ties.admit(Pid::new(1, 2), &link(1)));
    }

    #[test]
    fn a_tie_ends_once_whoever_ends_it() {
        let (ties, reason, reference) = (Ties::default(), Reason::NORMAL, 7);
        let monitor = Signal::Monitor { from: THERE, reference };
        let ends: [(&Signal, &dyn Fn()); 6] = [
            (&link(1), &|| assert!(ties.admit(HERE, &Signal::Unlink { from: THERE }))),
            (&link(1), &|| assert!(ties.admit(HERE, &Signal::Exit { from: THERE, reason }))),
            (&link(1), &|| ties.told(THERE, &Signal::Exit { from: HERE, reason })),
            (&link(1), &|| ties.told(THERE, &Signal::Unlink { from: HERE })),
            (&monitor, &|| {
                assert!(ties.admit(HERE, &Signal::Demonitor { from: THERE, reference }));
            }),
            (&monitor, &|| ties.told(THERE, &Signal::Down { from: HERE, reference, reason })),
        ];
        for (begin, end) in ends {
            for other in [&monitor, &link(1)] {
                assert!(ties.admit(HERE, other) && ties.admit(HERE, begin));
            }
            end();
            end();
            assert_eq!(lock(&ties.0).len(), 1, "after {begin:?}");
        }
    }
}
