//! Documentation as pages of HTML: each is whole by itself, without scripts, and light or dark as
//! the reader's system is.

use std::fmt::Write as _;

use iridium_isa::FileId;

use super::text::{Piece, Span, pieces, spans};
use super::{Entry, Kind, Links, Module};
use crate::syntax::parse_entry;
use crate::syntax::token::Kind as Token;

const STYLE: &str = include_str!("style.css");

/// The page of a module. Links lead to the pages beside it, `NAME.html`.
pub fn page(module: &Module, links: &Links) -> String {
    let name = &module.name;
    let mut body = String::new();
    let _ = write!(body, "<p><a href=\"index.html\">All modules</a></p>\n<h1>{name}</h1>\n");
    if !module.is_prelude {
        let _ = writeln!(body, "<p><code>import {name}</code></p>");
    }
    let page = Page { module: name, links };
    body += &page.doc(&module.doc);
    body += &contents(module);
    for item in &module.items {
        page.item(&mut body, item);
    }
    document(name, &body)
}

/// The page that leads to those of all modules.
pub fn index(modules: &[Module]) -> String {
    let mut body = "<h1>Modules</h1>\n<dl>\n".to_owned();
    for module in modules {
        let first = pieces(&module.doc).into_iter().find_map(|piece| match piece {
            Piece::Paragraph(text) => Some(text),
            _ => None,
        });
        let about = first.map(|text| inline(&text, &|_| None)).unwrap_or_default();
        let name = &module.name;
        let _ = writeln!(body, "<dt><a href=\"{name}.html\">{name}</a></dt><dd>{about}</dd>");
    }
    document("Modules", &(body + "</dl>\n"))
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         {body}</main>\n</body>\n</html>\n"
    )
}

/// Links to all that is on a page.
fn contents(module: &Module) -> String {
    let mut text = String::new();
    for (kind, title) in
        [(Kind::Type, "Types"), (Kind::Function, "Functions"), (Kind::Constant, "Constants")]
    {
        let items = module.items.iter().filter(|item| item.kind == kind);
        let links: Vec<String> =
            items.map(|item| format!("<a href=\"#{}\">{}</a>", item.anchor, item.name)).collect();
        if !links.is_empty() {
            let _ = writeln!(text, "<p class=\"contents\"><b>{title}</b> {}</p>", links.join(" "));
        }
    }
    text
}

/// What is linked from where.
struct Page<'p> {
    module: &'p str,
    links: &'p Links,
}

impl Page<'_> {
    fn item(&self, body: &mut String, item: &Entry) {
        let anchor = &item.anchor;
        let _ = write!(
            body,
            "<section id=\"{anchor}\">\n<h2><a href=\"#{anchor}\">{}</a></h2>\n\
             <pre class=\"signature\">{}</pre>\n{}",
            item.name,
            self.code(&item.signature, Some(anchor)),
            self.doc(&item.doc),
        );
        if !item.parts.is_empty() {
            body.push_str("<dl>\n");
            for (part, doc) in &item.parts {
                let part = self.code(part, None);
                let doc = self.doc(doc);
                let _ = writeln!(body, "<dt><code>{part}</code></dt><dd>{doc}</dd>");
            }
            body.push_str("</dl>\n");
        }
        body.push_str("</section>\n");
    }

    fn doc(&self, doc: &str) -> String {
        let line = |text: &str| inline(text, &|name| self.target(name));
        let mut text = String::new();
        for piece in pieces(doc) {
            let _ = match piece {
                Piece::Paragraph(paragraph) => writeln!(text, "<p>{}</p>", line(&paragraph)),
                Piece::Code(code) => {
                    writeln!(text, "<pre>{}</pre>", self.code(code.trim_end(), None))
                }
                Piece::List(items) => {
                    let items = items.iter().map(|item| format!("<li>{}</li>\n", line(item)));
                    writeln!(text, "<ul>\n{}</ul>", items.collect::<String>())
                }
            };
        }
        text
    }

    /// Code with its words marked, and links from the names of types. An item's own name is none.
    fn code(&self, code: &str, own: Option<&str>) -> String {
        let mut text = String::new();
        let mut at = 0;
        for token in parse_entry(FileId(0), code).tree.tokens {
            let (start, end) = (token.start as usize, token.end as usize);
            gap(&mut text, &code[at..start]);
            let word = &code[start..end];
            let is_type = token.kind == Token::TypeName && own != Some(word);
            let target = self.target(word).filter(|_| is_type);
            let shown = escaped(word);
            let _ = match (target, class(token.kind)) {
                (Some(target), _) => write!(text, "<a href=\"{target}\">{shown}</a>"),
                (None, Some(class)) => write!(text, "<span class=\"{class}\">{shown}</span>"),
                (None, None) => write!(text, "{shown}"),
            };
            at = end;
        }
        gap(&mut text, &code[at..]);
        text
    }

    fn target(&self, name: &str) -> Option<String> {
        let (module, anchor) = self.links.find(self.module, name)?;
        let page = if module == self.module { String::new() } else { format!("{module}.html") };
        let anchor = if anchor.is_empty() { String::new() } else { format!("#{anchor}") };
        Some(format!("{page}{anchor}")).filter(|target| !target.is_empty())
    }
}

/// How a token is marked.
fn class(kind: Token) -> Option<&'static str> {
    match kind {
        Token::Int | Token::Float => Some("number"),
        Token::Char
        | Token::String
        | Token::Bytes
        | Token::FormatStart
        | Token::FormatText
        | Token::FormatEnd => Some("text"),
        kind if kind.is_reserved() => Some("keyword"),
        _ => None,
    }
}

/// What stands between tokens: blanks and comments.
fn gap(text: &mut String, gap: &str) {
    for line in gap.split_inclusive('\n') {
        let _ = match line.find('#') {
            Some(at) => {
                let (blank, comment) = line.split_at(at);
                write!(text, "{blank}<span class=\"comment\">{}</span>", escaped(comment))
            }
            None => write!(text, "{line}"),
        };
    }
}

/// A line with what stands out in it; code that names something leads there.
fn inline(line: &str, target: &dyn Fn(&str) -> Option<String>) -> String {
    let mut text = String::new();
    for span in spans(line) {
        let _ = match span {
            Span::Plain(plain) => write!(text, "{}", escaped(plain)),
            Span::Strong(inner) => write!(text, "<b>{}</b>", escaped(inner)),
            Span::Emphasis(inner) => write!(text, "<i>{}</i>", escaped(inner)),
            Span::Link(label, to) if is_safe(to) => {
                write!(text, "<a href=\"{}\">{}</a>", escaped(to), escaped(label))
            }
            Span::Link(label, _) => write!(text, "{}", escaped(label)),
            Span::Code(code) => match target(code) {
                Some(to) => write!(text, "<a href=\"{to}\"><code>{}</code></a>", escaped(code)),
                None => write!(text, "<code>{}</code>", escaped(code)),
            },
        };
    }
    text
}

/// Whether a link only leads somewhere, and runs nothing.
fn is_safe(target: &str) -> bool {
    match target.split_once(':') {
        Some((scheme, _)) => matches!(scheme, "http" | "https" | "mailto"),
        None => true,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
