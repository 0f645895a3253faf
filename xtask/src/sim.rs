//! `cargo xtask sim`: more schedules of the simulated cluster than its tests try.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal, Write, stdout};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

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
    let end = flags.from.checked_add(flags.seeds).context("there are no such seeds")?;
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
    let shows_progress = stdout().is_terminal();
    let mut settled = Settled::default();
    let outcome = (flags.from..end).step_by(AT_A_TIME as usize).try_for_each(|from| {
        let seeds = AT_A_TIME.min(end - from);
        settled.read(&try_seeds(&simulation, from, seeds)?);
        if shows_progress {
            let (done, seconds) = (from + seeds - flags.from, start.elapsed().as_secs());
            print!("\r{done} of {} seeds, {seconds} s", flags.seeds);
            stdout().flush()?;
        }
        anyhow::Ok(())
    });
    if shows_progress {
        // What follows has a line of its own, also what has failed.
        println!();
    }
    outcome?;
    let seconds = start.elapsed().as_secs();
    println!("{settled}seeds {} to {}: all is well ({seconds} s)", flags.from, end - 1);
    Ok(())
}

/// Returns what the tests have said.
fn try_seeds(simulation: &Path, from: u64, seeds: u64) -> Result<String> {
    let output = Command::new(simulation)
        .args(SCHEDULES)
        .arg("--nocapture")
        .env_remove("SIMULATION_SEED")
        .env("SIMULATION_FROM", from.to_string())
        .env("SIMULATION_RUNS", seeds.to_string())
        .output()
        .context("cannot run the simulation")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(said.into_owned());
    }
    bail!("{}", failures(&format!("{said}{}", String::from_utf8_lossy(&output.stderr))))
}

/// What the tests say of the seeds that fail; if they say nothing of that kind, all that they say.
fn failures(output: &str) -> String {
    let told: Vec<&str> = output.lines().filter(|line| line.contains("replay it with")).collect();
    if told.is_empty() { output.to_owned() } else { told.join("\n") }
}

/// How long it took until a simulated cluster was one mesh after its faults were over, for each test in
/// milliseconds.
#[derive(Default)]
struct Settled(BTreeMap<String, Vec<u64>>);

impl Settled {
    /// Takes the lines `settled TEST MILLISECONDS`.
    fn read(&mut self, output: &str) {
        for line in output.lines() {
            // The name of the test may stand before it.
            let Some((_, rest)) = line.split_once("settled ") else { continue };
            let Some((test, Ok(took))) = rest.split_once(' ').map(|(t, ms)| (t, ms.parse())) else {
                continue;
            };
            self.0.entry(test.to_owned()).or_default().push(took);
        }
    }
}

impl fmt::Display for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "one mesh after, in seconds: 50 %, 90 %, 99 %, all")?;
        for (test, took) in &self.0 {
            let mut took = took.clone();
            took.sort_unstable();
            let within = |percent: usize| {
                let place = (took.len() * percent).div_ceil(100).max(1) - 1;
                took.get(place).map_or(0.0, |&ms| Duration::from_millis(ms).as_secs_f64())
            };
            let [half, most, nearly, all] = [50, 90, 99, 100].map(within);
            writeln!(f, "{half:6.2} {most:6.2} {nearly:6.2} {all:6.2}  {test}")?;
        }
        Ok(())
    }
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

    #[test]
    fn the_times_of_each_test_are_told_by_their_ranks() {
        let mut settled = Settled::default();
        for ms in 1..=200 {
            settled.read(&format!("test x ... settled a::b {}\nok", ms * 10));
        }
        let told = settled.to_string();
        assert!(told.contains("  1.00   1.80   1.98   2.00  a::b"), "{told}");
    }
}
