//! The call that is being written at a place, and which of its arguments.

use std::ops::Range;

use iridium_isa::FileId;

use super::Analysis;
use crate::diag::Place;
use crate::doc::signature::on_one_line as written;
use crate::names::lookup::same_head;
use crate::syntax::ast;
use crate::syntax::token::{Kind, Token};

/// A call that has an open bracket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// As one would write it, with the names of parameters and their types.
    pub signature: String,
    /// What is said of what is called.
    pub doc: String,
    /// Where the parameters stand in the signature, in bytes, without the value before a dot.
    pub params: Vec<Range<usize>>,
    /// The names of the parameters, as labels; empty for one that has none.
    pub labels: Vec<String>,
    /// The parameter of the argument that is being written.
    pub active: usize,
}

/// Parameters, as they are written and with their labels.
type Params = Vec<(String, String)>;

/// A bracket with what stands in it before the place.
struct Open {
    callee: Token,
    /// How many arguments are before that which is being written.
    commas: usize,
    /// Its label, when it has one.
    label: Option<Token>,
}

impl Analysis {
    /// The innermost call that is open at an offset, when it is known what is called: all functions
    /// that it may be, first those that take such arguments.
    pub fn calls_at(&mut self, file: FileId, offset: u32) -> Vec<Call> {
        let Some(parsed) = self.parsed(file) else { return Vec::new() };
        let tokens = &parsed.tree.tokens;
        let before = tokens.partition_point(|token| token.end <= offset && token.kind != Kind::End);
        let Some(open) = open_call(&tokens[..before]) else { return Vec::new() };
        let name = Place { file, span: open.callee.span() };
        let named = self.name_at(file, open.callee.end).filter(|named| named.name == name);
        let Some(declared) = named.map(|named| named.declared) else { return Vec::new() };
        let label = open.label.map(|label| Place { file, span: label.span() });
        let label = label.map(|label| self.text_at(&label).to_owned());
        let mut calls = Vec::new();
        for declared in self.same_name(declared) {
            let Some(mut call) = self.call_of(&declared) else { continue };
            let named =
                label.as_ref().and_then(|label| call.labels.iter().position(|l| l == label));
            call.active = named.unwrap_or(open.commas);
            let fits = call.active < call.params.len() && (label.is_none() || named.is_some());
            calls.push((!fits, call));
        }
        calls.sort_by_key(|(misfit, _)| *misfit);
        calls.into_iter().map(|(_, call)| call).collect()
    }

    /// The functions that are told apart from one only by their arguments, itself first.
    fn same_name(&mut self, declared: Place) -> Vec<Place> {
        let Some(key) = self.function_at(&declared) else { return vec![declared] };
        let (module, own) = (self.world().function(key).module, self.checker.world.signature(key));
        let mut all = vec![declared];
        for other in self.world().module(module).functions_named(&own.name.text).to_vec() {
            let signature = self.checker.world.signature(other);
            let alike = match (own.params.first(), signature.params.first()) {
                (Some(own), Some(first)) => same_head(&own.ty, &first.ty),
                _ => false,
            };
            if other != key && alike && own.is_method() && signature.is_method() {
                all.push(self.function_place(other));
            }
        }
        all
    }

    fn call_of(&self, declared: &Place) -> Option<Call> {
        let doc = self.declared(declared)?.doc;
        let source = self.text(declared.file);
        let (name, params, result): (&str, Params, _) = match self.function_at(declared) {
            Some(key) => {
                let ast = &self.world().function(key).ast;
                let params = ast.params.iter().filter(|param| &*param.name.text != "self");
                let param = |param: &ast::Param| {
                    (written(source, &param.span), param.name.text.to_string())
                };
                (&ast.name.text, params.map(param).collect(), ast.result.as_ref())
            }
            None => {
                let items = self.items_at(declared.file, declared.span.start);
                let (name, params) = constructor(source, items, declared)?;
                (name, params, None)
            }
        };
        let mut signature = format!("{name}(");
        let (mut places, mut labels) = (Vec::new(), Vec::new());
        for (text, label) in params {
            if !places.is_empty() {
                signature.push_str(", ");
            }
            places.push(signature.len()..signature.len() + text.len());
            signature.push_str(&text);
            labels.push(label);
        }
        signature.push(')');
        if let Some(result) = result {
            signature.push_str(" -> ");
            signature.push_str(&written(source, &result.span));
        }
        Some(Call { signature, doc, params: places, labels, active: 0 })
    }
}

