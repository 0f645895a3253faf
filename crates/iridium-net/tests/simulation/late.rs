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
