//! The commands about other processes.

use iridium_vm::Status;
use iridium_vm::process::{MAX_SERIAL, Payload, Pid, Reason};
use iridium_vm::sched::{Activity, ProcessInfo};

use super::Session;
use super::command::{Flow, misused};
use crate::failure::Failure;
use crate::output;

/// `!spawn`
pub(super) fn spawn(session: &mut Session<'_>, arguments: &[&str]) -> Result<Flow, Failure> {
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
pub(super) fn list(session: &mut Session<'_>, _: &[&str]) -> Result<Flow, Failure> {
    let driver = &session.machine.driver;
    let me = myself(session);
    let mine = me.pid;
    let mut infos = driver.world.scheduler.processes();
    let at = infos.partition_point(|info| info.pid < me.pid);
    infos.insert(at, me);
    let program = |info: &ProcessInfo| match info.module {
        None => "supervisor".to_string(),
        Some(id) => driver
            .origins
            .get(&id)
            .cloned()
            .unwrap_or_else(|| id.to_string().chars().take(8).collect()),
    };
    let state = |info: &ProcessInfo| match info.activity {
        _ if info.pid != mine => info.activity.as_str(),
        _ if session.machine.is_stopped() => "this VM, stopped",
        _ => "this VM",
    };
    let rows = infos.iter().map(|info| {
        [
            info.pid.to_string(),
            info.names.join(" "),
            program(info),
            state(info).to_string(),
            info.fuel.to_string(),
            info.heap.to_string(),
            info.messages.to_string(),
            info.links.to_string(),
        ]
    });
    output::line(&output::processes(rows.collect()))?;
    Ok(Flow::Continue)
}

/// The default VM, which the scheduler does not list.
fn myself(session: &Session<'_>) -> ProcessInfo {
    let process = session.machine.process();
    debug_assert_ne!(process.status(), Status::Waiting, "a line has come to its end");
    ProcessInfo {
        module: Some(process.module()),
        activity: Activity::Ready,
        fuel: process.fuel_spent(),
        heap: process.heap().len(),
        memory: process.memory(),
        ..session.machine.driver.guest.info()
    }
}

/// `!send`
pub(super) fn send(session: &mut Session<'_>, arguments: &[&str]) -> Result<Flow, Failure> {
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
    let driver = &session.machine.driver;
    driver.world.scheduler.send(driver.guest.pid(), to, tag, payload);
    Ok(Flow::Continue)
}

/// `!kill`
pub(super) fn kill(session: &mut Session<'_>, arguments: &[&str]) -> Result<Flow, Failure> {
    let (pid, reason) = match arguments {
        [pid] => (pid, Reason::KILLED),
        [pid, reason] => {
            let reason = reason.trim_start_matches('#').parse();
            (pid, Reason(reason.map_err(|_| misused("kill"))?))
        }
        _ => return Err(misused("kill")),
    };
    let pid = find(session, pid)?;
    session.machine.driver.world.scheduler.kill(pid, reason);
    Ok(Flow::Continue)
}

/// The process that is meant: by name, by pid, or by the serial that is the lower
/// part of it.
fn find(session: &Session<'_>, text: &str) -> Result<Pid, Failure> {
    let scheduler = &session.machine.driver.world.scheduler;
    let number: Option<i64> = text.trim_start_matches('#').parse().ok();
    let pid = match number {
        None => scheduler.find(text),
        Some(number) => match u64::try_from(number) {
            Ok(serial) if serial <= MAX_SERIAL => Some(Pid::new(scheduler.node(), serial)),
            _ => Some(Pid::from_bits(number)),
        },
    };
    pid.filter(|pid| scheduler.lives(*pid))
        .ok_or_else(|| Failure::failed(format!("there is no process {text}; !ps lists them")))
}
