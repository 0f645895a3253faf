//! The commands that drive the default VM: load, step, stop, save.

use std::io;

use iridium_vm::Status;

use super::command::{Arguments, Flow};
use super::machine::{Refused, Rest};
use super::session::Session;
use crate::failure::Failure;
use crate::output;
use crate::program::End;
use crate::signals::Signal;

/// A line of assembly.
pub(super) fn enter(session: &mut Session, line: &str) -> Result<Flow, Failure> {
    match session.machine.enter(line) {
        Ok(rest) => tell(session, &rest),
        Err(Refused::Other(failure)) => Err(failure),
        Err(Refused::Source(errors)) => {
            // The places say it all; there is no line to sum it up.
            output::complain(&output::diagnostics(&errors));
            Ok(Flow::Continue)
        }
    }
}

/// `!load_file`
pub(super) fn load(session: &mut Session, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    let path = match arguments.words() {
        [] => None,
        [path] => Some(*path),
        _ => return Err(arguments.misused()),
    };
    let Some(path) = session.machine.load(path)? else { return Err(arguments.misused()) };
    let path = path.display().to_string();
    let count = session.machine.listing().len();
    output::line(&format!("loaded {path}: {count} instructions; !continue runs it, !step walks"))?;
    Ok(Flow::Continue)
}

/// `!step`
pub(super) fn step(session: &mut Session, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    let steps = match arguments.words() {
        [] => Some(1),
        [steps] => steps.parse().ok().filter(|steps| *steps > 0),
        _ => None,
    };
    let steps = steps.ok_or_else(|| arguments.misused())?;
    go(session, Some(steps))
}

/// `!continue`
pub(super) fn go_on(session: &mut Session, _: &Arguments<'_>) -> Result<Flow, Failure> {
    go(session, None)
}

fn go(session: &mut Session, steps: Option<u64>) -> Result<Flow, Failure> {
    if !session.machine.is_stopped() {
        return Err(Failure::failed("no program is stopped; !load_file PATH loads one"));
    }
    let rest = session.machine.go(steps)?;
    tell(session, &rest)
}

/// Says why the machine is at rest, if that is not what everybody expects.
fn tell(session: &Session, rest: &Rest) -> Result<Flow, Failure> {
    let stopped = || format!("stopped at {}", session.machine.place());
    match rest {
        Rest::Done => {}
        Rest::Stopped => output::line(&stopped())?,
        Rest::Ended(End::Trapped(trap)) => output::trap(trap),
        Rest::Ended(End::Exited(code)) => output::line(&format!("the program exited with {code}"))?,
        Rest::Ended(End::Halted(result)) => {
            output::line(&format!("the program ended with $0 = {result}"))?;
        }
        Rest::Ended(_) => {}
        Rest::Told(reason) => {
            let pid = session.machine.driver.place.pid();
            output::line(&format!(
                "this VM's process was ended: {reason}; it is process {pid} now"
            ))?;
        }
        Rest::Interrupted(Signal::SIGINT) => {
            output::line(&format!("{}; !continue goes on", stopped()))?;
        }
        Rest::Interrupted(_) => return Ok(Flow::Quit),
    }
    Ok(Flow::Continue)
}

/// `!break`
pub(super) fn breakpoint(
    session: &mut Session,
    arguments: &Arguments<'_>,
) -> Result<Flow, Failure> {
    match arguments.words() {
        [] => list_breakpoints(session)?,
        [label] => {
            let label = label.trim_start_matches('@');
            let at = session.machine.module().find(label).ok_or_else(|| {
                Failure::failed(format!("there is no code label {label}; !symbols lists them"))
            })?;
            let set = session.machine.toggle_breakpoint(at);
            let what = if set { "a breakpoint" } else { "no breakpoint any more" };
            output::line(&format!("{what} at {label} (instruction {at})"))?;
        }
        _ => return Err(arguments.misused()),
    }
    Ok(Flow::Continue)
}

fn list_breakpoints(session: &Session) -> io::Result<()> {
    let module = session.machine.module();
    if session.machine.breakpoints().is_empty() {
        return output::line("no breakpoints; !break LABEL sets one");
    }
    for at in session.machine.breakpoints() {
        let names = module.code_labels().iter().filter(|(_, index)| index == at);
        let names: Vec<_> = names.map(|(name, _)| name.as_str()).collect();
        output::line(&format!("{} (instruction {at})", names.join(" ")))?;
    }
    Ok(())
}

/// `!trace`
pub(super) fn trace(session: &mut Session, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    session.machine.traces = match arguments.words() {
        ["on"] => true,
        ["off"] => false,
        _ => return Err(arguments.misused()),
    };
    Ok(Flow::Continue)
}

/// `!save`
pub(super) fn save(session: &mut Session, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    let [path] = arguments.words() else { return Err(arguments.misused()) };
    let others = session.machine.save(path)?;
    output::line(&format!("saved to {path}: this VM{}", and_processes(others)))?;
    Ok(Flow::Continue)
}

/// `!restore`
pub(super) fn restore(session: &mut Session, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    let [path] = arguments.words() else { return Err(arguments.misused()) };
    if session.cluster.is_some() {
        return Err(Failure::failed(
            "what was saved has pids of its own, which this node cannot take on while others know \
             it; !leave_cluster first",
        ));
    }
    let others = and_processes(session.machine.restore(path)?);
    let state = match session.machine.process().status() {
        Status::Ready => format!("stopped at {}", session.machine.place()),
        _ => "its program has ended".into(),
    };
    output::line(&format!("restored {path}: this VM{others}; {state}"))?;
    Ok(Flow::Continue)
}

fn and_processes(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " and 1 process".into(),
        others => format!(" and {others} processes"),
    }
}

/// `!clear_program`
pub(super) fn clear_program(session: &mut Session, _: &Arguments<'_>) -> Result<Flow, Failure> {
    session.machine.clear_program()?;
    Ok(Flow::Continue)
}

/// `!clear_registers`
pub(super) fn clear_registers(session: &mut Session, _: &Arguments<'_>) -> Result<Flow, Failure> {
    session.machine.clear_registers();
    Ok(Flow::Continue)
}
