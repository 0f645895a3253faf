//! Payloads of messages and of values that are kept: compiled programs make of them what the codec of
//! data does.

use std::cell::OnceCell;

use palladium::rc::Mode;

use crate::Inputs;
use crate::mutate::Random;
use crate::payloads::Payloads;

/// There are 4 sets of types, each compiled in both ways: the first byte of an input chooses.
const PROGRAMS: usize = 8;

thread_local! {
    /// Each is made for the first input that is for it.
    static PAYLOADS: [OnceCell<Payloads>; PROGRAMS] = const { [const { OnceCell::new() }; PROGRAMS] };
}

fn with<T>(which: usize, f: impl FnOnce(&Payloads) -> T) -> T {
    PAYLOADS.with(|all| f(all[which].get_or_init(|| made(which))))
}

fn made(which: usize) -> Payloads {
    // A saved input is about the same types later.
    let mut random = Random::new((which / 2) as u64, 0);
    let mode = if which.is_multiple_of(2) { Mode::Optimised } else { Mode::Plain };
    Payloads::new(mode, &mut |end| random.below(end))
}

/// Payloads of values, most of them damaged.
pub fn palladium_messages_inputs() -> Inputs {
    Box::new(|random: &mut Random| {
        let which = random.below(PROGRAMS);
        let payload = with(which, |payloads| payloads.random(&mut |end| random.below(end)));
        [&[which as u8], payload.as_slice()].concat()
    })
}

/// What is no payload of the type is refused; what is read is written as it was. No block is left.
pub fn palladium_messages(input: &[u8]) {
    let (which, payload) = input.split_first().unwrap_or((&0, &[]));
    let which = usize::from(*which) % PROGRAMS;
    if let Err(why) = with(which, |payloads| payloads.tried(payload)) {
        panic!("program {which}: {why}");
    }
}
