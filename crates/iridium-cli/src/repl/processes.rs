//! The commands about other processes.

use iridium_node::ProcessRow;
use iridium_node::control::Target;
use iridium_sched::{Activity, Reason};
use iridium_vm::{Completion, Effect, MAX_SERIAL, Payload, Pid, Status};

use super::Session;
use super::command::{Flow, misused};
use super::place::Place;
use crate::commands::ps::left_out;
use crate::failure::Failure;
use crate::output;

/// `!spawn`
pub(super) fn spawn(session: &mut Session, arguments: &[&str]) -> Result<Flow, Failure> {
    let path = match arguments {
        [] => None,
        [path] => Some(*path),
        _ => return Err(misused("spawn")),
    };
    let pid = session.machine.spawn(path)?;
    output::line(&format!("process {pid}"))?;
    Ok(Flow::Continue)
}

/// `!ps`
pub(super) fn list(session: &mut Session, _: &[&str]) -> Result<Flow, Failure> {
    let me = myself(session);
    let mine = me.pid;
    let mut rows: Vec<ProcessRow> = match &session.machine.driver.place {
        Place::Here(here) => here.world.scheduler.processes().into_iter().map(Into::into).collect(),
        Place::There(there) => {
            let nodes = there.connect()?.processes(false)?;
            nodes.iter().filter_map(left_out).for_each(|note| output::complain(&note));
            nodes.into_iter().flat_map(|node| node.processes.unwrap_or_default()).collect()
        }
    };
    let at = rows.partition_point(|row| row.pid < mine);
    rows.insert(at, me);
    let origins = &session.machine.driver.origins;
    let program = |row: &ProcessRow| match row.module {
        None => "-".to_string(),
        Some(id) => {
            origins.get(&id).cloned().unwrap_or_else(|| id.to_string().chars().take(8).collect())
        }
    };
    let state = |row: &ProcessRow| match row.state.as_str() {
        state if row.pid != mine => state.to_string(),
        _ if session.machine.is_stopped() => "this VM, stopped".into(),
        _ => "this VM".into(),
    };
    let rows = rows.iter().map(|row| {
        [
            row.pid.to_string(),
            if row.names.is_empty() { "-".into() } else { row.names.join(",") },
            program(row),
            state(row),
            row.fuel.to_string(),
            row.heap.to_string(),
            row.messages.to_string(),
            row.links.to_string(),
        ]
    });
    output::line(&output::processes(rows.collect()))?;
    Ok(Flow::Continue)
}

/// The default VM, which is not listed with the others. Its names, links and
/// messages are not known here when they are at a node.
fn myself(session: &Session) -> ProcessRow {
    let process = session.machine.process();
    debug_assert_ne!(process.status(), Status::Waiting, "a line has come to its end");
    let known = match &session.machine.driver.place {
        Place::Here(here) => Some(here.guest.info()),
        Place::There(_) => None,
    };
    ProcessRow {
        pid: session.machine.driver.place.pid(),
        names: known.as_ref().map(|known| known.names.clone()).unwrap_or_default(),
        module: Some(process.module()),
        state: Activity::Ready.as_str().into(),
        place: None,
        fuel: process.fuel_spent(),
        heap: process.heap().len() as u64,
        memory: process.memory(),
        messages: known.as_ref().map_or(0, |known| known.messages as u64),
        links: known.as_ref().map_or(0, |known| known.links as u64),
    }
}

/// `!send`
pub(super) fn send(session: &mut Session, arguments: &[&str]) -> Result<Flow, Failure> {
    let [to, tag, text @ ..] = arguments else { return Err(misused("send")) };
    let tag: i64 = tag.trim_start_matches('#').parse().map_err(|_| misused("send"))?;
    if tag < 0 {
        return Err(Failure::failed(format!("{tag}: negative tags are the system's own")));
    }
    let payload = match text {
        [] => return Err(misused("send")),
        [number] if number.starts_with('#') => {
            let number: i64 = number[1..].parse().map_err(|_| misused("send"))?;
            Payload::Word(number.to_le_bytes())
        }
        words => Payload::Bytes(words.join(" ").into_bytes().into()),
    };
    let to = find(session, to)?;
    session.machine.ask(Effect::Send { to: to.bits(), tag, payload })?;
    Ok(Flow::Continue)
}

/// `!kill`
pub(super) fn kill(session: &mut Session, arguments: &[&str]) -> Result<Flow, Failure> {
    let (pid, reason) = match arguments {
        [pid] => (pid, Reason::KILLED),
        [pid, reason] => {
            let reason = reason.trim_start_matches('#').parse();
            (pid, Reason(reason.map_err(|_| misused("kill"))?))
        }
        _ => return Err(misused("kill")),
    };
    let pid = find(session, pid)?;
    match &session.machine.driver.place {
        Place::Here(here) => here.world.scheduler.kill(pid, reason),
        Place::There(there) => drop(there.connect()?.kill(Target::Pid(pid), reason)?),
    }
    Ok(Flow::Continue)
}

/// The process that is meant: by name, which may be `NAME@ALIAS`, by pid, or by the
/// serial that is the lower part of it.
fn find(session: &mut Session, text: &str) -> Result<Pid, Failure> {
    let none = || Failure::failed(format!("there is no process {text}; !ps lists them"));
    let me = session.machine.driver.place.pid();
    let number: Option<i64> = text.trim_start_matches('#').parse().ok();
    let pid = match number {
        None => match session.machine.ask(Effect::WhereIs { name: text.into() })? {
            Completion::Found(Some(bits)) => Pid::from_bits(bits),
            _ => return Err(none()),
        },
        Some(number) => match u64::try_from(number) {
            Ok(serial) if serial <= MAX_SERIAL => Pid::new(me.node(), serial),
            _ => Pid::from_bits(number),
        },
    };
    match &session.machine.driver.place {
        // Of those that live elsewhere, nobody here knows.
        Place::Here(here) if pid.node() == me.node() && !here.world.scheduler.is_alive(pid) => {
            Err(none())
        }
        _ if pid.node() == 0 => Err(none()),
        _ => Ok(pid),
    }
}
