//! The last part of the compiler: functions over virtual registers become a module.
//!
//! Each function is prepared (`prepare`, `simplify`, `loops`), its registers get places (`intervals`,
//! `allocate`, `spill`), its instructions are selected (`function`, `machine`, `select`, `moves`), and
//! what results (`code`) is put together here.

mod allocate;
mod code;
mod data;
mod error;
mod function;
mod intervals;
mod loops;
mod machine;
mod merge;
mod moves;
mod prepare;
mod select;
mod simplify;
mod spill;

use std::collections::{BTreeSet, HashMap};

use iridium_isa::operand::{Lit64, WINDOW_SPAN};
use iridium_isa::{Instruction, Label, Module, ModuleBuilder, Sources, is_name_char};

pub use self::error::Error;

use self::code::{Line, Link};
use crate::mir::{DataIdx, FnIdx, Inst, MachineOp, Program};

/// The module of a program whose references are counted. The files of the program are those of the
/// sources, in the same order.
///
/// # Errors
/// A function or the program is too large for the machine, or a host function has too many arguments.
pub fn module(program: &Program, sources: &Sources<'_>) -> Result<Module, Error> {
    module_within(program, sources, allocate::REGISTERS)
}

/// The same, where a function keeps at most so many values in registers at once; all others lie in
/// a block of the heap. What it does does not depend on that.
///
/// # Errors
/// As of [`module`].
pub fn module_within(
    program: &Program,
    sources: &Sources<'_>,
    registers: usize,
) -> Result<Module, Error> {
    check_host_calls(program)?;
    let all = (0..program.functions.len() as u32).map(FnIdx);
    let bodies: Vec<Vec<Line>> =
        all.map(|index| function::function(program, index, registers)).collect::<Result<_, _>>()?;
    let places = Places::of(program, &bodies);
    let mut builder = ModuleBuilder::new();
    for name in sources.names() {
        builder.add_file(name);
    }
    for import in &program.imports {
        builder.import(import);
    }
    let addresses = data::place(program, &mut builder, |function| places.start(function));
    let address = |of: DataIdx| addresses.get(of.0 as usize).copied().unwrap_or(0);
    let names = names(program);
    let mut labels: HashMap<u32, Label> = HashMap::new();
    builder.reserve(bodies.iter().map(Vec::len).sum());
    for index in &places.order {
        let at = index.0 as usize;
        let (Some(function), Some(lines)) = (program.functions.get(at), bodies.get(at)) else {
            continue;
        };
        let label = builder.named_label(names.get(at).cloned().unwrap_or_default());
        builder.bind(label);
        labels.insert(places.start(*index), label);
        for line in lines {
            builder.set_location(sources.location(function.file, line.at));
            builder.push(placed(line, places.start(*index), &places, address));
        }
    }
    // Functions that do the same are one, with one label.
    let labels_of = |starts: &[FnIdx]| -> Vec<Label> {
        starts.iter().filter_map(|index| labels.get(&places.start(*index)).copied()).collect()
    };
    for (protocol, starts) in &program.inboxes {
        builder.add_protocol(protocol.clone(), &labels_of(starts));
    }
    if let Some((app, starts)) = &program.app {
        builder.set_app(app.clone(), &labels_of(starts));
    }
    Ok(builder.finish()?)
}

/// What does not fit in the window of a host function would be lost.
fn check_host_calls(program: &Program) -> Result<(), Error> {
    for function in &program.functions {
        for (inst, span) in function.blocks.iter().flat_map(|block| &block.insts) {
            let Inst::Machine { op: MachineOp::Host(import), args, results } = inst else {
                continue;
            };
            let values = args.len().max(results.len());
            if values > usize::from(WINDOW_SPAN) {
                let host = program.imports.get(usize::from(*import)).cloned().unwrap_or_default();
                let (file, span) = (function.file, span.clone());
                return Err(Error::HostWindow { host, values, file, span });
            }
        }
    }
    Ok(())
}

/// Where the functions are.
struct Places {
    /// Those that are emitted, in their order.
    order: Vec<FnIdx>,
    /// The first instruction of each function.
    starts: Vec<u32>,
}

impl Places {
    fn of(program: &Program, bodies: &[Vec<Line>]) -> Self {
        let same = merge::merge(program, bodies);
        // The entry comes first, so that a listing begins as the program does.
        let entry = program.entry;
        let all = (0..bodies.len() as u32).map(FnIdx);
        let rest = all.filter(|at| *at != entry && same.get(at.0 as usize) == Some(at));
        let order: Vec<FnIdx> = std::iter::once(entry).chain(rest).collect();
        let mut starts = vec![0; bodies.len()];
        let mut next = 0;
        for at in order.iter().map(|index| index.0 as usize) {
            if let (Some(start), Some(body)) = (starts.get_mut(at), bodies.get(at)) {
                *start = next;
                next += body.len() as u32;
            }
        }
        let of = |at: &FnIdx| starts.get(at.0 as usize).copied().unwrap_or(0);
        Self { starts: same.iter().map(of).collect(), order }
    }

    fn start(&self, function: FnIdx) -> u32 {
        self.starts.get(function.0 as usize).copied().unwrap_or(0)
    }
}

/// An instruction of a function that begins at `start`, with what it names.
fn placed(
    line: &Line,
    start: u32,
    places: &Places,
    address: impl Fn(DataIdx) -> i64,
) -> Instruction {
    let mut instruction = line.instruction.clone();
    let loaded = match line.link {
        Link::None => {
            code::each_target(&mut instruction, |target| *target += start);
            return instruction;
        }
        Link::Function(to) => {
            code::each_target(&mut instruction, |target| *target = places.start(to));
            return instruction;
        }
        Link::Index(of) => i64::from(places.start(of)),
        Link::Address(of) => address(of),
    };
    if let Instruction::Load { n, .. } = &mut instruction {
        *n = Lit64(loaded);
    }
    instruction
}

/// The most characters of a function's name in its label, which leaves room for a number, however
/// many bytes the characters have.
const MAX_NAME: usize = 60;

/// The names of functions as labels: each once, of the characters that labels have.
fn names(program: &Program) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names = Vec::with_capacity(program.functions.len());
    for function in &program.functions {
        let spelled = function.name.chars().map(|c| if is_name_char(c) { c } else { '_' });
        let spelled: String = spelled.skip_while(|c| *c == '.').take(MAX_NAME).collect();
        let mut name = if spelled.is_empty() { "_".to_owned() } else { spelled.clone() };
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{spelled}.{number}");
            number += 1;
        }
        names.push(name);
    }
    names
}
