//! Compiles a program, runs it in all ways, and compares that with what is evaluated.
#![allow(dead_code, reason = "every test uses a part of it")]

use iridium_isa::Severity;
use iridium_vm::Interpreter;
use palladium::Target;
use palladium::core::FnId;
use palladium::fmt::format;
use palladium::names::{Checked, check};
use palladium::rc::Mode;

use crate::common::one_file::OneFile;
use crate::common::{self, End, Ran};
use crate::oracle::{self, Bounds, Evaluated, evaluate};

/// What a random program may take.
const BOUNDS: Bounds = Bounds { steps: 60_000, depth: 60 };

/// Whether a program with a `main` does the same in both modes of the counts and on both backends
/// as is evaluated, leaves no block, and is the same in the one style. `thorough`: with stops, and
/// compiled twice as well. Gives how it ends.
pub(crate) fn agree(text: &str, thorough: bool) -> Result<oracle::End, String> {
    let checked = look_at(text)?;
    let Some(main) = checked.program.main else { return Err("it has no `main`".to_owned()) };
    let evaluated = evaluate(&checked.program, main, BOUNDS);
    if let oracle::End::Wrong(why) = &evaluated.end {
        return Err(format!("its tree is wrong: {why}"));
    }
    for mode in [Mode::Optimised, Mode::Plain] {
        let module = checked.module(Target::Main, mode).map_err(|error| error.to_string())?;
        if let oracle::End::Open(_) = evaluated.end {
            continue;
        }
        let ran = match mode {
            Mode::Optimised if thorough => common::run("it", &module),
            _ => {
                let [looped, threaded] = [Interpreter::LOOPED, Interpreter::THREADED]
                    .map(|backend| common::run_on(&module, backend, None));
                if looped != threaded {
                    return Err(format!("{mode:?}, the backends differ: {looped:?} {threaded:?}"));
                }
                looped
            }
        };
        if let Some(why) = difference(&ran, &evaluated) {
            return Err(format!("{mode:?}: {why}"));
        }
        if ran.end == End::Normal && ran.live_blocks != 0 {
            return Err(format!("{mode:?}: {} blocks are left", ran.live_blocks));
        }
    }
    if thorough {
        is_steady(text, &checked, main, &evaluated)?;
    }
    Ok(evaluated.end)
}

fn look_at(text: &str) -> Result<Checked, String> {
    let checked = check("it.pd", &mut OneFile("it.pd", text)).map_err(|error| error.to_string())?;
    let diagnostics = checked.diagnostics();
    let error = diagnostics.iter().find(|diagnostic| diagnostic.severity() == Severity::Error);
    match error {
        Some(error) => Err(format!("it is refused: {}\n{diagnostics}", error.message())),
        None => Ok(checked),
    }
}

/// The same text gives the same module; in the one style it is the same program.
fn is_steady(
    text: &str,
    checked: &Checked,
    main: FnId,
    evaluated: &Evaluated,
) -> Result<(), String> {
    let bytes = |checked: &Checked| {
        let module = checked.module(Target::Main, Mode::Optimised);
        module.map(|module| module.to_bytes()).map_err(|error| error.to_string())
    };
    if bytes(checked)? != bytes(&look_at(text)?)? {
        return Err("it gives two modules".to_owned());
    }
    let styled = format(text).map_err(|problems| format!("it is not formatted: {problems:?}"))?;
    let again = format(&styled).map_err(|problems| format!("{problems:?} in\n{styled}"))?;
    if styled != again {
        return Err(format!("the style is not final:\n{styled}\nand\n{again}"));
    }
    let styled = look_at(&styled)?;
    let same = evaluate(&styled.program, styled.program.main.unwrap_or(main), BOUNDS);
    match same == *evaluated {
        true => Ok(()),
        false => Err(format!("in the one style it does {same:?} and not {evaluated:?}")),
    }
}

/// How a run on the machine differs from what was evaluated, if it does.
pub(crate) fn difference(ran: &Ran, evaluated: &Evaluated) -> Option<String> {
    let prints = || format!("it prints\n{}\nand not\n{}", ran.output, evaluated.output);
    let ends = match (&evaluated.end, &ran.end) {
        (oracle::End::Normal, End::Normal) => true,
        (oracle::End::Trap { kind, text }, End::Trapped { kind: ran, message, .. }) => {
            kind == ran && is_excerpt(message.as_deref(), text.as_deref())
        }
        // What was evaluated up to there must be printed by then.
        (oracle::End::Open(_), _) => {
            return (!ran.output.starts_with(&evaluated.output)).then(prints);
        }
        _ => false,
    };
    if !ends {
        return Some(format!("it ends with {:?} and not with {:?}", ran.end, evaluated.end));
    }
    (ran.output != evaluated.output).then(prints)
}

/// Of a long text the machine keeps the begin.
fn is_excerpt(excerpt: Option<&str>, text: Option<&str>) -> bool {
    match (excerpt, text) {
        (Some(excerpt), Some(text)) if excerpt.len() > 1000 => {
            text.starts_with(excerpt.trim_end_matches('\u{fffd}'))
        }
        _ => excerpt == text,
    }
}
