//! Random schedules in which a member lies: the honest become one mesh and stay one, believe in nobody
//! who was never there, and none of them is taken for dead.

use std::time::Duration;

use iridium_net::Event;

use crate::schedules::{
    RUNS, SETTLE, for_many_seeds, go_through_faults, random_world, settle, start_all,
};
use crate::table::{SECOND, until};
use crate::world::{Machine, World};

/// How long what others have made up may be remembered: two minutes, once nobody answers there.
const FORGOTTEN: Duration = Duration::from_secs(140);

/// What of the honest was reported by the honest since that time, but that they came.
fn ends_since(world: &World, since: Duration) -> Vec<(Machine, Event)> {
    let mut ends = Vec::new();
    for machine in world.up() {
        for (at, event) in world.nodes[machine].events() {
            let id = match event {
                Event::Down { id } | Event::Left { id } | Event::Suspect { id } => id,
                _ => continue,
            };
            if *at >= since && world.is_honest(&id.alias) {
                ends.push((machine, event.clone()));
            }
        }
    }
    ends
}

fn incarnations(world: &World) -> Vec<u64> {
    world.up().into_iter().map(|machine| world.id(machine).incarnation).collect()
}

fn lie_for_a_while(world: &mut World) {
    let while_it_lies = world.dice.between(2 * SECOND, 20 * SECOND);
    world.run_for(while_it_lies);
}

/// Half of the liars go on. As long as a node has just started, they can make it take another identity.
fn silence_or_wait(world: &mut World, liar: Machine) {
    if world.dice.chance(50) {
        world.silence(liar);
    } else {
        world.run_for(world.timing.redial_max);
    }
}

#[test]
fn a_liar_in_a_mesh_costs_the_honest_nothing() {
    for_many_seeds(RUNS / 20, |seed| {
        let mut world = random_world(seed, 1);
        world.line.loss = 0;
        let liar = world.nodes.len() - 1;
        start_all(&mut world, liar);
        let took = settle(&mut world, 20 * SECOND);
        // Soon after its start a node may be told that it needs another identity.
        world.run_for(world.timing.redial_max);
        let (since, links, before) = (world.now, world.links(), incarnations(&world));
        world.enlist(liar, true);
        lie_for_a_while(&mut world);
        assert_eq!(world.disagreement(), None, "while it lies");
        world.silence(liar);
        world.run_for(FORGOTTEN);
        until(&mut world, 5 * SECOND, "afterwards", World::is_one_mesh);
        assert_eq!((world.links(), incarnations(&world)), (links, before));
        assert_eq!(ends_since(&world, since), [], "of the honest");
        for machine in 0..liar {
            assert_eq!(world.made_up(machine), [], "are believed in at {machine}");
        }
        took
    });
}

#[test]
fn with_a_liar_among_them_the_honest_become_one_mesh() {
    for_many_seeds(RUNS / 20, |seed| {
        let mut world = random_world(seed, 1);
        let liar = world.nodes.len() - 1;
        world.enlist(liar, false);
        start_all(&mut world, liar);
        lie_for_a_while(&mut world);
        silence_or_wait(&mut world, liar);
        settle(&mut world, SETTLE)
    });
}

#[test]
fn after_faults_among_lies_the_honest_are_one_mesh_again() {
    for_many_seeds(RUNS / 20, |seed| {
        let mut world = random_world(seed, 1);
        let liar = world.nodes.len() - 1;
        start_all(&mut world, liar);
        let acquainted = world.dice.chance(70);
        if acquainted {
            settle(&mut world, 20 * SECOND);
        }
        world.enlist(liar, false);
        go_through_faults(&mut world, liar, acquainted);
        silence_or_wait(&mut world, liar);
        settle(&mut world, SETTLE)
    });
}
