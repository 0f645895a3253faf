//! Declarations without what they do, as the formatter prints them.

use iridium_isa::Span;

use crate::fmt::format;
use crate::syntax::ast::{Fn, Item, ItemKind, Param, Type};

/// What is shown of a declaration.
pub(crate) fn of(source: &str, item: &Item) -> String {
    let whole = &source[range(&item.span)];
    let start = item.span.start;
    match &item.kind {
        ItemKind::Fn(function) => of_function(source, &item.span, function),
        ItemKind::Actor(actor) => {
            let end = actor.params.last().map_or(actor.name.span.end, |param| param.span.end);
            let close = if actor.params.is_empty() { "" } else { ")" };
            with_block(&format!("{}{close}", &source[range(&(start..end))]))
        }
        ItemKind::App(app) => with_block(&source[range(&(start..app.name.span.end))]),
        _ => formatted(whole),
    }
}

/// What is shown of a function that stands here.
pub(crate) fn of_function(source: &str, span: &Span, function: &Fn) -> String {
    let end = function.body.as_ref().map_or(span.end, |body| body.span.start);
    with_block(&source[range(&(span.start..end))])
}

/// What has a comment of its own within a declaration.
pub(super) fn parts(source: &str, item: &Item) -> Vec<(String, String)> {
    let doc = |doc: &Option<std::sync::Arc<str>>| doc.as_deref().unwrap_or_default().to_owned();
    let mut parts = match &item.kind {
        ItemKind::Record(record) => {
            let fields = record.fields.iter();
            fields.map(|field| (field.name.text.to_string(), doc(&field.doc))).collect()
        }
        ItemKind::Enum(declared) => {
            let variants = declared.variants.iter();
            variants.map(|variant| (variant.name.text.to_string(), doc(&variant.doc))).collect()
        }
        ItemKind::Actor(actor) => {
            let handlers = actor.handlers.iter().filter(|handler| !handler.old);
            let shown = handlers
                .map(|handler| {
                    let name = &handler.name.text;
                    let shown =
                        format!("{name}{}", call(source, &handler.params, handler.result.as_ref()));
                    (shown, doc(&handler.doc))
                })
                .collect();
            // All messages are told: they are what one sends.
            return shown;
        }
        _ => Vec::new(),
    };
    parts.retain(|(_, doc)| !doc.is_empty());
    parts
}

/// `(a: Int, b: String) -> Int`
pub(crate) fn call(source: &str, params: &[Param], result: Option<&Type>) -> String {
    let params: Vec<&str> = params.iter().map(|param| &source[range(&param.span)]).collect();
    let result = result.map(|ty| format!(" -> {}", &source[range(&ty.span)]));
    format!("({}){}", params.join(", "), result.unwrap_or_default())
}

/// A part of the source without its line breaks.
pub(crate) fn on_one_line(source: &str, span: &Span) -> String {
    let text = source.get(range(span)).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn with_block(head: &str) -> String {
    let head = head.trim_end().replacen("intrinsic fn", "fn", 1);
    let text = formatted(&format!("{head} {{}}"));
    text.trim_end().strip_suffix("{}").map(str::trim_end).unwrap_or(&text).to_owned()
}

fn formatted(declaration: &str) -> String {
    let text = format(declaration).unwrap_or_else(|_| declaration.to_owned());
    let text = text.trim_end();
    text.strip_prefix("pub ").unwrap_or(text).to_owned()
}

fn range(span: &Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}
