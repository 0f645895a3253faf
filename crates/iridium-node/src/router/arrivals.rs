//! What comes in from other nodes.
//!
//! Another node is trusted to be a node, not to be right: it speaks for its own processes and to
//! those of this node, and what is said otherwise is not heard.

use std::sync::Arc;

use iridium_net::{Application, ClusterClient, ControlStream, Event, Recipient, Room};
use iridium_proto::{NodeAlias, NodeId};
use iridium_sched::{InlineWorker, RemoteRequest, Scheduler, Signal, WeakScheduler};
use iridium_vm::{Completion, Message, Pid};

use super::parcel::{self, Delivery, Parcel};
use super::{Peer, Router};
use crate::code::{Asker, Birth, LoaderOrder};
use crate::control;
use crate::desk::DeskOrder;

/// The router, as the mesh sees it.
pub(crate) struct Ear(pub(crate) Arc<Router>);

/// Takes what comes on one connection.
struct Intake {
    router: Arc<Router>,
    scheduler: WeakScheduler,
    peer: Arc<Peer>,
    courier: InlineWorker,
}

/// Takes no notice of what comes on a connection that was lost before it brought anything.
struct Deaf;

impl Recipient for Deaf {
    fn deliver(&mut self, _: Vec<u8>, _: Room) {}
}

impl Recipient for Intake {
    fn deliver(&mut self, bytes: Vec<u8>, room: Room) {
        // What still comes from a connection that another has replaced was lost already, for those
        // who were told of the loss.
        if self.peer.is_lost() {
            return;
        }
        self.router.count_arrival(bytes.len());
        // What is handed over at once gives its room back here, and the mailbox counts it from then
        // on. What others are to do takes the room along: it waits, and may be long.
        match parcel::read(bytes) {
            Ok(Delivery::Message { to, message }) => self.message_in(to, message),
            Ok(Delivery::Parcel(parcel)) => {
                if let Some(scheduler) = self.scheduler.upgrade() {
                    self.router.parcel_in(&scheduler, &self.peer, parcel, room);
                }
            }
            Err(error) => {
                log::warn!("ignored what peer={} has sent: {error}", self.peer.id.alias);
            }
        }
    }

    fn caught_up(&mut self) {
        self.courier.run_woken();
    }
}

impl Intake {
    fn message_in(&mut self, to: Pid, message: Message) {
        let from = Pid::from_bits(message.sender);
        // Negative tags are what this node tells its processes.
        if is_for_here(self.courier.node(), &self.peer, to)
            && message.tag >= 0
            && is_of(&self.peer, from)
        {
            self.courier.deliver(from, to, Signal::Message(message));
        }
    }
}

impl Application for Ear {
    fn recipient(&self, from: &NodeId, link: &Arc<ClusterClient>) -> Box<dyn Recipient> {
        let Some(peer) = self.0.peers.on_link(from, link.link_id()) else { return Box::new(Deaf) };
        let Some(scheduler) = self.0.scheduler() else { return Box::new(Deaf) };
        let (courier, scheduler) = (scheduler.inline_worker(), scheduler.downgrade());
        Box::new(Intake { router: Arc::clone(&self.0), scheduler, peer, courier })
    }

    fn room(&self, to: &NodeAlias) {
        if let Some(number) = self.0.peers.number_of(to)
            && let Some(scheduler) = self.0.scheduler()
        {
            scheduler.credit_available(number);
        }
        // The loader may have code to send.
        self.0.transfers.make_room();
        self.0.rouse_loader();
    }

    fn control(&self, request: Vec<u8>, stream: &mut ControlStream) {
        control::serve(&self.0, &request, stream);
    }

    fn linked(&self, id: &NodeId, client: &Arc<ClusterClient>) {
        self.0.link_up(id, client);
    }

    fn may_renumber(&self) -> bool {
        // The pids of processes hold the number.
        self.0.scheduler().is_none_or(|scheduler| scheduler.process_count() == 0)
    }

    fn reborn(&self, id: &NodeId) {
        let number = id.number.number();
        if let Some(scheduler) = self.0.scheduler()
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
            self.0.link_down(id);
        }
        self.0.hub.member(event);
    }
}

