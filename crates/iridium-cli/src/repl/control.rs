//! The commands that control the default VM: load, step, stop, save.

use std::io;

use iridium_vm::Status;

use super::command::{Arguments, Flow};
use super::machine::{EnterError, StopReason};
use super::notebook::Notebook;
use super::session::ReplSession;
use crate::failure::Failure;
use crate::output;
use crate::path_text::shown;
use crate::program::End;
use crate::signals::Signal;

/// A line of assembly.
pub(super) fn assemble(session: &mut ReplSession, line: &str) -> Result<Flow, Failure> {
    match session.machine.enter(line) {
        Ok(rest) => report(session, &rest),
        Err(EnterError::Other(failure)) => Err(failure),
        Err(EnterError::Assembly(errors)) => {
            // The diagnostics are complete in themselves; no error line follows.
            output::print_diagnostics(&output::diagnostics(&errors));
            Ok(Flow::Continue)
        }
    }
}

/// An entry of Palladium.
pub(super) fn enter(session: &mut ReplSession, entry: &str) -> Result<Flow, Failure> {
    match session.notebook.enter(entry, &mut session.machine.driver)? {
        // Nothing of it is left that could go on.
        StopReason::Interrupted(Signal::SIGINT) => {
            output::print_line("interrupted")?;
            Ok(Flow::Continue)
        }
        rest => report(session, &rest),
    }
}

/// `!load_file`
pub(super) fn load(session: &mut ReplSession, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    let path = match arguments.words() {
        [] => None,
        [path] => Some(*path),
        _ => return Err(arguments.misused()),
    };
    let Some(path) = session.machine.load(path)? else { return Err(arguments.misused()) };
    let path = shown(path);
    let count = session.machine.length();
    output::print_line(&format!(
        "loaded {path}: {count} instructions; run it with !continue or !step"
    ))?;
    Ok(Flow::Continue)
}

/// `!step`
pub(super) fn step(session: &mut ReplSession, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    let steps = match arguments.words() {
        [] => Some(1),
        [steps] => steps.parse().ok().filter(|steps| *steps > 0),
        _ => None,
    };
    let steps = steps.ok_or_else(|| arguments.misused())?;
    run(session, Some(steps))
}

/// `!continue`
pub(super) fn resume(session: &mut ReplSession, _: &Arguments<'_>) -> Result<Flow, Failure> {
    run(session, None)
}

fn run(session: &mut ReplSession, steps: Option<u64>) -> Result<Flow, Failure> {
    if !session.machine.is_stopped() {
        return Err(Failure::failed("no program is stopped; !load_file PATH loads one"));
    }
    let rest = session.machine.resume(steps)?;
    report(session, &rest)
}

/// Prints why the machine has stopped, unless the typed line has just run to its end.
fn report(session: &ReplSession, rest: &StopReason) -> Result<Flow, Failure> {
    let stopped = || format!("stopped at {}", session.machine.position());
    match rest {
        StopReason::Done => {}
        StopReason::Stopped => output::print_line(&stopped())?,
        StopReason::Ended(End::Trapped(trap)) => output::print_trap(trap),
        StopReason::Ended(End::Exited(code)) => {
            output::print_line(&format!("the program exited with {code}"))?
        }
        StopReason::Ended(End::Halted(result)) => {
            output::print_line(&format!("the program ended with $0 = {result}"))?;
        }
        StopReason::Ended(_) => {}
        StopReason::ExitSignal(reason) => {
            let pid = session.machine.driver.backend.pid();
            output::print_line(&format!(
                "this VM's process was ended: {reason}; it is process {pid} now"
            ))?;
        }
        StopReason::Interrupted(Signal::SIGINT) => {
            output::print_line(&format!("{}; !continue goes on", stopped()))?;
        }
        StopReason::Interrupted(_) => return Ok(Flow::Quit),
    }
    Ok(Flow::Continue)
}

/// `!break`
pub(super) fn breakpoint(
    session: &mut ReplSession,
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
            let what = if set { "breakpoint set" } else { "breakpoint removed" };
            output::print_line(&format!("{what} at {label} (instruction {at})"))?;
        }
        _ => return Err(arguments.misused()),
    }
    Ok(Flow::Continue)
}

fn list_breakpoints(session: &ReplSession) -> io::Result<()> {
    let module = session.machine.module();
    if session.machine.breakpoints().is_empty() {
        return output::print_line("no breakpoints; !break LABEL sets one");
    }
    for at in session.machine.breakpoints() {
        let names: Vec<_> = module.labels_at(*at).iter().map(|(name, _)| name.as_str()).collect();
        output::print_line(&format!("{} (instruction {at})", names.join(" ")))?;
    }
    Ok(())
}

/// `!trace`
pub(super) fn trace(session: &mut ReplSession, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    session.machine.traces = match arguments.words() {
        ["on"] => true,
        ["off"] => false,
        _ => return Err(arguments.misused()),
    };
    Ok(Flow::Continue)
}

/// `!save`
pub(super) fn save(session: &mut ReplSession, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    let [path] = arguments.words() else { return Err(arguments.misused()) };
    let others = session.machine.save(path)?;
    output::print_line(&format!("saved to {path}: this VM{}", and_processes(others)))?;
    if !session.notebook.is_empty() {
        output::print_line("not saved: what was typed in Palladium")?;
    }
    Ok(Flow::Continue)
}

/// `!restore`
pub(super) fn restore(
    session: &mut ReplSession,
    arguments: &Arguments<'_>,
) -> Result<Flow, Failure> {
    let [path] = arguments.words() else { return Err(arguments.misused()) };
    if session.cluster.is_some() {
        return Err(Failure::failed(
            "restoring changes the pids of this node, which others in the cluster know; \
             !leave_cluster first",
        ));
    }
    let others = and_processes(session.machine.restore(path)?);
    let state = match session.machine.process().status() {
        Status::Ready => format!("stopped at {}", session.machine.position()),
        _ => "its program has ended".into(),
    };
    output::print_line(&format!("restored {path}: this VM{others}; {state}"))?;
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
pub(super) fn clear_program(session: &mut ReplSession, _: &Arguments<'_>) -> Result<Flow, Failure> {
    session.machine.clear_program()?;
    session.notebook = Notebook::new()?;
    Ok(Flow::Continue)
}

/// `!clear_registers`
pub(super) fn clear_registers(
    session: &mut ReplSession,
    _: &Arguments<'_>,
) -> Result<Flow, Failure> {
    session.machine.clear_registers();
    Ok(Flow::Continue)
}
