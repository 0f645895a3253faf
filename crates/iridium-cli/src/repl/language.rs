//! Which lines are assembly and which are Palladium.
//!
//! A line of assembly is known by its form: a label, a directive, or a mnemonic with operands as
//! assembly has them. None of these is a line of Palladium. All else is Palladium, up to the line
//! that closes its last bracket.

use iridium_isa::reference;

/// What lines without `!` are taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Languages {
    /// Each line for what it looks like.
    Both,
    Palladium,
    Assembly,
}

/// Lines of one language.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Assembly(&'a str),
    Palladium(&'a str),
}

/// Words that have a meaning between two operands in Palladium.
const OPERATORS: [&str; 7] = ["and", "or", "in", "is", "within", "after", "every"];

impl Languages {
    /// Splits lines into pieces of one language. `half` is the begin of an entry of Palladium that
    /// they go on with; empty lines go with those before them.
    pub(super) fn split<'a>(self, text: &'a str, half: &str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let (mut start, mut end) = (0, 0);
        let mut assembly = None;
        for line in text.split_inclusive('\n') {
            let before = text.get(start..end).unwrap_or_default();
            let is_open = || !palladium::syntax::is_complete(&format!("{half}{before}"));
            let is = match self {
                Self::Assembly => true,
                Self::Palladium => false,
                Self::Both if assembly != Some(true) && is_open() => false,
                Self::Both if line.trim().is_empty() => assembly.unwrap_or(true),
                Self::Both => is_assembly(line),
            };
            if assembly.is_some_and(|assembly| assembly != is) {
                pieces.push(piece(before, !is));
                start = end;
            }
            assembly = Some(is);
            end += line.len();
        }
        let of_assembly = assembly.unwrap_or(self != Self::Palladium && half.is_empty());
        pieces.push(piece(text.get(start..).unwrap_or_default(), of_assembly));
        pieces
    }
}

fn piece(text: &str, assembly: bool) -> Piece<'_> {
    let text = text.trim_end_matches(['\n', '\r']);
    if assembly { Piece::Assembly(text) } else { Piece::Palladium(text) }
}

/// Whether a line has the form of a line of assembly.
fn is_assembly(line: &str) -> bool {
    let line = line.trim();
    let (word, rest) = first_word(line);
    if word.is_empty() || rest.starts_with(':') {
        let mut first = line.chars();
        let directive = first.next() == Some('.') && first.next().is_some_and(char::is_alphabetic);
        return !word.is_empty() || directive || line.starts_with(';');
    }
    let operand = rest.trim_start();
    let mut first = operand.chars();
    let (sign, next) = (first.next(), first.next());
    match sign {
        // Palladium has no such signs, so the word may have a slip.
        Some('$') => next.is_some_and(|next| next.is_ascii_digit()),
        Some('@') => next.is_some_and(|next| next.is_alphanumeric() || next == '_'),
        // A literal; a comment of Palladium has a blank behind its sign, or stands alone.
        Some('#') => is_mnemonic(word) && next.is_some_and(|next| !next.is_whitespace()),
        Some(';') | None => takes_nothing(word),
        // Something else than an operand behind a mnemonic: nothing in Palladium, if it does not
        // join two.
        Some(sign) if sign.is_alphanumeric() || matches!(sign, '\'' | '_') => {
            let (next, _) = first_word(operand);
            is_mnemonic(word) && !is_reserved(word) && !OPERATORS.contains(&next)
        }
        Some(_) => false,
    }
}

/// A name or mnemonic, and what follows it.
fn first_word(line: &str) -> (&str, &str) {
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, '_');
    let length = line.find(|c| !is_inner(c)).unwrap_or(line.len());
    line.split_at(length)
}

fn is_mnemonic(word: &str) -> bool {
    !reference::lookup(word).is_empty()
}

fn takes_nothing(word: &str) -> bool {
    reference::lookup(word).iter().any(|form| form.operands().is_empty()) && !is_reserved(word)
}

/// Whether a mnemonic is a word of Palladium as well.
fn is_reserved(word: &str) -> bool {
    palladium::syntax::token::Kind::RESERVED.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_assembly_are_known_by_their_form() {
        for line in [
            "load $0 #5",
            "LOAD $0 #5",
            "  inc $3 ; comment",
            "x: inc $0",
            "x:",
            "; comment",
            ".data",
            ".asciiz 'a'",
            "hlt",
            "ret ; back",
            "djmp @loop",
            "laod $0 #1",
            "exit #3",
            "self $9",
            "not $0 $1",
            "trapexit #1",
            "djmp loop",
            "load 5",
            "load $0, #5",
            "nop",
            "text: .asciiz 'again'",
            "and $0 $1 $2",
            "spawn @child $0 $1",
        ] {
            assert!(is_assembly(line), "{line}");
        }
        for line in [
            "1 + 1",
            "let x = 1",
            "print(\"a $5 note\")",
            "x",
            "add(1, 2)",
            "inc",
            "hash",
            "cap + 1",
            "find",
            "# a comment",
            "x # 5",
            "x #5",
            "not done",
            "self.x",
            "add is Some(x)",
            "load = 5",
            "find[0]",
            "fn f() {}",
            "if x { 1 } else { 2 }",
            "\"text\"",
            "-1",
            "(1, 2)",
            "[1]",
            "new.len()",
            "loop { }",
            "and",
            "spawn worker()",
            "f\"{x}\"",
            ".5",
            "print $ 5",
        ] {
            assert!(!is_assembly(line), "{line}");
        }
    }

    #[test]
    fn lines_are_split_by_their_languages() {
        use Piece::{Assembly, Palladium};
        let split = |text, half| Languages::Both.split(text, half);
        assert_eq!(split("inc $0", ""), [Assembly("inc $0")]);
        assert_eq!(split("", ""), [Assembly("")]);
        assert_eq!(split("", "f("), [Palladium("")]);
        assert_eq!(split("hlt", "f("), [Palladium("hlt")]);
        assert_eq!(
            split("inc $0\n\ninc $1\nlet x = [\n  1\nhlt\n]\n\nx\nhlt", ""),
            [
                Assembly("inc $0\n\ninc $1"),
                Palladium("let x = [\n  1\nhlt\n]\n\nx"),
                Assembly("hlt")
            ]
        );
        assert_eq!(Languages::Palladium.split("hlt", ""), [Palladium("hlt")]);
        assert_eq!(Languages::Assembly.split("1 + 1", ""), [Assembly("1 + 1")]);
    }
}
