//! What a program of an app file is started with.

use iridium_isa::Module;
use iridium_isa::protocol::{Arguments, FirstMessage};
use iridium_isa::suggest::nearest;
use iridium_vm::Register;

use super::error::{Fault, Mistake};
use crate::supervisor::spec::Entry;

/// An argument as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    text: String,
    /// What a number is in a register.
    register: Option<Register>,
    /// Where it stands.
    at: usize,
}

impl Word {
    pub(super) fn int(int: i64, at: usize) -> Self {
        Self { text: int.to_string(), register: Some(Register { int, float: 0.0 }), at }
    }

    pub(super) fn float(float: f64, at: usize) -> Self {
        Self { text: format!("{float:?}"), register: Some(Register { int: 0, float }), at }
    }

    pub(super) fn text(text: &str, at: usize) -> Self {
        Self { text: text.to_owned(), register: None, at }
    }
}

/// Where a program starts, and with what.
#[derive(Debug, PartialEq)]
pub(super) struct Begin {
    pub(super) entry: Option<Entry>,
    pub(super) arguments: Vec<Register>,
    pub(super) first: Option<FirstMessage>,
}

/// Finds the entry of a child: an actor, whose parameters the module knows, or a label, which takes
/// numbers in registers.
pub(super) fn begin(
    child: &str,
    path: &str,
    module: &Module,
    entry: Option<&(String, usize)>,
    words: &[Word],
) -> Result<Begin, Fault> {
    if let Some((name, at)) = entry {
        if let Some(begin) = actor(child, module, name, *at, words)? {
            return Ok(begin);
        }
        check_label(child, path, module, name, *at)?;
    }
    let registers = words.iter().map(|word| {
        let mistake = || Mistake::NoActor { child: child.to_owned(), word: word.text.clone() };
        word.register.ok_or_else(|| Fault { at: word.at, mistake: mistake() })
    });
    let arguments = registers.collect::<Result<_, _>>()?;
    Ok(Begin { entry: entry.map(|(label, _)| label.as_str().into()), arguments, first: None })
}

fn actor(
    child: &str,
    module: &Module,
    name: &str,
    at: usize,
    words: &[Word],
) -> Result<Option<Begin>, Fault> {
    let Some((protocol, start)) = module.start(name) else { return Ok(None) };
    let wrong = |error: String| Fault {
        at: words.first().map_or(at, |word| word.at),
        mistake: Mistake::Arguments { child: child.to_owned(), error },
    };
    let texts: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
    let values =
        protocol.values(&start.params, &texts).map_err(|error| wrong(error.to_string()))?;
    let arguments = protocol.arguments(start, &values).map_err(|error| wrong(error.to_string()))?;
    let (arguments, first) = match arguments {
        Arguments::Message(first) => (Vec::new(), Some(first)),
        Arguments::Registers { ints, floats } => {
            let lanes = ints.into_iter().zip(floats);
            (lanes.map(|(int, float)| Register { int, float }).collect(), None)
        }
    };
    Ok(Some(Begin { entry: Some(Entry::At(start.entry)), arguments, first }))
}

fn check_label(
    child: &str,
    path: &str,
    module: &Module,
    entry: &str,
    at: usize,
) -> Result<(), Fault> {
    if module.find(entry).is_some() {
        return Ok(());
    }
    let actors = module.protocols().iter().flat_map(|protocol| &protocol.starts);
    let actors = actors.map(|start| &*start.name);
    let labels = module.code_labels().iter().chain(module.exports()).map(|(name, _)| name.as_str());
    let mistake = Mistake::NoEntry {
        child: child.to_owned(),
        module: path.to_owned(),
        entry: entry.to_owned(),
        nearest: nearest(entry, actors.chain(labels)).map(str::to_owned),
    };
    Err(Fault { at, mistake })
}
