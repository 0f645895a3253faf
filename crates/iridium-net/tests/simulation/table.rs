//! Each row of the table of joins, and each sentence on failure detection, as a
//! scenario of its own; most under several seeds.

use std::time::Duration;

use iridium_net::{Event, JoinError};
use iridium_proto::{NodeInfo, RejectReason, ViewState};

use crate::world::{MS, Machine, World};

pub const SECOND: Duration = Duration::from_secs(1);

pub fn until(world: &mut World, within: Duration, what: &str, condition: impl Fn(&World) -> bool) {
    let end = world.now + within;
    assert!(world.run_until(end, condition), "{what}: {:?}", world.flaw());
}

/// Machines 0 to n-1 as one mesh; `more` machines are still off.
pub fn mesh(seed: u64, n: usize, more: usize) -> World {
    let mut world = World::new(seed, n + more);
    world.start(0, &[]);
    for machine in 1..n {
        world.start(machine, &[0]);
    }
    until(&mut world, 5 * SECOND, "a mesh to begin with", World::is_one_mesh);
    world
}

pub fn isolate(world: &mut World, machine: Machine) {
    world.partition(&[machine]);
}

pub fn count(world: &World, machine: Machine, wanted: impl Fn(&Event) -> bool) -> usize {
    world.nodes[machine].events().iter().filter(|(_, event)| wanted(event)).count()
}

pub fn refusal(world: &World, machine: Machine) -> Option<RejectReason> {
    world.nodes[machine].joined.iter().find_map(|outcome| match outcome {
        Err(JoinError::Refused { reason, .. }) => Some(reason.clone()),
        _ => None,
    })
}

#[test]
fn joining_is_idempotent() {
    let mut world = mesh(1, 3, 0);
    let links = world.links();
    for _ in 0..3 {
        world.join(2, 0);
        world.join(2, 1);
        world.run_for(SECOND);
    }
    assert_eq!(world.links(), links);
    assert!(world.nodes[2].joined.iter().all(Result::is_ok));
}

#[test]
fn any_member_can_be_the_seed() {
    for seed in 0..3 {
        let mut world = mesh(seed as u64, 3, 1);
        world.start(3, &[seed]);
        until(&mut world, SECOND, "learns all and is learned by all", World::is_one_mesh);
    }
}

#[test]
fn a_seed_that_vanishes_half_way_is_survived() {
    for delay in 0..40 {
        let mut world = mesh(delay, 3, 1);
        world.start(3, &[0, 1]);
        world.run_for(Duration::from_micros(delay * 200));
        world.kill(0);
        until(&mut world, 8 * SECOND, "joins through the other seed", World::is_one_mesh);
    }
    // Also when it was the only one, once it is back.
    for delay in 0..40 {
        let mut world = World::new(delay, 2);
        world.start(0, &[]);
        world.start(1, &[0]);
        world.run_for(Duration::from_micros(delay * 200));
        world.kill(0);
        world.run_for(3 * SECOND);
        world.start(0, &[]);
        until(&mut world, 10 * SECOND, "joins when the seed is back", World::is_one_mesh);
    }
}

#[test]
fn both_ends_that_dial_at_once_keep_the_same_one_connection() {
    for seed in 0..300 {
        let mut world = World::new(seed, 2);
        world.start(0, &[1]);
        let pause = world.dice.between(Duration::ZERO, 6 * MS);
        world.run_for(pause);
        world.start(1, &[0]);
        until(&mut world, 8 * SECOND, "one connection", World::is_one_mesh);
        // That no message was lost on the other is checked by the observers.
        assert_eq!(count(&world, 0, |e| matches!(e, Event::Suspect { .. })), 0, "seed {seed}");
    }
}

#[test]
fn one_that_dials_twice_keeps_one_connection() {
    for seed in 0..100 {
        let mut world = World::new(seed, 2);
        world.start(0, &[]);
        world.start(1, &[0, 0]);
        let pause = world.dice.between(Duration::ZERO, 6 * MS);
        world.run_for(pause);
        world.join(1, 0);
        until(&mut world, 3 * SECOND, "one connection", World::is_one_mesh);
        assert_eq!(count(&world, 0, |e| matches!(e, Event::Suspect { .. })), 0, "seed {seed}");
    }
}

