//! How a node finds the others: any list of seeds, with this node itself, with names, with dead
//! ones and with such that refuse it. Only a refusal by all of them, for good, excludes it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use iridium_net::membership::{Action, DialFailure, Input, Membership, Start, Timing};
use iridium_net::{Endpoint, Event, HandshakeError, JoinError};
use iridium_proto::{Features, Introduction, NodeId, NodeNumber, RejectReason};

use crate::world::{MS, Machine, World};

const SECOND: Duration = Duration::from_secs(1);
/// The longest pause between two attempts to join, and what an attempt takes.
const NEXT_ATTEMPT: Duration = Duration::from_secs(5);
/// When every seed has had its time.
const ALL_TRIED: Duration = Duration::from_secs(10);

fn name(host: &str) -> Endpoint {
    Endpoint::Name { host: host.into(), port: 2254 }
}

fn addresses(world: &World, machines: &[Machine]) -> Vec<SocketAddr> {
    machines.iter().map(|&machine| world.nodes[machine].addr).collect()
}

fn until_one_mesh(world: &mut World, within: Duration, what: &str) {
    let end = world.now + within;
    assert!(world.run_until(end, World::is_one_mesh), "{what}: {:?}", world.flaw());
}

fn excluded(world: &World, machine: Machine) -> Vec<JoinError> {
    let events = world.nodes[machine].events().iter();
    let error = |event: &Event| match event {
        Event::Excluded(error) => Some(error.clone()),
        _ => None,
    };
    events.filter_map(|(_, event)| error(event)).collect()
}

fn failed(world: &World, machine: Machine) -> usize {
    world.nodes[machine].joined.iter().filter(|outcome| outcome.is_err()).count()
}

/// What a seed can be.
#[derive(Debug, Clone, PartialEq)]
enum Seed {
    /// A node of the cluster.
    Member,
    /// The node that joins.
    Itself,
    /// Nobody is at the address.
    Silent,
    /// A dial of it comes to this.
    Stranger(DialFailure),
    /// A name that is not known.
    Nameless,
}

fn for_good() -> Vec<DialFailure> {
    [
        HandshakeError::WrongSecret,
        HandshakeError::NoCommonVersion { low: 7, high: 9 },
        HandshakeError::NotIridium("HTTP".into()),
        HandshakeError::TheyAreInsecure,
        HandshakeError::WeAreInsecure,
        HandshakeError::Broken("a handshake message of 65535 bytes".into()),
        HandshakeError::ControlOnly("nodes join at port 2254".into()),
    ]
    .map(DialFailure::Handshake)
    .into()
}

fn for_now() -> Vec<Seed> {
    let reset = DialFailure::Unreachable("the connection was closed".into());
    vec![Seed::Silent, Seed::Stranger(DialFailure::Refused), Seed::Stranger(reset), Seed::Nameless]
}

fn another_cluster() -> Seed {
    Seed::Stranger(DialFailure::Handshake(HandshakeError::WrongSecret))
}

/// Machine 0 is a member, 1 joins by these seeds.
fn join_by(seeds: &[Seed]) -> World {
    let mut world = World::new(1, 2);
    world.start(0, &[]);
    let endpoints = seeds.iter().enumerate().map(|(i, seed)| {
        let addr = SocketAddr::from(([192, 0, 2, i as u8 + 1], 2254));
        match seed {
            Seed::Member => Endpoint::Addr(world.nodes[0].addr),
            Seed::Itself => Endpoint::Addr(world.nodes[1].addr),
            Seed::Silent => Endpoint::Addr(addr),
            Seed::Stranger(failure) => {
                world.strangers.insert(addr, failure.clone());
                Endpoint::Addr(addr)
            }
            Seed::Nameless => name(&format!("unknown{i}")),
        }
    });
    let endpoints = endpoints.collect();
    world.start_with(1, endpoints);
    world
}

#[test]
fn the_same_list_can_be_given_to_every_node_in_any_order() {
    for seed in 0..60 {
        let mut world = World::new(seed, 4);
        let mut list = vec![0, 1, 2, 3];
        for machine in 0..4 {
            let (a, b) = (world.dice.below(4), world.dice.below(4));
            list.swap(a, b);
            world.start(machine, &list);
            let pause = world.dice.between(Duration::ZERO, 2 * SECOND);
            world.run_for(pause);
        }
        until_one_mesh(&mut world, NEXT_ATTEMPT, "a mesh");
        world.run_for(ALL_TRIED);
        assert_eq!(world.flaw(), None);
        for machine in 0..4 {
            assert_eq!(failed(&world, machine), 0, "no seed is a failure");
            assert_eq!(excluded(&world, machine), []);
        }
    }
}

