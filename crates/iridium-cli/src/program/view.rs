//! What a process holds, as text for people.

use std::fmt::Write as _;

use iridium_isa::escape::escape;
use iridium_sched::ProcessInfo;
use iridium_vm::{Pid, Process, Trap};

/// Columns that a table may take.
const WIDTH: usize = 80;
/// Processes that the report of a deadlock names.
const NAMED: usize = 3;
/// Bytes on a line of a dump.
const ROW: usize = 16;

/// A trap of a process among others, in one line.
pub(crate) fn trap_line(pid: Pid, trap: &Trap) -> String {
    let message = trap.message.as_ref().map(|text| format!(": {}", escape(text)));
    let message = message.unwrap_or_default();
    let place = trap.written().next().map(|place| format!(" at {}", place.in_source()));
    let place = place.unwrap_or_default();
    format!("process {pid}: trap: {}{message}{place}", trap.kind)
}

/// The report of a deadlock, in one line: which processes wait, and where.
pub(crate) fn deadlock(waiting: &[ProcessInfo]) -> String {
    let places = waiting.iter().take(NAMED).map(|info| match &info.place {
        Some(place) => format!("{} at {}", info.pid, place.in_source()),
        None => format!("{} ({})", info.pid, info.activity.as_str()),
    });
    let places = places.collect::<Vec<_>>().join(", ");
    let more = match waiting.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    match waiting.len() {
        1 => format!("deadlock: a process waits for a message that nobody can send: {places}"),
        count => format!(
            "deadlock: {count} processes wait for messages that nobody can send: {places}{more}"
        ),
    }
}

/// The registers that are not 0, integers and floats, and the rest of the state.
pub(crate) fn all(process: &Process) -> String {
    let floats = floats(process, false);
    let separator = if floats.is_empty() { "" } else { "\n" };
    format!("{}{separator}{floats}", registers(process, false))
}

/// The integers in the registers of the current window, and the rest of the state. Without
/// `zeros` only those that are not 0.
pub(crate) fn registers(process: &Process, zeros: bool) -> String {
    let cells = (0..=u8::MAX).map(|number| (number, process.register(number).int));
    let cells = cells.filter(|(_, int)| zeros || *int != 0);
    let mut text = columns(cells.map(|(number, int)| format!("${number} = {int}")).collect());
    if !text.is_empty() {
        text.push('\n');
    }
    text + &rest(process)
}

/// The floats in the registers of the current window. Without `zeros` only those that are
/// not 0.
pub(crate) fn floats(process: &Process, zeros: bool) -> String {
    let cells = (0..=u8::MAX).map(|number| (number, process.register(number).float));
    let cells = cells.filter(|(_, float)| zeros || *float != 0.0);
    columns(cells.map(|(number, float)| format!("${number} = {float:?}")).collect())
}

/// The state beside registers, in a line.
fn rest(process: &Process) -> String {
    let flag = if process.flag() { "set" } else { "clear" };
    let mut text = format!("flag {flag}, pc {}, fuel {}", process.pc(), process.fuel_spent());
    let counts = [
        ("loop counter", process.loop_counter()),
        ("data stack", process.stack().len() as u64),
        ("heap", process.heap().len() as u64),
        ("calls", process.call_depth() as u64),
    ];
    if process.remainder() != 0 {
        let _ = write!(text, ", remainder {}", process.remainder());
    }
    for (name, count) in counts.into_iter().filter(|(_, count)| *count != 0) {
        let _ = write!(text, ", {name} {count}");
    }
    if process.window() != 0 {
        let _ = write!(text, ", window slid up by {}", process.window());
    }
    text
}

/// Bytes in rows, with the addresses from `start` on.
pub(crate) fn dump(start: i64, bytes: &[u8]) -> String {
    let rows = bytes.chunks(ROW).zip((start..).step_by(ROW));
    let row = |(row, address): (&[u8], i64)| {
        let mut text = format!("{address:>10}  ");
        for at in 0..ROW {
            let _ = match row.get(at) {
                Some(byte) => write!(text, "{byte:02x} "),
                None => write!(text, "   "),
            };
            if at % 8 == 7 {
                text.push(' ');
            }
        }
        let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
        text.extend(row.iter().map(|byte| if *byte == b' ' { ' ' } else { shown(byte) }));
        text.trim_end().to_string()
    };
    rows.map(row).collect::<Vec<_>>().join("\n")
}

/// As many cells beside each other as go on a line.
fn columns(cells: Vec<String>) -> String {
    let width = cells.iter().map(String::len).max().unwrap_or(0) + 3;
    let beside = (WIDTH / width).max(1);
    let line = |cells: &[String]| {
        let line: String = cells.iter().map(|cell| format!("{cell:width$}")).collect();
        line.trim_end().to_string()
    };
    cells.chunks(beside).map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_in_columns_of_a_terminal() {
        let cells = |n: usize| (0..n).map(|n| format!("${n} = 0")).collect::<Vec<_>>();
        assert_eq!(columns(cells(3)), "$0 = 0   $1 = 0   $2 = 0");
        assert!(columns(cells(200)).lines().all(|line| line.len() <= WIDTH));
        assert_eq!(columns(Vec::new()), "");
    }

    #[test]
    fn bytes_are_shown_as_numbers_and_as_text() {
        assert_eq!(
            dump(16, b"hello, world!\0 ab"),
            "        16  68 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 00 20 61  hello, world!. a\n        \
             32  62                                                b"
        );
    }
}
