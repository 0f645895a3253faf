//! There is one style: programs get it whatever they look like, and keep their tokens and comments.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use iridium_isa::FileId;
use palladium::fmt::format;
use palladium::syntax::parse;
use palladium::syntax::token::Kind;

fn corpus() -> Vec<(PathBuf, String)> {
    let mut programs = Vec::new();
    for folder in ["tests/programs", "tests/syntax", "tests/format"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            programs.push((path, text));
        }
    }
    programs.sort();
    programs
}

/// All tokens but commas, which may come and go, and all comments.
fn content(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut words, mut comments) = (Vec::new(), Vec::new());
    let mut end = 0;
    for token in parse(FileId(0), text).tree.tokens {
        let gap = &text[end..token.start as usize];
        comments
            .extend(gap.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
        end = token.end as usize;
        if token.kind != Kind::Comma {
            words.push(text[token.start as usize..end].to_owned());
        }
    }
    (words, comments)
}

#[test]
fn tokens_and_comments_are_kept_and_the_style_is_final() {
    for (path, text) in corpus() {
        let once =
            format(&text).unwrap_or_else(|problems| panic!("{}: {problems:?}", path.display()));
        let twice = format(&once).unwrap_or_else(|problems| panic!("{once}\n{problems:?}"));
        assert_eq!(once, twice, "{}", path.display());
        let (mut before, mut after) = (content(&text), content(&once));
        if text.contains("import") {
            // They are sorted.
            before.0.sort();
            after.0.sort();
        }
        assert_eq!(before, after, "{}", path.display());
        let wide = once.lines().filter(|line| line.chars().count() > 100 && !line.contains('"'));
        assert_eq!(wide.collect::<Vec<_>>(), [""; 0], "{}", path.display());
    }
}

/// The same programs with other white space, where that means nothing.
#[test]
fn all_layouts_come_to_the_same_text() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |bound: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % bound
    };
    for (path, text) in corpus() {
        let expected = format(&text).unwrap();
        for _ in 0..20 {
            let other = laid_out(&text, &mut random);
            let found = format(&other).unwrap_or_else(|problems| panic!("{other}\n{problems:?}"));
            assert_eq!(found, expected, "{}:\n{other}", path.display());
        }
    }
}

/// Changes the white space between tokens: its width everywhere, and newlines within parentheses.
fn laid_out(text: &str, random: &mut impl FnMut(u64) -> u64) -> String {
    let tokens = parse(FileId(0), text).tree.tokens;
    let mut result = String::new();
    let (mut end, mut open, mut strings) = (0, Vec::new(), 0);
    for token in &tokens {
        let gap = &text[end..token.start as usize];
        let round = matches!(open.last(), Some(Kind::LParen | Kind::LBracket));
        let blank = !gap.is_empty() && gap.trim().is_empty() && strings == 0;
        let before = result.chars().last().unwrap_or(' ');
        match blank {
            true if round && random(3) == 0 && before != '?' => result.push_str("\n  "),
            true if round => result.push(' '),
            true => result.push_str(&gap.replace(' ', &" ".repeat(random(3) as usize + 1))),
            false => result.push_str(gap),
        }
        let piece = &text[token.start as usize..token.end as usize];
        result.push_str(piece);
        end = token.end as usize;
        match token.kind {
            Kind::LParen | Kind::LBracket | Kind::LBrace => open.push(token.kind),
            Kind::RParen | Kind::RBracket | Kind::RBrace => drop(open.pop()),
            Kind::FormatStart => strings += 1,
            Kind::FormatEnd => strings -= 1,
            _ => {}
        }
    }
    result
}

/// A comment in the middle of an expression takes a line to its end: what stood beside it is laid
/// out as it is the next time. Found by the fuzzer.
#[test]
fn comments_within_expressions_leave_the_style_final() {
    for text in [
        "fn f(self: Int, other: Int) -> Int? {\n    let difference = self -% #ther\n    \
         if ((self ^ other) & (self ^ difference)) < 0 { None } else { Some(difference) }\n}\n",
        "fn f(a: Float, y: Float) -> Float? {\n    return Some(if (a > 1.0) == (y > len())  # => 2\n\
         { 0.0 })\n}\n",
    ] {
        let once = format(text).unwrap();
        assert_eq!(format(&once).unwrap(), once, "of\n{text}");
        assert_eq!(content(text), content(&once));
    }
}

/// Each file of `tests/format` is written in the one style.
#[test]
fn examples_of_the_style() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let found = format(&text).unwrap();
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &found).unwrap();
        }
        assert_eq!(found, text, "{}", path.display());
    }
}

/// All programs of the repository are in it, but for those of `tests/syntax`: odd layouts are what
/// they are for.
#[test]
fn what_is_kept_here_is_in_the_style() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![root.join("crates"), root.join("xtask")];
    let (mut count, mut others) = (0, Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests/syntax") && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "pd") {
                let text = fs::read_to_string(&path).unwrap();
                count += 1;
                if format(&text).ok().as_ref() != Some(&text) {
                    others.push(path);
                }
            }
        }
    }
    assert!(count > 200, "only {count} programs were found");
    assert_eq!(others, Vec::<PathBuf>::new(), "iridium fmt FILE puts them into the style");
}

/// What fuzzing has found: the style is reached at once.
#[test]
fn odd_programs_have_a_final_style() {
    for text in [
        "fn f() { x(1 .2, 3. 4) }",
        "fn f() { x? ?(n + 1) }",
        "fn f() {\n    out.push(if a { 1 }\n    # why\n    else { 2 })\n}",
        "import std.env\nimport std. fs\nimport .b\nimport . c\n",
        "fn f() {\n    with(&n, fn() { n += 1 # why\n        & n\n    })\n}",
    ] {
        let once = format(text).unwrap();
        assert_eq!(format(&once).unwrap(), once);
        assert_eq!(content(&once), content(text));
    }
}

#[test]
fn two_question_marks_stand_together_where_no_operand_follows() {
    let text = "fn f() -> Int?? {\n    let x = g()??\n    h(x??, f[Int??](y??.z))\n    x??\n}\n";
    assert_eq!(format(text).unwrap(), text);
}

#[test]
fn what_cannot_be_read_is_not_formatted() {
    assert_eq!(format("fn main( {").unwrap_err()[0].name, "missing-bracket");
    assert_eq!(format("").unwrap(), "");
    assert_eq!(format("\n\n# a\n\n\n\n# b").unwrap(), "# a\n\n# b\n");
}
