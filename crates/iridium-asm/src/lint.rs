//! Warnings: what assembles but is probably a mistake.

use iridium_isa::syntax::Symbol;
use iridium_isa::{Flow, Module, Opcode};

use super::parser::Draft;
use super::report::Report;

/// Warns of unused labels, unreachable code and a missing `hlt` at the end.
pub(super) fn lint(draft: &Draft<'_>, module: &Module, hlt_added: bool, report: &mut Report<'_>) {
    let written = draft.statements.len() - usize::from(hlt_added);
    for (name, _) in module.code_labels().iter().chain(module.data_labels()) {
        match draft.symbols.get(name.as_str()) {
            Some(definition) if !definition.used.get() => {
                let message = format!("the label `{name}` is never used");
                report.warning(definition.span.clone(), message);
            }
            _ => {}
        }
    }
    if let Some(reached) = reachable(draft, module) {
        let mut before = true;
        for (statement, reached) in draft.statements.iter().zip(&reached).take(written) {
            if before && !reached {
                report.warning(statement.span.clone(), "unreachable code");
            }
            before = *reached;
        }
        let needed = reached.last().copied().unwrap_or(true);
        if hlt_added && needed {
            let last = written.checked_sub(1).and_then(|last| draft.statements.get(last));
            let span = last.map_or(0..0, |statement| statement.span.clone());
            report.warning(span, "missing `hlt` at the end; one was added");
        }
    }
}

/// Which instructions control can come to; `None` when computed distances leave that open.
fn reachable(draft: &Draft<'_>, module: &Module) -> Option<Vec<bool>> {
    let computed = |opcode| matches!(opcode, Opcode::Jmpf | Opcode::Jmpb);
    if module.code().iter().any(|instruction| computed(instruction.opcode())) {
        return None;
    }
    // A label whose value is loaded may be jumped to, so every label in use counts.
    let used = draft.symbols.values().filter(|definition| definition.used.get());
    let labels = used.filter_map(|definition| match definition.symbol {
        Symbol::Code(index) => Some(index),
        Symbol::Data(_) => None,
    });
    let mut open: Vec<u32> = labels.chain([module.entry()]).collect();
    let mut reached = vec![false; module.code().len()];
    while let Some(index) = open.pop() {
        let (Some(seen), Some(instruction)) =
            (reached.get_mut(index as usize), module.code().get(index as usize))
        else {
            continue;
        };
        if std::mem::replace(seen, true) {
            continue;
        }
        open.extend_from_slice(instruction.targets());
        if matches!(instruction.opcode().flow(), Flow::Next | Flow::Branch) {
            open.push(index + 1);
        }
    }
    Some(reached)
}
