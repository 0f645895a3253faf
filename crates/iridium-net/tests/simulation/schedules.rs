//! Random schedules of joins, kills, restarts, departures, partitions, pauses
//! and slow lines, each of which must end in one agreed mesh.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use iridium_net::Endpoint;

use crate::world::{Line, MS, Machine, World};

/// Enough to meet rare races, and a matter of seconds.
pub const RUNS: u64 = 2000;
/// How long a healed network may take to become one mesh: the longest pause
/// between two dials of remembered peers, and what a dial takes.
pub const SETTLE: Duration = Duration::from_secs(45);

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// Runs a scenario under many seeds; tells how to replay the first that fails.
pub fn for_many_seeds(runs: u64, scenario: impl Fn(u64) -> Duration) {
    if let Some(seed) = setting("SIMULATION_SEED") {
        scenario(seed);
        return;
    }
    let from = setting("SIMULATION_FROM").unwrap_or(0);
    for seed in from..from + setting("SIMULATION_RUNS").unwrap_or(runs) {
        let this = std::thread::current();
        let test = this.name().unwrap_or_default();
        match catch_unwind(AssertUnwindSafe(|| scenario(seed))) {
            // `cargo xtask sim` collects these.
            Ok(took) => println!("settled {test} {}", took.as_millis()),
            Err(_) => panic!(
                "seed {seed} fails; replay it with SIMULATION_SEED={seed} SIMULATION_TRACE=1 \
                 cargo test -p iridium-net --test simulation {test} -- --nocapture"
            ),
        }
    }
}

pub fn settle(world: &mut World, within: Duration) -> Duration {
    let begun = world.now;
    let end = begun + within;
    if !world.run_until(end, World::is_one_mesh) {
        panic!("no mesh: {}", world.flaw().unwrap_or_default());
    }
    let took = world.now - begun;
    // A link that was silent until just now may still be given up for it, and a
    // seed that is still being dialled finds that it is linked. After that all
    // stays as it is.
    world.run_for(world.timing.down_after);
    let end = world.now + Duration::from_secs(5);
    assert!(world.run_until(end, World::is_one_mesh), "{:?}", world.flaw());
    let links = world.links();
    world.run_for(Duration::from_secs(3));
    assert_eq!(world.links(), links);
    took
}

/// Machines with lines of some kind; the last `others` of them are not for nodes.
pub fn random_world(seed: u64, others: usize) -> World {
    let mut world = World::new(seed, 2);
    let machines = 2 + world.dice.below(5);
    let mut world = World::new(seed, machines + others);
    let lines = [(1, 0), (2, 0), (20, 1), (100, 3), (250, 0)];
    let (slowest, loss) = lines[world.dice.below(lines.len())];
    world.line = Line { slowest: slowest * MS, loss };
    world
}

/// Starts the first machines, at random moments, with random seeds among them.
pub fn start_all(world: &mut World, machines: usize) {
    let simultaneous = world.dice.chance(50);
    // One name for all members, instead of seeds of each.
    let by_name = world.dice.chance(20);
    world.names.insert("all".into(), world.nodes.iter().map(|node| node.addr).collect());
    for machine in 0..machines {
        let mut seeds = Vec::new();
        if machine > 0 {
            seeds.push(world.dice.below(machine));
            if world.dice.chance(30) {
                seeds.push(world.dice.below(machines));
            }
        } else if world.dice.chance(30) {
            // A seed that starts later, or is this node itself.
            seeds.push(world.dice.below(machines));
        }
        if by_name {
            let all = Endpoint::Name { host: "all".into(), port: 2254 };
            world.start_with(machine, vec![all]);
        } else {
            world.start(machine, &seeds);
        }
        if !simultaneous {
            let pause = world.dice.between(Duration::ZERO, 300 * MS);
            world.run_for(pause);
        }
    }
}

#[test]
fn without_faults_nobody_is_ever_doubted() {
    for_many_seeds(RUNS, |seed| {
        let mut world = random_world(seed, 0);
        let machines = world.nodes.len();
        start_all(&mut world, machines);
        let took = settle(&mut world, Duration::from_secs(20));
        if world.line.loss == 0 {
            for node in &world.nodes {
                let ups = node.events().len();
                assert_eq!(ups, world.nodes.len() - 1, "{}: {:?}", node.alias, node.events());
            }
        }
        took
    });
}

