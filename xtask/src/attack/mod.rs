//! `cargo xtask attack`: a member that lies, and crowds of strangers, against real nodes on this
//! machine. Each attack is a step with bounds on what it may cost the nodes.
//!
//! The attacks are those of the example `liar` of `iridium-node`; which of them are made, and what
//! they may cost, is in `step`.

mod figures;
pub(crate) mod nodes;
mod report;
mod step;
pub(crate) mod usage;
mod watch;

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use self::figures::Figures;
use self::nodes::Nodes;
use self::step::{By, STEPS, Step};
use self::watch::Watch;
use crate::flags::Attack;
use crate::{build, interrupt, repository};

/// How long an attack may take beside the time that it stays.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long into an attack the newcomer comes.
const NEWCOMER_AFTER: Duration = Duration::from_millis(500);
/// How long nodes may take to give back what an attack has taken.
const RECOVERED_WITHIN: Duration = Duration::from_secs(20);

/// Makes the attacks, all or those that are named.
pub(crate) fn run(flags: &Attack) -> Result<()> {
    interrupt::note()?;
    if let Some(unknown) = flags.steps.iter().find(|name| STEPS.iter().all(|s| s.name != **name)) {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no step {unknown}; there are {}", names.join(" "));
    }
    let iridium = build::iridium(flags.debug)?;
    let [liar] = build::examples("iridium-node", ["liar"], flags.debug)?;
    let folder = repository::root().join(format!("target/attack/{}", std::process::id()));
    println!("{}", report::head());
    let wanted = |step: &&Step| match flags.steps.as_slice() {
        [] => !flags.short || step.short.is_some(),
        names => names.iter().any(|name| name == step.name),
    };
    let mut broken = Vec::new();
    for step in STEPS.iter().filter(wanted) {
        interrupt::check()?;
        let mut nodes = Nodes::start(&iridium, &folder.join(step.name), step.sealed)?;
        let over = match carry_out(&mut nodes, step, &liar, flags.short) {
            Ok(figures) => {
                let over = step.bounds.broken(&figures);
                println!("{}", report::row(step.name, &figures, &over));
                over.join(", ")
            }
            Err(error) => {
                println!("{:<18} ! {error:#}", step.name);
                format!("{error:#}")
            }
        };
        if over.is_empty() {
            nodes.tidy_up();
        } else {
            broken.push(format!("{}: {over}", step.name));
        }
    }
    println!("{}", report::foot());
    if !broken.is_empty() {
        bail!("bounds are broken:\n{}\nlogs in {}", broken.join("\n"), folder.display());
    }
    // Empty, if all went well.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(())
}

/// Makes one attack, and says what it has cost.
fn carry_out(nodes: &mut Nodes, step: &Step, liar: &Path, short: bool) -> Result<Figures> {
    let before = nodes.usage()?;
    let (count, stay) = match step.short.filter(|_| short) {
        Some(count) => (count, Duration::from_secs(2)),
        None => (step.count, step.stay),
    };
    let watch = Watch::start(nodes, step.asked);
    let began = Instant::now();
    let mut attack = match step.by {
        By::Liar => {
            let words = [nodes.target(step.asked).to_string(), step.name.into(), count.to_string()];
            let words = words.into_iter().chain([stay.as_secs().to_string()]);
            Some(attack(liar, words.chain(nodes.liars_secret()))?)
        }
        By::Links => {
            nodes.plant_links()?;
            None
        }
    };
    thread::sleep(NEWCOMER_AFTER);
    let newcomer = nodes.newcomer(PATIENCE)?;
    let said = match &mut attack {
        Some(attack) => wait(attack, began + stay + PATIENCE)?,
        None => String::new(),
    };
    let mut figures = watch.end()?;
    figures.newcomer = newcomer;
    nodes.end_newcomer()?;
    nodes.refuse_dead().with_context(|| format!("the attack has said: {said}"))?;
    figures.log = nodes.log_bytes() / 1024;
    figures.disk = nodes.disk_bytes() / 1024;
    figures.harmed = nodes.harmed()?;
    figures.alarms += nodes.false_ends();
    figures.left = nodes.left_over(before, RECOVERED_WITHIN)?;
    Ok(figures)
}

fn attack(liar: &Path, words: impl Iterator<Item = String>) -> Result<Child> {
    // With as many descriptors as it can have; the nodes get by with what they are given.
    Command::new("sh")
        .args(["-c", "ulimit -n $(ulimit -H -n); exec \"$0\" \"$@\""])
        .arg(liar)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run the liar")
}

/// Waits for the end of an attack, and gives what it says.
fn wait(attack: &mut Child, deadline: Instant) -> Result<String> {
    loop {
        if attack.try_wait().context("cannot wait for the liar")?.is_some() {
            break;
        }
        if Instant::now() > deadline || interrupt::check().is_err() {
            let _ = attack.kill();
            let _ = attack.wait();
            interrupt::check()?;
            bail!("the attack does not come to its end");
        }
        thread::sleep(Duration::from_millis(20));
    }
    let mut said = String::new();
    let pipes = [attack.stdout.take().map(erased), attack.stderr.take().map(erased)];
    for mut pipe in pipes.into_iter().flatten() {
        pipe.read_to_string(&mut said).context("cannot read what the liar says")?;
    }
    if said.contains("error: ") {
        bail!("the attack could not be made: {}", said.trim());
    }
    Ok(said.trim().to_owned())
}

fn erased(pipe: impl Read + 'static) -> Box<dyn Read> {
    Box::new(pipe)
}
