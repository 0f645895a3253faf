//! `iridium ps`: the processes of a running node, or of all nodes.

use std::io::{self, IsTerminal as _};

use serde::Serialize;

use iridium_node::{NodeProcesses, ProcessRow};
use iridium_proto::NodeAlias;

use super::{connect, json};
use crate::args::ClientFlags;
use crate::failure::Failure;
use crate::output;

/// Asks for processes and prints them, by node and pid.
pub(crate) fn run(client: &ClientFlags, all: bool, as_json: bool) -> Result<(), Failure> {
    let nodes = connect(client)?.processes(all)?;
    let text = match (as_json, all) {
        (true, _) => json(&ProcessesJson::of(&nodes))?,
        (_, true) if io::stdout().is_terminal() => by_node(&nodes),
        (_, true) => in_one(&nodes),
        _ => nodes.iter().map(table).collect(),
    };
    output::print_table(&text)?;
    if !as_json {
        nodes.iter().filter_map(left_out).for_each(|note| output::print_stderr(&note));
    }
    Ok(())
}

/// A note for stderr about processes that a list leaves out.
pub(crate) fn left_out(node: &NodeProcesses) -> Option<String> {
    let NodeProcesses { alias, more, .. } = node;
    let plural = if *more == 1 { "" } else { "es" };
    (*more > 0).then(|| format!("{alias} has {more} more process{plural}, which are not shown\n"))
}

/// For a terminal: a table for each node.
fn by_node(nodes: &[NodeProcesses]) -> String {
    let part = |node: &NodeProcesses| match &node.processes {
        None => format!("{}: no answer", node.alias),
        Some(rows) if rows.is_empty() && node.more == 0 => format!("{}: no processes", node.alias),
        Some(rows) => {
            let count = rows.len() as u64 + node.more;
            let plural = if count == 1 { "" } else { "es" };
            format!("{}: {count} process{plural}\n{}", node.alias, table(node))
        }
    };
    nodes.iter().map(part).collect::<Vec<_>>().join("\n\n")
}

fn table(node: &NodeProcesses) -> String {
    let rows = node.processes.iter().flatten();
    output::processes(rows.map(cells).collect())
}

/// For a pipe: one table, whose lines name the node.
fn in_one(nodes: &[NodeProcesses]) -> String {
    let mut rows = Vec::new();
    for node in nodes {
        let alias = || node.alias.to_string();
        match &node.processes {
            Some(processes) => rows.extend(processes.iter().map(|row| (alias(), cells(row)))),
            None => {
                let none = || "-".to_string();
                let mut cells = std::array::from_fn(|_| none());
                cells[STATE] = "no-answer".into();
                rows.push((alias(), cells));
            }
        }
    }
    output::processes_of_nodes(rows)
}

/// Which of the cells says what a process does.
pub(crate) const STATE: usize = 4;

/// The cells of a process in a table.
pub(crate) fn cells(row: &ProcessRow) -> [String; 7] {
    let (function, at) = row.place.as_deref().map(function_and_line).unwrap_or_default();
    let or_none = |text: String| if text.is_empty() { "-".into() } else { text };
    [
        row.pid.to_string(),
        or_none(row.names.join(",")),
        or_none(function),
        or_none(at),
        row.state.clone(),
        row.fuel.to_string(),
        row.messages.to_string(),
    ]
}

/// Of a place, as `shop/till.pd:7:1 (till.Till.pay+4): recv $2 $4`, what runs and on which line:
/// `Till.pay` and `till.pd:7`.
pub(super) fn function_and_line(place: &str) -> (String, String) {
    // Behind the label, if there is one, comes the instruction.
    let before = place.split_once("): ").or_else(|| place.split_once(": "));
    let place = before.map_or(place, |(place, _)| place);
    let (source, label) = place.rsplit_once(" (").unwrap_or((place, ""));
    let label = label.split('+').next().unwrap_or_default();
    let mut parts = source.rsplitn(3, ':');
    let (Some(_), Some(line), Some(file)) = (parts.next(), parts.next(), parts.next()) else {
        return (label.to_owned(), source.to_owned());
    };
    let file = file.rsplit('/').next().unwrap_or(file);
    let module = file.split('.').next().unwrap_or(file);
    let own = label.strip_prefix(module).and_then(|rest| rest.strip_prefix('.'));
    (own.unwrap_or(label).to_owned(), format!("{file}:{line}"))
}

