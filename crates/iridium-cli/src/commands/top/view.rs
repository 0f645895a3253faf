//! What `top` shows, as lines.

use std::io;

use iridium_isa::escape::escape;
use iridium_net::Endpoint;
use iridium_node::NodeReport;
use iridium_proto::ViewState;

use super::sample::{Node, Sample};
use crate::commands::ps::cells as cells_of;
use crate::output::{self, counted};

/// The columns behind the alias: name and width. With a space before each they
/// take 67, so that an alias of 13 fits into 80.
const COLUMNS: [(&str, usize); 8] = [
    ("state", 9),
    ("rtt", 8),
    ("procs", 7),
    ("fuel/s", 7),
    ("mail", 6),
    ("memory", 8),
    ("in B/s", 7),
    ("out B/s", 7),
];
/// The columns of the processes, which fill 80 columns.
const OF_PROCESSES: [(&str, usize); 7] = [
    ("node", 10),
    ("name", 14),
    ("runs", 14),
    ("at", 14),
    ("fuel/s", 6),
    ("mail", 6),
    ("memory", 7),
];
/// Those before are texts, those from here on numbers.
const FIRST_NUMBER: usize = 4;
/// Room for an alias, at least and at most.
const ALIAS: (usize, usize) = (13, 32);

/// The live view for a terminal of so many columns and lines.
pub(super) fn live(
    now: &Sample,
    before: Option<&Sample>,
    at: &Endpoint,
    (width, height): (usize, usize),
) -> Vec<String> {
    let rest: usize = COLUMNS.iter().map(|(_, width)| width + 1).sum();
    let alias = width.saturating_sub(rest).clamp(ALIAS.0, ALIAS.1);
    let coloured = output::is_coloured(&io::stdout());
    let mut lines = vec![cut(&title(now, at), width), String::new()];
    let head = cut(&head(alias), width);
    lines.push(if coloured { format!("\x1b[1m{head}\x1b[0m") } else { head });
    let room = height.saturating_sub(lines.len()).max(1);
    let fits = if now.nodes.len() > room { room - 1 } else { now.nodes.len() };
    for node in now.nodes.iter().take(fits) {
        let line = cut(&row(now, node, before, alias), width);
        lines.push(if coloured { coloured_state(&line, node.state, alias) } else { line });
    }
    if fits < now.nodes.len() {
        let more = now.nodes.len() - fits;
        lines.push(cut(&format!("and {more} more nodes, which do not fit here"), width));
    }
    if lines.len() < height {
        lines.extend(native_code(now).map(|line| cut(&line, width)));
    }
    let room = height.saturating_sub(lines.len());
    lines.extend(processes(now, before, (width, room), coloured));
    lines
}

/// The busiest processes, as far as there is room below the nodes.
fn processes(
    now: &Sample,
    before: Option<&Sample>,
    (width, room): (usize, usize),
    coloured: bool,
) -> Vec<String> {
    if room < 3 {
        return Vec::new();
    }
    let busiest = now.busiest(before);
    if busiest.is_empty() {
        return Vec::new();
    }
    let head = cut(&process_line(OF_PROCESSES.map(|(name, _)| name.to_string())), width);
    let head = if coloured { format!("\x1b[1m{head}\x1b[0m") } else { head };
    let rows = busiest.into_iter().take(room - 2).map(|(alias, row, rate)| {
        let [_, name, runs, at, ..] = cells_of(row);
        let (mail, memory) = (short(row.messages, 1000), short(row.memory, 1024));
        let rate = short(rate, 1000);
        cut(&process_line([alias.to_string(), name, runs, at, rate, mail, memory]), width)
    });
    [String::new(), head].into_iter().chain(rows).collect()
}

fn process_line(values: [String; 7]) -> String {
    let cells = values.iter().zip(OF_PROCESSES).enumerate();
    let cells = cells.map(|(at, (value, (_, width)))| match at < FIRST_NUMBER {
        true => format!("{:width$}", cut(&escape(value), width)),
        false => format!("{value:>width$}"),
    });
    cells.collect::<Vec<_>>().join(" ")
}

/// The table for a pipe.
pub(super) fn plain(now: &Sample, before: &Sample) -> Vec<String> {
    let longest = now.nodes.iter().map(|node| node.alias.as_str().len()).max().unwrap_or(0);
    let alias = longest.max(ALIAS.0);
    let rows = now.nodes.iter().map(|node| row(now, node, Some(before), alias));
    std::iter::once(head(alias)).chain(rows).collect()
}

