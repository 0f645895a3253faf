//! The commands about other processes.

use iridium_node::ProcessRow;
use iridium_node::control::Target;
use iridium_sched::{Activity, Reason};
use iridium_vm::{Completion, Effect, MAX_SERIAL, Payload, Pid, Status};

use super::backend::Backend;
use super::command::{Arguments, Flow};
use super::session::ReplSession;
use crate::commands::ps::{STATE, cells, left_out};
use crate::failure::Failure;
use crate::output;

/// `!spawn`
pub(super) fn spawn(session: &mut ReplSession, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    let path = match arguments.words() {
        [] => None,
        [path] => Some(*path),
        _ => return Err(arguments.misused()),
    };
    let pid = session.machine.spawn(path)?;
    output::print_line(&format!("process {pid}"))?;
    Ok(Flow::Continue)
}

/// `!ps`
pub(super) fn ps(session: &mut ReplSession, _: &Arguments<'_>) -> Result<Flow, Failure> {
    let me = own_row(session);
    let mine = me.pid;
    let mut rows: Vec<ProcessRow> = match &session.machine.driver.backend {
        Backend::Local(local) => {
            let processes = local.environment.scheduler.processes().into_iter();
            processes.map(ProcessRow::from).collect()
        }
        Backend::Remote(remote) => {
            let nodes = remote.connect()?.processes(false)?;
            nodes.iter().filter_map(left_out).for_each(|note| output::print_stderr(&note));
            nodes.into_iter().flat_map(|node| node.processes.unwrap_or_default()).collect()
        }
    };
    let at = rows.partition_point(|row| row.pid < mine);
    rows.insert(at, me);
    let stopped = session.machine.is_stopped();
    let rows = rows.iter().map(|row| {
        let mut cells = cells(row);
        if row.pid == mine {
            cells[STATE] = if stopped { "this VM, stopped" } else { "this VM" }.into();
        }
        cells
    });
    output::print_table(&output::processes(rows.collect()))?;
    Ok(Flow::Continue)
}

/// The row of the default VM, which is not among the others. Its names, links and messages
/// are not known here when its process lives at a node.
fn own_row(session: &ReplSession) -> ProcessRow {
    let process = session.machine.process();
    debug_assert_ne!(process.status(), Status::Waiting, "a line has come to its end");
    let info = match &session.machine.driver.backend {
        Backend::Local(local) => Some(local.process.info()),
        Backend::Remote(_) => None,
    };
    ProcessRow {
        pid: session.machine.driver.backend.pid(),
        names: info.as_ref().map(|info| info.names.clone()).unwrap_or_default(),
        module: Some(process.module()),
        state: Activity::Ready.as_str().into(),
        place: Some(session.machine.position()),
        fuel: process.fuel_spent(),
        heap: process.heap().len() as u64,
        memory: process.memory(),
        messages: info.as_ref().map_or(0, |info| info.messages as u64),
        links: info.as_ref().map_or(0, |info| info.links as u64),
    }
}

/// `!send`
pub(super) fn send(session: &mut ReplSession, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    let [to, tag, text @ ..] = arguments.words() else { return Err(arguments.misused()) };
    let tag: i64 = tag.trim_start_matches('#').parse().map_err(|_| arguments.misused())?;
    if tag < 0 {
        return Err(Failure::failed(format!("{tag}: negative tags are reserved for the system")));
    }
    let payload = match text {
        [] => return Err(arguments.misused()),
        [number] if number.starts_with('#') => {
            let number: i64 = number[1..].parse().map_err(|_| arguments.misused())?;
            Payload::Word(number.to_le_bytes())
        }
        words => Payload::Bytes(words.join(" ").into_bytes().into()),
    };
    let to = find_process(session, to)?;
    session.machine.perform(Effect::Send { to: to.bits(), tag, payload })?;
    Ok(Flow::Continue)
}

/// `!kill`
pub(super) fn kill(session: &mut ReplSession, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    let (pid, reason) = match arguments.words() {
        [pid] => (pid, Reason::KILLED),
        [pid, reason] => {
            let reason = reason.trim_start_matches('#').parse();
            (pid, Reason(reason.map_err(|_| arguments.misused())?))
        }
        _ => return Err(arguments.misused()),
    };
    let pid = find_process(session, pid)?;
    match &session.machine.driver.backend {
        Backend::Local(local) => local.environment.scheduler.kill(pid, reason),
        Backend::Remote(remote) => drop(remote.connect()?.kill(Target::Pid(pid), reason)?),
    }
    Ok(Flow::Continue)
}

/// Finds a process by name (also `NAME@ALIAS`), by pid, or by the serial number in its
/// pid.
fn find_process(session: &mut ReplSession, text: &str) -> Result<Pid, Failure> {
    let none = || Failure::failed(format!("there is no process {text}; !ps lists them"));
    let me = session.machine.driver.backend.pid();
    let number: Option<i64> = text.trim_start_matches('#').parse().ok();
    let pid = match number {
        None => match session.machine.perform(Effect::WhereIs { name: text.into() })? {
            Completion::Found(Some(bits)) => Pid::from_bits(bits),
            _ => return Err(none()),
        },
        Some(number) => match u64::try_from(number) {
            Ok(serial) if serial <= MAX_SERIAL => Pid::new(me.node(), serial),
            _ => Pid::from_bits(number),
        },
    };
    match &session.machine.driver.backend {
        // Whether a process of another node lives is not known here.
        Backend::Local(local)
            if pid.node() == me.node() && !local.environment.scheduler.is_alive(pid) =>
        {
            Err(none())
        }
        _ if pid.node() == 0 => Err(none()),
        _ => Ok(pid),
    }
}
