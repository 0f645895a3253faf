//! Source texts of Palladium: whatever they are, there is a tree, and problems or a module.

use std::fs;
use std::path::Path;

use iridium_isa::{FileId, Sources};
use palladium::Target;
use palladium::diag::diagnostics;
use palladium::fmt::format;
use palladium::names::{LoadError, Loaded, Loader, check};
use palladium::rc::Mode;
use palladium::syntax::token::Kind;
use palladium::syntax::{is_complete, parse, parse_entry};

use crate::Inputs;
use crate::mutate::{Random, change};

/// Inputs do not grow beyond this.
const LONGEST: usize = 16 << 10;
/// Where the programs are.
const FOLDERS: [&str; 9] = [
    "benches/programs",
    "src/std",
    "tests/check",
    "tests/exercism",
    "tests/format",
    "tests/lang",
    "tests/library",
    "tests/programs",
    "tests/syntax",
];

/// What the language is sensitive to.
const PIECES: [&[u8]; 32] = [
    b"(",
    b")",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"'",
    b"\\",
    b"f\"{",
    b"\"\"\"",
    b"#",
    b"\n",
    b" ",
    b".",
    b"..",
    b"..=",
    b"?",
    b"!",
    b"??",
    b"|",
    b"&",
    b"=>",
    b"->",
    b"-",
    b"_",
    b"9223372036854775808",
    b"\\u{",
    b"\xff",
    b"\xc3\xbc",
    b"\0",
    b"1e999",
];

/// Mutations of all programs of the crate, of whole ones and of single declarations.
pub fn palladium_source_inputs() -> Inputs {
    let seeds = seeds();
    Box::new(move |random| input(&seeds, random))
}

/// A text as its tokens, each with what follows it up to the next.
type Pieces = Vec<Vec<u8>>;

fn seeds() -> Vec<Pieces> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../palladium");
    let mut texts = Vec::new();
    for folder in FOLDERS {
        let Ok(entries) = fs::read_dir(crate_folder.join(folder)) else { continue };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some()).collect();
        paths.sort();
        texts.extend(paths.iter().filter_map(|path| fs::read_to_string(path).ok()));
    }
    texts.retain(|text| text.len() < LONGEST);
    let parts = texts.iter().flat_map(|text| text.split("\n\n").filter(|part| part.contains('{')));
    let parts: Vec<Pieces> = parts.map(pieces).collect();
    texts.iter().map(|text| pieces(text)).chain(parts).collect()
}

fn pieces(text: &str) -> Pieces {
    let starts: Vec<usize> =
        parse(FileId(0), text).tree.tokens.iter().map(|token| token.start as usize).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let piece = |(start, end): (&usize, usize)| text.as_bytes()[*start..end].to_vec();
    starts.iter().zip(ends).map(piece).filter(|piece| !piece.is_empty()).collect()
}

fn input(seeds: &[Pieces], random: &mut Random) -> Vec<u8> {
    let mut pieces = seeds[random.below(seeds.len())].clone();
    for _ in 0..random.below(4) {
        change_pieces(&mut pieces, &seeds[random.below(seeds.len())], random);
    }
    let mut input = pieces.concat();
    if random.below(3) == 0 {
        for _ in 0..=random.below(3) {
            change(&mut input, &[], &PIECES, random);
        }
    }
    input.truncate(LONGEST);
    input
}

/// Changes tokens. Those of another text come from the same language, so they get far.
fn change_pieces(pieces: &mut Pieces, other: &Pieces, random: &mut Random) {
    let at = random.below(pieces.len());
    let end = at + random.below((pieces.len() - at).min(12) + 1);
    let from = random.below(other.len());
    let to = from + random.below((other.len() - from).min(12) + 1);
    match random.below(10) {
        0 => drop(pieces.drain(at..(at + 1).min(pieces.len()))),
        1 => drop(pieces.drain(at..end)),
        2 => {
            let part = pieces[at..end].to_vec();
            let to = random.below(pieces.len() + 1);
            drop(pieces.splice(to..to, part));
        }
        3 | 4 => {
            let with = random.below(pieces.len());
            if at < pieces.len() {
                pieces.swap(at, with);
            }
        }
        5 | 6 => {
            // A name for another, a sign for another.
            let with = random.below(pieces.len());
            if let Some(piece) = pieces.get(with).cloned() {
                pieces[at] = piece;
            }
        }
        7 => drop(pieces.splice(at..at, other[from..to].iter().cloned())),
        8 => drop(pieces.splice(at..end, other[from..to].iter().cloned())),
        _ => pieces.truncate(at),
    }
}

/// A text has a tree without gaps, is formatted to what stays the same, and gets problems or a
/// module in both modes of the counts.
pub fn palladium_source(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let parsed = parse(FileId(0), &text);
    let mut end = 0;
    for token in &parsed.tree.tokens {
        assert!(token.start >= end && token.end >= token.start, "{token:?}");
        assert!(text.is_char_boundary(token.end as usize), "{token:?}");
        end = token.end;
    }
    assert_eq!(end as usize, text.len());
    assert_eq!(parsed.tree.tokens.last().map(|last| last.kind), Some(Kind::End));
    let _ = parse_entry(FileId(0), &text);
    let _ = is_complete(&text);
    if parsed.problems.is_empty() {
        let once = format(&text).expect("it has been read without a problem");
        let twice = format(&once).unwrap_or_else(|problems| panic!("{problems:?} in\n{once}"));
        assert_eq!(once, twice, "of\n{text}");
    } else {
        let mut sources = Sources::new();
        sources.add("fuzz.pd", &text);
        assert!(!diagnostics(&parsed.problems, &sources).render(false).is_empty());
    }
    // The checker reads the library each time, so it takes ten times as long.
    let one_in = if parsed.problems.is_empty() { 8 } else { 128 };
    if crc32fast::hash(input).is_multiple_of(one_in) {
        compile(&text);
    }
}

fn compile(text: &str) {
    let checked = check("fuzz.pd", &mut Text(text)).expect("the file is there");
    let said = checked.diagnostics();
    assert_eq!(said.has_errors(), checked.has_errors());
    if !checked.problems.is_empty() {
        assert!(!said.render(false).is_empty());
    }
    if checked.has_errors() {
        return;
    }
    let main = checked.program.main.map(|_| Target::Main);
    let tests = (0..checked.program.tests.len().min(2)).map(Target::Test);
    for target in main.into_iter().chain(tests) {
        for mode in [Mode::Plain, Mode::Optimised] {
            // A function may be too large for the machine.
            let _ = checked.module(target, mode);
        }
    }
}

struct Text<'t>(&'t str);

impl Loader for Text<'_> {
    fn load(&mut self, path: &str) -> Result<Loaded, LoadError> {
        let found = path == "fuzz.pd";
        let loaded = || Loaded { name: path.into(), text: self.0.into() };
        found.then(loaded).ok_or(LoadError::NotFound)
    }
}
