//! A Rust file as its names: comments, strings and characters are not code.

use std::path::PathBuf;

pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// The text, with everything that is not code made blank.
    code: String,
}

impl Source {
    pub(crate) fn new(path: PathBuf, text: &str) -> Self {
        Self { path, code: code_of(text) }
    }

    pub(crate) fn lines(&self) -> usize {
        self.code.lines().count()
    }

    /// Every identifier and keyword, with its line.
    pub(crate) fn names(&self) -> impl Iterator<Item = (usize, &str)> {
        names_in(&self.code)
    }

    /// Every name and every punctuation mark, with its line; `::` and `..` are
    /// one mark each.
    pub(crate) fn tokens(&self) -> Vec<(usize, &str)> {
        let mut tokens = Vec::new();
        for (number, line) in (1..).zip(self.code.lines()) {
            let mut rest = line.trim_start();
            while !rest.is_empty() {
                let (token, after) = rest.split_at(token_length(rest));
                tokens.push((number, token));
                rest = after.trim_start();
            }
        }
        tokens
    }

    /// The names, up to the tests, which by our habit end the file.
    pub(crate) fn outside_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.code.find("#[cfg(test)]").unwrap_or(self.code.len());
        names_in(&self.code[..end])
    }
}

fn names_in(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let words = |line| str::split(line, |c: char| !c.is_alphanumeric() && c != '_');
    (1..).zip(code.lines()).flat_map(move |(number, line)| {
        words(line).filter(|word| !word.is_empty()).map(move |word| (number, word))
    })
}

fn token_length(text: &str) -> usize {
    let name = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    if name > 0 {
        return name;
    }
    if text.starts_with("::") || text.starts_with("..") {
        return 2;
    }
    text.chars().next().map_or(0, char::len_utf8)
}

/// Makes comments, strings and characters blank, and keeps the lines.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = length_of_no_code(rest, code.chars().next_back());
        if skipped == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            code.extend(rest[..skipped].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[skipped..];
        }
    }
    code
}

/// How many bytes of comment, string or character `text` begins with.
fn length_of_no_code(text: &str, before: Option<char>) -> usize {
    let within_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return block_comment(text);
    }
    if text.starts_with('"') {
        return escaped(text, '"');
    }
    if !within_name && text.starts_with(['r', 'b', 'c']) {
        return raw_string(text);
    }
    if text.starts_with('\'') {
        return character(text);
    }
    0
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// A literal that ends at its first quote without a backslash before it.
fn escaped(text: &str, quote: char) -> usize {
    let mut escape = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escape => escape = false,
            '\\' => escape = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `r"…"`, `r#"…"#` and the like; 0 for a name that begins with the letter.
fn raw_string(text: &str) -> usize {
    let prefix = text.find(|c: char| !matches!(c, 'r' | 'b' | 'c')).unwrap_or(text.len());
    let hashes = text[prefix..].bytes().take_while(|&b| b == b'#').count();
    let quote = prefix + hashes;
    if prefix > 2 || !text[..prefix].contains('r') || !text[quote..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    text[quote + 1..].find(&end).map_or(text.len(), |at| quote + 1 + at + end.len())
}

/// `'x'` or `'\n'`; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => escaped(text, '\''),
        (Some(c), Some('\'')) => c.len_utf8() + 2,
        _ => 0,
    }
}

#[test]
fn only_code_is_seen() {
    let text = r##"
        //! thread in a comment
        /* thread /* thread */ thread */
        fn f<'a>(x: &'a str) -> char { g("thread \" thread", 'x', '\'', r#"thread"#, b"thread") }
        fn r(br: u8) { Instant::now(); my_thread(br) }
        #[cfg(test)]
        mod tests { use std::thread; }
    "##;
    let source = Source::new("x.rs".into(), text);
    assert_eq!(source.lines(), text.lines().count());
    let outside: Vec<_> = source.outside_tests().map(|(_, name)| name).collect();
    assert!(!outside.contains(&"thread"), "{outside:?}");
    assert!(outside.contains(&"my_thread"));
    assert!(source.names().any(|found| found == (7, "thread")));
    assert!(source.outside_tests().any(|found| found == (5, "Instant")));
}

#[test]
fn code_falls_into_names_and_marks() {
    let source = Source::new("x.rs".into(), "let a = crate::b\n..'c'.d; // e");
    let tokens = source.tokens();
    let expected = ["let", "a", "=", "crate", "::", "b", "..", ".", "d", ";"];
    assert_eq!(tokens.iter().map(|(_, token)| *token).collect::<Vec<_>>(), expected);
    assert_eq!(tokens[5..7], [(1, "b"), (2, "..")]);
}
