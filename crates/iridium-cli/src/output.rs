//! Prints results and errors. A terminal gets tables and colours, a pipe plain columns. What others
//! have named is printed without anything that a terminal would obey.

use std::env;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table,
};

use iridium_isa::Diagnostics;
use iridium_isa::escape::{escape, escape_lines, is_hidden};
use iridium_proto::{MemberView, ViewState};
use iridium_vm::Trap;

/// The narrowest terminal, in columns, for which tables of processes are wrapped.
const MAX_WRAPPED: u16 = 80;
/// The values of `TERM` for terminals that take text only, as the line editor has them.
const TEXT_ONLY: [&str; 4] = ["", "dumb", "cons25", "emacs"];

/// Prints a line on stdout, or several. Hidden characters in it are escaped.
///
/// # Errors
/// When stdout cannot be written, for example because nobody reads it; `println!` would
/// panic then.
pub(crate) fn print_line(text: &str) -> io::Result<()> {
    print_bytes(format!("{}\n", escape_lines(text)).as_bytes())
}

/// Prints a table on stdout, with its colours.
///
/// # Errors
/// As [`print_line`].
pub(crate) fn print_table(text: &str) -> io::Result<()> {
    print_bytes(format!("{text}\n").as_bytes())
}

/// Prints bytes on stdout as they are.
///
/// # Errors
/// As [`print_line`]. The end is written now, while a failure can still be told.
pub(crate) fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Prints an error on stderr, as one line.
pub(crate) fn print_error(message: &str) {
    let label = if is_coloured(&io::stderr()) { "\x1b[1;31merror:\x1b[0m" } else { "error:" };
    let one_line = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    // Without stderr there is nowhere to report that.
    let _ = writeln!(io::stderr(), "{label} {}", escape(&one_line));
}

/// Prints text on stderr. Hidden characters in it are escaped.
pub(crate) fn print_stderr(text: &str) {
    print_diagnostics(&escape_lines(text));
}

