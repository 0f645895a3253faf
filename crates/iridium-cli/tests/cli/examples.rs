//! The examples in Palladium do what their pages say. A page has the program as it is in its file, and
//! in blocks of `console` what is typed and seen: on one node, and behind a block of `sh` on three.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use crate::support::{Node, User, wait_until};

#[test]
fn echo_server() {
    page("echo");
}

#[test]
fn things_to_do() {
    page("todos");
}

#[test]
fn notes_on_all_nodes() {
    page("notes");
}

#[test]
fn door_of_several_servers() {
    page("door");
}

#[test]
fn chat_rooms_in_the_browser() {
    page("rooms");
}

#[test]
fn static_files() {
    page("files");
}

#[test]
fn short_links() {
    page("links");
}

#[test]
fn log_follower() {
    page("follow");
}

#[test]
fn proxy_with_limits() {
    page("proxy");
}

#[test]
fn dining_philosophers() {
    page("philosophers");
}

#[test]
fn game_of_life() {
    page("life");
}

#[test]
fn rate_limiter() {
    page("limiter");
}

#[test]
fn word_count() {
    page("word_count");
}

#[test]
fn pool_of_workers() {
    page("workers");
}

#[test]
fn chat_room() {
    page("chat");
}

#[test]
fn store_with_two_replicas() {
    page("store");
}

/// A job is under way when its node is killed, which has stopped before it was given one.
#[test]
fn jobs_of_a_lost_node_are_done_by_others() {
    let user = User::new();
    let nodes = cluster(&user, &program("workers"), false);
    let at = |words: &[&'static str]| user.start(&[words, &["--at", &nodes[0].at]].concat());
    let state = || at(&["call", "Primes.pool", "state"]).end().stdout;
    let wait_for = |wanted: &str| {
        wait_until(wanted, || match state() {
            seen if seen.trim_end() == wanted => Ok(()),
            seen => Err(seen),
        });
    };
    wait_for("workers: 3, jobs: 0, under way: 0, done again: 0");
    nodes[2].process.signal(Signal::SIGSTOP);
    let calls: Vec<_> = (0..4).map(|_| at(&["call", "Primes.pool", "primes", "1000"])).collect();
    wait_for("workers: 3, jobs: 4, under way: 1, done again: 0");
    nodes[2].process.signal(Signal::SIGKILL);
    for call in calls {
        assert_eq!(call.end().stdout, "Ok(168)\n");
    }
    wait_for("workers: 2, jobs: 4, under way: 0, done again: 1");
}

#[test]
fn examples_are_formatted_have_no_mistakes_and_their_tests_pass() {
    let user = User::new();
    let folder = folder("examples");
    let folder = folder.to_str().unwrap();
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../xtask/src/cluster/demo.pd");
    user.run(&["fmt", "--check", folder, demo]).succeeds();
    user.run(&["test", folder]).succeeds();
    let programs = files(&self::folder("examples"), "pd");
    let mut words = vec!["check", demo];
    words.extend(programs.iter().map(|path| path.to_str().unwrap()));
    user.run(&words).succeeds();
    let stems = |files: Vec<PathBuf>| -> Vec<PathBuf> {
        files.iter().map(|file| file.file_stem().unwrap().into()).collect()
    };
    let pages = files(&self::folder("docs/examples"), "md");
    assert_eq!(stems(programs), stems(pages), "each program has a page");
}

/// Does what a page says, and sees what it says.
fn page(name: &str) {
    let user = User::new();
    let path = folder("docs/examples").join(name).with_extension("md");
    let text = fs::read_to_string(&path).unwrap();
    let program = program(name);
    let (mut shown, mut nodes) = (false, None);
    for (language, block) in blocks(&text) {
        match language {
            "palladium" => {
                let source = fs::read_to_string(&program).unwrap();
                assert_eq!(block, source, "{} is not as its page has it", program.display());
                shown = true;
            }
            "sh" => {
                let everywhere = block.matches("--app").count() > 1;
                nodes = Some(cluster(&user, &program, everywhere));
            }
            "console" => {
                for (command, output) in commands(block) {
                    match &mut nodes {
                        None => run(&user, command, &output),
                        Some(nodes) => operate(&user, nodes, command, &output),
                    }
                }
            }
            other => panic!("a block of {other}"),
        }
    }
    assert!(shown);
}

/// The blocks of a page, with their languages.
fn blocks(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let inside = page.split("```").skip(1).step_by(2);
    inside.map(|block| block.split_once('\n').unwrap())
}

/// What is typed, and what is seen then.
fn commands(block: &str) -> Vec<(&str, String)> {
    let mut commands: Vec<(&str, String)> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command, String::new())),
            None => commands.last_mut().unwrap().1 += &format!("{line}\n"),
        }
    }
    commands
}

/// Runs a program with one thread and with two.
fn run(user: &User, command: &str, output: &str) {
    let program = folder("examples").join(command.strip_prefix("iridium ").unwrap());
    for threads in ["1", "2"] {
        let outcome = user.run(&["run", "-t", threads, program.to_str().unwrap()]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), output), "{outcome:?}");
    }
}

/// The three nodes of a page, of which the first or all run the app of a program.
fn cluster(user: &User, program: &Path, everywhere: bool) -> [Node; 3] {
    let app = ["--app", program.to_str().unwrap()];
    let one = user.node("one", &app);
    let mut words = vec!["--join", &one.at];
    words.extend(app.iter().filter(|_| everywhere));
    let [two, three] = ["two", "three"].map(|alias| user.node(alias, &words));
    for (node, states) in [(&one, ["self", "alive", "alive"]), (&two, ["alive", "alive", "self"])] {
        let [one, three, two] = states;
        user.wait_for_members(&node.at, &[("one", one), ("three", three), ("two", two)]);
    }
    [one, two, three]
}

/// Asks the first node until it says what the page does, or kills a node.
fn operate(user: &User, nodes: &[Node; 3], command: &str, output: &str) {
    if let Some(alias) = command.strip_prefix("pkill -9 -f 'node-alias ") {
        let node = nodes.iter().find(|node| node.alias == alias.trim_end_matches('\'')).unwrap();
        return node.process.signal(Signal::SIGKILL);
    }
    let mut words = words(command.strip_prefix("iridium ").unwrap());
    words.extend(["--at", &nodes[0].at]);
    wait_until(command, || match user.run(&words) {
        outcome if outcome.code == Some(0) && outcome.stdout == output => Ok(()),
        outcome => Err(outcome),
    });
}

/// The words of a command, some of them in quotes.
fn words(command: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (nth, part) in command.split('"').enumerate() {
        match nth % 2 {
            0 => words.extend(part.split_whitespace()),
            _ => words.push(part),
        }
    }
    words
}

/// An example in Palladium.
pub(crate) fn program(name: &str) -> PathBuf {
    folder("examples").join(name).with_extension("pd")
}

/// A node that serves an example, and the port where it answers.
pub(crate) fn served(name: &str, user: &User, alias: &str, join: &[&str]) -> (Node, u16) {
    let program = program(name);
    let program = program.to_str().unwrap();
    let mut words = vec!["--app", program, "--allow", "net.listen", "--allow", "env=PORT"];
    words.extend(join);
    let node = user.node_in(&[("PORT", "0")], "0", alias, &words);
    let line = node.process.wait_for("answers on port ");
    (node, line.rsplit(' ').next().unwrap().parse().unwrap())
}

/// A folder of the language.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../palladium").join(name)
}

/// The files of a folder with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == ending)).collect();
    files.sort();
    files
}
