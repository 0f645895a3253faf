//! `cargo xtask sim`: more schedules of the simulated cluster than its tests try.

use std::io::{IsTerminal, Write, stdout};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::build;
use crate::flags::Sim;

/// The tests that try random schedules.
const SCHEDULES: [&str; 2] = ["schedules::", "lies::"];
/// The one that shows what meshes cost.
const TABLE: [&str; 4] = ["size::what_a_mesh_costs", "--exact", "--ignored", "--nocapture"];
/// So many seeds are tried between two signs of progress.
const AT_A_TIME: u64 = 50;

/// Tries every seed until one fails, and says how to see what happens under that.
pub(crate) fn run(flags: &Sim) -> Result<()> {
    let target = ["--package", "iridium-net", "--test", "simulation", "--profile", "checked"];
    let mut built = build::executables(&target)?;
    let simulation = built.remove("simulation").context("cargo did not say where the test is")?;
    if flags.table {
        let status = Command::new(&simulation).args(TABLE).status().context("cannot run it")?;
        if !status.success() {
            bail!("the simulation ended with {status}");
        }
        return Ok(());
    }
    let start = Instant::now();
    let end = flags.from.checked_add(flags.seeds).context("there are no such seeds")?;
    for from in (flags.from..end).step_by(AT_A_TIME as usize) {
        let seeds = AT_A_TIME.min(end - from);
        try_seeds(&simulation, from, seeds)?;
        if stdout().is_terminal() {
            let (done, seconds) = (from + seeds - flags.from, start.elapsed().as_secs());
            print!("\r{done} of {} seeds, {seconds} s", flags.seeds);
            stdout().flush()?;
        }
    }
    if stdout().is_terminal() {
        println!();
    }
    let seconds = start.elapsed().as_secs();
    println!("seeds {} to {}: all is well ({seconds} s)", flags.from, end.saturating_sub(1));
    Ok(())
}

fn try_seeds(simulation: &Path, from: u64, seeds: u64) -> Result<()> {
    let output = Command::new(simulation)
        .args(SCHEDULES)
        .env_remove("SIMULATION_SEED")
        .env("SIMULATION_FROM", from.to_string())
        .env("SIMULATION_RUNS", seeds.to_string())
        .output()
        .context("cannot run the simulation")?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{}", failures(&String::from_utf8_lossy(&output.stdout)))
}

/// What the tests say of the seeds that fail; if they say nothing of that kind, all that they say.
fn failures(output: &str) -> String {
    let told: Vec<&str> = output.lines().filter(|line| line.contains("replay it with")).collect();
    if told.is_empty() { output.to_owned() } else { told.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_failure_the_seed_and_the_command_are_shown() {
        let output =
            "thread x panicked at y:\nseed 7 fails; replay it with SIMULATION_SEED=7 z\nnote";
        assert_eq!(failures(output), "seed 7 fails; replay it with SIMULATION_SEED=7 z");
        assert_eq!(failures("killed"), "killed");
    }
}