/// The documented shape of `ps --json`; fields may be added, not changed.
#[derive(Debug, Serialize)]
struct ProcessesJson<'a> {
    nodes: Vec<Node<'a>>,
}

#[derive(Debug, Serialize)]
struct Node<'a> {
    alias: &'a NodeAlias,
    /// `None` when it did not answer in time.
    processes: Option<Vec<Row<'a>>>,
    /// How many more there are than are listed.
    more: u64,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    /// A string, because many readers of JSON keep 53 bits of a number only.
    pid: String,
    names: &'a [String],
    module: Option<String>,
    state: &'a str,
    place: Option<&'a str>,
    fuel: u64,
    heap: u64,
    memory: u64,
    mailbox: u64,
    links: u64,
}

impl<'a> ProcessesJson<'a> {
    fn of(nodes: &'a [NodeProcesses]) -> Self {
        let row = |row: &'a ProcessRow| Row {
            pid: row.pid.to_string(),
            names: &row.names,
            module: row.module.map(|id| id.to_string()),
            state: &row.state,
            place: row.place.as_deref(),
            fuel: row.fuel,
            heap: row.heap,
            memory: row.memory,
            mailbox: row.messages,
            links: row.links,
        };
        let node = |node: &'a NodeProcesses| Node {
            alias: &node.alias,
            processes: node.processes.as_ref().map(|rows| rows.iter().map(row).collect()),
            more: node.more,
        };
        Self { nodes: nodes.iter().map(node).collect() }
    }
}

#[cfg(test)]
mod tests {
    use iridium_vm::Pid;

    use super::*;

    #[test]
    fn a_place_tells_what_runs_and_on_which_line() {
        for (place, function, line) in [
            ("shop/till.pd:7:1 (till.Till.pay+4): recv $2 $4", "Till.pay", "till.pd:7"),
            ("shop/till.pd:7:1 (till.Till): recv $2 $4", "Till", "till.pd:7"),
            ("a.iasm:6:1 (f+1): div $0 $1 $2", "f", "a.iasm:6"),
            ("a.iasm:1:1: hlt", "", "a.iasm:1"),
            ("instruction 12 (f+1): hlt", "f", "instruction 12"),
        ] {
            let found = function_and_line(place);
            assert_eq!((found.0.as_str(), found.1.as_str()), (function, line), "{place}");
        }
    }

    #[test]
    fn the_json_is_as_documented() {
        let row = ProcessRow {
            pid: Pid::new(7, 3),
            names: vec!["till".into()],
            module: None,
            state: "receiving".into(),
            place: Some("till.iasm:7:1 (next): recv $2 $2".into()),
            fuel: 12,
            heap: 0,
            memory: 500,
            messages: 2,
            links: 1,
        };
        let node = |alias: &str, processes| NodeProcesses {
            alias: NodeAlias::new(alias).unwrap(),
            processes,
            more: 0,
        };
        let nodes = [node("a", Some(vec![row])), node("b", None)];
        assert_eq!(
            json(&ProcessesJson::of(&nodes)).unwrap(),
            r#"{"nodes":[{"alias":"a","processes":[{"pid":"7696581394435","names":["till"],"module":null,"state":"receiving","place":"till.iasm:7:1 (next): recv $2 $2","fuel":12,"heap":0,"memory":500,"mailbox":2,"links":1}],"more":0},{"alias":"b","processes":null,"more":0}]}"#
        );
    }
}
