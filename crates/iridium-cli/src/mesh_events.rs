//! Events of the mesh as sentences, for the log and the REPL.

use iridium_net::{Event, JoinReport, Manager};

use crate::advice;
use crate::failure::Failure;

/// The event as a sentence.
pub(crate) fn describe(event: &Event) -> String {
    match event {
        Event::Up { id, info, .. } => format!("{} is up at {}", id.alias, info.addr()),
        Event::Suspect { id } => format!("{} does not answer", id.alias),
        Event::Recovered { id, .. } => format!("{} answers again", id.alias),
        Event::Down { id } => format!("{} is down", id.alias),
        Event::Left { id } => format!("{} has left", id.alias),
        Event::Refused { by, reason } => {
            advice::with(format!("{by} refused this node: {reason}"), advice::on_reject(reason))
        }
        Event::Joined(report) => joined(report),
        Event::JoinFailed(error) | Event::Excluded(error) => {
            advice::with(error, advice::on_join(error))
        }
        Event::LeaveRequested => "a client asks this node to leave".into(),
        Event::NotDialable { info } => format!(
            "others cannot dial this node at {}; name an address they can with --advertise",
            info.addr()
        ),
        _ => "something has happened that this version does not know".into(),
    }
}

/// Where a node can be reached, a line for each address that it listens on.
pub(crate) fn listens(manager: &Manager) -> String {
    let alias = manager.me().0.alias;
    let mesh = format!("{alias} listens on {}", manager.local_addr());
    match manager.control_addr() {
        Some(control) => format!("{mesh}\n{alias} lets control clients in on {control}"),
        None => mesh,
    }
}

/// The outcome of a join as a sentence.
pub(crate) fn joined(report: &JoinReport) -> String {
    let text = format!("joined the cluster through {}: {} members", report.seed, report.members);
    if report.unreachable.is_empty() {
        return text;
    }
    let missing: Vec<_> = report.unreachable.iter().map(|alias| alias.as_str()).collect();
    format!("{text}; still trying to reach {}", missing.join(", "))
}

/// The failure that ends a node, if the event is one: nobody takes it.
pub(crate) fn fatal(event: &Event) -> Option<Failure> {
    match event {
        Event::Excluded(error) => Some(error.clone().into()),
        _ => None,
    }
}
