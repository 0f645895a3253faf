//! Statements to instructions, once every label is known.

use std::collections::HashSet;

use super::parser::{Base, Draft, Names, Statement};
use iridium_isa::diagnostic::Diagnostics;
use iridium_isa::instruction::OperandDoc;
use iridium_isa::reference::lookup;
use iridium_isa::source::{OperandError, Operands, Scope, Span, Symbol};
use iridium_isa::suggest::nearest;
use iridium_isa::{Flow, Instruction, Opcode, Parts};

/// Appends `hlt` where the code would run off its end. Says whether it had to.
pub(super) fn add_final_hlt(draft: &mut Draft<'_>, base: &Base) -> bool {
    let end = base.code + draft.statements.len() as u32;
    let labelled = draft.symbols.values().any(|label| label.symbol == Symbol::Code(end));
    let runs_off = match draft.statements.last() {
        None => true,
        Some(statement) => match statement.forms.first().map(|opcode| opcode.flow()) {
            Some(Flow::Jump | Flow::End) => false,
            Some(Flow::Next | Flow::Branch) | None => true,
        },
    };
    if runs_off || labelled {
        push_hlt(draft);
    }
    runs_off || labelled
}

/// Appends `hlt`, placed where the source ends.
pub(super) fn push_hlt(draft: &mut Draft<'_>) {
    let (place, end) = draft.statements.last().map_or(((1, 1), 0), |last| (last.place, last.end));
    let operands = draft.values.len() as u32;
    draft.statements.push(Statement {
        forms: lookup("hlt"),
        operands: (operands, operands),
        span: end..end,
        end,
        place,
    });
}

/// Matches operands, looks labels up, and puts the module's parts together.
pub(super) fn resolve(
    draft: &Draft<'_>,
    base: &Base,
    source: &str,
    report: &mut Diagnostics,
) -> Parts {
    let names = Names { draft, base };
    let mut code = Vec::with_capacity(draft.statements.len());
    for statement in &draft.statements {
        match instruction(statement, draft, &names) {
            Ok(instruction) => code.push(instruction),
            Err(misfit) => complain(misfit, statement, &names, source, report),
        }
    }

    let mut code_index = |name: &str, span: &Span| match names.symbol(name) {
        Some(Symbol::Code(index)) => Some(index),
        Some(Symbol::Data(_)) => {
            let message = format!("`{name}` is a data label; a code label is needed");
            report.error(source, span.clone(), message, None);
            None
        }
        None => {
            let help = suggest_label(name, &names);
            report.error(source, span.clone(), format!("no label `{name}`"), help);
            None
        }
    };
    let entry = draft.entry.as_ref().and_then(|(name, span)| code_index(name, span));
    let mut seen = HashSet::new();
    let exports = draft
        .exports
        .iter()
        .filter(|(name, _)| seen.insert(*name))
        .filter_map(|(name, span)| Some(((*name).to_owned(), code_index(name, span)?)))
        .collect();

    let mut imports: Vec<_> = draft.imports.iter().collect();
    imports.sort_by_key(|(_, number)| **number);
    let (code_labels, data_labels) = labels(draft);
    Parts {
        code,
        data: draft.data.clone(),
        entry: entry.unwrap_or(0),
        exports,
        imports: imports.into_iter().map(|(name, _)| (*name).to_owned()).collect(),
        code_labels,
        data_labels,
        lines: None,
    }
}

/// Labels with where they stand.
type Labels = Vec<(String, u32)>;

/// The code and data labels of the draft, each list in the order of its places.
fn labels(draft: &Draft<'_>) -> (Labels, Labels) {
    let (mut code, mut data) = (Vec::new(), Vec::new());
    for (name, definition) in &draft.symbols {
        match definition.symbol {
            Symbol::Code(index) => code.push(((*name).to_owned(), index)),
            Symbol::Data(offset) => data.push(((*name).to_owned(), offset)),
        }
    }
    for list in [&mut code, &mut data] {
        list.sort_by(|(a_name, a), (b_name, b)| a.cmp(b).then_with(|| a_name.cmp(b_name)));
    }
    (code, data)
}

