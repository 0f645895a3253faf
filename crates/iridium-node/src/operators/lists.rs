//! What operators list: processes, and how nodes do, of this node or of all.

use std::sync::Arc;
use std::time::Instant;

use iridium_proto::NodeAlias;
use iridium_sched::Scheduler;

use super::Operators;
use super::cluster::ANSWER_WITHIN;
use super::held::Held;
use super::queries::PendingQuery;
use crate::report::{NodeLoad, NodeProcesses, NodeReport, ProcessRow};
use crate::wire::{Query, Response};

impl Operators {
    /// As [`Client::processes`](crate::control::Client::processes).
    pub(super) fn processes(&self, all: bool, held: &Arc<Held>) -> Vec<NodeProcesses> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        let queries = if all { self.ask_all(&Query::Processes, held) } else { Vec::new() };
        let own = self.this.scheduler().map(|scheduler| own_processes(&scheduler, held));
        let own = self.this.alias().map(|me| node_processes(me.clone(), own));
        let mut nodes: Vec<_> = own.into_iter().collect();
        for (alias, query) in queries {
            let list = match query.wait(deadline) {
                Some(Response::Processes { rows, more }) => Some((rows, more)),
                _ => None,
            };
            nodes.push(node_processes(alias, list));
        }
        nodes.sort_by(|a, b| a.alias.cmp(&b.alias));
        nodes
    }

    /// As [`Client::loads`](crate::control::Client::loads).
    pub(super) fn loads(&self) -> Vec<NodeLoad> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        let queries = self.ask_all(&Query::Load, &self.held());
        let own = self.this.scheduler().map(|scheduler| self.report(&scheduler));
        let own = self.this.alias().map(|me| NodeLoad { alias: me.clone(), report: own });
        let mut loads: Vec<_> = own.into_iter().collect();
        for (alias, query) in queries {
            loads.push(NodeLoad { alias, report: wait_for_report(&query, deadline) });
        }
        loads.sort_by(|a, b| a.alias.cmp(&b.alias));
        loads
    }

    /// How this node does.
    pub(crate) fn report(&self, scheduler: &Scheduler) -> NodeReport {
        let usage = scheduler.usage();
        let counts = self.events.counts();
        let mut report = NodeReport {
            number: scheduler.node(),
            uptime: self.this.started.elapsed().as_secs(),
            workers: u32::try_from(self.this.workers).unwrap_or(u32::MAX),
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
        self.links.add_traffic(&mut report);
        if let Some(stats) = scheduler.compile_stats() {
            report.add_compiled(&stats);
        }
        report
    }
}

/// The processes of this node, or the first of them and how many more there are.
fn own_processes(scheduler: &Scheduler, held: &Held) -> (Vec<ProcessRow>, u64) {
    held.own_list(scheduler.processes().into_iter().map(ProcessRow::from))
}

fn node_processes(alias: NodeAlias, list: Option<(Vec<ProcessRow>, u64)>) -> NodeProcesses {
    let (processes, more) = list.map_or((None, 0), |(rows, more)| (Some(rows), more));
    NodeProcesses { alias, processes, more }
}

fn wait_for_report(query: &PendingQuery, deadline: Instant) -> Option<NodeReport> {
    match query.wait(deadline) {
        Some(Response::Load(report)) => Some(*report),
        _ => None,
    }
}
