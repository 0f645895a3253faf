//! What the fuzzer looks at that is no part of the interface. It panics when what must hold does not.

#![allow(clippy::panic, clippy::expect_used)]

use std::fmt::Debug;

use crate::control::protocol::{Answer, Call};
use crate::wire::form::{Wire, from_bytes, to_bytes};
use crate::wire::{Delivery, NodeMessage, read};

/// Reads what another node has sent for its processes.
pub fn node_message(bytes: &[u8]) {
    if let Ok(Delivery::NodeMessage(message)) = read(bytes.to_vec(), |_| true) {
        comes_back::<NodeMessage>(&to_bytes(&message).expect("it was read, and is not written"));
    }
    comes_back::<NodeMessage>(bytes);
}

/// Reads what an operator asks, and what a node answers.
pub fn control(bytes: &[u8]) {
    comes_back::<Call>(bytes);
    comes_back::<Answer>(bytes);
}

/// What is understood is written, and read as it was.
fn comes_back<T: Wire + Debug>(bytes: &[u8]) {
    let Ok(value) = from_bytes::<T>(bytes) else { return };
    let written = to_bytes(&value).expect("it was read, and is not written");
    let again = from_bytes::<T>(&written).expect("it was written, and is not read");
    // Numbers that are none are not equal to themselves, but their bytes are.
    assert_eq!(to_bytes(&again).expect("it is not written"), written, "{value:?}");
}
