//! How many lines a second are read and formatted: `cargo run --release --example parse_speed`.

use std::time::Instant;

use iridium_isa::FileId;
use palladium::fmt::format;
use palladium::syntax::parse;

fn main() {
    let text = include_str!("../tests/programs/tree.pd").repeat(3000);
    let lines = text.lines().count();
    for round in 0..5 {
        let start = Instant::now();
        let parsed = parse(FileId(0), &text);
        let read = start.elapsed();
        let tokens = parsed.tree.tokens.len();
        drop(parsed);
        let start = Instant::now();
        let formatted = format(&text).map_or(0, |text| text.len());
        let rate = lines as f64 / read.as_secs_f64() / 1e6;
        println!(
            "{round}: {lines} lines, {tokens} tokens: {read:?} = {rate:.2} M lines/s; formatted {formatted} bytes in {:?}",
            start.elapsed()
        );
    }
}