#[test]
fn newcomers_through_different_seeds_at_the_same_instant_meet() {
    for seed in 0..100 {
        let mut world = mesh(seed, 4, 3);
        for newcomer in 4..7 {
            world.start(newcomer, &[newcomer - 4]);
        }
        let by_next_heartbeat = world.timing.heartbeat + 200 * MS;
        until(&mut world, by_next_heartbeat, "all meet", World::is_one_mesh);
    }
}

#[test]
fn a_seed_that_is_oneself_is_recognised() {
    let mut world = mesh(1, 2, 0);
    world.join(0, 0);
    world.run_for(SECOND);
    let last = world.nodes[0].joined.last();
    assert!(matches!(last, Some(Err(JoinError::Yourself { .. }))), "{last:?}");
    assert_eq!(world.flaw(), None);
}

#[test]
fn an_alias_of_a_live_node_is_refused_with_the_reason() {
    for (holder, newcomer) in [(50, 10), (50, 90)] {
        let mut world = mesh(1, 1, 3);
        world.nodes[1].incarnation = holder;
        world.start(1, &[0]);
        world.start(2, &[0]);
        until(&mut world, SECOND, "a mesh", World::is_one_mesh);
        world.nodes[3].alias = world.nodes[1].alias.clone();
        world.nodes[3].incarnation = newcomer;
        world.start(3, &[0]);
        world.run_for(2 * SECOND);
        let reason = refusal(&world, 3);
        let Some(RejectReason::AliasTaken(NodeInfo { ip, .. })) = reason else {
            panic!("{reason:?}")
        };
        assert_eq!(ip.0, world.nodes[1].addr.ip(), "the holder is named");
        assert_eq!(count(&world, 3, |e| matches!(e, Event::Excluded(_))), 1);
        world.kill(3);
        world.run_for(2 * SECOND);
        assert_eq!(world.flaw(), None);
        assert_eq!(count(&world, 0, |e| matches!(e, Event::Down { .. })), 0);
    }
}

#[test]
fn the_seeds_own_alias_is_refused_too() {
    let mut world = mesh(1, 2, 1);
    world.nodes[2].alias = world.nodes[0].alias.clone();
    world.nodes[2].incarnation = 7;
    world.start(2, &[0]);
    world.run_for(2 * SECOND);
    assert!(matches!(refusal(&world, 2), Some(RejectReason::AliasTaken(_))));
}

#[test]
fn a_dead_holder_of_an_alias_is_replaced() {
    // Its machine is cut off, so nobody knows yet that it is dead.
    let mut world = mesh(1, 3, 1);
    isolate(&mut world, 1);
    world.blocked.retain(|pair| *pair != (3, 1) && *pair != (1, 3));
    world.nodes[3].alias = world.nodes[1].alias.clone();
    world.nodes[3].incarnation = world.nodes[1].incarnation;
    world.kill(1);
    world.start(3, &[0]);
    until(&mut world, 2 * SECOND, "the newcomer replaces it at the seed", |w| {
        w.sees(0, 3) == Some(ViewState::Alive) && w.view(0).iter().any(|m| m.id == w.id(3))
    });
    assert_eq!(refusal(&world, 3), None);
}

#[test]
fn an_alias_with_an_older_incarnation_comes_back_with_a_larger_one() {
    let mut world = mesh(1, 3, 1);
    world.nodes[1].incarnation = 50;
    world.kill(1);
    world.run_for(SECOND);
    world.start(1, &[]);
    until(&mut world, SECOND, "incarnation 51", World::is_one_mesh);
    world.kill(1);
    world.run_for(SECOND);
    // The same alias from a machine whose disk knows nothing of that.
    world.nodes[3].alias = world.nodes[1].alias.clone();
    world.start(3, &[0]);
    until(&mut world, 2 * SECOND, "a larger one", World::is_one_mesh);
    assert!(world.id(3).incarnation > 51);
    assert_eq!(world.nodes[3].incarnation, world.id(3).incarnation, "it is remembered");
}

