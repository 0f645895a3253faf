//! Documentation as Markdown.

use std::fmt::Write as _;

use super::Module;

/// A module as a text in Markdown.
pub fn markdown(module: &Module) -> String {
    let mut text = format!("# {}\n", module.name);
    if !module.is_prelude {
        let _ = writeln!(text, "`import {}`", module.name);
    }
    add(&mut text, &module.doc);
    for item in &module.items {
        let _ = write!(text, "\n## {}\n```palladium\n{}\n```\n", item.name, item.signature);
        add(&mut text, &item.doc);
        for (part, doc) in &item.parts {
            let doc = doc.replace('\n', "\n  ");
            let colon = if doc.is_empty() { "" } else { ": " };
            let _ = writeln!(text, "* `{part}`{colon}{doc}");
        }
    }
    text
}

/// A comment, with the language of its code.
fn add(text: &mut String, doc: &str) {
    let mut within = false;
    for line in doc.lines() {
        if line == "```" && !within {
            text.push_str("```palladium\n");
        } else {
            text.push_str(line);
            text.push('\n');
        }
        within ^= line.starts_with("```");
    }
}
