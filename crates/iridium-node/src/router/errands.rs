//! What this node asks others on behalf of operators.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::Findings;
use crate::sync::lock;

/// Questions that wait for their answers, by number.
#[derive(Debug, Default)]
pub(crate) struct Errands {
    next: AtomicU64,
    open: Arc<Open>,
}

type Open = Mutex<HashMap<u64, (u32, Sender<Findings>)>>;

/// A question on its way. When it is dropped, nobody waits for the answer any more, which may never
/// come.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(super) number: u64,
    findings: Receiver<Findings>,
    open: Arc<Open>,
}

impl Drop for Errand {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.number);
    }
}

impl Errand {
    /// The answer. `None` when the node was lost, or none came in time.
    pub(crate) fn wait(&self, deadline: Instant) -> Option<Findings> {
        self.findings.recv_deadline(deadline).ok()
    }
}

impl Errands {
    /// Notes a question to a node before it is sent.
    pub(super) fn note(&self, node: u32) -> Errand {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (found, findings) = bounded(1);
        lock(&self.open).insert(number, (node, found));
        Errand { number, findings, open: Arc::clone(&self.open) }
    }

    /// Ends a question with what a node has found, if that is the node that was asked.
    pub(super) fn settle(&self, number: u64, from: u32, findings: Findings) {
        let mut open = lock(&self.open);
        if open.get(&number).is_some_and(|(node, _)| *node == from)
            && let Some((_, found)) = open.remove(&number)
        {
            // Whoever has asked may have gone.
            let _ = found.try_send(findings);
        }
    }

    /// Ends a question without an answer.
    pub(super) fn forget(&self, number: u64) {
        lock(&self.open).remove(&number);
    }

    /// Ends all questions to a node without an answer.
    pub(super) fn lose(&self, node: u32) {
        lock(&self.open).retain(|_, (asked, _)| *asked != node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_goes_to_the_one_who_waits_if_it_comes_from_the_node_that_was_asked() {
        let errands = Errands::default();
        let errand = errands.note(2);
        errands.settle(errand.number, 3, Findings::Found(None));
        errands.settle(errand.number, 2, Findings::Spawned(Err("no".into())));
        let found = errand.wait(Instant::now());
        assert_eq!(found, Some(Findings::Spawned(Err("no".into()))));
    }

    #[test]
    fn a_question_that_nobody_answers_is_forgotten_with_the_one_who_waits() {
        let errands = Errands::default();
        let errand = errands.note(2);
        assert_eq!(errand.wait(Instant::now()), None);
        let number = errand.number;
        drop(errand);
        assert!(lock(&errands.open).is_empty());
        errands.settle(number, 2, Findings::Found(None));
    }
}
