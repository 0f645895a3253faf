//! What comes from the mesh goes to the parts of the node whose business it is.
//!
//! Nothing here waits: whatever takes time is handed to the loader, or to the thread that answers
//! operators.

use std::collections::BTreeSet;
use std::sync::Arc;

use iridium_net::{Application, ClusterClient, ControlStream, Event, Recipient, WindowPermit};
use iridium_proto::{NodeAlias, NodeId};
use iridium_sched::{InlineWorker, Scheduler, Signal, WeakScheduler};
use iridium_vm::{Message, Pid};

use crate::code::Spawner;
use crate::control;
use crate::events::EventBus;
use crate::links::{Links, Peer};
use crate::operators::Operators;
use crate::remote::{RemoteProcesses, may_deliver};
use crate::this_node::ThisNode;
use crate::wire::{self, BadMessage, Delivery, NodeMessage, Question, Response};

/// Kinds of unknown messages that are logged for one link.
const MAX_LOGGED: usize = 16;

/// The parts of a node that the mesh tells of what happens.
#[derive(Clone)]
pub(crate) struct MeshHandler {
    pub(crate) this: Arc<ThisNode>,
    pub(crate) links: Arc<Links>,
    pub(crate) events: Arc<EventBus>,
    pub(crate) spawner: Arc<Spawner>,
    pub(crate) remote: Arc<RemoteProcesses>,
    pub(crate) operators: Arc<Operators>,
}

impl MeshHandler {
    /// A connection to a node is in use from now on.
    fn link_up(&self, id: &NodeId, client: &Arc<ClusterClient>) {
        // Any earlier connection to that node counts as lost, with whatever was in transit.
        self.link_down(id);
        let log_limits = self.links.log_limits_of(&id.alias);
        let all_ties = Arc::clone(&self.links.all_ties);
        let peer = Peer::new(id.clone(), Arc::clone(client), log_limits, all_ties);
        let number = peer.number();
        self.links.peers.insert(Arc::new(peer));
        if let Some(scheduler) = self.this.scheduler() {
            scheduler.node_up(number);
        }
    }

    /// The connection to a node is lost, for processes at least.
    pub(crate) fn link_down(&self, id: &NodeId) {
        let Some(peer) = self.links.peers.remove(id) else { return };
        let number = peer.number();
        self.operators.node_lost(number);
        self.spawner.node_lost(number);
        if let Some(scheduler) = self.this.scheduler() {
            self.remote.node_lost(&scheduler, number);
        }
    }

    fn receive(
        &self,
        scheduler: &Scheduler,
        peer: &Arc<Peer>,
        message: NodeMessage,
        permit: WindowPermit,
    ) {
        match message {
            NodeMessage::Signal { from, to, signal } => {
                self.remote.receive_signal(scheduler, peer, (from, to), signal);
            }
            NodeMessage::Request { asker, number, request } => {
                self.remote.receive_request(scheduler, peer, (asker, number), request);
            }
            NodeMessage::Reply { asker, number, reply } => {
                self.remote.receive_reply(scheduler, peer, (asker, number), Some(reply));
            }
            NodeMessage::NotUnderstood { asker, number } => {
                self.remote.receive_reply(scheduler, peer, (asker, number), None);
            }
            NodeMessage::CodeWanted { module } => {
                self.spawner.send_code(Arc::clone(peer), module);
            }
            NodeMessage::Code { module, file } => {
                self.spawner.receive_code(peer, module, file, permit);
            }
            NodeMessage::Query { number, query } => {
                self.operators.receive_query(peer, number, query);
            }
            NodeMessage::Response { number, response } => {
                self.operators.receive_response(peer, number, response);
            }
        }
    }

    /// Tells a peer that this build does not know what it asks.
    fn not_understood(&self, peer: &Peer, question: Question) {
        let answer = match question {
            Question::OfProcess { asker, number } => NodeMessage::NotUnderstood { asker, number },
            Question::OfOperator { number } => {
                NodeMessage::Response { number, response: Response::NotUnderstood }
            }
        };
        self.links.answer(peer, &answer);
    }
}

impl Application for MeshHandler {
    fn recipient(&self, from: &NodeId, link: &Arc<ClusterClient>) -> Box<dyn Recipient> {
        let Some(peer) = self.links.peers.on_link(from, link.link_id()) else {
            return Box::new(NullRecipient);
        };
        let Some(scheduler) = self.this.scheduler() else { return Box::new(NullRecipient) };
        let (worker, scheduler) = (scheduler.inline_worker(), scheduler.downgrade());
        let (handler, unknown) = (self.clone(), BTreeSet::new());
        Box::new(LinkReceiver { handler, scheduler, peer, worker, unknown })
    }

