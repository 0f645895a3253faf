//! The chat rooms of the examples, on three nodes, and their page in a browser.

use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::examples;
use crate::operate::processes;
use crate::support::{Node, Process, User, wait_until};
use crate::websocket::Client;

/// A node with its rooms, and the port where guests come in.
struct Server {
    node: Node,
    port: u16,
}

impl Server {
    fn start(user: &User, alias: &str, join: &[&str]) -> Self {
        let (node, port) = examples::served("rooms", user, alias, join);
        Self { node, port }
    }

    fn guest(&self, name: &str, room: &str) -> Client {
        Client::connect(self.port, &format!("/rooms/{room}?name={name}"))
    }

    /// How many rooms are on it.
    fn rooms(&self, user: &User) -> usize {
        let all = processes(user, &self.node.at, &self.node.alias);
        let is_room = |process: &&Value| {
            process["place"].as_str().is_some_and(|place| place.contains("(rooms.Room+"))
        };
        all.iter().filter(is_room).count()
    }
}

/// What Ada says is said until the other one hears it.
fn meet(ada: &mut Client, other: &mut Client, text: &str) {
    wait_until(text, || {
        ada.say(text);
        if other.hears(&format!("Ada: {text}")) { Ok(()) } else { Err("it is not heard") }
    });
}

#[test]
fn rooms_are_spread_over_the_nodes_and_outlive_theirs() {
    let user = User::new();
    let one = Server::start(&user, "one", &[]);
    let two = Server::start(&user, "two", &["--join", &one.node.at]);
    let three = Server::start(&user, "three", &["--join", &one.node.at]);
    let all = [("one", "self"), ("three", "alive"), ("two", "alive")];
    user.wait_for_members(&one.node.at, &all);
    // Nodes have other numbers each time. Of 36 rooms, none falls to one of three nodes once in a million.
    let names: Vec<_> = (0..36).map(|n| format!("room{n}")).collect();
    let mut guests: Vec<_> =
        names.iter().map(|room| (one.guest("Ada", room), two.guest("Bob", room))).collect();
    for (ada, bob) in &mut guests {
        meet(ada, bob, "hello");
    }
    let counts = [&one, &two, &three].map(|server| server.rooms(&user));
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), names.len());

    three.node.process.signal(Signal::SIGKILL);
    for (ada, bob) in &mut guests {
        meet(ada, bob, "still here");
    }
    // Who comes in later is told what was said.
    assert!(two.guest("Eve", &names[0]).hears("Ada: still here"));
    drop(guests);
    wait_until("rooms end with their last guests", || {
        let counts = [&one, &two].map(|server| server.rooms(&user));
        if counts == [0, 0] { Ok(()) } else { Err(counts) }
    });
}

/// A page in Chromium, which is told what to do by its DevTools protocol.
struct Browser {
    _process: Process,
    tools: Client,
    /// What its page is called there.
    session: Value,
    asked: u64,
}

impl Browser {
    /// `None` where there is none.
    fn open(user: &User, url: &str) -> Option<Self> {
        Command::new("chromium").arg("--version").output().ok()?;
        let folder = format!("--user-data-dir={}", user.path("browser").display());
        let words = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"];
        let mut command = Command::new("chromium");
        let process = Process::start_alone(command.args(words).args([&folder, url]));
        let place = wait_until("the browser is there", || {
            let said = process.complained();
            let place = said.split("listening on ws://127.0.0.1:").nth(1);
            let place = place.and_then(|place| place.lines().next()).map(str::to_owned);
            place.ok_or(said)
        });
        let (port, path) = place.split_once('/').unwrap();
        let tools = Client::connect(port.parse().unwrap(), &format!("/{path}"));
        let mut browser = Self { _process: process, tools, session: Value::Null, asked: 0 };
        let page = wait_until("the page is there", || {
            let targets = browser.ask("Target.getTargets", &json!({}))["targetInfos"].clone();
            let page = targets.as_array().unwrap().iter().find(|target| target["url"] == url);
            page.map(|page| page["targetId"].clone()).ok_or(targets)
        });
        let page = json!({ "targetId": page, "flatten": true });
        browser.session = browser.ask("Target.attachToTarget", &page)["sessionId"].clone();
        Some(browser)
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let mut asked = json!({ "id": self.asked, "method": method, "params": params });
        if self.session.is_string() {
            asked["sessionId"] = self.session.clone();
        }
        self.tools.say(&asked.to_string());
        loop {
            let answer: Value = serde_json::from_str(&self.tools.hear()).unwrap();
            if answer["id"] == self.asked {
                return answer["result"].clone();
            }
        }
    }

    /// The value of an expression on the page.
    fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true });
        self.ask("Runtime.evaluate", &params)["result"]["value"].clone()
    }

    fn wait_for(&mut self, condition: &str) {
        wait_until(condition, || match self.value(condition) {
            Value::Bool(true) => Ok(()),
            other => Err(other),
        });
    }
}

#[test]
fn guests_chat_in_a_browser() {
    let user = User::new();
    let server = Server::start(&user, "one", &[]);
    let url = format!("http://127.0.0.1:{}/", server.port);
    let Some(mut browser) = Browser::open(&user, &url) else {
        eprintln!("skipped: needs chromium");
        return;
    };
    browser.wait_for("document.title == 'Rooms' && document.readyState == 'complete'");
    browser.value("part('room').value = 'tea'; part('name').value = 'Eve'");
    browser.value("part('enter').requestSubmit()");
    browser.wait_for("part('text').disabled == false");
    let mut ada = server.guest("Ada", "tea");
    browser.value("part('text').value = 'from a <b>page</b>'; part('say').requestSubmit()");
    assert_eq!(ada.hear(), "Eve: from a <b>page</b>");
    ada.say("to a page");
    browser.wait_for("part('lines').innerText.endsWith('Ada: to a page')");
    browser.wait_for("part('lines').innerText.startsWith('Eve: from a <b>page</b>')");
}