fn title(now: &Sample, at: &Endpoint) -> String {
    let me = now.nodes.iter().find(|node| node.state == ViewState::Myself);
    let me = me.map(|node| format!("{} at ", node.alias)).unwrap_or_default();
    let there = |state: ViewState| matches!(state, ViewState::Myself | ViewState::Alive);
    let nodes = now.nodes.iter().filter(|node| there(node.state)).count();
    let loads = now.nodes.iter().filter_map(|node| node.load.as_ref());
    let processes: u64 = loads.map(|load| load.processes).sum();
    format!(
        "iridium top  {}, {}  seen by {me}{at}  q quits",
        counted(nodes as u64, "node", "nodes"),
        counted(processes, "process", "processes")
    )
}

/// What became native code, on all nodes together; `None` when nothing did.
fn native_code(now: &Sample) -> Option<String> {
    let sum = |of: fn(&NodeReport) -> u64| -> u64 {
        now.nodes.iter().filter_map(|node| node.load.as_ref()).map(of).sum()
    };
    let functions = sum(|load| load.native_functions);
    let waiting = sum(|load| load.compile_queue);
    (functions + waiting > 0).then(|| {
        format!(
            "native code: {}, {} of {} bytes, {waiting} to be compiled",
            counted(functions, "function", "functions"),
            short(sum(|load| load.native_memory), 1024),
            short(sum(|load| load.native_memory_limit), 1024),
        )
    })
}

fn head(alias: usize) -> String {
    cells("node", COLUMNS.map(|(name, _)| name.to_string()), alias)
}

fn row(now: &Sample, node: &Node, before: Option<&Sample>, alias: usize) -> String {
    let none = || "-".to_string();
    let rates = now.rates(node, before);
    let rate = |rate: Option<u64>| rate.map_or_else(none, |rate| short(rate, 1000));
    let load = node.load.as_ref();
    let state = match node.state {
        ViewState::Myself => "this node",
        state => state.as_str(),
    };
    let values = [
        state.to_string(),
        node.rtt_us.map_or_else(none, output::milliseconds),
        load.map_or_else(none, |load| load.processes.to_string()),
        rate(rates.map(|rates| rates.fuel)),
        load.map_or_else(none, |load| short(load.messages, 1000)),
        load.map_or_else(none, |load| short(load.memory, 1024)),
        rate(rates.map(|rates| rates.received)),
        rate(rates.map(|rates| rates.sent)),
    ];
    cells(node.alias.as_str(), values, alias)
}

/// The alias and the state to the left, the rest, which are numbers, to the right.
fn cells(name: &str, values: [String; 8], alias: usize) -> String {
    let mut line = format!("{:alias$}", cut(name, alias));
    for (at, (value, (_, width))) in values.iter().zip(COLUMNS).enumerate() {
        line.push(' ');
        line.push_str(&if at == 0 {
            format!("{value:width$}")
        } else {
            format!("{value:>width$}")
        });
    }
    line
}

fn coloured_state(line: &str, state: ViewState, alias: usize) -> String {
    let colour = match state {
        ViewState::Myself => 36,
        ViewState::Alive => 32,
        ViewState::Suspect => 33,
        ViewState::Down => 31,
        ViewState::Left => 90,
        ViewState::Unknown(_) => 0,
    };
    let (from, to) = (alias + 1, alias + 1 + COLUMNS[0].1);
    match (line.get(..from), line.get(from..to), line.get(to..)) {
        (Some(before), Some(state), Some(rest)) => {
            format!("{before}\x1b[{colour}m{state}\x1b[0m{rest}")
        }
        _ => line.to_string(),
    }
}

/// Cuts a text to a number of columns. A text that was cut ends with `+`.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_string();
    }
    let mut text: String = text.chars().take(width.saturating_sub(1)).collect();
    text.push('+');
    text
}

