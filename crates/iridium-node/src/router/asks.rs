//! Questions to other nodes that wait for an answer.

use std::collections::HashMap;
use std::sync::Mutex;

use iridium_sched::RemoteRequest;
use iridium_vm::{Completion, Pid};

use crate::sync::lock;

/// What kind of answer is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Spawn,
    WhereIs,
}

/// Questions of processes. Each is answered once: by the node that was asked or, when that is lost,
/// by this one.
#[derive(Debug, Default)]
pub(crate) struct Asks(Mutex<HashMap<(Pid, u64), (u32, Kind)>>);

impl Asks {
    /// Notes a question before it is sent.
    pub(crate) fn note(&self, asker: Pid, number: u64, node: u32, question: &RemoteRequest) {
        let kind = match question {
            RemoteRequest::Spawn { .. } => Kind::Spawn,
            RemoteRequest::WhereIs { .. } => Kind::WhereIs,
        };
        lock(&self.0).insert((asker, number), (node, kind));
    }

    /// Takes a question back. Answers whether it was still open.
    pub(crate) fn take_back(&self, asker: Pid, number: u64) -> bool {
        lock(&self.0).remove(&(asker, number)).is_some()
    }

    /// Ends a question with the answer of a node. `None` when the node was not asked, or gives an
    /// answer to another question.
    pub(crate) fn settle(
        &self,
        (asker, number): (Pid, u64),
        from: u32,
        answer: Completion,
    ) -> Option<Completion> {
        let mut asks = lock(&self.0);
        let (node, kind) = *asks.get(&(asker, number))?;
        if node != from {
            return None;
        }
        asks.remove(&(asker, number));
        let fits = match kind {
            Kind::Spawn => matches!(answer, Completion::Value(_)),
            Kind::WhereIs => matches!(answer, Completion::Found(_)),
        };
        Some(if fits { answer } else { kind.nothing() })
    }

    /// Ends all questions to a node that is lost, each with the answer that nothing is there.
    pub(crate) fn lose(&self, node: u32) -> Vec<((Pid, u64), Completion)> {
        let mut asks = lock(&self.0);
        asks.extract_if(|_, (asked, _)| *asked == node)
            .map(|(asker, (_, kind))| (asker, kind.nothing()))
            .collect()
    }
}

impl Kind {
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

    const ASKER: (Pid, u64) = (Pid::new(1, 1), 7);

    fn asked() -> Asks {
        let asks = Asks::default();
        let question = RemoteRequest::WhereIs { name: "n".into(), alias: "a".into() };
        asks.note(ASKER.0, ASKER.1, 2, &question);
        asks
    }

    #[test]
    fn only_who_was_asked_can_answer_and_once() {
        let asks = asked();
        let answer = || Completion::Found(Some(9));
        assert_eq!(asks.settle(ASKER, 3, answer()), None);
        assert_eq!(asks.settle(ASKER, 2, answer()), Some(answer()));
        assert_eq!(asks.settle(ASKER, 2, answer()), None);
    }

    #[test]
    fn an_answer_of_the_wrong_kind_counts_as_none() {
        assert_eq!(asked().settle(ASKER, 2, Completion::Done), Some(Completion::Found(None)));
    }

    #[test]
    fn the_loss_of_a_node_ends_the_questions_to_it() {
        let asks = asked();
        assert_eq!(asks.lose(3), []);
        assert_eq!(asks.lose(2), [(ASKER, Completion::Found(None))]);
        assert!(!asks.take_back(ASKER.0, ASKER.1));
    }
}