/// Prints [`diagnostics`] on stderr, with their colours.
pub(crate) fn print_diagnostics(text: &str) {
    // Without stderr there is nowhere to report that.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Prints the trap of a program on stderr, with its place.
pub(crate) fn print_trap(trap: &Trap) {
    let text = trap.to_string();
    let (label, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let coloured = is_coloured(&io::stderr());
    let (on, off) = if coloured { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    print_diagnostics(&format!("{on}{label}{off} {}\n", escape_lines(rest)));
}

/// An answer as a line of JSON. Hidden characters in its strings are escaped.
pub(crate) fn json(answer: &impl serde::Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string(answer)?;
    if !text.contains(is_hidden) {
        return Ok(text);
    }
    let mut escaped = String::new();
    for character in text.chars() {
        if is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    Ok(escaped)
}

/// Diagnostics with excerpts of the source, for stderr.
pub(crate) fn diagnostics(diagnostics: &Diagnostics) -> String {
    let mut text = diagnostics.render(is_coloured(&io::stderr()));
    if !text.is_empty() && !text.ends_with("\n\n") {
        text.push('\n');
    }
    text
}

/// A table of members, in the given order.
pub(crate) fn members(members: &[MemberView]) -> String {
    let mut table = table(["alias", "listens on", "state", "rtt"]);
    table.add_rows(members.iter().map(row));
    laid_out(table, 3..4)
}

/// A table of members with the numbers that the pids of their processes begin with.
pub(crate) fn numbers(rows: Vec<[String; 3]>) -> String {
    let mut table = table(["alias", "number", "state"]);
    table.add_rows(escaped(rows));
    laid_out(table, 1..2)
}

/// A table of processes, in the given order. It has no frames: with long pids they would not
/// fit into 80 columns.
pub(crate) fn processes(rows: Vec<[String; 7]>) -> String {
    let mut table = bare(["pid", "name", "runs", "at", "state", "fuel", "mail"]);
    table.add_rows(escaped(rows));
    // Only names are wrapped; the rest is copied, or hard to read in pieces.
    for column in [0, 2, 3, 4, 5, 6] {
        if let Some(column) = table.column_mut(column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    columns(table, 5..7)
}

/// Like `processes`, with the node of each.
pub(crate) fn processes_of_nodes(rows: Vec<(String, [String; 7])>) -> String {
    let head = ["node", "pid", "name", "runs", "at", "state", "fuel", "mail"];
    let mut table = bare(head);
    table.add_rows(rows.into_iter().map(|(node, cells)| {
        let cells = escaped(vec![cells]).flatten();
        [node].into_iter().chain(cells).collect::<Vec<_>>()
    }));
    columns(table, 6..8)
}

/// A table of apps and their children, which are indented.
pub(crate) fn apps(rows: Vec<[String; 4]>) -> String {
    let mut table = bare(["app", "pid", "state", "at"]);
    table.add_rows(escaped(rows));
    columns(table, 0..0)
}

fn escaped<const N: usize>(rows: Vec<[String; N]>) -> impl Iterator<Item = [String; N]> {
    rows.into_iter().map(|row| row.map(|cell| escape(&cell).into_owned()))
}

/// A table without frames.
fn bare<const N: usize>(head: [&str; N]) -> Table {
    let mut table = table(head);
    table.load_style(NOTHING);
    // On a narrow terminal, lines that the terminal breaks are easier to read than columns
    // of a few letters.
    if width().is_some_and(|width| width < MAX_WRAPPED) {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table
}

fn table<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    let terminal = io::stdout().is_terminal();
    table.load_style(if terminal { UTF8_FULL_CONDENSED } else { NOTHING });
    if terminal {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    if !is_coloured(&io::stdout()) {
        table.force_no_tty();
    }
    table.set_header(head.map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    table
}

/// The text of a table whose columns `numbers` are aligned to the right.
fn laid_out(table: Table, numbers: std::ops::Range<usize>) -> String {
    if io::stdout().is_terminal() { text(table, numbers) } else { columns(table, numbers) }
}

/// The same for a table without frames.
fn columns(mut table: Table, numbers: std::ops::Range<usize>) -> String {
    let last = table.column_count().saturating_sub(1);
    let gap = if width().is_some_and(|width| width <= MAX_WRAPPED) { 1 } else { 2 };
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if at == last { 0 } else { gap }));
    }
    text(table, numbers)
}

/// The columns of the terminal, if there is one.
fn width() -> Option<u16> {
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

fn text(mut table: Table, numbers: std::ops::Range<usize>) -> String {
    for column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_string()).collect::<Vec<_>>().join("\n")
}

fn row(member: &MemberView) -> [Cell; 4] {
    let (state, colour) = match member.state {
        ViewState::Myself => ("this node", Color::Cyan),
        ViewState::Alive => ("alive", Color::Green),
        ViewState::Suspect => ("suspect", Color::Yellow),
        ViewState::Down => ("down", Color::Red),
        ViewState::Left => ("left", Color::DarkGrey),
        ViewState::Unknown(_) => ("unknown", Color::Reset),
    };
    [
        Cell::new(&member.info.alias),
        Cell::new(member.info.addr()),
        Cell::new(state).fg(colour),
        Cell::new(member.rtt_us.map_or("-".into(), milliseconds)),
    ]
}

/// A number of things, for people.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A time in microseconds, for people.
pub(crate) fn milliseconds(us: u64) -> String {
    format!("{}.{:02} ms", us / 1000, us % 1000 / 10)
}

/// Whether to use colours on a stream: on terminals that know them, unless `NO_COLOR` is set; see
/// <https://no-color.org>.
pub(crate) fn is_coloured(stream: &impl io::IsTerminal) -> bool {
    stream.is_terminal()
        && !takes_text_only()
        && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether terminals take text only: no colours, and no cursor that moves. `TERM` names such a
/// terminal, or says nothing.
pub(crate) fn takes_text_only() -> bool {
    let term = env::var_os("TERM").unwrap_or_default();
    TEXT_ONLY.iter().any(|name| term.eq_ignore_ascii_case(name))
}

/// Whether the parser of the command line may colour its texts.
pub(crate) fn help_colours() -> clap::ColorChoice {
    if takes_text_only() { clap::ColorChoice::Never } else { clap::ColorChoice::Auto }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_forge_cells_rows_or_json() {
        let name = "a\u{1b}[31m\nforged\u{202e}";
        let table = processes(vec![std::array::from_fn(|_| name.to_string())]);
        assert_eq!(table.lines().count(), 2, "{table}");
        assert!(table.contains(r"a\x1b[31m\nforged\u{202e}") && !table.contains('\u{1b}'));
        assert_eq!(
            json(&["\u{9b}\u{202e}\u{e0041}\u{7f}ü\n"]).unwrap(),
            r#"["\u009b\u202e\udb40\udc41\u007fü\n"]"#
        );
    }

    #[test]
    fn times_are_in_milliseconds() {
        assert_eq!(milliseconds(0), "0.00 ms");
        assert_eq!(milliseconds(214), "0.21 ms");
        assert_eq!(milliseconds(12_340), "12.34 ms");
    }
}
