//! What operators can ask of a node, whether they are in its own process, talk to it over a socket,
//! or talk to another node.
//!
//! Where each [`Call`] is answered:
//!
//! | call | file |
//! | --- | --- |
//! | `Processes`, `Loads` | `lists.rs` |
//! | `Apps` | `apps.rs` |
//! | `Spawn`, `Send`, `Kill` | `processes.rs`, and `cluster.rs` for what is on another node |
//! | `Understands` | `inbox.rs` |
//! | `Events`, `Attach` | `control/serve.rs`, `control/attach.rs`: they need a socket |
//!
//! `cluster.rs` asks other nodes, `queries.rs` keeps what has no answer yet, `held.rs` bounds the answers, and
//! `responder.rs` answers other nodes.

mod apps;
mod cluster;
mod held;
mod inbox;
mod lists;
mod processes;
mod queries;
mod responder;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard};

use iridium_isa::MAX_NAME;
use iridium_vm::Pid;

use self::held::Held;
use self::queries::PendingQueries;
use crate::code::{Programs, Spawner, long_name};
use crate::control::protocol::{Answer, Call};
use crate::error::NodeError;
use crate::events::EventBus;
use crate::links::{Links, Peer};
use crate::orders::Orders;
use crate::remote::RemoteProcesses;
use crate::sync::lock;
use crate::this_node::ThisNode;
use crate::wire::{NodeMessage, Query, Response};

/// What operators can ask of a node.
pub(crate) struct Operators {
    pub(crate) this: Arc<ThisNode>,
    pub(crate) programs: Arc<Programs>,
    pub(crate) events: Arc<EventBus>,
    links: Arc<Links>,
    spawner: Arc<Spawner>,
    remote: Arc<RemoteProcesses>,
    queries: PendingQueries,
    /// What the answers of all calls take.
    all_held: Arc<AtomicUsize>,
    /// Whoever reads a long answer of another node has it.
    long_answer: Mutex<()>,
    /// The apps that were started here, oldest first, with their top supervisors.
    apps: Mutex<Vec<(String, Pid)>>,
    /// For [`Operators::respond`].
    questions: Arc<Orders<RemoteQuery>>,
}

/// A question of an operator of another node.
pub(crate) struct RemoteQuery {
    from: Arc<Peer>,
    number: u64,
    query: Query,
}

impl Operators {
    pub(crate) fn new(
        programs: Arc<Programs>,
        events: Arc<EventBus>,
        remote: Arc<RemoteProcesses>,
        spawner: Arc<Spawner>,
        (this, links): (Arc<ThisNode>, Arc<Links>),
        questions: Arc<Orders<RemoteQuery>>,
    ) -> Self {
        let (queries, all_held, long_answer, apps) = Default::default();
        Self {
            this,
            programs,
            events,
            links,
            spawner,
            remote,
            queries,
            all_held,
            long_answer,
            apps,
            questions,
        }
    }

    /// For the answers of a call.
    pub(crate) fn held(&self) -> Arc<Held> {
        Arc::new(Held::new(Arc::clone(&self.all_held)))
    }

    /// The same in the process of the node.
    pub(crate) fn held_at_home(&self) -> Arc<Held> {
        Arc::new(Held::at_home(Arc::clone(&self.all_held)))
    }

    /// Answers a call, on the thread of the one who asks. Long answers are held until `held` is dropped.
    ///
    /// # Errors
    /// [`NodeError`]. A call that opens a conversation has no answer of its own.
    pub(crate) fn call(&self, call: Call, held: &Arc<Held>) -> Result<Answer, NodeError> {
        match call {
            Call::Processes { all } => Ok(Answer::Processes(self.processes(all, held))),
            Call::Loads => Ok(Answer::Loads(self.loads())),
            Call::Apps => Ok(Answer::Apps(self.apps()?)),
            Call::Send { to, tag, payload } => self.send(&to, tag, payload).map(Answer::Done),
            Call::Understands { of } => {
                self.understands(&of, held).map(|(pid, inbox)| Answer::Understands { pid, inbox })
            }
            Call::Kill { to, reason } => self.kill(&to, reason).map(Answer::Done),
            Call::Spawn(_) | Call::Events | Call::Attach => {
                Err(NodeError::Refused("this opens a conversation over a socket".into()))
            }
        }
    }

    /// An operator of another node asks something.
    pub(crate) fn receive_query(&self, from: &Arc<Peer>, number: u64, query: Query) {
        // What waits is short.
        if let Some(response) = refuse_long_name(&query) {
            return self.links.answer(from, &NodeMessage::Response { number, response });
        }
        let question = RemoteQuery { from: Arc::clone(from), number, query };
        if self.questions.give(from.number(), question).is_err() {
            // One that gets no answer is told so by its own deadline.
            if let Some(left_out) = from.log_limits.admit("too many questions") {
                let alias = &from.id.alias;
                log::warn!(
                    "too many questions of operators; one of peer={alias} is dropped{left_out}"
                );
            }
        }
    }

    /// Waits until no other long answer is being read: until only what there is room for is kept of it, one takes
    /// several times the memory of its bytes.
    pub(crate) fn long_answer(&self) -> MutexGuard<'_, ()> {
        lock(&self.long_answer)
    }

    /// Whether an answer of another node is awaited.
    pub(crate) fn awaits(&self, number: u64, from: u32) -> bool {
        self.queries.awaits(number, from)
    }

    /// Another node answers.
    pub(crate) fn receive_response(&self, from: &Peer, number: u64, response: Response) {
        let response = response.of_node(from.number());
        self.queries.settle(number, from.number(), response);
    }

    /// The connection to a node is lost.
    pub(crate) fn node_lost(&self, node: u32) {
        self.queries.lose(node);
    }

    /// Ends [`respond`](Self::respond), as soon as it has given the answer that it is at.
    pub(crate) fn stop(&self) {
        self.questions.stop();
    }
}

/// The answer to a question with a name that no process can have, which is not to wait: it may be as long as a
/// message, and one who lies can be many members.
fn refuse_long_name(query: &Query) -> Option<Response> {
    match query {
        Query::WhereIs(name) if name.len() > MAX_NAME => Some(Response::Found(None)),
        Query::Spawn { name: Some(name), .. } if name.len() > MAX_NAME => {
            Some(Response::Spawned(Err(long_name(name))))
        }
        _ => None,
    }
}
