//! What grows with the number of nodes, and what must not: the messages of a join and of a mesh at
//! rest, the time until all know of an end, and the dials of those that are down.

use std::time::Duration;

use iridium_net::Event;
use iridium_proto::ViewState;

use crate::table::{SECOND, count, until};
use crate::traffic::Traffic;
use crate::world::{MS, Machine, World};

/// So many nodes that start at once, each with a seed among those before it, and more that are off.
fn formed(n: usize, more: usize) -> World {
    let mut world = World::new(7, n + more);
    world.start(0, &[]);
    for machine in 1..n {
        let seed = world.dice.below(machine);
        world.start(machine, &[seed]);
    }
    until(&mut world, 10 * SECOND, "a mesh to begin with", World::is_one_mesh);
    world
}

/// What is sent meanwhile.
fn during(world: &mut World, what: impl FnOnce(&mut World)) -> Traffic {
    world.traffic = Traffic::default();
    what(world);
    std::mem::take(&mut world.traffic)
}

/// What one more node costs.
fn join(world: &mut World, newcomer: Machine) -> Traffic {
    during(world, |world| {
        world.start(newcomer, &[0]);
        until(world, SECOND, "it joins", World::is_one_mesh);
        world.run_for(2 * SECOND);
    })
}

/// What a node sends in a second.
fn at_rest(world: &mut World) -> Traffic {
    let nodes = world.up().len() as u64;
    let sent = during(world, |world| world.run_for(10 * SECOND));
    sent.share(10 * nodes)
}

#[test]
fn a_join_costs_some_messages_for_each_member() {
    for members in [10, 20, 40] {
        let mut world = formed(members, 1);
        world.run_for(10 * SECOND);
        let rest = at_rest(&mut world);
        let sent = join(&mut world, members);
        let others = 3 * (members as u64 + 1) * rest.messages;
        let n = members as u64;
        assert!(sent.messages < others + 10 * n, "{members} members, {rest:?}: {sent:?}");
        assert!(sent.bytes < 3 * (n + 1) * rest.bytes + 500 * n, "{members} members: {sent:?}");
        assert!(sent.dials <= n + 3, "{members} members: {sent:?}");
    }
}

#[test]
fn links_are_made_once_and_lists_exchanged_by_few_when_all_start_at_once() {
    for nodes in [20, 40, 80] {
        let mut world = formed(nodes, 0);
        assert!(world.now < 3 * SECOND, "{nodes} nodes: {:?}", world.now);
        let sent = world.traffic.share(nodes as u64 * (nodes as u64 - 1) / 2);
        assert!(sent.messages <= 12 && sent.bytes <= 1_800, "{nodes} nodes, of a link: {sent:?}");
        world.run_for(SECOND);
        assert_eq!(world.flaw(), None);
    }
}

#[test]
fn a_node_at_rest_sends_no_more_in_a_larger_mesh() {
    for nodes in [20, 40, 80] {
        let mut world = formed(nodes, 0);
        world.run_for(30 * SECOND);
        let sent = at_rest(&mut world);
        assert!(sent.messages <= 22 && sent.bytes <= 500, "{nodes} nodes: {sent:?}");
        assert!(world.nodes.iter().all(|node| node.events().len() == nodes - 1));
    }
}

fn all_see(world: &World, machine: Machine, state: ViewState) -> bool {
    world.up().iter().all(|&other| other == machine || world.sees(other, machine) == Some(state))
}

#[test]
fn the_end_of_one_among_many_is_seen_by_all_as_soon_as_in_a_small_mesh() {
    for seed in 0..5 {
        let mut world = formed(40, 0);
        let pause = world.dice.between(20 * SECOND, 30 * SECOND) + seed * 137 * MS;
        world.run_for(pause);
        let (stopped, killed) = (world.dice.below(20), 20 + world.dice.below(20));
        world.nodes[stopped].paused = true;
        let begun = world.now;
        // And the way of the word to those who do not watch it themselves.
        let most = world.timing.down_after + 20 * MS;
        until(&mut world, most, "silence", |w| all_see(w, stopped, ViewState::Down));
        assert!(world.now >= begun + most - SECOND, "it has time to answer");
        world.kill(killed);
        until(&mut world, SECOND, "an end", |w| {
            let others = w.up().into_iter().filter(|&other| other != stopped);
            others.into_iter().all(|other| w.sees(other, killed) == Some(ViewState::Down))
        });
        for node in world.up().into_iter().filter(|&node| node != stopped) {
            assert_eq!(count(&world, node, |e| matches!(e, Event::Down { .. })), 2, "at {node}");
        }
    }
}