fn instruction(
    statement: &Statement,
    draft: &Draft<'_>,
    names: &Names<'_, '_>,
) -> Result<Instruction, OperandError> {
    let (first, last) = statement.operands;
    let values = draft.values.get(first as usize..last as usize).unwrap_or(&[]);
    let opcode = match statement.forms {
        [only] => *only,
        forms => match forms.iter().find(|opcode| opcode.fits(values)) {
            Some(opcode) => *opcode,
            None => return Err(no_form_fits(forms, values, statement)),
        },
    };
    let mut operands = Operands::new(values, statement.end..statement.end, names);
    let instruction = opcode.parse(&mut operands)?;
    operands.finish()?;
    Ok(instruction)
}

/// The first operand that no form takes.
fn no_form_fits(
    forms: &'static [Opcode],
    values: &[(iridium_isa::source::Value<'_>, Span)],
    statement: &Statement,
) -> OperandError {
    let at = |position: usize| forms.iter().filter_map(move |form| form.operands().get(position));
    let refused = values.iter().enumerate().find(|(position, (value, _))| {
        !at(*position).any(|operand: &OperandDoc| (operand.accepts)(value))
    });
    let position = refused.map_or(values.len(), |(position, _)| position);
    let expected = if at(position).any(|operand| operand.expected.contains("literal")) {
        "a register or a 32-bit literal"
    } else {
        at(position).next().map_or("nothing more", |operand| operand.expected)
    };
    match refused {
        Some((_, (value, span))) => {
            OperandError::Form { expected, found: value.form(), span: span.clone() }
        }
        None => OperandError::Missing { expected, span: statement.end..statement.end },
    }
}

fn complain(
    misfit: OperandError,
    statement: &Statement,
    names: &Names<'_, '_>,
    source: &str,
    report: &mut Diagnostics,
) {
    let mnemonic = statement.forms.first().map_or("", |opcode| opcode.mnemonic());
    let usage = || {
        let explained = iridium_isa::reference::usage(statement.forms);
        (!explained.is_empty()).then(|| format!("it is written {explained}"))
    };
    let (span, message, help) = match misfit {
        OperandError::Missing { expected, span } => {
            (span, format!("`{mnemonic}` lacks an operand: expected {expected}"), usage())
        }
        OperandError::Extra { found, span } => {
            (span, format!("`{mnemonic}` takes no more operands, found {found}"), usage())
        }
        OperandError::Form { expected, found, span } => {
            (span, format!("expected {expected}, found {found}"), usage())
        }
        OperandError::Range { number, low, high, span } => {
            (span, format!("{number} is outside {low}…{high}"), None)
        }
        OperandError::PastLastRegister { number, more, span } => {
            let message = format!(
                "`{mnemonic}` uses `${number}` and the {more} after it, which go past `$255`"
            );
            (span, message, None)
        }
        OperandError::UnknownLabel { name, span } => {
            let help = suggest_label(&name, names);
            (span, format!("no label `{name}`"), help)
        }
        OperandError::UnknownImport { name, span } => {
            let known = names.draft.imports.keys().copied();
            let help = nearest(&name, known.chain(names.base.imports.keys().map(String::as_str)))
                .map(|name| format!("did you mean `{name}`?"))
                .unwrap_or_else(|| format!("import it with `.import {name}`"));
            (span, format!("no imported host function `{name}`"), Some(help))
        }
        OperandError::DataLabel { name, span } => {
            (span, format!("`{name}` is a data label; a code label is needed"), None)
        }
        OperandError::CodeLabel { name, span } => {
            (span, format!("`{name}` is a code label; a data label is needed"), None)
        }
    };
    report.error(source, span, message, help);
}

fn suggest_label(name: &str, names: &Names<'_, '_>) -> Option<String> {
    let drafted = names.draft.symbols.keys().copied();
    nearest(name, drafted.chain(names.base.symbols.keys().map(String::as_str)))
        .map(|name| format!("did you mean `{name}`?"))
}
