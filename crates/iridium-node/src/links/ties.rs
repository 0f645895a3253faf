//! Links and monitors that the processes of a peer have asked for with processes of this node: they
//! take memory here, and cost the peer nothing.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use iridium_sched::Signal;
use iridium_vm::Pid;

use crate::share::Bounds;
use crate::sync::lock;

/// So many there may be, however many processes here they are with.
const MOST: Bounds = Bounds { of_each: 1024, of_one: 1 << 18, of_all: 3 << 17 };
/// What a link has in place of the reference of a monitor, which begin with 1.
const LINK: i64 = 0;

/// The ties of one peer: those that it has asked for, until it or the process here has ended them. What
/// processes here have asked for is theirs.
#[derive(Debug)]
pub(crate) struct Ties {
    own: Mutex<HashSet<Tie>>,
    /// How many all peers have.
    all: Arc<AtomicUsize>,
}

/// The process of the peer, that of this node, and the reference.
type Tie = (Pid, Pid, i64);

impl Drop for Ties {
    fn drop(&mut self) {
        self.all.fetch_sub(lock(&self.own).len(), Ordering::Relaxed);
    }
}

impl Ties {
    /// Those of one more peer, of which there are none yet.
    pub(crate) fn new(all: Arc<AtomicUsize>) -> Self {
        Self { own: Mutex::default(), all }
    }

    /// Notes what a signal of the peer to a process of this node does to its ties, before that is
    /// delivered. Answers whether it may be: it may not when it asks for one too many.
    pub(crate) fn admit(&self, to: Pid, signal: &Signal) -> bool {
        match *signal {
            Signal::Link { from } => self.add((from, to, LINK)),
            // No monitor has it: one that was ended under it would end a link here, and not there.
            Signal::Monitor { reference: LINK, .. } => false,
            Signal::Demonitor { reference: LINK, .. } => true,
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
        let mut own = lock(&self.own);
        if own.contains(&tie) {
            return true;
        }
        let may = MOST.allow_more(own.len(), self.all.load(Ordering::Relaxed));
        if may {
            own.insert(tie);
            self.all.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    fn end(&self, tie: Tie) -> bool {
        if lock(&self.own).remove(&tie) {
            self.all.fetch_sub(1, Ordering::Relaxed);
        }
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
        let ties = Ties::new(Arc::default());
        assert!((1..=MOST.of_one as u64).all(|number| ties.admit(HERE, &link(number))));
        assert!(!ties.admit(HERE, &Signal::Monitor { from: THERE, reference: 1 }));
        assert!(!ties.admit(Pid::new(1, 2), &link(1)), "nor with another process");
        assert!(ties.admit(HERE, &link(1)), "it has this one");
        ties.admit(HERE, &Signal::Unlink { from: THERE });
        assert!(ties.admit(Pid::new(1, 2), &link(1)));
    }

    #[test]
    fn a_tie_ends_once_whoever_ends_it() {
        let (ties, reason, reference) = (Ties::new(Arc::default()), Reason::NORMAL, 7);
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
            assert_eq!(lock(&ties.own).len(), 1, "after {begin:?}");
            assert_eq!(ties.all.load(Ordering::Relaxed), 1, "after {begin:?}");
        }
    }

    #[test]
    fn a_link_is_not_ended_as_a_monitor_would_be() {
        let (ties, reference) = (Ties::new(Arc::default()), LINK);
        assert!(ties.admit(HERE, &link(1)));
        assert!(!ties.admit(HERE, &Signal::Monitor { from: Pid::new(2, 2), reference }));
        ties.admit(HERE, &Signal::Demonitor { from: THERE, reference });
        assert_eq!(lock(&ties.own).len(), 1);
    }

    #[test]
    fn many_peers_have_no_more_together_than_they_may_and_give_it_back() {
        let all = Arc::new(AtomicUsize::new(0));
        let crowd: Vec<_> = (0..6).map(|_| Ties::new(Arc::clone(&all))).collect();
        for ties in &crowd {
            for number in (1..).take_while(|number| ties.admit(HERE, &link(*number))) {
                assert!(number <= MOST.of_one as u64);
            }
        }
        assert!(all.load(Ordering::Relaxed) <= MOST.of_all + crowd.len() * MOST.of_each);
        assert!(Ties::new(Arc::clone(&all)).admit(HERE, &link(1)), "there is some for one more");
        drop(crowd);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }
}
