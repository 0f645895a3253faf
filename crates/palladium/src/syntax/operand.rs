//! What stands before a dot.

use iridium_isa::FileId;

use super::lexer;
use super::report::Report;
use super::token::{Kind, Token};

/// Where the expression begins that a text ends with, so that `.name` could follow.
pub(crate) fn operand_at_end(text: &str) -> Option<usize> {
    let tokens = lexer::lex(text, &mut Report::new(FileId(0)));
    let mut rest = tokens.split_last()?.1;
    loop {
        let (last, before) = rest.split_last()?;
        let begin = match last.kind {
            Kind::Question | Kind::Bang => {
                rest = before;
                continue;
            }
            Kind::RParen | Kind::RBracket | Kind::FormatEnd => {
                let opener = opener(rest)?;
                let called = rest.get(opener.checked_sub(1)?);
                let is_called = called.is_some_and(|token| {
                    last.kind != Kind::FormatEnd && ends_callee(*token) && !rest[opener].newline
                });
                if is_called {
                    rest = &rest[..opener];
                    continue;
                }
                opener
            }
            Kind::Name | Kind::TypeName | Kind::SelfWord | Kind::Int | Kind::Float => before.len(),
            Kind::String | Kind::Bytes | Kind::Char => before.len(),
            kind if kind.is_name() => before.len(),
            _ => return None,
        };
        match rest[..begin].split_last() {
            Some((dot, before)) if dot.kind == Kind::Dot => rest = before,
            _ => return rest.get(begin).map(|token| token.start as usize),
        }
    }
}

fn ends_callee(token: Token) -> bool {
    let closes = matches!(token.kind, Kind::RParen | Kind::RBracket | Kind::Question | Kind::Bang);
    closes || token.kind.is_name() || token.kind == Kind::TypeName
}

/// The bracket that the last one closes.
fn opener(tokens: &[Token]) -> Option<usize> {
    let mut open = 0usize;
    for (at, token) in tokens.iter().enumerate().rev() {
        if token.kind.closes() || token.kind == Kind::FormatEnd {
            open += 1;
        } else if token.kind.opens() || token.kind == Kind::FormatStart {
            open = open.checked_sub(1)?;
            if open == 0 {
                return Some(at);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operand_goes_back_to_its_begin() {
        for (before, operand) in [
            ("", "x"),
            ("print(1 + ", "x.y"),
            ("let a = ", "f(1, (2))[3].g()?.h"),
            ("if ", "[1, 2]"),
            ("x + ", "\"a.b\""),
            ("x + ", "f\"{a.b}c\""),
            ("a = ", "(1 + 2)"),
            ("", "Int"),
            ("[", "xs.map(fn(x) { x }).first()!"),
        ] {
            let at = operand_at_end(&format!("{before}{operand}"));
            assert_eq!(at, Some(before.len()), "{before}{operand}");
        }
        for none in ["", "1 +", "(", "if"] {
            assert_eq!(operand_at_end(none), None, "{none}");
        }
    }
}
