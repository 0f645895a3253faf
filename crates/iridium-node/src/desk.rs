//! The thread that answers what operators at other nodes want to know of this one.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Receiver;
use iridium_net::{Room, SendError};
use iridium_sched::Scheduler;
use iridium_vm::Pid;

use crate::code::{Asker, Birth};
use crate::report::{NodeReport, ProcessRow, listed};
use crate::router::{Findings, Parcel, Peer, Query, Router};

/// Lists travel apart from everything else; no process has this number.
const LANE: Pid = Pid::from_bits(-2);

/// A question of an operator at another node.
pub(crate) enum DeskOrder {
    /// Answer this.
    Query {
        from: Arc<Peer>,
        number: u64,
        query: Query,
        /// Kept until it is answered: what waits here counts for the one who asks.
        room: Room,
    },
    /// End.
    Stop,
}

/// What a node knows about itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) started: Instant,
    pub(crate) workers: usize,
}

/// Answers until it is told to end.
pub(crate) fn run(router: &Router, orders: &Receiver<DeskOrder>) {
    while let Ok(DeskOrder::Query { from, number, query, room }) = orders.recv() {
        let Some(scheduler) = router.scheduler() else { return };
        let findings = match query {
            Query::Processes => {
                answer_with_list(router, &from, number, &scheduler);
                continue;
            }
            Query::Load => Findings::Load(Box::new(load(router, &scheduler))),
            Query::WhereIs(name) => Findings::Found(scheduler.find(&name)),
            Query::Spawn { module, start, limits, name } => {
                let asker = Asker::Operator { peer: from, number, _room: room };
                router.want(&scheduler, Birth { asker, module, start, limits, name });
                continue;
            }
        };
        // A peer that is gone does not wait for it.
        let _ = router.tell(&from, Pid::NOBODY, &Parcel::Findings { number, findings });
    }
}

/// Tells a peer of the processes of this node. That is long, so it goes as a message: too many long
/// signals, which cannot be refused, would cost the link. If there is no room for it now, the
/// operator learns at least how many there are.
fn answer_with_list(router: &Router, peer: &Peer, number: u64, scheduler: &Scheduler) {
    let (rows, more) = listed(processes(scheduler));
    let count = rows.len() as u64 + more;
    let parcel =
        |rows, more| Parcel::Findings { number, findings: Findings::Processes { rows, more } };
    if router.offer(peer, LANE, &parcel(rows, more)) == Err(SendError::WouldBlock) {
        // A peer that is gone does not wait for it.
        let _ = router.tell(peer, Pid::NOBODY, &parcel(Vec::new(), count));
    }
}

/// The processes of this node.
pub(crate) fn processes(scheduler: &Scheduler) -> Vec<ProcessRow> {
    scheduler.processes().into_iter().map(ProcessRow::from).collect()
}

/// How this node does.
pub(crate) fn load(router: &Router, scheduler: &Scheduler) -> NodeReport {
    let usage = scheduler.usage();
    let counts = router.hub.counts();
    let mut report = NodeReport {
        number: scheduler.node(),
        uptime: router.origin.started.elapsed().as_secs(),
        workers: router.origin.workers as u32,
        processes: scheduler.process_count() as u64,
        failures: counts.failures,
        traps: counts.traps,
        restarts: counts.restarts,
        fuel: scheduler.fuel_spent(),
        messages: usage.messages,
        dead_letters: scheduler.dead_letters(),
        memory: usage.memory,
        ..NodeReport::default()
    };
    router.add_traffic(&mut report);
    report
}
