//! The tables of `std/scalar_tables.pd` are what Rust's standard library says of characters.
//! `UPDATE=1` writes them.

use std::fmt::Write as _;
use std::path::Path;

#[test]
fn the_tables_are_those_of_rust() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/std/scalar_tables.pd");
    let expected = tables();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).expect("the tables can be written");
    }
    let text = std::fs::read_to_string(&path).expect("the tables are there");
    assert!(text == expected, "{} is stale: run this test with UPDATE=1", path.display());
}

#[test]
fn only_in_few_ranges_is_an_upper_case_long() {
    for c in scalars().filter(|c| c.to_uppercase().count() > 1) {
        let code = u32::from(c);
        let near = code <= 0x587 || (0x1e96..=0x1ffc).contains(&code);
        assert!(near || (0xfb00..=0xfb17).contains(&code), "{code:x}: `scalar.long_upper`");
    }
    let long: Vec<char> = scalars().filter(|c| c.to_lowercase().count() > 1).collect();
    assert_eq!(long, ['\u{130}'], "`string.lower_scalars` knows them");
}

fn tables() -> String {
    let mut out = String::from(
        "## Classes of scalars from 128 on, and their cases. Made from Rust's `char` by the test\n\
         ## `scalar_tables`; `scalar` says how they are read.\n",
    );
    for (name, class) in [
        ("letters", char::is_alphabetic as fn(char) -> bool),
        ("numbers", char::is_numeric),
        ("uppers", char::is_uppercase),
        ("lowers", char::is_lowercase),
    ] {
        constant(&mut out, name, &numbers(&borders(class)));
    }
    constant(&mut out, "to_upper", &numbers(&ranges(|c| c.to_uppercase().collect())));
    constant(&mut out, "to_lower", &numbers(&ranges(|c| c.to_lowercase().collect())));
    let mut long = String::new();
    for c in scalars().filter(|c| c.to_uppercase().count() > 1) {
        let _ = write!(long, "{c}{}\\n", c.to_uppercase());
    }
    let _ = write!(out, "\nconst to_long_upper: String = \"{long}\"\n");
    out
}

fn scalars() -> impl Iterator<Item = char> {
    '\u{80}'..=char::MAX
}

fn constant(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, "\nconst {name}: String = r\"{value}\"\n");
}

/// The scalars with which a class begins and ends in turn.
fn borders(class: fn(char) -> bool) -> Vec<u32> {
    let mut borders = Vec::new();
    let mut inside = false;
    for c in scalars() {
        if class(c) != inside {
            inside = !inside;
            borders.push(u32::from(c));
        }
    }
    borders
}

/// Rows of the first and last of a range, the step, and what is added (plus 0x100000).
fn ranges(map: impl Fn(char) -> Vec<char>) -> Vec<u32> {
    let mut rows: Vec<[u32; 4]> = Vec::new();
    for c in scalars() {
        let [mapped] = map(c)[..] else { continue };
        if mapped == c {
            continue;
        }
        let code = u32::from(c);
        let added = 0x10_0000 + u32::from(mapped) - code;
        if let Some([first, last, step, same]) = rows.last_mut()
            && *same == added
            && (code - *last == *step || (first == last && code - *last <= 2))
        {
            *step = code - *last;
            *last = code;
        } else {
            rows.push([code, code, 1, added]);
        }
    }
    rows.concat()
}

/// Four bytes with six bits for each number, from `0` on.
fn numbers(numbers: &[u32]) -> String {
    let digit = |bits: u32| char::from_u32(48 + (bits & 63)).unwrap_or('0');
    numbers.iter().flat_map(|n| [n >> 18, n >> 12, n >> 6, *n].map(digit)).collect()
}
