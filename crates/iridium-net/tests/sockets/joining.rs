//! Joining, leaving and coming back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use iridium_net::{Config, Event, JoinError, Manager, Secrets, Security, StartError};
use iridium_proto::{NodeInfo, NodeIp, NodePort, RejectReason, ViewState};

use crate::harness::*;

#[test]
fn three_nodes_become_one_mesh_with_a_connection_for_each_pair() {
    let security = secret();
    let nodes = mesh(&["a", "b", "c"], &security);
    for node in &nodes {
        wait_for("all are measured", || alive(node).iter().all(|m| m.rtt_us.is_some()));
        for member in alive(node) {
            let link = node.link(&member.info.alias).unwrap();
            assert_eq!(link.remote_ip(), member.info.ip.0);
            assert_ne!(link.local_port(), link.remote_port());
        }
    }
    // Each pair's two ends are the two ends of the same connection.
    for (i, a) in nodes.iter().enumerate() {
        for b in &nodes[i + 1..] {
            let there = a.link(&b.me().1.alias).unwrap();
            let back = b.link(&a.me().1.alias).unwrap();
            assert_eq!(there.local_port(), back.remote_port());
            assert_eq!(there.remote_port(), back.local_port());
        }
    }
}

#[test]
fn members_are_shown_with_the_ports_they_listen_at() {
    let security = secret();
    let nodes = mesh(&["a", "b", "c"], &security);
    let mut ports: Vec<u16> = nodes.iter().map(|n| n.local_addr().port()).collect();
    ports.sort_unstable();
    for node in &nodes {
        let mut shown: Vec<u16> = node.members().iter().map(|m| m.info.port.number()).collect();
        shown.sort_unstable();
        assert_eq!(shown, ports);
    }
}

#[test]
fn a_fourth_node_joins_through_one_that_is_not_the_first() {
    let security = secret();
    let nodes = mesh(&["a", "b", "c"], &security);
    let fourth = start("d", &security);
    let report = fourth.join(endpoint(&nodes[2])).unwrap();
    assert_eq!(report.seed, alias("c"));
    assert_eq!((report.members, report.unreachable), (4, vec![]));
    wait_for_mesh(&[&nodes[0], &nodes[1], &nodes[2], &fourth]);
}

#[test]
fn nodes_that_dial_each_other_at_once_keep_one_connection() {
    let security = secret();
    for _ in 0..10 {
        let (a, b) = (start("a", &security), start("b", &security));
        let events = events_from_now(&a);
        std::thread::scope(|scope| {
            let there = scope.spawn(|| a.join(endpoint(&b)));
            let back = scope.spawn(|| b.join(endpoint(&a)));
            there.join().unwrap().unwrap();
            back.join().unwrap().unwrap();
        });
        wait_for_mesh(&[&a, &b]);
        wait_for("both use the same connection", || {
            let ends = a.link(&alias("b")).zip(b.link(&alias("a")));
            ends.is_some_and(|(there, back)| there.local_port() == back.remote_port())
        });
        let up: Vec<Event> = events.try_iter().collect();
        assert!(matches!(up.as_slice(), [Event::Up { .. }]), "{up:?}");
    }
}

#[test]
fn many_at_once_through_different_seeds_meet() {
    let security = secret();
    let nodes = mesh(&["a", "b", "c"], &security);
    let newcomers: Vec<Manager> = (0..5)
        .map(|i| {
            let mut config = config(&format!("n{i}"), &security);
            config.seeds = vec![endpoint(&nodes[i % 3])];
            Manager::start(config).unwrap()
        })
        .collect();
    let all: Vec<&Manager> = nodes.iter().chain(&newcomers).collect();
    wait_for_mesh(&all);
}

#[test]
fn a_seed_that_comes_later_is_waited_for() {
    let security = secret();
    let place = std::net::TcpListener::bind(loopback()).unwrap();
    let addr = place.local_addr().unwrap();
    let mut early = config("early", &security);
    early.seeds = vec![addr.into()];
    let early = Manager::start(early).unwrap();
    let events = early.events();
    drop(place);
    let mut late = config("late", &security);
    late.bind = addr;
    let late = Manager::start(late).unwrap();
    wait_for_mesh(&[&early, &late]);
    let joined = next_event(&events, |e| matches!(e, Event::Joined(_)));
    assert!(matches!(joined, Event::Joined(report) if report.seed == alias("late")));
}

