//! `iridium-vm-fuzz run TARGET SEED RUNS SECONDS FOLDER`: so many inputs, or as many as fit in the
//! time if that is not 0; an input that fails is saved in the folder. `replay TARGET FILE` runs one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use iridium_vm_fuzz::mutate::{Random, mutate};
use iridium_vm_fuzz::{TARGETS, Target};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["replay", target, file] => replay(target, Path::new(file)),
        ["run", target, seed, runs, seconds, folder] => {
            run(target, [seed, runs, seconds], Path::new(folder))
        }
        _ => Err("run TARGET SEED RUNS SECONDS FOLDER | replay TARGET FILE".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn find(name: &str) -> Result<Target, String> {
    let found = TARGETS.into_iter().find(|target| target.name == name);
    found.ok_or_else(|| format!("no target `{name}`"))
}

fn replay(target: &str, file: &Path) -> Result<(), String> {
    let input = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    (find(target)?.run)(&input);
    println!("{target}: {} does no harm", file.display());
    Ok(())
}

fn run(target: &str, numbers: [&str; 3], folder: &Path) -> Result<(), String> {
    let target = find(target)?;
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
    let [seed, runs, seconds] = [number(numbers[0])?, number(numbers[1])?, number(numbers[2])?];
    let seeds = (target.seeds)();
    let started = Instant::now();
    let mut done = 0;
    while if seconds == 0 { done < runs } else { started.elapsed() < Duration::from_secs(seconds) }
    {
        let input = mutate(&seeds, &mut Random::new(seed, done));
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
            let path = folder.join(format!("{}-{seed}-{done}", target.name));
            std::fs::write(&path, &input).map_err(|error| format!("cannot save it: {error}"))?;
            return Err(format!(
                "{}: input {done} of seed {seed} fails; saved as {}",
                target.name,
                path.display()
            ));
        }
        done += 1;
    }
    println!("{}: {done} inputs, seed {seed}, {:.0?}", target.name, started.elapsed());
    Ok(())
}
