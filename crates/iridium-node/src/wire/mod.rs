//! What nodes say to each other about their processes, and the form of everything that nodes and
//! operators' clients exchange.
//!
//! Builds that do not have the same age understand each other because of these rules:
//! - **Every variant of an enum has a number that is written down** (4 bytes). It is never used for
//!   another variant.
//! - **A variant or struct never changes.** No field is added, removed, moved or given another type;
//!   bytes left over are refused. What is new gets a variant with a number of its own. Only the
//!   counters of a [`NodeReport`](crate::NodeReport) can grow: each has a number, and unknown ones are
//!   passed over.
//! - **A message of an unknown kind is skipped**, and logged once for each link.
//! - **A question that is not understood is answered so**: a [`NodeMessage::Request`] with
//!   [`NodeMessage::NotUnderstood`], a [`NodeMessage::Query`] with [`Response::NotUnderstood`], a
//!   client's call with an answer of that name. New questions between nodes are therefore variants of
//!   `RemoteRequest` and [`Query`], not messages.
//! - **Every question has a deadline** at the one who asks, and ends with the loss of the node.
//!
//! Integers are little-endian and of fixed width; strings, byte strings and lists stand behind their
//! length (8 bytes), an optional value behind a byte that is 0 or 1. `tests/fixtures/v1` holds the
//! bytes of every variant.

pub(crate) mod form;
mod node_message;
mod types;

#[cfg(test)]
mod fixtures;

pub use self::node_message::MAX_PAYLOAD;

pub(crate) use self::form::{from_bytes, number, to_bytes};
pub(crate) use self::node_message::{
    BadMessage, Delivery, NodeMessage, Query, Question, Response, code_bytes, is_long_answer,
    message_bytes, payload, read,
};
