//! The commands that show the default VM.

use std::io::{self, BufWriter, Write as _};

use iridium_isa::DATA_BASE;

use super::command::{Arguments, Flow};
use super::machine::Machine;
use super::session::ReplSession;
use crate::failure::Failure;
use crate::output;
use crate::program::view;

/// The most bytes that are shown at once.
const MAX_BYTES: usize = 64 << 10;

/// `!program`
pub(super) fn program(session: &mut ReplSession, _: &Arguments<'_>) -> Result<Flow, Failure> {
    let machine = &session.machine;
    let module = machine.module();
    let next = machine.is_stopped().then(|| machine.process().pc());
    let mut to = BufWriter::new(io::stdout().lock());
    for at in 0..machine.length() {
        for (label, _) in module.labels_at(at) {
            writeln!(to, "{label}:")?;
        }
        let mark = match (next == Some(at), machine.breakpoints().contains(&at)) {
            (true, _) => '>',
            (false, true) => '*',
            (false, false) => ' ',
        };
        writeln!(to, "{mark}{at:5}  {}", module.instruction_text(at))?;
    }
    to.flush()?;
    Ok(Flow::Continue)
}

/// `!registers`
pub(super) fn registers(
    session: &mut ReplSession,
    arguments: &Arguments<'_>,
) -> Result<Flow, Failure> {
    let zeros = with_zeros(arguments.words()).ok_or_else(|| arguments.misused())?;
    output::print_line(&view::registers(session.machine.process(), zeros))?;
    Ok(Flow::Continue)
}

/// `!floats`
pub(super) fn floats(
    session: &mut ReplSession,
    arguments: &Arguments<'_>,
) -> Result<Flow, Failure> {
    let zeros = with_zeros(arguments.words()).ok_or_else(|| arguments.misused())?;
    let text = view::floats(session.machine.process(), zeros);
    output::print_line(if text.is_empty() { "all are 0.0" } else { &text })?;
    Ok(Flow::Continue)
}

fn with_zeros(arguments: &[&str]) -> Option<bool> {
    match arguments {
        [] => Some(false),
        ["all"] => Some(true),
        _ => None,
    }
}

/// `!heap`
pub(super) fn heap(session: &mut ReplSession, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    let [address, length] = arguments.words() else { return Err(arguments.misused()) };
    let machine = &session.machine;
    let start = address_of(machine, address).ok_or_else(|| arguments.misused())?;
    let length = number(length).and_then(|length| usize::try_from(length).ok());
    let length = length.ok_or_else(|| arguments.misused())?;
    if length > MAX_BYTES {
        return Err(Failure::failed(format!("at most {MAX_BYTES} bytes are shown at once")));
    }
    let (name, memory, base) = match start {
        DATA_BASE.. => ("the read-only data", machine.module().data(), DATA_BASE),
        _ => ("the heap", machine.process().heap(), 0),
    };
    let from = usize::try_from(start - base).ok();
    let bytes = from.and_then(|from| memory.get(from..from.checked_add(length)?));
    let Some(bytes) = bytes else {
        let held = match memory.len() as i64 {
            0 => "is empty".into(),
            length => format!("has the addresses {base} to {}", base + length - 1),
        };
        return Err(Failure::failed(format!("{name} {held}")));
    };
    if !bytes.is_empty() {
        output::print_line(&view::dump(start, bytes))?;
    }
    Ok(Flow::Continue)
}

/// A number, or the address behind a label.
fn address_of(machine: &Machine, text: &str) -> Option<i64> {
    match text.strip_prefix('@') {
        Some(label) => machine.symbol(label),
        None => number(text),
    }
}

/// A decimal or hexadecimal number that is not negative, with or without the
/// `#` of a literal.
fn number(text: &str) -> Option<i64> {
    let text = text.strip_prefix('#').unwrap_or(text);
    let number = match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.ok().filter(|number| *number >= 0)
}

/// `!symbols`
pub(super) fn symbols(session: &mut ReplSession, _: &Arguments<'_>) -> Result<Flow, Failure> {
    let symbols = session.machine.symbols();
    let width = symbols.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut to = BufWriter::new(io::stdout().lock());
    for (name, value) in symbols {
        let kind = if value < DATA_BASE { "instruction" } else { "data at" };
        writeln!(to, "{name:width$}  {kind} {value}")?;
    }
    to.flush()?;
    Ok(Flow::Continue)
}
