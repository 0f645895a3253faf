//! The thread that answers what operators of other nodes want to know of this one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use iridium_net::SendError;
use iridium_sched::Scheduler;

use super::inbox::inbox;
use super::{Operators, RemoteQuery};
use crate::code::{Requester, SpawnRequest};
use crate::links::{Lane, Peer};
use crate::orders::{Next, Orders};
use crate::report::{ProcessRow, listed};
use crate::wire::{NodeMessage, Query, Response};

/// How often it looks for requests of processes whose replies are overdue.
const LOOK_UP: Duration = Duration::from_secs(5);

impl Operators {
    /// Answers until it is told to end. Between two answers it ends requests of this node's processes
    /// that other nodes leave without a reply.
    pub(crate) fn respond(&self, questions: &Orders<RemoteQuery>) {
        let mut look = Instant::now() + LOOK_UP;
        loop {
            let next = questions.next(Some(look));
            let Some(scheduler) = self.this.scheduler() else { return };
            let now = Instant::now();
            if now >= look {
                self.remote.expire_requests(&scheduler);
                look = now + LOOK_UP;
            }
            match next {
                Next::Order(question) => self.respond_to(&scheduler, question),
                Next::Nothing => {}
                Next::Stop => return,
            }
        }
    }

    fn respond_to(&self, scheduler: &Scheduler, question: RemoteQuery) {
        let RemoteQuery { ref from, number, query } = question;
        let response = match query {
            Query::Processes => return self.respond_with_list(scheduler, from, number),
            Query::Load => Response::Load(Box::new(self.report(scheduler))),
            Query::WhereIs(name) => Response::Found(scheduler.find(&name)),
            Query::Understands(pid) => Response::Understands(inbox(scheduler, pid)),
            Query::Spawn { module, start, limits, name } => {
                let requester = Requester::Operator { peer: Arc::clone(from), number };
                let request = SpawnRequest { requester, module, start, limits, name };
                return self.spawner.spawn(scheduler, request);
            }
        };
        self.links.answer(from, &NodeMessage::Response { number, response });
    }

    /// Sends a peer the list of this node's processes. It may be long, so it is sent in a way that
    /// the link can refuse: a link on which too much waits that cannot be refused is closed. If there
    /// is no room for the list now, the operator learns at least how many processes there are.
    fn respond_with_list(&self, scheduler: &Scheduler, peer: &Peer, number: u64) {
        let (rows, more) =
            listed(scheduler.processes().into_iter().map(ProcessRow::from), |_| true);
        let count = rows.len() as u64 + more;
        let message = |rows, more| NodeMessage::Response {
            number,
            response: Response::Processes { rows, more },
        };
        let sent = self.links.try_send(peer, Lane::Lists, &message(rows, more));
        if sent == Err(SendError::WouldBlock) {
            self.links.answer(peer, &message(Vec::new(), count));
        }
    }
}