/// The fields of a record or variant whose name is declared at a place.
fn constructor<'a>(
    source: &str,
    items: &'a [ast::Item],
    declared: &Place,
) -> Option<(&'a str, Params)> {
    for item in items {
        match &item.kind {
            ast::ItemKind::Record(record) if record.name.span == declared.span => {
                let fields = record.fields.iter().map(|field| {
                    let end = field.default.as_ref().map_or(field.ty.span.end, |d| d.span.end);
                    (written(source, &(field.name.span.start..end)), field.name.text.to_string())
                });
                return Some((&record.name.text, fields.collect()));
            }
            ast::ItemKind::Enum(of) => {
                let mut variants = of.variants.iter();
                let Some(variant) = variants.find(|one| one.name.span == declared.span) else {
                    continue;
                };
                let fields = variant.fields.iter().map(|field| {
                    let start = field.label.as_ref().map_or(field.ty.span.start, |l| l.span.start);
                    let label = field.label.as_ref().map(|label| label.text.to_string());
                    (written(source, &(start..field.ty.span.end)), label.unwrap_or_default())
                });
                return Some((&variant.name.text, fields.collect()));
            }
            ast::ItemKind::Actor(actor) if actor.name.span == declared.span => {
                let params = actor.params.iter();
                let params =
                    params.map(|param| (written(source, &param.span), param.name.text.to_string()));
                return Some((&actor.name.text, params.collect()));
            }
            _ => {}
        }
    }
    None
}

/// The innermost bracket of a call that the last of these tokens stand in.
fn open_call(tokens: &[Token]) -> Option<Open> {
    let mut closed = 0usize;
    let mut commas = 0;
    let mut label = None;
    for (at, token) in tokens.iter().enumerate().rev() {
        // A token without a length is one that the source lacks.
        if token.start == token.end {
            continue;
        }
        if token.kind.closes() {
            closed += 1;
        } else if token.kind.opens() && closed > 0 {
            closed -= 1;
        } else if token.kind == Kind::LParen
            && let Some(callee) = callee(&tokens[..at])
        {
            return Some(Open { callee, commas, label });
        } else if matches!(token.kind, Kind::LParen | Kind::LBracket) {
            (commas, label) = (0, None);
        } else if token.kind.opens() {
            return None;
        } else if token.kind == Kind::Comma && closed == 0 {
            commas += 1;
        } else if token.kind == Kind::Colon && closed == 0 && commas == 0 {
            label = at.checked_sub(1).map(|name| tokens[name]).filter(|name| name.kind.is_name());
        }
    }
    None
}

/// The name of what is called by the bracket after these tokens.
fn callee(tokens: &[Token]) -> Option<Token> {
    let last = *tokens.last()?;
    if last.kind != Kind::RBracket {
        let is_name = last.kind.is_name() || last.kind == Kind::TypeName;
        let before = tokens.len().checked_sub(2).map(|at| tokens[at].kind);
        let declares = matches!(before, Some(Kind::Fn | Kind::On | Kind::Actor));
        return (is_name && !declares).then_some(last);
    }
    let mut open = 0usize;
    for (at, token) in tokens.iter().enumerate().rev() {
        open += usize::from(token.kind == Kind::RBracket);
        if token.kind == Kind::LBracket {
            open -= 1;
            if open == 0 {
                return callee(&tokens[..at]);
            }
        }
    }
    None
}
