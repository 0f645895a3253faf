//! Requests of processes to other nodes that wait for their replies.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use iridium_sched::RemoteRequest;
use iridium_vm::{Completion, Pid};

use crate::sync::lock;

/// How long another node may take to reply; it waits half as long for the code of a process.
const REPLY_WITHIN: Duration = Duration::from_secs(60);

/// A process, and its number for the request.
pub(super) type Asker = (Pid, u64);

/// Requests of processes. Each is answered once: by the node that was asked, or by this one when
/// that is lost, does not know the request, or takes too long.
#[derive(Debug, Default)]
pub(super) struct PendingRequests(Mutex<HashMap<Asker, Pending>>);

#[derive(Debug)]
struct Pending {
    node: u32,
    kind: Kind,
    until: Instant,
}

/// What kind of reply is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Spawn,
    WhereIs,
}

impl PendingRequests {
    /// Notes a request before it is sent.
    pub(super) fn note(&self, asker: Asker, node: u32, request: &RemoteRequest) {
        let kind = match request {
            RemoteRequest::Spawn { .. } => Kind::Spawn,
            RemoteRequest::WhereIs { .. } => Kind::WhereIs,
        };
        self.note_kind(asker, node, kind);
    }

    fn note_kind(&self, asker: Asker, node: u32, kind: Kind) {
        let until = Instant::now() + REPLY_WITHIN;
        lock(&self.0).insert(asker, Pending { node, kind, until });
    }

    /// Takes a request back. Answers whether it was still open.
    pub(super) fn take_back(&self, asker: Asker) -> bool {
        lock(&self.0).remove(&asker).is_some()
    }

    /// Ends a request with the reply of a node; `None` when that did not understand it. The answer
    /// for the process is `None` when the node was not asked.
    pub(super) fn settle(
        &self,
        asker: Asker,
        from: u32,
        reply: Option<Completion>,
    ) -> Option<Completion> {
        let mut pending = lock(&self.0);
        if pending.get(&asker)?.node != from {
            return None;
        }
        let kind = pending.remove(&asker)?.kind;
        // A reply of another kind is none, nor one with a process of another node: who gets it may end that.
        Some(reply.filter(|reply| kind.fits(reply, from)).unwrap_or(kind.nothing()))
    }

    /// Ends all requests to a node that is lost, each with the answer that nothing is there.
    pub(super) fn lose(&self, node: u32) -> Vec<(Asker, Completion)> {
        self.end(|pending| pending.node == node)
    }

    /// Ends, in the same way, all requests whose replies are overdue.
    pub(super) fn expire(&self, now: Instant) -> Vec<(Asker, Completion)> {
        self.end(|pending| pending.until <= now)
    }

    fn end(&self, is_over: impl Fn(&Pending) -> bool) -> Vec<(Asker, Completion)> {
        lock(&self.0)
            .extract_if(|_, pending| is_over(pending))
            .map(|(asker, pending)| (asker, pending.kind.nothing()))
            .collect()
    }
}

impl Kind {
    fn fits(self, reply: &Completion, from: u32) -> bool {
        let is_its = |pid: i64| Pid::from_bits(pid).node() == from;
        match (self, reply) {
            (Self::Spawn, Completion::Value(pid)) => {
                [Pid::NOBODY, Pid::REFUSED].contains(&Pid::from_bits(*pid)) || is_its(*pid)
            }
            (Self::WhereIs, Completion::Found(pid)) => pid.is_none_or(is_its),
            _ => false,
        }
    }

    /// The answer that there is no such thing.
    fn nothing(self) -> Completion {
        match self {
            Self::Spawn => Completion::Value(Pid::NOBODY.bits()),
            Self::WhereIs => Completion::Found(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKER: Asker = (Pid::new(1, 1), 7);

    fn asked() -> PendingRequests {
        let requests = PendingRequests::default();
        let request = RemoteRequest::WhereIs { name: "n".into(), alias: "a".into() };
        requests.note(ASKER, 2, &request);
        requests
    }

    #[test]
    fn only_who_was_asked_can_answer_and_once() {
        let requests = asked();
        let reply = || Completion::Found(Some(Pid::new(2, 9).bits()));
        assert_eq!(requests.settle(ASKER, 3, Some(reply())), None);
        assert_eq!(requests.settle(ASKER, 2, Some(reply())), Some(reply()));
        assert_eq!(requests.settle(ASKER, 2, Some(reply())), None);
    }

    #[test]
    fn a_reply_of_the_wrong_kind_or_none_means_that_nothing_is_there() {
        let of_another = Completion::Found(Some(Pid::new(3, 9).bits()));
        for reply in [Some(Completion::Done), Some(of_another), None] {
            assert_eq!(asked().settle(ASKER, 2, reply), Some(Completion::Found(None)));
        }
    }

    #[test]
    fn a_process_that_was_started_is_of_the_node_that_was_asked() {
        for (pid, is_believed) in [
            (Pid::new(2, 9), true),
            (Pid::REFUSED, true),
            (Pid::NOBODY, true),
            (Pid::new(1, 1), false),
            (Pid::new(3, 9), false),
        ] {
            let requests = PendingRequests::default();
            requests.note_kind(ASKER, 2, Kind::Spawn);
            let reply = requests.settle(ASKER, 2, Some(Completion::Value(pid.bits())));
            let expected = if is_believed { pid } else { Pid::NOBODY };
            assert_eq!(reply, Some(Completion::Value(expected.bits())));
        }
    }

    #[test]
    fn the_loss_of_a_node_ends_the_requests_to_it() {
        let requests = asked();
        assert_eq!(requests.lose(3), []);
        assert_eq!(requests.lose(2), [(ASKER, Completion::Found(None))]);
        assert!(!requests.take_back(ASKER));
    }

    #[test]
    fn a_request_without_a_reply_ends_after_a_while() {
        let requests = asked();
        let now = Instant::now();
        assert_eq!(requests.expire(now), []);
        assert_eq!(requests.expire(now + REPLY_WITHIN), [(ASKER, Completion::Found(None))]);
        assert!(!requests.take_back(ASKER));
    }
}