#[test]
fn a_node_that_stops_does_not_wait_for_one_that_it_has_just_reached() {
    use std::io::{Read, Write};
    let place = std::net::TcpListener::bind(loopback()).unwrap();
    let mut config = config("a", &Security::Insecure);
    config.seeds = vec![place.local_addr().unwrap().into()];
    let node = Manager::start(config).unwrap();
    let (mut seed, _) = place.accept().unwrap();
    let mut preamble = [0; 9];
    seed.read_exact(&mut preamble).unwrap();
    let begun = Instant::now();
    let stopping = std::thread::spawn({
        let node = node.clone();
        move || node.shutdown()
    });
    wait_for("its view of the cluster is empty", || node.members().is_empty());
    // Only now is there a connection, which nobody wants any more.
    seed.write_all(&preamble).unwrap();
    stopping.join().unwrap();
    drop(node);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn an_alias_that_is_taken_is_refused_by_name() {
    let security = secret();
    let nodes = mesh(&["a", "b"], &security);
    let twin = start("b", &security);
    let error = twin.join(endpoint(&nodes[0])).unwrap_err();
    let JoinError::Refused {
        reason: RejectReason::AliasTaken(NodeInfo { alias: taken, port, .. }),
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((taken, port.number()), (alias("b"), nodes[1].local_addr().port()));
    wait_for_mesh(&[&nodes[0], &nodes[1]]);
}

#[test]
fn joining_oneself_or_nobody_is_a_clear_error() {
    let security = secret();
    let node = start("a", &security);
    assert!(matches!(node.join(endpoint(&node)), Err(JoinError::Yourself { .. })));
    let nobody = std::net::TcpListener::bind(loopback()).unwrap().local_addr().unwrap();
    let error = node.join(nobody.into()).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot reach {nobody}: nobody listens there"));
}

#[test]
fn one_who_leaves_is_left_at_once_and_not_dialled_again() {
    let security = secret();
    let nodes = mesh(&["a", "b", "c"], &security);
    let events = events_from_now(&nodes[0]);
    let id = nodes[2].me().0;
    let begun = Instant::now();
    nodes[2].leave();
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(nodes[2].members().is_empty());
    assert_eq!(next_event(&events, |_| true), Event::Left { id });
    wait_for("left at all", || {
        nodes[..2].iter().all(|n| state_of(n, "c") == Some(ViewState::Left))
    });
    assert!(matches!(nodes[2].join(endpoint(&nodes[0])), Err(JoinError::Stopped)));
}

#[test]
fn a_node_that_was_shut_down_comes_back_by_itself_in_a_new_life() {
    let security = secret();
    let root = tempfile::tempdir().unwrap();
    let (a, b) = pair_in(root.path(), &security);
    let events = events_from_now(&a);
    let earlier = b.me().0;
    b.shutdown();
    drop(b);
    assert_eq!(next_event(&events, |_| true), Event::Left { id: earlier.clone() });
    let b = start_in(root.path(), "b", &security);
    let Event::Up { id, .. } = next_event(&events, |_| true) else { panic!("not up") };
    assert_eq!(id, b.me().0);
    assert!(id.incarnation > earlier.incarnation);
    wait_for_mesh(&[&a, &b]);
}

#[test]
fn a_node_that_left_does_not_come_back_by_itself() {
    let security = secret();
    let root = tempfile::tempdir().unwrap();
    let (_a, b) = pair_in(root.path(), &security);
    b.leave();
    drop(b);
    let peers = std::fs::read_to_string(root.path().join("b/peers")).unwrap();
    assert_eq!(peers.lines().count(), 1, "{peers}");
}

#[test]
fn what_cannot_be_started_says_why() {
    let security = secret();
    let root = tempfile::tempdir().unwrap();
    let first = start_in(root.path(), "a", &security);
    let mut again = config("a", &security);
    again.data_root = Some(root.path().into());
    let error = Manager::start(again).err().unwrap();
    assert!(matches!(error, StartError::AliasInUse { .. }), "{error}");
    let mut busy = config("b", &security);
    busy.bind = first.local_addr();
    let error = Manager::start(busy).err().unwrap();
    assert!(error.to_string().contains(&first.local_addr().to_string()), "{error}");
    let mut elsewhere = config("c", &security);
    elsewhere.bind = SocketAddr::from(([192, 0, 2, 1], 0));
    assert!(matches!(Manager::start(elsewhere), Err(StartError::Bind { .. })));
    let file = root.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut no_folder = config("d", &security);
    no_folder.data_root = Some(file.clone());
    let error = Manager::start(no_folder).err().unwrap().to_string();
    assert!(error.contains(file.to_str().unwrap()), "{error}");
}

#[test]
fn without_an_alias_a_second_node_of_the_same_files_is_a_temporary_one() {
    let security = secret();
    let root = tempfile::tempdir().unwrap();
    let start = || {
        let mut config = Config::new(loopback(), security.clone());
        config.data_root = Some(root.path().into());
        Manager::start(config).unwrap()
    };
    let first = start();
    let second = start();
    assert_ne!(first.me().0.alias, second.me().0.alias);
    let name = first.me().0.alias;
    drop((first, second));
    assert_eq!(start().me().0.alias, name);
}

#[test]
fn the_published_address_is_one_that_others_can_dial() {
    let security = secret();
    let seed = start("seed", &security);
    // Bound to every address: the one it is seen under.
    let mut anywhere = config("anywhere", &security);
    anywhere.bind = SocketAddr::from(([0, 0, 0, 0], 0));
    let anywhere = Manager::start(anywhere).unwrap();
    anywhere.join(endpoint(&seed)).unwrap();
    let port = anywhere.local_addr().port();
    assert_eq!(anywhere.me().1.addr(), SocketAddr::from(([127, 0, 0, 1], port)));
    wait_for_mesh(&[&seed, &anywhere]);
    // One that others join learns its address from them.
    let mut found = config("found", &security);
    found.bind = SocketAddr::from(([0, 0, 0, 0], 0));
    let found = Manager::start(found).unwrap();
    let there = SocketAddr::from(([127, 0, 0, 1], found.local_addr().port()));
    let visitor = start("visitor", &security);
    visitor.join(there.into()).unwrap();
    assert_eq!(found.me().1.addr(), there);
    assert_eq!(alive(&seed)[0].info.addr(), SocketAddr::from(([127, 0, 0, 1], port)));
    // Advertised: that one, whatever it is seen under.
    let mut public = config("public", &security);
    let ip = NodeIp("127.0.0.2".parse().unwrap());
    public.advertise = Some((ip, Some(NodePort::new(9999).unwrap())));
    let public = Manager::start(public).unwrap();
    public.join(endpoint(&seed)).unwrap();
    wait_for("public is alive", || state_of(&seed, "public") == Some(ViewState::Alive));
    let shown = seed.members().into_iter().find(|m| m.info.alias == alias("public")).unwrap();
    assert_eq!(shown.info.addr(), SocketAddr::from(([127, 0, 0, 2], 9999)));
}

#[test]
fn two_meshes_that_meet_become_one() {
    let security = secret();
    let left = mesh(&["a", "b"], &security);
    let right = mesh(&["c", "d"], &security);
    right[1].join(endpoint(&left[1])).unwrap();
    wait_for_mesh(&[&left[0], &left[1], &right[0], &right[1]]);
}

#[test]
fn while_a_secret_is_being_replaced_old_and_new_nodes_meet() {
    let dir = tempfile::tempdir().unwrap();
    let [old, new] = ["old", "new"].map(|name| dir.path().join(name));
    let only_old = Secrets::create(&old).unwrap();
    let only_new = Secrets::create(&new).unwrap();
    // Both keys, the new one first: offered is the new one, accepted are both.
    let both = dir.path().join("both");
    std::fs::copy(&new, &both).unwrap();
    let keys = [&new, &old].map(|path| std::fs::read_to_string(path).unwrap());
    std::fs::write(&both, keys.concat()).unwrap();
    let both = start("both", &Security::Secret(Secrets::load(&both).unwrap()));
    let old = start("old", &Security::Secret(only_old));
    let new = start("new", &Security::Secret(only_new));
    old.join(endpoint(&both)).unwrap();
    new.join(endpoint(&both)).unwrap();
    wait_for("both are there", || alive(&both).len() == 2);
    let error = new.join(endpoint(&old)).unwrap_err();
    assert!(matches!(error, JoinError::Handshake { .. }), "{error}");
}

#[test]
fn without_encryption_the_same_mesh_forms() {
    let nodes = mesh(&["a", "b", "c"], &Security::Insecure);
    assert_eq!(alive(&nodes[2]).len(), 2);
}

#[test]
fn dropping_the_last_handle_stops_the_node() {
    let security = secret();
    let nodes = mesh(&["a", "b"], &security);
    let addr = nodes[1].local_addr();
    let mut nodes = nodes.into_iter();
    let a = nodes.next().unwrap();
    drop(nodes);
    wait_for("b has left", || state_of(&a, "b") == Some(ViewState::Left));
    assert!(std::net::TcpStream::connect(addr).is_err(), "nobody listens any more");
}
