//! Lists of seeds as operators write them: the same for every node, with seeds that are dead,
//! silent, of another cluster, or no nodes at all.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use iridium_net::{Config, ControlClient, Endpoint, Event, HandshakeError, JoinError, Manager};

use crate::harness::*;

/// Less than any time-out of the mesh: who joins within this has waited for nobody.
const AT_ONCE: Duration = Duration::from_millis(2500);

/// Answers each connection with these bytes, on threads that end with the tests.
fn says(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind(loopback()).unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(bytes);
            thread::spawn(move || while matches!(stream.read(&mut [0; 64]), Ok(1..)) {});
        }
    });
    at
}

/// An address at which nobody listens.
fn free() -> SocketAddr {
    TcpListener::bind(loopback()).unwrap().local_addr().unwrap()
}

fn with_seeds(mut config: Config, seeds: &[SocketAddr]) -> (Manager, Receiver<Event>) {
    config.seeds = seeds.iter().map(|&seed| seed.into()).collect();
    let node = Manager::start(config).unwrap();
    let events = node.events();
    (node, events)
}

fn is_excluded(event: &Event) -> bool {
    matches!(event, Event::Excluded(_))
}

#[test]
fn a_good_seed_wins_at_once_wherever_it_stands_among_bad_ones() {
    let security = secret();
    let (good, other) = (start("good", &security), start("other", &secret()));
    let silent = TcpListener::bind(loopback()).unwrap();
    let bad = [
        other.local_addr(),
        says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        says(b"SSH-2.0-OpenSSH\r\n"),
        silent.local_addr().unwrap(),
        free(),
    ];
    for place in [0, 2, bad.len()] {
        let mut seeds = bad.to_vec();
        seeds.insert(place, good.local_addr());
        let begun = Instant::now();
        let (node, events) = with_seeds(config(&format!("n{place}"), &security), &seeds);
        let (mut up_after, mut refused) = (None, 0);
        // Those that refuse are reported, and are no reason to end.
        while up_after.is_none() || refused < 3 {
            match next_event(&events, |_| true) {
                Event::Up { .. } => up_after = Some(begun.elapsed()),
                Event::JoinFailed(JoinError::Handshake { .. }) => refused += 1,
                event => assert!(!is_excluded(&event), "{event:?}"),
            }
        }
        assert!(up_after < Some(AT_ONCE), "{up_after:?} at place {place}");
        assert_eq!(alive(&node).len(), 1);
        node.leave();
    }
}

#[test]
fn who_refuses_for_good_excludes_and_who_may_come_back_does_not() {
    let security = secret();
    let other = start("other", &secret());
    let taken = mesh(&["a", "b"], &security);
    for seed in [
        other.local_addr(),
        says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        says(b"\xff\xff\xff\xff\xff"),
        says(b"IRDM\x00\x09\x00\x0a\x01"),
        taken[0].local_addr(),
    ] {
        let (node, events) = with_seeds(config("b", &security), &[seed]);
        let Event::Excluded(error) = next_event(&events, is_excluded) else { panic!() };
        let named = error.to_string();
        assert!(named.contains(&seed.to_string()), "{named}");
        // It says so, and it is for the program to end the node.
        assert_eq!(node.members().len(), 1);
        // Somebody who may come back keeps it going.
        let (_node, events) = with_seeds(config("b", &security), &[seed, free()]);
        next_event(&events, |event| matches!(event, Event::JoinFailed(_)));
        assert!(events.recv_timeout(Duration::from_millis(300)).is_err());
    }
}

#[test]
fn a_node_that_finds_nobody_says_so_and_goes_on_trying() {
    let security = secret();
    let silent = TcpListener::bind(loopback()).unwrap();
    let cut_off = says(b"");
    let later = free();
    for seeds in [vec![later.into()], vec![silent.local_addr().unwrap().into(), cut_off.into()]]
        .into_iter()
        .chain([vec!["no.such.host.invalid".parse::<Endpoint>().unwrap()]])
    {
        let mark = log_length();
        let mut config = config("first", &security);
        config.timing.dial_timeout = Duration::from_millis(500);
        config.seeds = seeds;
        let node = Manager::start(config).unwrap();
        let events = node.events();
        wait_for("it says that it is alone", || {
            logged(mark).iter().any(|line| line.starts_with("found no other node yet"))
        });
        let peer = start("second", &security);
        peer.join(endpoint(&node)).unwrap();
        wait_for_mesh(&[&node, &peer]);
        assert!(events.try_iter().all(|event| !is_excluded(&event)));
    }
    let (early, _events) = with_seeds(config("early", &security), &[later]);
    let mut late = config("late", &security);
    late.bind = later;
    let late = Manager::start(late).unwrap();
    wait_for_mesh(&[&early, &late]);
}

#[test]
fn the_same_seeds_can_be_given_to_all_and_oneself_is_recognised_by_any_address() {
    let security = secret();
    let addrs = [free(), free(), free()];
    for order in [[0, 1, 2], [2, 0, 1]] {
        let seeds = order.map(|i: usize| addrs[i]);
        let nodes: Vec<_> = (0..3)
            .map(|i| {
                let mut config = config(&format!("n{i}"), &security);
                // It is seen under every address of this machine.
                config.bind = SocketAddr::from(([0, 0, 0, 0], addrs[i].port()));
                let another_way = SocketAddr::from(([127, 0, 0, 2], addrs[i].port()));
                with_seeds(config, &[&seeds[..], &[another_way]].concat())
            })
            .collect();
        wait_for_mesh(&[&nodes[0].0, &nodes[1].0, &nodes[2].0]);
        for (node, events) in &nodes {
            let bad = |event: &Event| is_excluded(event) || matches!(event, Event::JoinFailed(_));
            assert!(!events.try_iter().any(|event| bad(&event)));
            node.leave();
        }
    }
}

#[test]
fn one_name_leads_to_the_others_although_it_is_ones_own_as_well() {
    let security = secret();
    let addr = free();
    let name = Endpoint::Name { host: "localhost".into(), port: addr.port() };
    let mut first = config("first", &security);
    first.bind = addr;
    first.seeds = vec![name.clone()];
    let first = Manager::start(first).unwrap();
    let mut second = config("second", &security);
    second.seeds = vec![name.clone()];
    let second = Manager::start(second).unwrap();
    wait_for_mesh(&[&first, &second]);
    assert!(matches!(first.join(name.clone()), Err(JoinError::Yourself { .. })));
    assert!(ControlClient::connect(&name, &security, PATIENCE).is_ok());
    let error = ControlClient::connect(&name, &secret(), PATIENCE).unwrap_err();
    let why = |error: &iridium_net::ClientError| match error {
        iridium_net::ClientError::Handshake { why, .. } => Some(why.clone()),
        _ => None,
    };
    assert_eq!(why(&error), Some(HandshakeError::WrongSecret), "{error:?}");
}

#[test]
fn nodes_meet_over_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        return; // This machine has none.
    }
    let security = secret();
    let start = |name: &str, seeds: &[SocketAddr]| {
        let mut config = config(name, &security);
        config.bind = "[::1]:0".parse().unwrap();
        with_seeds(config, seeds).0
    };
    let a = start("a", &[]);
    let b = start("b", &[a.local_addr()]);
    let c = start("c", &[]);
    // With a zone, as a person may write it.
    let zoned = format!("[::1%lo]:{}", b.local_addr().port());
    c.join(zoned.parse().unwrap()).unwrap();
    wait_for_mesh(&[&a, &b, &c]);
    assert_eq!(a.me().1.addr(), a.local_addr());
    let begun = Instant::now();
    c.shutdown();
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
}