/// A number in five characters: `999`, `1.2k`, `45M`. `unit` is what a `k` stands
/// for, 1000 or 1024.
fn short(number: u64, unit: u64) -> String {
    if number < 1000 {
        return number.to_string();
    }
    let unit = unit as f64;
    let mut value = number as f64;
    for prefix in ["k", "M", "G", "T", "P"] {
        value /= unit;
        if value < 9.95 {
            return format!("{value:.1}{prefix}");
        }
        if value < 999.5 {
            return format!("{value:.0}{prefix}");
        }
    }
    format!("{:.0}E", value / unit)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use iridium_node::{NodeProcesses, ProcessRow};
    use iridium_proto::NodeAlias;
    use iridium_vm::Pid;

    use super::*;

    fn node(alias: &str, state: ViewState, fuel: u64) -> Node {
        let load = NodeReport { number: 5, processes: 1003, fuel, ..NodeReport::default() };
        let load = (state != ViewState::Down).then_some(load);
        Node { alias: NodeAlias::new(alias).unwrap(), state, rtt_us: Some(214), load }
    }

    fn sample(at: Instant, fuel: u64) -> Sample {
        let nodes = vec![
            node("a-node-with-a-long-alias", ViewState::Myself, fuel),
            node("b", ViewState::Alive, fuel),
            node("c", ViewState::Down, fuel),
        ];
        let row = |serial, fuel| ProcessRow {
            pid: Pid::new(5, serial),
            names: vec![format!("Shop.till{serial}")],
            module: None,
            state: "receiving".into(),
            place: Some("shop/till.pd:7:1 (till.Till.pay+4): recv $2 $4".into()),
            fuel,
            heap: 0,
            memory: 2048,
            messages: 3,
            links: 1,
        };
        let processes = NodeProcesses {
            alias: NodeAlias::new("b").unwrap(),
            processes: Some(vec![row(1, 5), row(2, fuel)]),
            more: 0,
        };
        Sample { at, nodes, processes: vec![processes] }
    }

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.0k"),
            (9_949, "9.9k"),
            (9_951, "10k"),
            (999_499, "999k"),
            (999_500, "1.0M"),
            (45_000_000, "45M"),
            (u64::MAX, "18E"),
        ] {
            assert!(short(number, 1000).len() <= 5);
            assert_eq!(short(number, 1000), text, "{number}");
        }
        assert_eq!(short(1 << 20, 1024), "1.0M");
    }

    #[test]
    fn a_line_tells_of_native_code_where_there_is_some() {
        let mut now = sample(Instant::now(), 0);
        let at = Endpoint::Addr(([127, 0, 0, 1], 2254).into());
        let tells = |line: &&String| line.starts_with("native");
        assert_eq!(live(&now, None, &at, (80, 24)).iter().find(tells), None);
        for load in now.nodes.iter_mut().filter_map(|node| node.load.as_mut()) {
            load.native_functions = 6;
            load.native_memory = 40 << 10;
            load.native_memory_limit = 64 << 20;
            load.compile_queue = 2;
        }
        let lines = live(&now, None, &at, (80, 24));
        let line = "native code: 12 functions, 80k of 128M bytes, 4 to be compiled";
        assert_eq!(lines.iter().find(tells).unwrap(), line);
        assert_eq!(live(&now, None, &at, (80, 6)).len(), 6, "there is no room");
    }

    #[test]
    fn it_fits_a_terminal_and_says_what_is_left_out() {
        let start = Instant::now();
        let (before, now) = (sample(start, 0), sample(start + Duration::from_secs(2), 24_000_000));
        let at = Endpoint::Addr(([127, 0, 0, 1], 2254).into());
        let lines = live(&now, Some(&before), &at, (80, 24));
        assert_eq!(lines.len(), 10);
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
        assert!(lines[0].contains("2 nodes, 2006 processes"), "{}", lines[0]);
        assert!(lines[3].starts_with("a-node-with-+ this node  0.21 ms    1003     12M"));
        assert!(lines[5].contains("down") && lines[5].ends_with("-       -"));
        assert!(lines[7].starts_with("node       name           runs"), "{}", lines[7]);
        let busiest =
            "b          Shop.till2     Till.pay       till.pd:7         12M      3    2.0k";
        assert_eq!(lines[8], busiest);
        assert!(lines[9].contains("Shop.till1") && lines[9].contains("     0 "), "{}", lines[9]);
        assert_eq!(live(&now, Some(&before), &at, (80, 8)).len(), 6, "there is no room");
        let lines = live(&now, Some(&before), &at, (20, 5));
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (5, "and 2 more nodes, w+"));
        // Rates need two looks at the same life of a node.
        assert_eq!(now.rates(&now.nodes[0], None), None);
        assert_eq!(before.rates(&before.nodes[0], Some(&now)), None);
    }
}
