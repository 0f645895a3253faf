//! Warnings: what assembles but is probably a mistake.

use super::parser::Draft;
use iridium_isa::diagnostic::Diagnostics;
use iridium_isa::source::Symbol;
use iridium_isa::{Flow, Opcode, Parts};

/// Warns of unused labels, unreachable code and a missing `hlt` at the end.
pub(super) fn lint(
    draft: &Draft<'_>,
    parts: &Parts,
    hlt_added: bool,
    source: &str,
    report: &mut Diagnostics,
) {
    let written = draft.statements.len() - usize::from(hlt_added);
    for (name, _) in parts.code_labels.iter().chain(&parts.data_labels) {
        match draft.symbols.get(name.as_str()) {
            Some(definition) if !definition.used.get() => {
                let message = format!("the label `{name}` is never used");
                report.warning(source, definition.span.clone(), message);
            }
            _ => {}
        }
    }
    if let Some(reached) = reachable(draft, parts) {
        let mut before = true;
        for (statement, reached) in draft.statements.iter().zip(&reached).take(written) {
            if before && !reached {
                report.warning(source, statement.span.clone(), "unreachable code".into());
            }
            before = *reached;
        }
        let needed = reached.last().copied().unwrap_or(true);
        if hlt_added && needed {
            let last = written.checked_sub(1).and_then(|last| draft.statements.get(last));
            let span = last.map_or(0..0, |statement| statement.span.clone());
            report.warning(source, span, "missing `hlt` at the end; one was added".into());
        }
    }
}

/// Which instructions control can come to; `None` when computed distances leave that open.
fn reachable(draft: &Draft<'_>, parts: &Parts) -> Option<Vec<bool>> {
    let computed = |opcode| matches!(opcode, Opcode::Jmpf | Opcode::Jmpb);
    if parts.code.iter().any(|instruction| computed(instruction.opcode())) {
        return None;
    }
    // A label whose value is loaded may be jumped to, so every label in use counts.
    let used = draft.symbols.values().filter(|definition| definition.used.get());
    let labels = used.filter_map(|definition| match definition.symbol {
        Symbol::Code(index) => Some(index),
        Symbol::Data(_) => None,
    });
    let mut open: Vec<u32> = labels.chain([parts.entry]).collect();
    let mut reached = vec![false; parts.code.len()];
    while let Some(index) = open.pop() {
        let (Some(seen), Some(instruction)) =
            (reached.get_mut(index as usize), parts.code.get(index as usize))
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