    fn writable(&self, to: &NodeAlias) {
        let Some(number) = self.links.peers.number_of(to) else { return };
        if let Some(scheduler) = self.this.scheduler() {
            scheduler.credit_available(number);
        }
        self.spawner.link_has_room(number);
    }

    fn control(&self, request: Vec<u8>, stream: &mut ControlStream) {
        control::serve(&self.operators, &request, stream);
    }

    fn linked(&self, id: &NodeId, client: &Arc<ClusterClient>) {
        self.link_up(id, client);
    }

    fn may_renumber(&self) -> bool {
        // The pids of processes hold the number.
        self.this.scheduler().is_none_or(|scheduler| scheduler.process_count() == 0)
    }

    fn identity_changed(&self, id: &NodeId) {
        let number = id.number.number();
        if let Some(scheduler) = self.this.scheduler()
            && scheduler.node() != number
            && !scheduler.renumber(number)
        {
            log::error!(
                "a process was started at the moment at which node {} took another number; \
                 others cannot reach it: start the node again",
                id.alias
            );
        }
    }

    fn event(&self, event: &Event) {
        if let Event::Down { id } | Event::Left { id } = event {
            self.link_down(id);
        }
        self.events.member(event);
    }
}

/// Takes what comes on a connection that was lost before it brought anything, and drops it.
struct NullRecipient;

impl Recipient for NullRecipient {
    fn deliver(&mut self, _: Vec<u8>, _: WindowPermit) {}
}

/// Takes what comes on one connection.
struct LinkReceiver {
    handler: MeshHandler,
    scheduler: WeakScheduler,
    peer: Arc<Peer>,
    worker: InlineWorker,
    /// The unknown kinds of messages that were logged.
    unknown: BTreeSet<u32>,
}

impl Recipient for LinkReceiver {
    fn deliver(&mut self, bytes: Vec<u8>, permit: WindowPermit) {
        // What still comes from a connection that another has replaced was lost already, for those
        // who were told of the loss.
        if self.peer.is_lost() {
            return;
        }
        self.handler.links.count_received(bytes.len());
        // What is handed over at once gives its permit back here, and the mailbox counts it from then
        // on. What others are to do takes the permit along: it waits, and may be long.
        let operators = wire::is_long_answer(&bytes).then(|| Arc::clone(&self.handler.operators));
        let _turn = operators.as_ref().map(|operators| operators.long_answer());
        let is_awaited = |number| self.handler.operators.awaits(number, self.peer.number());
        match wire::read(bytes, is_awaited) {
            Ok(Delivery::Message { to, message }) => self.receive_message(to, message),
            Ok(Delivery::NodeMessage(message)) => {
                if let Some(scheduler) = self.scheduler.upgrade() {
                    self.handler.receive(&scheduler, &self.peer, message, permit);
                }
            }
            Err(error) => self.receive_unknown(&error),
        }
    }

    fn caught_up(&mut self) {
        self.worker.run_woken();
    }
}

impl LinkReceiver {
    fn receive_message(&mut self, to: Pid, message: Message) {
        if may_deliver(self.worker.node(), &self.peer, to, &message) {
            let from = Pid::from_bits(message.sender);
            self.worker.deliver(from, to, Signal::Message(message));
        }
    }

    /// Passes over what means nothing to this build, and answers it if it is a question.
    fn receive_unknown(&mut self, error: &BadMessage) {
        let alias = &self.peer.id.alias;
        match error {
            BadMessage::Unknown(kind) => {
                let is_new = self.unknown.len() < MAX_LOGGED && self.unknown.insert(*kind);
                if is_new && let Some(left_out) = self.peer.log_limits.admit("unknown kind") {
                    log::warn!(
                        "skip messages of kind {kind} from peer={alias}: of a later version{left_out}"
                    );
                }
            }
            BadMessage::NotUnderstood { question, source } => {
                if let Some(left_out) = self.peer.log_limits.admit("not understood") {
                    log::warn!("ignored what peer={alias} has sent: {error} ({source}){left_out}");
                }
                if let Some(question) = question {
                    self.handler.not_understood(&self.peer, *question);
                }
            }
            // Mostly one that comes too late.
            BadMessage::Unasked => log::debug!("ignored what peer={alias} has sent: {error}"),
            BadMessage::Short | BadMessage::Content(_) | BadMessage::Long(_) => {
                if let Some(left_out) = self.peer.log_limits.admit("no message") {
                    log::warn!("ignored what peer={alias} has sent: {error}{left_out}");
                }
            }
        }
    }
}
