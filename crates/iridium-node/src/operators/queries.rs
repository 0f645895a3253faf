//! What this node asks others on behalf of operators.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::report::ProcessRow;
use crate::sync::lock;
use crate::wire::Response;

/// What lists of processes may take that nobody has looked at yet, as [`ProcessRow::size`] counts. Of further
/// ones it is only known how long they are.
const MOST_HELD: usize = 32 << 20;

/// Queries that wait for their responses, by number.
#[derive(Debug, Default)]
pub(super) struct PendingQueries {
    next: AtomicU64,
    open: Arc<Open>,
    held: Arc<AtomicUsize>,
}

type Open = Mutex<HashMap<u64, (u32, Sender<Answered>)>>;

/// A response, which counts for as long as it is there.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) response: Response,
    size: usize,
    held: Arc<AtomicUsize>,
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.held.fetch_sub(self.size, Ordering::Relaxed);
    }
}

impl Answered {
    fn new(mut response: Response, held: Arc<AtomicUsize>) -> Self {
        let size = |rows: &[ProcessRow]| rows.iter().map(ProcessRow::size).sum();
        let mut size = match &response {
            Response::Processes { rows, .. } => size(rows),
            _ => 0,
        };
        if held.fetch_add(size, Ordering::Relaxed) + size > MOST_HELD
            && let Response::Processes { rows, more } = &mut response
        {
            held.fetch_sub(size, Ordering::Relaxed);
            size = 0;
            *more = more.saturating_add(rows.len() as u64);
            *rows = Vec::new();
        }
        Self { response, size, held }
    }

    /// The response itself.
    pub(super) fn take(&mut self) -> Response {
        std::mem::replace(&mut self.response, Response::NotUnderstood)
    }
}

/// A query on its way. When it is dropped, nobody waits for the response any more, which may never
/// come.
#[derive(Debug)]
pub(super) struct PendingQuery {
    pub(super) number: u64,
    responses: Receiver<Answered>,
    open: Arc<Open>,
}

impl Drop for PendingQuery {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.number);
    }
}

impl PendingQuery {
    /// The response. `None` when the node was lost, or none came in time.
    pub(super) fn wait(&self, deadline: Instant) -> Option<Answered> {
        self.responses.recv_deadline(deadline).ok()
    }
}

impl PendingQueries {
    /// Notes a query to a node before it is sent.
    pub(super) fn note(&self, node: u32) -> PendingQuery {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, responses) = bounded(1);
        lock(&self.open).insert(number, (node, sender));
        PendingQuery { number, responses, open: Arc::clone(&self.open) }
    }

    /// Ends a query with the response of a node, if that is the node that was asked.
    pub(super) fn settle(&self, number: u64, from: u32, response: Response) {
        let mut open = lock(&self.open);
        if open.get(&number).is_some_and(|(node, _)| *node == from)
            && let Some((_, sender)) = open.remove(&number)
        {
            // Whoever has asked may have gone.
            let _ = sender.try_send(Answered::new(response, Arc::clone(&self.held)));
        }
    }

    /// Whether a query waits for the response of a node.
    pub(super) fn awaits(&self, number: u64, from: u32) -> bool {
        lock(&self.open).get(&number).is_some_and(|(node, _)| *node == from)
    }

    /// Ends a query without a response.
    pub(super) fn forget(&self, number: u64) {
        lock(&self.open).remove(&number);
    }

    /// Ends all queries to a node without a response.
    pub(super) fn lose(&self, node: u32) {
        lock(&self.open).retain(|_, (asked, _)| *asked != node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_goes_to_the_one_who_waits_if_it_comes_from_the_node_that_was_asked() {
        let queries = PendingQueries::default();
        let query = queries.note(2);
        queries.settle(query.number, 3, Response::Found(None));
        queries.settle(query.number, 2, Response::Spawned(Err("no".into())));
        let response = query.wait(Instant::now()).map(|mut answered| answered.take());
        assert_eq!(response, Some(Response::Spawned(Err("no".into()))));
    }

    #[test]
    fn of_lists_that_are_too_long_together_the_lengths_are_known_until_others_are_done_with() {
        let queries = PendingQueries::default();
        let list = |number: u64| {
            let query = queries.note(2);
            assert!(queries.awaits(query.number, 2) && !queries.awaits(query.number, 3));
            let name = "x".repeat(MOST_HELD / 2 - 1000);
            let info = iridium_sched::ProcessInfo {
                pid: iridium_vm::Pid::new(2, number),
                names: vec![name],
                module: None,
                debug: None,
                activity: iridium_sched::Activity::Ready,
                place: None,
                fuel: 0,
                heap: 0,
                memory: 0,
                messages: 0,
                links: 0,
            };
            let response = Response::Processes { rows: vec![ProcessRow::from(info)], more: 3 };
            queries.settle(query.number, 2, response);
            query.wait(Instant::now()).unwrap()
        };
        let length = |answered: &Answered| match &answered.response {
            Response::Processes { rows, more } => (rows.len(), *more),
            other => panic!("{other:?}"),
        };
        let all = [list(1), list(2), list(3)];
        assert_eq!(all.each_ref().map(length), [(1, 3), (1, 3), (0, 4)]);
        drop(all);
        assert_eq!(length(&list(4)), (1, 3));
    }

    #[test]
    fn a_query_that_nobody_answers_is_forgotten_with_the_one_who_waits() {
        let queries = PendingQueries::default();
        let query = queries.note(2);
        assert!(query.wait(Instant::now()).is_none());
        let number = query.number;
        drop(query);
        assert!(lock(&queries.open).is_empty());
        queries.settle(number, 2, Response::Found(None));
    }
}
