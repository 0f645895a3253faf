//! Random programs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use palladium::fmt::format;
use palladium::names::check;

use crate::agree::agree;
use crate::common::one_file::OneFile;
use crate::generate::{mistaken, program};
use crate::minimise::minimise;
use crate::oracle::End;
use crate::with_stack;

/// Programs that are made in one of the tests; `PROGRAMS=100000` makes more, and so does
/// `cargo xtask fuzz`, whose build is faster.
const PROGRAMS: u64 = 100;
/// Every so many programs are also stopped, formatted, and compiled twice.
const THOROUGH: u64 = 8;

/// The same, with a panic as one more way not to agree.
fn tried(text: &str, thorough: bool) -> Result<End, String> {
    catch_unwind(AssertUnwindSafe(|| agree(text, thorough))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!("panics: {}", text.unwrap_or_default()))
    })
}

/// Makes programs and gives what is wrong with the first that does not agree. `FIRST=7` begins with
/// another seed.
fn wrong(part: u64) -> Option<String> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let programs = number("PROGRAMS").unwrap_or(PROGRAMS);
    let first = number("FIRST").unwrap_or(part * 1_000_000);
    let mut normal = 0;
    for seed in first..first + programs {
        let text = program(seed);
        let thorough = seed % THOROUGH == 0;
        match tried(&text, thorough) {
            Ok(End::Normal) => normal += 1,
            Ok(_) => {}
            Err(why) => return Some(report(seed, &text, &why, thorough)),
        }
    }
    // Else most of them would be cut short.
    assert!(normal * 2 > programs, "only {normal} of {programs} come to their end");
    None
}

fn report(seed: u64, text: &str, why: &str, thorough: bool) -> String {
    let text = format(text).unwrap_or_else(|_| text.to_owned());
    let kind = |why: &str| why.split([':', '\n']).next().unwrap_or_default().to_owned();
    let is = |text: &str| tried(text, thorough).is_err_and(|other| kind(&other) == kind(why));
    let small = if is(&text) { minimise(&text, is) } else { text };
    let why = tried(&small, thorough).err().unwrap_or_else(|| why.to_owned());
    format!("seed {seed}: {why}\n{small}")
}

#[test]
fn random_programs_do_what_is_evaluated() {
    let wrong = with_stack(|| wrong(0));
    assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
}

#[test]
fn other_random_programs_do_what_is_evaluated() {
    let wrong = with_stack(|| wrong(1));
    assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
}

#[test]
fn random_programs_with_a_mistake_are_refused() {
    for seed in 0..PROGRAMS {
        let Some(text) = mistaken(seed, seed as usize % 40) else { continue };
        let checked = check("it.pd", &mut OneFile("it.pd", &text)).unwrap();
        assert!(checked.has_errors(), "seed {seed}:\n{text}");
        assert!(!checked.diagnostics().render(false).is_empty());
    }
}

#[test]
fn the_same_seed_gives_the_same_program() {
    assert_eq!(program(5), program(5));
    assert_ne!(program(5), program(6));
}
