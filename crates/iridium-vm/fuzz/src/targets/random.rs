//! Random programs of Palladium: the machine does what an evaluator over their typed tree does.

use crate::Inputs;
use crate::agree::agree;
use crate::generate::{mistaken, program};
use crate::mutate::Random;

/// Well-typed programs; some with a mistake.
pub fn palladium_programs_inputs() -> Inputs {
    Box::new(|random: &mut Random| {
        let seed = random.number();
        let wrong = if random.below(8) == 0 { mistaken(seed, random.below(60)) } else { None };
        wrong.unwrap_or_else(|| program(seed)).into_bytes()
    })
}

/// A program does in both modes of the counts and on both backends what is evaluated, and leaves no
/// block.
pub fn palladium_programs(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match agree(&text, crc32fast::hash(input).is_multiple_of(8)) {
        Ok(_) => {}
        Err(why) if text.contains("mistake") && why.starts_with("it is refused") => {}
        Err(why) => panic!("{why}"),
    }
}
