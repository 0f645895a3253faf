//! What this node asks others on behalf of operators.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::held::Held;
use crate::sync::lock;
use crate::wire::Response;

/// Queries that wait for their responses, by number.
#[derive(Debug, Default)]
pub(super) struct PendingQueries {
    next: AtomicU64,
    open: Arc<Open>,
}

type Open = Mutex<HashMap<u64, Asked>>;

#[derive(Debug)]
struct Asked {
    node: u32,
    sender: Sender<Response>,
    held: Arc<Held>,
}

/// A query on its way. When it is dropped, nobody waits for the response any more, which may never
/// come.
#[derive(Debug)]
pub(super) struct PendingQuery {
    pub(super) number: u64,
    responses: Receiver<Response>,
    open: Arc<Open>,
}

impl Drop for PendingQuery {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.number);
    }
}

impl PendingQuery {
    /// The response. `None` when the node was lost, or none came in time.
    pub(super) fn wait(&self, deadline: Instant) -> Option<Response> {
        self.responses.recv_deadline(deadline).ok()
    }
}

impl PendingQueries {
    /// Notes a query to a node before it is sent. The response counts among what is held.
    pub(super) fn note(&self, node: u32, held: &Arc<Held>) -> PendingQuery {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, responses) = bounded(1);
        let asked = Asked { node, sender, held: Arc::clone(held) };
        lock(&self.open).insert(number, asked);
        PendingQuery { number, responses, open: Arc::clone(&self.open) }
    }

    /// Ends a query with the response of a node, if that is the node that was asked.
    pub(super) fn settle(&self, number: u64, from: u32, response: Response) {
        let mut open = lock(&self.open);
        if open.get(&number).is_some_and(|asked| asked.node == from)
            && let Some(Asked { sender, held, .. }) = open.remove(&number)
        {
            drop(open);
            // Whoever has asked may have gone.
            let _ = sender.try_send(held.response(response));
        }
    }

    /// Whether a query waits for the response of a node.
    pub(super) fn awaits(&self, number: u64, from: u32) -> bool {
        lock(&self.open).get(&number).is_some_and(|asked| asked.node == from)
    }

    /// Ends a query without a response.
    pub(super) fn forget(&self, number: u64) {
        lock(&self.open).remove(&number);
    }

    /// Ends all queries to a node without a response.
    pub(super) fn lose(&self, node: u32) {
        lock(&self.open).retain(|_, asked| asked.node != node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Arc<Held> {
        Arc::new(Held::new(Arc::default()))
    }

    #[test]
    fn a_response_goes_to_the_one_who_waits_if_it_comes_from_the_node_that_was_asked() {
        let queries = PendingQueries::default();
        let query = queries.note(2, &held());
        queries.settle(query.number, 3, Response::Found(None));
        assert!(queries.awaits(query.number, 2) && !queries.awaits(query.number, 3));
        queries.settle(query.number, 2, Response::Spawned(Err("no".into())));
        assert_eq!(query.wait(Instant::now()), Some(Response::Spawned(Err("no".into()))));
    }

    #[test]
    fn a_query_that_nobody_answers_is_forgotten_with_the_one_who_waits() {
        let queries = PendingQueries::default();
        let query = queries.note(2, &held());
        assert!(query.wait(Instant::now()).is_none());
        let number = query.number;
        drop(query);
        assert!(lock(&queries.open).is_empty());
        queries.settle(number, 2, Response::Found(None));
    }
}
