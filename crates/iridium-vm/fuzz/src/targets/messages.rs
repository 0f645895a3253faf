//! Payloads of messages: a compiled program makes of them what the codec of data does.

use palladium::rc::Mode;

use crate::Inputs;
use crate::mutate::Random;
use crate::payloads::Payloads;

/// Of the types: a saved input is about the same ones later.
const TYPES: u64 = 1;

thread_local! {
    static PAYLOADS: Payloads = payloads();
}

fn payloads() -> Payloads {
    let mut random = Random::new(TYPES, 0);
    Payloads::new(Mode::Optimised, &mut |end| random.below(end))
}

/// Payloads of values, most of them damaged.
pub fn palladium_messages_inputs() -> Inputs {
    Box::new(|random: &mut Random| {
        PAYLOADS.with(|payloads| payloads.random(&mut |end| random.below(end)))
    })
}

/// What is no payload of the type is refused; what is read is written as it was. No block is left.
pub fn palladium_messages(input: &[u8]) {
    if let Err(why) = PAYLOADS.with(|payloads| payloads.tried(input)) {
        panic!("{why}");
    }
}
