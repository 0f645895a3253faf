//! Nodes that are late themselves, since their machine is busy.

use std::time::Duration;

use iridium_net::Event;
use iridium_proto::ViewState;

use crate::table::{SECOND, count, isolate, mesh, until};
use crate::world::{MS, World};

/// Node 0 does not run for most of the time, though never for long: each of its heartbeats is late.
fn run_late(world: &mut World, span: Duration) {
    let end = world.now + span;
    while world.now < end {
        world.nodes[0].paused = true;
        world.run_for(160 * MS);
        world.nodes[0].paused = false;
        world.run_for(80 * MS);
    }
}

fn suspicions(world: &World, machine: usize) -> usize {
    count(world, machine, |event| matches!(event, Event::Suspect { .. }))
}

#[test]
fn who_is_late_itself_is_slow_to_suspect_others_and_gives_them_up_in_time() {
    const SEEDS: u64 = 20;
    let mut suspected = [0; 2];
    for seed in 0..SEEDS {
        let mut world = mesh(seed, 3, 0);
        run_late(&mut world, 5 * SECOND);
        isolate(&mut world, 1);
        run_late(&mut world, 2800 * MS);
        for (count, node) in suspected.iter_mut().zip([0, 2]) {
            *count += suspicions(&world, node).min(1);
        }
        run_late(&mut world, 5 * SECOND);
        assert_eq!(world.sees(0, 1), Some(ViewState::Down), "seed {seed}");
        world.blocked.clear();
        until(&mut world, 10 * SECOND, "one mesh again", World::is_one_mesh);
    }
    let [late, other] = suspected;
    assert!(late <= 4 && other == 20, "{late} and {other} of {SEEDS}");
}

#[test]
fn where_all_are_starved_each_still_notices_an_end_and_gives_up_nobody_else() {
    const STARVED: usize = 40;
    let mut world = mesh(1, STARVED, 0);
    world.run_for(25 * SECOND);
    for node in &mut world.nodes {
        node.starved = Some(1500 * MS);
    }
    world.run_for(5 * SECOND);
    world.nodes[5].paused = true;
    let others = || (0..STARVED).filter(|&other| other != 5);
    until(&mut world, 20 * SECOND, "all notice", |w| {
        others().all(|other| w.sees(other, 5) == Some(ViewState::Down))
    });
    for other in others() {
        assert_eq!(count(&world, other, |e| matches!(e, Event::Down { .. })), 1, "at {other}");
    }
}