#[test]
fn a_cut_through_many_is_noticed_by_all() {
    let mut world = formed(40, 0);
    world.run_for(25 * SECOND);
    let half: Vec<Machine> = (0..20).collect();
    world.partition(&half);
    let other = |a: Machine, b: Machine| (a < 20) != (b < 20);
    until(&mut world, 6 * SECOND, "all others are down", |w| {
        (0..40).all(|a| (0..40).all(|b| !other(a, b) || w.sees(a, b) == Some(ViewState::Down)))
    });
    for a in 0..40 {
        assert_eq!(count(&world, a, |e| matches!(e, Event::Down { .. })), 20, "at {a}");
    }
    world.blocked.clear();
    until(&mut world, 10 * SECOND, "one mesh again", World::is_one_mesh);
}

#[test]
fn a_link_that_two_lose_is_given_up_though_nobody_else_notices() {
    let mut world = formed(40, 0);
    world.run_for(25 * SECOND);
    for (a, b) in [(3, 30), (30, 3)] {
        world.blocked.insert((a, b));
    }
    until(&mut world, 40 * SECOND, "both notice", |w| {
        w.sees(3, 30) == Some(ViewState::Suspect) && w.sees(30, 3) == Some(ViewState::Suspect)
    });
    world.run_for(20 * SECOND);
    for node in 0..40 {
        assert_eq!(count(&world, node, |e| matches!(e, Event::Down { .. })), 0, "at {node}");
    }
}

#[test]
fn the_dead_are_dialled_at_a_pace_whatever_their_number() {
    let mut world = formed(60, 0);
    world.run_for(SECOND);
    for machine in 1..60 {
        world.kill(machine);
    }
    world.run_for(5 * SECOND);
    assert!(all_dead(&world));
    for _ in 0..5 {
        let dials = during(&mut world, |world| world.run_for(10 * SECOND)).dials;
        assert!((20..=60).contains(&dials), "{dials} in ten seconds");
    }
    // Who was lost last comes first, and who comes back at another moment is found as well.
    world.start(59, &[]);
    until(&mut world, 40 * SECOND, "found", |w| w.sees(0, 59) == Some(ViewState::Alive));
}

fn all_dead(world: &World) -> bool {
    (1..world.nodes.len()).all(|machine| world.sees(0, machine) == Some(ViewState::Down))
}

#[test]
fn two_hundred_nodes_at_once_become_one_mesh() {
    formed(200, 0);
}

/// What meshes cost, as a table: `cargo xtask sim --table`.
#[test]
#[ignore = "a thousand nodes take minutes"]
fn what_a_mesh_costs() {
    println!(
        "| nodes | mesh of all | join | messages | KiB | at rest: messages/s | B/s | kill | silence |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for nodes in [100, 200, 500, 1000] {
        let mut world = formed(nodes, 1);
        let formed = world.now;
        world.run_for(30 * SECOND);
        let usual = during(&mut world, |world| world.run_for(10 * SECOND));
        let rest = usual.share(10 * nodes as u64);
        let start = world.now;
        let mut joined = Duration::ZERO;
        // Whole heartbeats, as those of all nodes fall together.
        let sent = during(&mut world, |world| {
            world.start(nodes, &[0]);
            until(world, SECOND, "it joins", World::is_one_mesh);
            joined = world.now - start;
            world.run_for(SECOND - joined);
        });
        // Less what all would have sent without it.
        let usual = usual.share(10);
        let messages = sent.messages.saturating_sub(usual.messages);
        let bytes = sent.bytes.saturating_sub(usual.bytes);
        world.run_for(30 * SECOND);
        let noticed = |world: &mut World, of: Machine| {
            let start = world.now;
            until(world, 6 * SECOND, "its end", |w| {
                (2..=nodes).all(|other| w.sees(other, of) == Some(ViewState::Down))
            });
            world.now - start
        };
        world.kill(0);
        let killed = noticed(&mut world, 0);
        world.nodes[1].paused = true;
        let silent = noticed(&mut world, 1);
        println!(
            "| {nodes} | {formed:.2?} | {joined:.2?} | {messages} | {} | {} | {} | {killed:.2?} | {silent:.2?} |",
            bytes / 1024,
            rest.messages,
            rest.bytes
        );
    }
}
