//! Protocols: what an inbox understands, as data.
//!
//! A module lists the protocols of its actors, so that an operator can send words to a process and
//! read its answers. The messages themselves need none of it: the tag of a message is the
//! [fingerprint](Protocol::add) of its form, and its payload a row of cells of 8 bytes.
//!
//! | payload | cells |
//! | --- | --- |
//! | of a message | its fields; none at all when there are none |
//! | of a call | pid and reply tag of whoever is to be answered, then the fields |
//! | of an answer | the value |
//! | of a failure | 1 byte: 1 for *not understood*; or 9 bytes: the reason and a byte of 1, when the callee has ended |
//!
//! | value | cells |
//! | --- | --- |
//! | Int, Bool (0, 1), Char (its scalar), Duration (nanoseconds), Node, Pid | one |
//! | Float | one: its bits, with one form of NaN |
//! | String, Bytes | length in bytes, the bytes, zeros up to a whole cell |
//! | List, Set | count, elements |
//! | Map | count, then key and value by turns |
//! | record, tuple | the fields |
//! | enum | number of the variant, its fields |
//! | Option | 0, or 1 and the value |
//! | Reply | pid, tag |
//!
//! In front of a value that is kept stands the [fingerprint](Protocol::fingerprint) of its type.
//!
//! Elements and keys that have no cells at all (those of a list of `()`) take one cell of 0. All
//! numbers are little-endian.
//!
//! | file | what |
//! | --- | --- |
//! | `shape` | protocols, messages, types |
//! | `tag` | the canonical texts of messages and types, and the fingerprints that come from them |
//! | `check` | what holds of a protocol in a module |
//! | `value` | values, shown as Palladium shows them |
//! | `json` | values as JSON |
//! | `cells` | which types have no cells |
//! | `encode`, `decode` | values as payloads, and back |
//! | `words` | values from the words of a command line |

mod cells;
mod check;
mod decode;
mod encode;
mod json;
mod shape;
mod tag;
mod value;
mod words;

pub use check::ProtocolFault;
pub(crate) use check::{MAX_TEXT, MAX_TYPE_DEPTH, check};
pub use decode::{Answer, BadPayload, PayloadFault};
pub use encode::{Arguments, FirstMessage, Misfit, ReplyTo};
pub use shape::{Body, Declared, Field, Message, Protocol, Shape, Start, Variant};
pub use tag::CALL;
pub use value::{Fields, MAX_DEPTH, Value};
pub use words::WordError;
