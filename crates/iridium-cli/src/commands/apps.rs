//! `iridium apps`: the apps that a node has started, with their trees.

use std::collections::HashMap;

use serde::Serialize;

use iridium_node::control::{AppRow, ChildRow};
use iridium_vm::Pid;

use super::ps::function_and_line;
use super::{connect, json};
use crate::args::ClientFlags;
use crate::failure::Failure;
use crate::output;

/// Asks a node for its apps and prints them, oldest first.
pub(crate) fn run(client: &ClientFlags, as_json: bool) -> Result<(), Failure> {
    let mut node = connect(client)?;
    let apps = node.apps()?;
    if as_json {
        let apps = apps.iter().map(App::of).collect();
        return Ok(output::print_line(&json(&AppsJson { apps })?)?);
    }
    if apps.is_empty() {
        output::print_stderr("no apps; iridium node --app FILE.toml starts one\n");
        return Ok(());
    }
    let processes = node.processes(false)?.into_iter().flat_map(|node| node.processes);
    let places: HashMap<Pid, String> =
        processes.flatten().filter_map(|row| Some((row.pid, row.place?))).collect();
    let rows = apps.iter().flat_map(|app| rows(app, &places)).collect();
    Ok(output::print_table(&output::apps(rows))?)
}

/// The rows of an app: name, pid, what it does, and where in its program.
fn rows(app: &AppRow, places: &HashMap<Pid, String>) -> Vec<[String; 4]> {
    let state = if app.children.is_some() { "supervises" } else { "ended" };
    let mut rows = vec![[app.name.clone(), app.pid.to_string(), state.into(), "-".into()]];
    rows.extend(app.children.iter().flatten().map(|child| {
        let place = child.pid.and_then(|pid| places.get(&pid));
        let (function, at) = place.map(|place| function_and_line(place)).unwrap_or_default();
        let state = match (child.pid, child.supervises) {
            (None, _) => "not running".into(),
            (Some(_), true) => "supervises".into(),
            (Some(_), false) if function.is_empty() => "runs".into(),
            (Some(_), false) => format!("runs {function}"),
        };
        let indent = "  ".repeat(child.depth as usize + 1);
        let pid = child.pid.map_or("-".into(), |pid| pid.to_string());
        let at = if at.is_empty() { "-".into() } else { at };
        [format!("{indent}{}", child.name), pid, state, at]
    }));
    rows
}

/// The documented shape of `apps --json`; fields may be added, not changed.
#[derive(Debug, Serialize)]
struct AppsJson<'a> {
    apps: Vec<App<'a>>,
}

#[derive(Debug, Serialize)]
struct App<'a> {
    name: &'a str,
    pid: String,
    /// Whether it has not ended yet.
    running: bool,
    children: Vec<Child<'a>>,
}

#[derive(Debug, Serialize)]
struct Child<'a> {
    name: &'a str,
    pid: Option<String>,
    supervisor: bool,
    children: Vec<Child<'a>>,
}

impl<'a> App<'a> {
    fn of(app: &'a AppRow) -> Self {
        let mut rows = app.children.as_deref().unwrap_or_default();
        Self {
            name: &app.name,
            pid: app.pid.to_string(),
            running: app.children.is_some(),
            children: take(&mut rows, 0),
        }
    }
}

/// Takes the rows of a depth, with all below them, from the front.
fn take<'a>(rows: &mut &'a [ChildRow], depth: u32) -> Vec<Child<'a>> {
    let mut children = Vec::new();
    while let Some((row, rest)) = rows.split_first().filter(|(row, _)| row.depth >= depth) {
        *rows = rest;
        children.push(Child {
            name: &row.name,
            pid: row.pid.map(|pid| pid.to_string()),
            supervisor: row.supervises,
            children: take(rows, row.depth + 1),
        });
    }
    children
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_a_tree() {
        let child = |depth, name: &str, serial, supervises| ChildRow {
            depth,
            name: name.into(),
            pid: (serial > 0).then(|| Pid::new(1, serial)),
            supervises,
        };
        let app = AppRow {
            name: "shop".into(),
            pid: Pid::new(1, 1),
            children: Some(vec![
                child(0, "tills", 2, true),
                child(1, "one", 3, false),
                child(0, "report", 0, false),
            ]),
        };
        let ended = AppRow { name: "old".into(), pid: Pid::new(1, 9), children: None };
        let answer = AppsJson { apps: vec![App::of(&app), App::of(&ended)] };
        assert_eq!(
            json(&answer).unwrap(),
            r#"{"apps":[{"name":"shop","pid":"1099511627777","running":true,"children":[{"name":"tills","pid":"1099511627778","supervisor":true,"children":[{"name":"one","pid":"1099511627779","supervisor":false,"children":[]}]},{"name":"report","pid":null,"supervisor":false,"children":[]}]},{"name":"old","pid":"1099511627785","running":false,"children":[]}]}"#
        );
        let place = "till.pd:7:1 (till.Till+4): recv $2 $4".to_owned();
        let rows = rows(&app, &HashMap::from([(Pid::new(1, 3), place)]));
        let cells = |[name, _, state, at]: [String; 4]| format!("{name} | {state} | {at}");
        assert_eq!(
            rows.into_iter().map(cells).collect::<Vec<_>>(),
            [
                "shop | supervises | -",
                "  tills | supervises | -",
                "    one | runs Till | till.pd:7",
                "  report | not running | -"
            ]
        );
    }
}