#[test]
fn one_name_for_all_members_is_enough() {
    for seed in 0..60 {
        let mut world = World::new(seed, 5);
        let all = addresses(&world, &[0, 1, 2, 3, 4]);
        world.names.insert("all".into(), all);
        for machine in 0..5 {
            world.start_with(machine, vec![name("all")]);
            let pause = world.dice.between(Duration::ZERO, 20 * MS);
            world.run_for(pause);
        }
        until_one_mesh(&mut world, NEXT_ATTEMPT, "one mesh, no islands");
    }
}

#[test]
fn the_first_of_a_set_comes_up_alone_and_meets_the_next() {
    // As in a service whose name lists the members that are there.
    for first_answer in [None, Some(vec![]), Some(vec![0])] {
        let mut world = World::new(2, 2);
        if let Some(machines) = &first_answer {
            let addrs = addresses(&world, machines);
            world.names.insert("all".into(), addrs);
        }
        world.start_with(0, vec![name("all")]);
        world.run_for(60 * SECOND);
        assert!(world.is_up(0) && excluded(&world, 0).is_empty(), "{first_answer:?}");
        let both = addresses(&world, &[0, 1]);
        // It is found although it does not look itself.
        world.names.insert("all".into(), both);
        world.start(1, &[]);
        until_one_mesh(&mut world, NEXT_ATTEMPT, "found by name");
    }
}

#[test]
fn a_seed_that_is_oneself_is_tried_again_while_one_is_alone() {
    // Behind the address of a service another node may answer the next time.
    let mut world = join_by(&[Seed::Itself]);
    world.run_for(60 * SECOND);
    assert_eq!((failed(&world, 1), excluded(&world, 1)), (0, vec![]));
    // The service now leads to the member.
    let (member, service) = (world.nodes[0].addr, world.nodes[1].addr);
    world.kill(0);
    world.nodes[0].addr = service;
    world.nodes[1].addr = member;
    world.start(0, &[]);
    until_one_mesh(&mut world, NEXT_ATTEMPT, "met");
}

#[test]
fn bad_seeds_do_not_delay_a_good_one_wherever_it_stands() {
    let bad = [
        for_now(),
        for_good().into_iter().map(Seed::Stranger).collect(),
        vec![Seed::Itself, another_cluster(), Seed::Nameless, Seed::Silent],
    ];
    for bad in bad {
        for place in 0..=bad.len() {
            let mut seeds = bad.clone();
            seeds.insert(place, Seed::Member);
            let mut world = join_by(&seeds);
            until_one_mesh(&mut world, 100 * MS, "joined at once");
            world.run_for(60 * SECOND);
            assert_eq!(excluded(&world, 1), [], "{seeds:?}");
            assert_eq!(world.flaw(), None);
        }
    }
}

#[test]
fn a_node_is_excluded_when_every_seed_has_refused_it_for_good_and_only_then() {
    for failure in for_good() {
        let refused = Seed::Stranger(failure.clone());
        let DialFailure::Handshake(why) = &failure else { panic!("{failure:?}") };
        for seeds in [
            vec![refused.clone()],
            vec![refused.clone(), another_cluster()],
            vec![refused.clone(), Seed::Itself],
        ] {
            let mut world = join_by(&seeds);
            world.run_for(60 * SECOND);
            let errors = excluded(&world, 1);
            let [JoinError::Handshake { why: reported, .. }] = errors.as_slice() else {
                panic!("{seeds:?}: {errors:?}")
            };
            assert_eq!(reported, why, "the first is reported, once");
        }
        for other in for_now() {
            for seeds in [[refused.clone(), other.clone()], [other.clone(), refused.clone()]] {
                let mut world = join_by(&seeds);
                world.run_for(60 * SECOND);
                assert_eq!(excluded(&world, 1), [], "{seeds:?}");
                assert_eq!(failed(&world, 1), 1, "the refusal is reported: {seeds:?}");
            }
        }
    }
    for seeds in for_now().into_iter().map(|seed| vec![seed]).chain([for_now()]) {
        let mut world = join_by(&seeds);
        world.run_for(60 * SECOND);
        assert_eq!((excluded(&world, 1), failed(&world, 1)), (vec![], 0), "{seeds:?}");
    }
}

