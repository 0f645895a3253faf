//! How connections are received: anyone may connect, and only who knows the secret costs more than
//! a socket and a few bytes.
//!
//! * [`places`]: who may be at the stage before authentication, and who has to go for others;
//! * [`guest`]: a connection at that stage;
//! * [`greeter`]: the one thread that accepts connections and waits for all of them.

mod greeter;
mod guest;
mod places;

pub(crate) use greeter::{Door, Greeter, OnSession, open};
