//! Real nodes on loopback.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use iridium_net::*;
use iridium_proto::{NodeAlias, ViewState};

fn start(alias: &str) -> Manager {
    let mut config = Config::new("127.0.0.1:0".parse().unwrap(), Security::Insecure);
    config.alias = Some(NodeAlias::new(alias).unwrap());
    Manager::start(config).unwrap()
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn endpoint(node: &Manager) -> Endpoint {
    Endpoint::from(node.local_addr())
}

fn alive(node: &Manager) -> Vec<String> {
    node.members()
        .into_iter()
        .filter(|m| m.state == ViewState::Alive)
        .map(|m| m.info.alias.to_string())
        .collect()
}

#[test]
fn smoke() {
    let a = start("a");
    let b = start("b");
    let c = start("c");
    println!("{:?}", b.join(endpoint(&a)));
    println!("{:?}", c.join(endpoint(&a)));
    wait_for("mesh", || {
        alive(&a) == ["b", "c"] && alive(&b) == ["a", "c"] && alive(&c) == ["a", "b"]
    });
    let inbox = c.messages();
    a.send(&NodeAlias::new("c").unwrap(), vec![1; 300_000]).unwrap();
    let got = inbox.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(got.bytes.len(), 300_000);
    let t = Instant::now();
    b.leave();
    println!("left in {:?}", t.elapsed());
    wait_for("left", || alive(&a) == ["c"]);
    let _: SocketAddr = a.local_addr();
}