impl Router {
    fn parcel_in(&self, scheduler: &Scheduler, peer: &Arc<Peer>, parcel: Parcel, room: Room) {
        match parcel {
            Parcel::Signal { from, to, signal } => {
                self.signal_in(scheduler, peer, (from, to), signal);
            }
            Parcel::Ask { asker, number, question } => {
                self.question_in(scheduler, peer, (asker, number), question);
            }
            Parcel::Answer { asker, number, answer } => {
                let asker = (asker, number);
                if let Some(answer) = self.asks.settle(asker, peer.number(), answer) {
                    scheduler.reply(asker.0, asker.1, answer);
                }
            }
            Parcel::CodeWanted { module } => {
                self.order(LoaderOrder::Send { to: Arc::clone(peer), module });
            }
            Parcel::Code { module, file } => {
                if self.transfers.arrive(peer.number(), module, file, Some(room)) {
                    self.rouse_loader();
                }
            }
            Parcel::Query { number, query } => {
                let order = DeskOrder::Query { from: Arc::clone(peer), number, query, room };
                // One that gets no answer is told so by its own deadline.
                if self.desk.try_send(order).is_err() {
                    log::warn!("too many questions of operators; one of {} waits", peer.id.alias);
                }
            }
            Parcel::Findings { number, findings } => {
                self.errands.settle(number, peer.number(), findings);
            }
        }
    }

    fn signal_in(
        &self,
        scheduler: &Scheduler,
        peer: &Peer,
        (from, to): (Pid, Pid),
        signal: Signal,
    ) {
        if !is_for_here(scheduler.node(), peer, to) || !speaks_for(peer, from, &signal) {
            return;
        }
        scheduler.deliver(from, to, signal);
        // The loss of the node may have been told before this could be noted.
        if peer.is_lost() {
            scheduler.deliver(Pid::NOBODY, to, Signal::NodeLost { node: peer.number() });
        }
    }

    fn question_in(
        &self,
        scheduler: &Scheduler,
        peer: &Arc<Peer>,
        asker: (Pid, u64),
        question: RemoteRequest,
    ) {
        match question {
            RemoteRequest::WhereIs { name, .. } => {
                let found = scheduler.find(&name).map(Pid::bits);
                self.answer(peer, asker, Completion::Found(found));
            }
            RemoteRequest::Spawn { module, start, limits, .. } => {
                let asker = Asker::Process(Arc::clone(peer), asker.0, asker.1);
                self.want(scheduler, Birth { asker, module, start, limits, name: None });
            }
        }
    }

    /// Starts a process, now or when its code has come.
    pub(crate) fn want(&self, scheduler: &Scheduler, birth: Birth) {
        if !self.bear(scheduler, &birth) {
            self.order(LoaderOrder::Bear(birth));
        }
    }

    fn order(&self, order: LoaderOrder) {
        if let Err(refused) = self.loader.try_send(order)
            && let LoaderOrder::Bear(birth) = refused.into_inner()
        {
            birth.answer(self, Err("too many processes wait for their code".into()));
        }
    }
}

fn is_for_here(me: u32, peer: &Peer, to: Pid) -> bool {
    let here = to.node() == me;
    if !here {
        log::debug!("{} has sent something to {to:?}, which is not of this node", peer.id.alias);
    }
    here
}

/// Whether a process is of that node; nobody is, when an operator acts there.
fn is_of(peer: &Peer, from: Pid) -> bool {
    let its = from == Pid::NOBODY || from.node() == peer.number();
    if !its {
        log::warn!("{} speaks for {from:?}, which is not of that node", peer.id.alias);
    }
    its
}

/// Whether a signal is about a process of the node that has sent it.
fn speaks_for(peer: &Peer, from: Pid, signal: &Signal) -> bool {
    is_of(peer, from)
        && match signal {
            Signal::Message(message) => {
                message.tag >= 0 && is_of(peer, Pid::from_bits(message.sender))
            }
            Signal::Link { from }
            | Signal::Unlink { from }
            | Signal::Exit { from, .. }
            | Signal::Kill { from, .. }
            | Signal::Monitor { from, .. }
            | Signal::Demonitor { from, .. }
            | Signal::Down { from, .. } => is_of(peer, *from),
            // Each node finds out for itself.
            Signal::NodeLost { .. } => false,
        }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use crossbeam_channel::bounded;
    use iridium_vm::{Hosts, Limits};

    use super::*;
    use crate::desk::Origin;
    use crate::hub::Hub;
    use crate::router::Parts;

    #[test]
    fn a_loader_with_very_much_to_do_hears_of_room_all_the_same() {
        let (loader, orders) = bounded(1);
        let router = Arc::new(Router::new(Parts {
            loader,
            desk: bounded(1).0,
            hub: Arc::new(Hub::default()),
            origin: Origin { started: Instant::now(), workers: 1 },
            limits: Limits::default(),
            hosts: Hosts::new(),
        }));
        assert!(router.loader.try_send(LoaderOrder::Stop).is_ok(), "something else to do");
        Ear(Arc::clone(&router)).room(&NodeAlias::new("b").unwrap());
        assert!(matches!(orders.try_recv(), Ok(LoaderOrder::Stop)));
        assert!(router.transfers.take().room);
        assert!(!router.transfers.take().room, "once");
    }
}
