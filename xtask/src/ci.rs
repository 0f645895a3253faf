//! What CI runs, and what a contributor runs before a push.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cluster::{self, Cluster};
use crate::flags::{Attack, Bench, BenchFlags, Chaos, ClusterUp, Fuzz, Soak, Stress};
use crate::{attack, bench, chaos, fuzz, repository, soak, stress};

/// Runs every step, in the order in which they fail fastest.
pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    step("fmt", || cargo(&["fmt", "--all", "--check"], &[]))?;
    step("clippy", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"], &[])
    })?;
    step("deny", check_dependencies)?;
    // Without what the other crates of the workspace switch on in their dependencies.
    step("alone", check_alone)?;
    // The README's test command. The walls are among the tests of xtask.
    step("test", || cargo(&["test", "--workspace"], &[]))?;
    step("doc", || {
        cargo(&["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])
    })?;
    step("cluster", smoke)?;
    // All schedules of a few threads in the scheduler's own primitives. They need a build of their
    // own, as `cfg` is for all crates.
    let loom = ["--package", "iridium-sched", "--lib", "--target-dir", "target/loom"];
    step("loom", || {
        let quick = ["--profile", "checked"];
        cargo(&[&["test"], &loom[..], &quick, &["loom"]].concat(), &[("RUSTFLAGS", "--cfg loom")])
    })?;
    step("aarch64", check_aarch64)?;
    // As it is delivered: only there does the interpreter go from instruction to instruction by jumps.
    let stack = ["--package", "iridium-vm", "--test", "stack", "--target-dir", "target/loom"];
    step("stack", || cargo(&[&["test", "--release", "--locked"], &stack[..]].concat(), &[]))?;
    // From here on with what the tests have built: another profile would compile all crates again.
    let brief = Stress {
        processes: Some(10_000),
        seconds: Some(3),
        seed: Some(1),
        workers: None,
        debug: true,
    };
    step("stress", || stress::run(&brief))?;
    // Answers and figures of ours; how fast is not for CI to say.
    let quick = || BenchFlags { quick: true, alone: true, debug: true };
    step("bench machine", || bench::run(&Bench::Machine(quick())))?;
    step("bench processes", || bench::run(&Bench::Processes(quick())))?;
    step("bench palladium", || bench::run(&Bench::Palladium(quick())))?;
    step("bench host", || bench::run(&Bench::Host(quick())))?;
    step("bench cluster", || bench::run(&Bench::Cluster(quick())))?;
    // Says that it is skipped where it may not make network namespaces.
    let chaotic = Chaos { seconds: 20, seed: Some(1), nodes: 4, debug: true };
    step("chaos", || chaos::run(&chaotic))?;
    let brief = Attack { steps: Vec::new(), short: true, debug: true };
    step("attack", || attack::run(&brief))?;
    let brief = Soak { minutes: 0, seconds: Some(20), seed: Some(20), debug: true };
    step("soak", || soak::run(&brief))?;
    let short =
        Fuzz { target: None, runs: 1_000, seconds: None, seed: Some(1), replay: None, debug: true };
    step("fuzz", || fuzz::run(&short))?;
    println!("ci: all is well ({})", seconds(start.elapsed()));
    Ok(())
}

/// Checks licences, sources and bans of all that is linked, where the tool for it is installed.
fn check_dependencies() -> Result<()> {
    let version = Command::new(env!("CARGO")).args(["deny", "--version"]).output();
    if !version.is_ok_and(|version| version.status.success()) {
        println!("skipped: needs cargo-deny");
        return Ok(());
    }
    // Its own place for what it is to refuse is .cargo/deny.toml.
    cargo(&["deny", "--locked", "check", "licenses", "bans", "sources"], &[])
}

/// Checks that each library crate builds when it is the only one that is used, and the command without
/// native code.
fn check_alone() -> Result<()> {
    let crates = repository::root().join("crates");
    let mut libraries = Vec::new();
    for entry in
        fs::read_dir(&crates).with_context(|| format!("cannot read {}", crates.display()))?
    {
        let folder = entry?.path();
        if folder.join("src/lib.rs").is_file()
            && let Some(name) = folder.file_name()
        {
            libraries.push(name.to_string_lossy().into_owned());
        }
    }
    libraries.sort();
    libraries.iter().try_for_each(|name| cargo(&["check", "--quiet", "--package", name], &[]))?;
    let command = ["--package", "iridium-cli", "--no-default-features", "--all-targets"];
    cargo(&[&["check", "--quiet", "--locked"], &command[..]].concat(), &[])
}

/// Runs native code for another machine in an emulator, where there is one. The test itself looks for what
/// else it needs.
fn check_aarch64() -> Result<()> {
    let version = Command::new("qemu-aarch64").arg("--version").output();
    if !version.is_ok_and(|version| version.status.success()) {
        println!("skipped: needs qemu-user");
        return Ok(());
    }
    cargo(&["test", "--package", "iridium-jit", "--features", "arm64", "--lib", "emulated"], &[])
}

/// Starts a cluster apart from the developer's own, and stops it again.
fn smoke() -> Result<()> {
    let cluster = Cluster::of_ci();
    // What an interrupted run may have left.
    cluster.down_if_running()?;
    let flags = ClusterUp {
        nodes: 3,
        base_port: cluster::free_ports(3)?,
        detach: true,
        demo: false,
        release: false,
    };
    cluster.up(&flags)?;
    let seen = cluster.status();
    cluster.down()?;
    seen
}

fn step(name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("ci: {name}");
    let start = Instant::now();
    run().with_context(|| format!("ci: {name} failed"))?;
    println!("ci: {name} passed ({})", seconds(start.elapsed()));
    Ok(())
}

fn cargo(args: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(args)
        .envs(environment.iter().copied())
        .current_dir(repository::root())
        .status()
        .context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo {}: {status}", args.join(" "));
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
