//! Statements to instructions, once every label is known.

use std::collections::HashSet;

use iridium_isa::operand::Data;
use iridium_isa::reference::{lookup, usage};
use iridium_isa::syntax::{OperandError, Operands, Scope, Symbol, Value};
use iridium_isa::{FileId, Flow, Instruction, Location, ModuleBuilder, Opcode, OperandDoc, Span};

use super::parser::{Base, Draft, Names, Statement};
use super::report::Report;

/// Where a source stands in the line table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) file: FileId,
    /// Lines of the file before the source begins.
    pub(super) lines: u32,
}

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
fn push_hlt(draft: &mut Draft<'_>) {
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

/// Matches operands, looks labels up, and appends what the source says to a module.
pub(super) fn resolve(
    draft: &mut Draft<'_>,
    base: &Base,
    origin: Origin,
    builder: &mut ModuleBuilder,
    report: &mut Report<'_>,
) {
    let names = Names { draft, base };
    builder.reserve(draft.statements.len() + 1);
    for statement in &draft.statements {
        match instruction(statement, draft, &names) {
            Ok(instruction) => {
                let (line, column) = statement.place;
                let line = line + origin.lines;
                builder.set_location(Some(Location { file: origin.file, line, column }));
                builder.push(instruction);
            }
            Err(error) => explain(error, statement, &names, report),
        }
    }

    if let Some((name, span)) = &draft.entry
        && let Some(index) = code_index(name, span, &names, report)
    {
        let label = builder.label_at(index);
        builder.entry(label);
    }
    let mut seen = HashSet::new();
    for (name, span) in draft.exports.iter().filter(|(name, _)| seen.insert(*name)) {
        if let Some(index) = code_index(name, span, &names, report) {
            let label = builder.label_at(index);
            builder.export(*name, label);
        }
    }

    let mut imports: Vec<_> = draft.imports.iter().collect();
    imports.sort_by_key(|(_, number)| **number);
    for (name, _) in imports {
        builder.import(name);
    }
    builder.bytes(std::mem::take(&mut draft.data));
    name_labels(draft, builder);
}

/// The instruction that `.entry` or `.export` names.
fn code_index(
    name: &str,
    span: &Span,
    names: &Names<'_, '_>,
    report: &mut Report<'_>,
) -> Option<u32> {
    match names.symbol(name) {
        Some(Symbol::Code(index)) => Some(index),
        Some(Symbol::Data(_)) => {
            let message = format!("`{name}` is a data label; a code label is needed");
            report.error(span.clone(), message, None);
            None
        }
        None => {
            let help = suggest_label(name, names, report);
            report.error(span.clone(), format!("no label `{name}`"), help);
            None
        }
    }
}

/// Names the code and the data, in the order of their places.
fn name_labels(draft: &Draft<'_>, builder: &mut ModuleBuilder) {
    let place = |symbol| match symbol {
        Symbol::Code(index) => (0, index),
        Symbol::Data(offset) => (1, offset),
    };
    let mut labels: Vec<_> =
        draft.symbols.iter().map(|(name, definition)| (*name, definition.symbol)).collect();
    labels.sort_unstable_by_key(|(name, symbol)| (place(*symbol), *name));
    for (name, symbol) in labels {
        match symbol {
            Symbol::Code(index) => {
                let label = builder.named_label(name);
                builder.bind_at(label, index);
            }
            Symbol::Data(offset) => builder.name_data(name, Data(offset)),
        }
    }
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
    values: &[(Value<'_>, Span)],
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

fn explain(
    error: OperandError,
    statement: &Statement,
    names: &Names<'_, '_>,
    report: &mut Report<'_>,
) {
    let mnemonic = statement.forms.first().map_or("", |opcode| opcode.mnemonic());
    let usage = || {
        let explained = usage(statement.forms);
        (!explained.is_empty()).then(|| format!("it is written {explained}"))
    };
    let (span, message, help) = match error {
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
            let help = suggest_label(&name, names, report);
            (span, format!("no label `{name}`"), help)
        }
        OperandError::UnknownImport { name, span } => {
            let known = || {
                let drafted = names.draft.imports.keys().copied();
                drafted.chain(names.base.imports.keys().map(String::as_str))
            };
            let help = report.did_you_mean(&name, known);
            let help = help.unwrap_or_else(|| format!("import it with `.import {name}`"));
            (span, format!("no imported host function `{name}`"), Some(help))
        }
        OperandError::DataLabel { name, span } => {
            (span, format!("`{name}` is a data label; a code label is needed"), None)
        }
        OperandError::CodeLabel { name, span } => {
            (span, format!("`{name}` is a code label; a data label is needed"), None)
        }
    };
    report.error(span, message, help);
}

fn suggest_label(name: &str, names: &Names<'_, '_>, report: &mut Report<'_>) -> Option<String> {
    report.did_you_mean(name, || {
        let drafted = names.draft.symbols.keys().copied();
        drafted.chain(names.base.symbols.keys().map(String::as_str))
    })
}