/// One random fault.
pub fn disturb(world: &mut World, machines: usize, acquainted: bool) {
    let machine = world.dice.below(machines);
    match world.dice.below(12) {
        0..=2 if world.is_up(machine) => world.kill(machine),
        0..=3 if !world.is_up(machine) => restart(world, machine, acquainted),
        3 if world.up().len() > 1 && world.is_up(machine) => world.leave(machine),
        4 => {
            let group: Vec<Machine> = (0..machines).filter(|_| world.dice.chance(50)).collect();
            world.partition(&group);
        }
        5 => {
            let other = world.dice.below(machines);
            world.blocked.insert((machine, other));
        }
        6 | 7 => world.blocked.clear(),
        8 if world.is_up(machine) => world.nodes[machine].paused = true,
        9 if !world.is_up(machine) => forget(world, machine),
        10 => world.nodes[machine].starved = Some(1500 * MS),
        _ => {
            world.nodes[machine].paused = false;
            world.nodes[machine].starved = None;
        }
    }
}

/// An operator has a dead machine forgotten, at some node that may or may not know of its end.
fn forget(world: &mut World, dead: Machine) {
    let up = world.up();
    if !up.is_empty() {
        let asked = up[world.dice.below(up.len())];
        let _ = world.forget(asked, dead);
    }
}

/// Starts a process again, by what it remembers if it has met the others before.
fn restart(world: &mut World, machine: Machine, acquainted: bool) {
    if world.dice.chance(10) {
        // A disk that was set back, with a clock that was.
        world.nodes[machine].incarnation = 0;
    }
    let moved = world.dice.chance(20);
    if moved {
        // Another address, as after a move to another machine.
        let port = 2300 + world.dice.below(1000) as u16;
        world.nodes[machine].addr.set_port(port);
    }
    // Who moves is announced where the others are now: they may have moved as well.
    // A liar may have had all the others forgotten, as an operator can.
    let knows = world.nodes[machine].peers.iter().any(|peer| world.is_honest(&peer.alias));
    let seeds: Vec<Machine> = if moved || !acquainted || !knows {
        (0..world.nodes.len() - world.liars.len()).filter(|&m| m != machine).collect()
    } else {
        Vec::new()
    };
    world.start(machine, &seeds);
}

/// Some faults, of which none is left at the end.
pub fn go_through_faults(world: &mut World, machines: usize, acquainted: bool) {
    for _ in 0..3 + world.dice.below(12) {
        disturb(world, machines, acquainted);
        let pause = world.dice.between(Duration::ZERO, 4000 * MS);
        world.run_for(pause);
    }
    world.blocked.clear();
    for machine in 0..machines {
        world.nodes[machine].paused = false;
        world.nodes[machine].starved = None;
        if !world.is_up(machine) {
            restart(world, machine, acquainted);
        } else if !world.knows_others(machine) {
            // It lost its only seed before it knew anyone else.
            let other = (machine + 1) % machines;
            world.join(machine, other);
        }
    }
}

#[test]
fn after_any_faults_there_is_one_mesh_again() {
    for_many_seeds(RUNS, |seed| {
        let mut world = random_world(seed, 0);
        let machines = world.nodes.len();
        start_all(&mut world, machines);
        let acquainted = world.dice.chance(70);
        if acquainted {
            settle(&mut world, Duration::from_secs(20));
        }
        go_through_faults(&mut world, machines, acquainted);
        settle(&mut world, SETTLE)
    });
}

#[test]
fn a_healed_partition_is_one_mesh_within_ten_seconds() {
    for_many_seeds(RUNS / 4, |seed| {
        let mut world = random_world(seed, 0);
        world.line.loss = 0;
        let machines = world.nodes.len();
        start_all(&mut world, machines);
        settle(&mut world, Duration::from_secs(20));
        let group: Vec<Machine> = (0..1 + world.dice.below(world.nodes.len() - 1)).collect();
        world.partition(&group);
        let apart = world.dice.between(Duration::from_secs(1), Duration::from_secs(90));
        world.run_for(apart);
        world.blocked.clear();
        settle(&mut world, Duration::from_secs(10))
    });
}
