//! Nodes that publish an address at which others cannot dial them.

use std::net::{SocketAddr, TcpListener};

use iridium_net::{Manager, Security};
use iridium_proto::{NodeIp, NodePort, ViewState};

use crate::harness::*;

/// An address at which nobody listens.
fn closed() -> SocketAddr {
    TcpListener::bind(loopback()).unwrap().local_addr().unwrap()
}

fn start_at(name: &str, published: SocketAddr, security: &Security) -> Manager {
    let mut config = config(name, security);
    let port = NodePort::new(published.port()).unwrap();
    config.advertise = Some((NodeIp(published.ip()), Some(port)));
    Manager::start(config).unwrap()
}

/// How often this was logged about an address.
fn count(addr: SocketAddr, what: &str) -> usize {
    let needle = format!(" at {addr},");
    logged(0).iter().filter(|line| line.contains(&needle) && line.contains(what)).count()
}

#[test]
fn an_address_that_nobody_reaches_is_told_there_and_where_it_was_tried() {
    let security = secret();
    let hub = start("hub", &security);
    let (lost, stray) = (closed(), closed());
    let nodes = [start_at("lost", lost, &security), start_at("stray", stray, &security)];
    for node in &nodes {
        node.join(endpoint(&hub)).unwrap();
    }
    // The hub, that was dialled, and the other, that never meets it.
    for (addr, name) in [(lost, "lost"), (stray, "stray")] {
        let warning = format!("cannot dial node={name} ");
        wait_for("both have warned", || count(addr, &warning) == 2);
        wait_for("it was told", || count(addr, "other nodes cannot dial this node") == 1);
    }
    let seen = |node: &Manager, name: &str| state_of(node, name);
    assert_eq!(seen(&nodes[0], "stray"), Some(ViewState::Suspect), "the hub reaches it");
    // To join again is no news.
    nodes[0].join(endpoint(&hub)).unwrap();
    assert_eq!(count(lost, "cannot dial"), 3);
}

#[test]
fn the_address_of_another_node_is_none_of_ones_own() {
    let security = secret();
    let hub = start("hub", &security);
    let echo = start_at("echo", hub.local_addr(), &security);
    echo.join(endpoint(&hub)).unwrap();
    wait_for("the hub has warned", || count(hub.local_addr(), "hub listens there") == 1);
    wait_for("it was told", || count(hub.local_addr(), "other nodes cannot dial this node") == 1);
    wait_for_mesh(&[&hub, &echo]);
}
