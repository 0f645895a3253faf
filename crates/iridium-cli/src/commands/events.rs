//! `iridium events`: what happens at a running node.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use iridium_node::control::Client;
use iridium_node::{EventKind, NodeEvent};
use iridium_sched::supervisor::Supervision;
use iridium_vm::Pid;

use super::{connect, json};
use crate::args::ClientFlags;
use crate::failure::Failure;
use crate::{output, signals};

/// How long it listens without `--follow`.
const LISTEN_FOR: Duration = Duration::from_secs(1);
/// How often it looks for signals.
const SLICE: Duration = Duration::from_millis(100);

/// Prints events as they come: until a signal, or for a second.
pub(crate) fn run(client: &ClientFlags, follow: bool, as_json: bool) -> Result<(), Failure> {
    let signals = signals::receive()?;
    let mut node = connect(client)?;
    // Only people are told names.
    let names = if as_json { HashMap::new() } else { names_of_apps(&mut node)? };
    let mut events = node.events()?;
    let end = Instant::now() + LISTEN_FOR;
    loop {
        let mut until = Instant::now() + SLICE;
        if !follow {
            until = until.min(end);
        }
        if let Some(event) = events.next(until)? {
            let text = if as_json { json(&to_json(&event))? } else { sentence(&event, &names) };
            output::print_line(&text)?;
        }
        if signals.try_recv().is_ok() || (!follow && Instant::now() >= end) {
            return Ok(());
        }
    }
}

/// The names of the supervisors that apps have at the top.
fn names_of_apps(node: &mut Client) -> Result<HashMap<Pid, String>, Failure> {
    Ok(node.apps()?.into_iter().map(|app| (app.pid, app.name)).collect())
}

/// The documented shape of `events --json`; fields may be added, not changed.
fn to_json(event: &NodeEvent) -> Value {
    let mut object = match &event.kind {
        EventKind::Up { info } => json!({
            "event": "up",
            "alias": info.alias,
            "ip": info.ip.to_string(),
            "port": info.port.number(),
        }),
        EventKind::Suspect { alias } => json!({ "event": "suspect", "alias": alias }),
        EventKind::Recovered { alias, reconnected } => {
            json!({ "event": "recovered", "alias": alias, "reconnected": reconnected })
        }
        EventKind::Down { alias } => json!({ "event": "down", "alias": alias }),
        EventKind::Left { alias } => json!({ "event": "left", "alias": alias }),
        EventKind::Ended { pid, reason, trap } => json!({
            "event": "ended",
            "pid": pid.to_string(),
            "reason": reason.0,
            "trap": trap,
        }),
        EventKind::Supervised { supervisor, what } => {
            let supervisor = supervisor.to_string();
            match what {
                Supervision::Restarted { child, pid, reason } => json!({
                    "event": "restarted",
                    "supervisor": supervisor,
                    "child": child,
                    "pid": pid.to_string(),
                    "reason": reason.0,
                }),
                Supervision::NotStarted { child, error } => json!({
                    "event": "not-started",
                    "supervisor": supervisor,
                    "child": child,
                    "error": error,
                }),
                Supervision::GaveUp { child, reason } => json!({
                    "event": "gave-up",
                    "supervisor": supervisor,
                    "child": child,
                    "reason": reason.0,
                }),
            }
        }
        EventKind::Skipped { count } => json!({ "event": "skipped", "count": count }),
        _ => json!({ "event": "unknown" }),
    };
    if let Some(fields) = object.as_object_mut() {
        fields.insert("time".into(), event.time.into());
    }
    object
}

/// An event as a line for people, with its time (UTC).
fn sentence(event: &NodeEvent, names: &HashMap<Pid, String>) -> String {
    let what = match &event.kind {
        EventKind::Up { info } => format!("{} is up at {}", info.alias, info.addr()),
        EventKind::Suspect { alias } => format!("{alias} does not answer"),
        EventKind::Recovered { alias, reconnected: false } => format!("{alias} answers again"),
        EventKind::Recovered { alias, reconnected: true } => {
            format!("{alias} answers again, on a new connection")
        }
        EventKind::Down { alias } => format!("{alias} is down"),
        EventKind::Left { alias } => format!("{alias} has left"),
        EventKind::Ended { pid, trap: Some(trap), .. } => {
            let trap: Vec<_> = trap.lines().map(str::trim).collect();
            format!("process {pid}: {}", trap.join(" "))
        }
        EventKind::Ended { pid, reason, trap: None } => {
            format!("process {pid} has ended: {reason}")
        }
        EventKind::Supervised { supervisor, what } => match names.get(supervisor) {
            Some(name) => format!("{name}: {what}"),
            None => format!("supervisor {supervisor}: {what}"),
        },
        EventKind::Skipped { count } => {
            format!("{count} more processes have ended, or were started again")
        }
        _ => "something has happened that this version does not know".to_string(),
    };
    format!("{}  {what}", time(event.time))
}

/// Milliseconds since 1970 as date and time. The calendar is that of Howard
/// Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn time(ms: u64) -> String {
    let (days, rest) = (ms / 86_400_000, ms % 86_400_000);
    // Days since the 1st of March of the year 0; eras of 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    let ms = rest % 1000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use iridium_sched::Reason;

    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(time(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(951_782_399_999), "2000-02-28T23:59:59.999Z");
        assert_eq!(time(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(time(1_795_601_294_123), "2026-11-25T10:08:14.123Z");
    }

    #[test]
    fn the_json_is_as_documented() {
        let event = |kind| NodeEvent { time: 5, kind };
        let ended = event(EventKind::Ended {
            pid: Pid::new(1, 2),
            reason: Reason(-101),
            trap: Some("trap: divide-by-zero\n  at a.iasm:1:1: div $0 $1 $2".into()),
        });
        assert_eq!(
            to_json(&ended),
            json!({"time": 5, "event": "ended", "pid": "1099511627778", "reason": -101,
                   "trap": "trap: divide-by-zero\n  at a.iasm:1:1: div $0 $1 $2"})
        );
        assert_eq!(
            sentence(&ended, &HashMap::new()),
            "1970-01-01T00:00:00.005Z  process 1099511627778: trap: divide-by-zero at \
             a.iasm:1:1: div $0 $1 $2"
        );
        let what = Supervision::GaveUp { child: "till".into(), reason: Reason(7) };
        let gave_up =
            event(EventKind::Supervised { supervisor: Pid::new(1, 1), what: what.clone() });
        let names = HashMap::from([(Pid::new(1, 1), "Shop".to_string())]);
        assert!(sentence(&gave_up, &names).contains("Z  Shop: "));
        assert_eq!(
            to_json(&event(EventKind::Supervised { supervisor: Pid::new(1, 1), what })),
            json!({"time": 5, "event": "gave-up", "supervisor": "1099511627777",
                   "child": "till", "reason": 7})
        );
    }
}