#[test]
fn a_taken_alias_excludes_unless_another_seed_may_take_the_node() {
    for (more, is_excluded) in [
        (None, true),
        (Some(another_cluster()), true),
        (Some(Seed::Itself), true),
        (Some(Seed::Silent), false),
        (Some(Seed::Nameless), false),
    ] {
        let mut world = World::new(3, 3);
        world.start(0, &[]);
        world.start(1, &[0]);
        until_one_mesh(&mut world, SECOND, "a mesh");
        world.nodes[2].alias = world.nodes[1].alias.clone();
        world.nodes[2].incarnation = 99;
        let mut seeds = vec![Endpoint::Addr(world.nodes[0].addr)];
        match &more {
            Some(Seed::Itself) => seeds.push(Endpoint::Addr(world.nodes[2].addr)),
            Some(Seed::Nameless) => seeds.push(name("unknown")),
            Some(Seed::Stranger(failure)) => {
                let addr = SocketAddr::from(([192, 0, 2, 1], 2254));
                world.strangers.insert(addr, failure.clone());
                seeds.push(Endpoint::Addr(addr));
            }
            Some(_) => seeds.push(Endpoint::Addr(SocketAddr::from(([192, 0, 2, 1], 2254)))),
            None => {}
        }
        world.start_with(2, seeds);
        world.run_for(60 * SECOND);
        let errors = excluded(&world, 2);
        assert_eq!(errors.len(), usize::from(is_excluded), "{more:?}: {errors:?}");
        let refused = world.nodes[2].joined.iter().any(|outcome| {
            matches!(outcome, Err(JoinError::Refused { reason: RejectReason::AliasTaken(_), .. }))
        });
        assert!(refused, "{:?}", world.nodes[2].joined);
    }
}

#[test]
fn what_is_behind_a_seed_may_change() {
    let dead = Seed::Stranger(DialFailure::Refused);
    // It turns out to belong to another cluster as well.
    let mut world = join_by(&[another_cluster(), dead.clone()]);
    world.run_for(20 * SECOND);
    assert_eq!(excluded(&world, 1), []);
    for failure in world.strangers.values_mut() {
        *failure = DialFailure::Handshake(HandshakeError::WrongSecret);
    }
    world.run_for(NEXT_ATTEMPT);
    assert_eq!(excluded(&world, 1).len(), 1);
    // A member comes back.
    let mut world = join_by(&[another_cluster(), Seed::Member]);
    world.kill(0);
    world.run_for(20 * SECOND);
    assert_eq!(excluded(&world, 1), []);
    world.start(0, &[]);
    until_one_mesh(&mut world, NEXT_ATTEMPT, "joined");
}

#[test]
fn who_was_ever_in_the_cluster_is_not_excluded_by_a_late_seed() {
    let mut world = join_by(&[Seed::Member, Seed::Stranger(DialFailure::Refused)]);
    until_one_mesh(&mut world, SECOND, "joined");
    world.kill(0);
    for failure in world.strangers.values_mut() {
        *failure = DialFailure::Handshake(HandshakeError::WrongSecret);
    }
    world.run_for(60 * SECOND);
    assert_eq!((failed(&world, 1), excluded(&world, 1)), (1, vec![]));
    world.start(0, &[]);
    until_one_mesh(&mut world, 60 * SECOND, "found again");
    // Nor by seeds alone while those from an earlier run are being tried.
    world.kill(1);
    let stranger = *world.strangers.keys().next().unwrap();
    world.start_with(1, vec![Endpoint::Addr(stranger)]);
    until_one_mesh(&mut world, SECOND, "found by memory");
    assert_eq!(excluded(&world, 1), []);
}