#[test]
fn a_node_number_that_is_taken_is_drawn_again() {
    let mut world = mesh(1, 2, 1);
    world.nodes[2].fixed_number = Some(world.id(0).number.number());
    world.start(2, &[1]);
    until(&mut world, 2 * SECOND, "another number", World::is_one_mesh);
    assert_ne!(world.id(2).number, world.id(0).number);
}

#[test]
fn a_node_number_that_is_taken_and_in_use_is_a_reason_to_refuse() {
    let mut world = mesh(1, 2, 1);
    world.nodes[2].fixed_number = Some(world.id(0).number.number());
    world.nodes[2].may_renumber = false;
    world.start(2, &[1]);
    world.run_for(2 * SECOND);
    assert_eq!(refusal(&world, 2), Some(RejectReason::NumberTaken));
}

#[test]
fn a_restarted_node_replaces_its_earlier_life_at_once_everywhere() {
    for (seed, moves) in [(1, false), (2, true), (3, false), (4, true)] {
        let mut world = mesh(seed, 4, 0);
        let earlier = world.id(1);
        world.kill(1);
        if moves {
            world.nodes[1].addr.set_port(9999);
        }
        world.start(1, &[]);
        until(&mut world, SECOND, "back by itself", World::is_one_mesh);
        for other in [0, 2, 3] {
            let down = |e: &Event| matches!(e, Event::Down { id } if *id == earlier);
            assert_eq!(count(&world, other, down), 1);
            let Some((_, Event::Up { id, .. })) = world.nodes[other].events().last() else {
                panic!("{:?}", world.nodes[other].events());
            };
            assert_eq!(*id, world.id(1));
        }
    }
}

#[test]
fn a_killed_node_is_down_everywhere_within_a_second() {
    for seed in 0..50 {
        let mut world = mesh(seed, 5, 0);
        let id = world.id(2);
        world.kill(2);
        world.run_for(SECOND);
        for other in [0, 1, 3, 4] {
            assert_eq!(world.sees(other, 2), Some(ViewState::Down));
            let down = |e: &Event| matches!(e, Event::Down { id: i } if *i == id);
            assert_eq!(count(&world, other, down), 1, "announced exactly once");
        }
    }
}

#[test]
fn one_that_left_stays_away_whatever_is_said_of_it() {
    let mut world = mesh(1, 4, 0);
    // Node 3 hears nothing of the goodbye and goes on believing.
    isolate(&mut world, 3);
    let id = world.id(2);
    world.leave(2);
    world.run_for(SECOND);
    world.blocked.clear();
    world.run_for(20 * SECOND);
    for other in [0, 1, 3] {
        assert_eq!(world.sees(other, 2), Some(ViewState::Left), "at {other}");
        let up = |e: &Event| matches!(e, Event::Up { id: i, .. } if *i == id);
        assert_eq!(count(&world, other, up), 1, "never up again");
    }
    assert_eq!(world.flaw(), None);
}

#[test]
fn the_gone_are_forgotten_in_the_end() {
    let mut world = World::new(1, 3);
    world.timing.forget_after = 60 * SECOND;
    for machine in 0..3 {
        world.start(machine, &[0]);
    }
    until(&mut world, 5 * SECOND, "a mesh", World::is_one_mesh);
    world.kill(1);
    world.leave(2);
    world.run_for(30 * SECOND);
    assert_eq!(world.view(0).len(), 3);
    world.run_for(40 * SECOND);
    assert_eq!(world.view(0).len(), 1, "{:?}", world.view(0));
}

#[test]
fn two_meshes_that_meet_become_one() {
    for seed in 0..20 {
        let mut world = World::new(seed, 7);
        for machine in 0..7 {
            let first = if machine < 4 { 0 } else { 4 };
            world.start(machine, &[first]);
        }
        world.run_for(3 * SECOND);
        assert!(!world.is_one_mesh());
        world.join(6, 2);
        until(&mut world, 2 * SECOND, "one mesh", World::is_one_mesh);
    }
}

