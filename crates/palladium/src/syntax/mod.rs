//! From source text to syntax trees.

pub mod ast;
mod balance;
mod docs;
mod lexer;
mod literal;
pub(crate) mod operand;
mod parser;
mod report;
pub mod token;
pub mod tree;

use iridium_isa::FileId;

use crate::diag::Problem;
use report::Report;
use token::{Kind, Token};
use tree::Tree;

/// A source file that has been read. Every text can be: what is wrong with it is in the problems,
/// and where something could not be read stands an error node.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// All that is written.
    pub tree: Tree,
    /// What it means.
    pub file: ast::File,
    /// What is wrong, in the order of its places.
    pub problems: Vec<Problem>,
}

/// What has been typed at a prompt: imports and declarations, and statements.
#[derive(Debug, Clone)]
pub struct Entry {
    /// All that is written.
    pub tree: Tree,
    /// What is imported and declared.
    pub file: ast::File,
    /// What is to be done.
    pub stmts: Vec<ast::Stmt>,
    /// What is wrong, in the order of its places.
    pub problems: Vec<Problem>,
}

/// Reads a source file. Of a text of 4 GiB or more it only says that it is too large.
pub fn parse(file: FileId, text: &str) -> Parsed {
    let (text, tokens, report) = tokens(file, text);
    let (tree, file, problems) = parser::file(text, tokens, report);
    Parsed { tree, file, problems }
}

/// Reads what has been typed at a prompt.
pub fn parse_entry(file: FileId, text: &str) -> Entry {
    let (text, tokens, report) = tokens(file, text);
    let (tree, file, stmts, problems) = parser::entry(text, tokens, report);
    Entry { tree, file, stmts, problems }
}

/// Whether what has been typed can be read as it is: all brackets are closed, and the last line
/// does not ask for another.
pub fn is_complete(text: &str) -> bool {
    let mut report = Report::new(FileId(0));
    let tokens = lexer::lex(text, &mut report);
    // Only a string between three quotes may run over several lines.
    let open_text = report.last().is_some_and(|last| {
        last.name == "unclosed-string"
            && last.primary.0.span.end as usize == text.len()
            && last.fix.as_ref().is_some_and(|(_, closers)| closers.ends_with("\"\"\""))
    });
    // Another has no end on its line, so no further line can bring it.
    if !open_text && report.has_unclosed_string(0..u32::MAX) {
        return true;
    }
    let last = tokens.iter().rev().nth(1);
    let goes_on = last.is_some_and(|last| !last.kind.can_end());
    balance::unclosed(&tokens).is_none_or(|open| open == 0 && !goes_on && !open_text)
}

fn tokens(file: FileId, text: &str) -> (&str, Vec<Token>, Report) {
    let mut report = Report::new(file);
    if u32::try_from(text.len()).is_err() {
        let place = report.place(0..0);
        report.push(Problem::error("too-large", place, "a source file has less than 4 GiB"));
        let end = Token { kind: Kind::End, newline: true, start: 0, end: 0 };
        return ("", vec![end], report);
    }
    let tokens = lexer::lex(text, &mut report);
    let tokens = balance::balance(text, tokens, &mut report);
    (text, tokens, report)
}