#[test]
fn every_address_of_a_name_is_a_seed_in_its_own_right() {
    let stranger = SocketAddr::from(([192, 0, 2, 1], 2254));
    let silent = SocketAddr::from(([192, 0, 2, 2], 2254));
    let mut world = World::new(4, 2);
    let [member, own] = [world.nodes[0].addr, world.nodes[1].addr];
    for (addrs, joins, is_excluded) in [
        (vec![own, stranger, silent, member], true, false),
        (vec![silent, own, member], true, false),
        (vec![own, stranger], false, true),
        (vec![stranger], false, true),
        (vec![own, stranger, silent], false, false),
        (vec![own], false, false),
    ] {
        world = World::new(4, 2);
        world.strangers.insert(stranger, DialFailure::Handshake(HandshakeError::WrongSecret));
        world.names.insert("name".into(), addrs.clone());
        world.start(0, &[]);
        world.start_with(1, vec![name("name")]);
        if joins {
            until_one_mesh(&mut world, 200 * MS, "none takes the time of the others");
        }
        world.run_for(60 * SECOND);
        assert_eq!(excluded(&world, 1).len(), usize::from(is_excluded), "{addrs:?}");
        assert_eq!(world.is_one_mesh(), joins, "{addrs:?}");
    }
    let joined = |world: &World| world.nodes[1].joined.last().cloned();
    // So it is for a join that somebody has asked for, of which there is one outcome.
    for (addrs, outcome) in [
        (vec![own, stranger, silent, member], "Ok"),
        (vec![own, stranger, silent], "Handshake"),
        (vec![own, silent], "Unreachable"),
        (vec![own], "Yourself"),
    ] {
        world = World::new(5, 2);
        world.strangers.insert(stranger, DialFailure::Handshake(HandshakeError::WrongSecret));
        world.names.insert("name".into(), addrs.clone());
        world.start(0, &[]);
        world.start(1, &[]);
        world.ask_to_join(1, name("name"));
        world.run_for(ALL_TRIED);
        let last = format!("{:?}", joined(&world).unwrap());
        assert!(last.contains(outcome), "{addrs:?}: {last}");
        assert_eq!(world.nodes[1].joined.len(), 1);
    }
}

#[test]
fn a_name_that_takes_long_to_look_up_holds_nothing_up() {
    let mut world = World::new(6, 2);
    world.look_up_takes = 40 * SECOND;
    let member = world.nodes[0].addr;
    world.names.insert("slow".into(), vec![member]);
    world.start(0, &[]);
    world.start_with(1, vec![name("slow"), name("slow"), Endpoint::Addr(member)]);
    until_one_mesh(&mut world, 100 * MS, "joined by the other seed");
    // Alone it is waited for, and one who asked is told in time.
    let mut world = World::new(6, 2);
    world.look_up_takes = 40 * SECOND;
    world.names.insert("slow".into(), vec![member]);
    world.start(0, &[]);
    world.start_with(1, vec![name("slow")]);
    world.ask_to_join(1, name("slow"));
    world.run_for(ALL_TRIED);
    let asked = world.nodes[1].joined.clone();
    assert!(matches!(&asked[..], [Err(JoinError::Unreachable { .. })]), "{asked:?}");
    assert_eq!(excluded(&world, 1), []);
    assert_eq!(world.looked_up, 2, "each name once, as the first has no answer yet");
    until_one_mesh(&mut world, 31 * SECOND, "looked up at last");
}

/// A node that remembers a large cluster does not dial all of it at once, but all of it in the end.
#[test]
fn the_number_of_dials_at_a_time_is_bounded() {
    let alias = iridium_proto::NodeAlias::new("a").unwrap();
    let mut world = World::new(1, 1);
    let mut info = world.nodes.remove(0).info();
    info.alias = alias.clone();
    let id = NodeId { alias, incarnation: 1, number: NodeNumber::new(1).unwrap() };
    let start = Start {
        intro: Introduction { info, id, refutation: 0 },
        timing: Timing::lan(),
        features: Features::NONE,
        remembered: Vec::new(),
        may_renumber: true,
        seed: 1,
    };
    let mut now = Duration::ZERO;
    let mut core = Membership::new(start, now);
    for i in 0..200 {
        core.join(Endpoint::Addr(SocketAddr::from(([10, 1, 0, i], 2254))), true, now);
    }
    let mut met = BTreeSet::new();
    while met.len() < 200 {
        let mut dials = Vec::new();
        while let Some(action) = core.poll_action() {
            if let Action::Dial { dial, to } = action {
                dials.push(dial);
                met.insert(to);
            }
        }
        assert!(dials.len() <= 64, "{} at a time", dials.len());
        assert!(now < 60 * SECOND, "only {} were dialled", met.len());
        now += 100 * MS;
        for dial in dials {
            core.handle(Input::DialFailed { dial, failure: DialFailure::Refused }, now);
        }
        core.handle_timeout(now);
    }
}