#[test]
fn silence_makes_suspect_after_two_seconds_and_down_after_four_and_a_half() {
    for seed in 0..20 {
        let mut world = mesh(seed, 4, 0);
        isolate(&mut world, 3);
        world.run_for(1400 * MS);
        assert_eq!(world.sees(0, 3), Some(ViewState::Alive));
        world.run_for(700 * MS);
        assert_eq!(world.sees(0, 3), Some(ViewState::Suspect));
        world.run_for(1800 * MS);
        assert_eq!(world.sees(0, 3), Some(ViewState::Suspect));
        world.run_for(600 * MS);
        for other in 0..3 {
            assert_eq!(world.sees(other, 3), Some(ViewState::Down), "at {other}, seed {seed}");
        }
    }
}

#[test]
fn one_that_others_still_reach_is_never_given_up() {
    let mut world = mesh(1, 5, 0);
    world.blocked.insert((0, 1));
    world.blocked.insert((1, 0));
    world.run_for(60 * SECOND);
    for (a, b) in [(0, 1), (1, 0)] {
        assert_ne!(world.sees(a, b), Some(ViewState::Down));
        assert_eq!(count(&world, a, |e| matches!(e, Event::Down { .. })), 0);
    }
    world.blocked.clear();
    until(&mut world, 5 * SECOND, "linked again", World::is_one_mesh);
}

#[test]
fn a_node_that_was_stopped_doubts_itself_first() {
    for seed in 0..10 {
        let mut world = mesh(seed, 4, 0);
        let id = world.id(0);
        world.nodes[0].paused = true;
        world.run_for(60 * SECOND);
        assert!((1..4).all(|other| world.sees(other, 0) == Some(ViewState::Down)));
        world.nodes[0].paused = false;
        until(&mut world, 10 * SECOND, "one mesh again", World::is_one_mesh);
        assert_eq!(world.id(0), id, "the same process");
        let refuted = |world: &World| world.nodes[0].refutation > 0;
        until(&mut world, 2 * SECOND, "it contradicts the rumour of its end", refuted);
        assert_eq!(count(&world, 0, |e| matches!(e, Event::Down { .. })), 0, "it accused nobody");
    }
}

#[test]
fn a_short_stop_is_forgiven() {
    let mut world = mesh(3, 3, 0);
    world.nodes[1].paused = true;
    world.run_for(3 * SECOND);
    world.nodes[1].paused = false;
    world.run_for(3 * SECOND);
    assert_eq!(world.flaw(), None);
    for node in 0..3 {
        assert_eq!(count(&world, node, |e| matches!(e, Event::Down { .. })), 0);
    }
}

#[test]
fn a_long_partition_heals_within_ten_seconds() {
    let mut world = mesh(5, 6, 0);
    world.partition(&[0, 1, 2]);
    world.run_for(Duration::from_secs(3600));
    world.blocked.clear();
    until(&mut world, 10 * SECOND, "one mesh again", World::is_one_mesh);
}

#[test]
fn when_all_are_killed_and_come_back_they_find_each_other() {
    let mut world = mesh(9, 5, 0);
    for machine in 0..5 {
        world.kill(machine);
    }
    world.run_for(5 * SECOND);
    for machine in 0..5 {
        world.start(machine, &[]);
    }
    until(&mut world, 5 * SECOND, "without any seed", World::is_one_mesh);
}

#[test]
fn a_node_that_nobody_can_dial_is_told_so() {
    for walled in [false, true] {
        let mut world = mesh(1, 2, 1);
        world.nodes[2].hides_ip = true;
        if walled {
            world.walled.extend([(0, 2), (1, 2)]);
        }
        world.start(2, &[0]);
        world.run_for(5 * SECOND);
        assert_eq!(world.flaw(), None, "it dials the others itself");
        let announced = |e: &Event| matches!(e, Event::NotDialable { info } if info.addr() == world.nodes[2].addr);
        assert_eq!(count(&world, 2, announced), usize::from(walled));
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut world = mesh(seed, 5, 0);
        world.kill(2);
        world.run_for(3 * SECOND);
        world.start(2, &[]);
        world.run_for(3 * SECOND);
        let events = world.nodes.iter().map(|n| format!("{:?}", n.events()));
        events.collect::<Vec<_>>()
    };
    assert_eq!(run(11), run(11));
    assert_ne!(run(11), run(12));
}
