//! The control for control clients alone.

use std::time::Instant;

use iridium_net::{ControlClient, Endpoint, JoinError, Manager, Security, StartError};
use iridium_proto::{ControlReply, ControlRequest, ViewState};

use crate::harness::*;

/// A node with a second control, and the way to it.
fn with_control_listener(name: &str, security: &Security) -> (Manager, Endpoint) {
    let mut config = config(name, security);
    config.control_bind = Some(loopback());
    let node = Manager::start(config).unwrap();
    let control = Endpoint::from(node.control_addr().unwrap());
    (node, control)
}

fn members(at: &Endpoint, security: &Security) -> usize {
    let mut client = ControlClient::connect(at, security, PATIENCE).unwrap();
    let reply = client.request(ControlRequest::Members).unwrap();
    let ControlReply::Members(members) = reply else { panic!("{reply:?}") };
    members.len()
}

#[test]
fn control_clients_are_served_at_both_controls() {
    let security = secret();
    let (a, control) = with_control_listener("a", &security);
    assert_ne!(control, endpoint(&a));
    let b = start("b", &security);
    assert_eq!(b.control_addr(), None);
    b.join(endpoint(&a)).unwrap();
    for at in [&control, &endpoint(&a)] {
        assert_eq!(members(at, &security), 2);
    }
    assert!(
        ControlClient::connect(&control, &secret(), PATIENCE).is_err(),
        "not without the secret"
    );
    // Others learn the address for nodes.
    wait_for("b sees a", || state_of(&b, "a") == Some(ViewState::Alive));
    assert_eq!(alive(&b)[0].info.port.number(), a.local_addr().port());
}

#[test]
fn a_node_that_joins_there_is_told_the_port_for_nodes() {
    for security in [secret(), Security::Insecure] {
        let (a, control) = with_control_listener("a", &security);
        let b = start("b", &security);
        let mark = log_length();
        let begun = Instant::now();
        let error = b.join(control.clone()).unwrap_err();
        assert!(begun.elapsed() < PATIENCE / 4, "it was answered, not waited for");
        let JoinError::Handshake { to, why } = &error else { panic!("{error:?}") };
        assert_eq!(*to, control.to_string());
        let port = format!("nodes join at port {}", a.local_addr().port());
        let why = why.to_string();
        assert!(why.contains("control clients alone") && why.contains(&port), "{why}");
        wait_for("a line in the log", || {
            logged(mark).iter().any(|line| line.contains("it sent Hello") && line.contains(&port))
        });
        assert_eq!((a.members().len(), b.members().len()), (1, 1));
        // The address for nodes still works.
        b.join(endpoint(&a)).unwrap();
        wait_for_mesh(&[&a, &b]);
    }
}

#[test]
fn an_address_in_use_is_named_by_its_purpose() {
    let security = secret();
    let (a, _) = with_control_listener("a", &security);
    let taken = a.control_addr().unwrap();
    let mut second = config("b", &security);
    second.control_bind = Some(taken);
    let error = Manager::start(second.clone()).err().unwrap();
    assert!(matches!(error, StartError::ControlPortInUse { addr } if addr == taken));
    assert!(error.to_string().contains("control clients"), "{error}");
    // Nothing of it is left, not even the first listener.
    let free = std::net::TcpListener::bind(loopback()).unwrap().local_addr().unwrap();
    second.bind = free;
    assert!(Manager::start(second.clone()).is_err());
    second.control_bind = None;
    let b = Manager::start(second).unwrap();
    assert_eq!(b.local_addr(), free);
    let mut first = config("c", &security);
    first.bind = taken;
    let error = Manager::start(first).err().unwrap();
    assert!(matches!(error, StartError::PortInUse { addr } if addr == taken));
}

#[test]
fn both_listeners_close_with_the_node() {
    let security = secret();
    let (a, control) = with_control_listener("a", &security);
    let mut client = ControlClient::connect(&control, &security, PATIENCE).unwrap();
    client.request(ControlRequest::Members).unwrap();
    a.shutdown();
    assert!(client.request(ControlRequest::Members).is_err());
    assert!(ControlClient::connect(&control, &security, PATIENCE).is_err());
}
