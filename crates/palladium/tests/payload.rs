//! What compiled programs make of payloads, damaged and whole.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod payloads;

use palladium::rc::Mode;

use payloads::{Below, Payloads};

/// Payloads that are made for each program; `PAYLOADS=1000000` makes more.
const EACH: u64 = 4000;
/// Programs, each with other types.
const PROGRAMS: u64 = 3;

/// SplitMix64, by Sebastiano Vigna.
fn random(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |end| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

/// How many of the payloads are read.
fn read(mode: Mode, seed: u64, count: u64) -> u64 {
    let random: Below<'_> = &mut random(seed);
    let payloads = Payloads::new(mode, random);
    let mut read = 0;
    for nth in 0..count {
        let input = payloads.random(random);
        match payloads.tried(&input) {
            Ok(is_read) => read += u64::from(is_read),
            Err(why) => panic!("payload {nth} of seed {seed}: {why}"),
        }
    }
    read
}

#[test]
fn payloads_are_read_as_by_the_codec_of_data() {
    let each = std::env::var("PAYLOADS").ok().and_then(|text| text.parse().ok()).unwrap_or(EACH);
    for seed in 0..PROGRAMS {
        let mode = if seed % 2 == 0 { Mode::Optimised } else { Mode::Plain };
        let read = read(mode, seed, each);
        // Else they would tell of one half only.
        assert!(read > each / 8 && read < each * 7 / 8, "{read} of {each} are read");
    }
}
