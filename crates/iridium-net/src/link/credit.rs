//! How much the ends of a link may send to each other: the numbers that both go by.

use iridium_proto::MAX_MESSAGE;

use super::message::OVERHEAD;

/// Bytes of data that each end of a link may send before it is given credit: the
/// longest message, and some short ones beside it.
pub(crate) const WINDOW: usize = MAX_MESSAGE + 1024 * 1024;
/// Credit that a receiver collects before it sends a `Credit` message, which costs both ends a system call and
/// wakes a thread of the sender: nearly as much as the longest message leaves of the window.
pub(super) const CREDIT_STEP: usize = 448 * 1024;
/// Credit that a long message leaves to short ones. Without it, and without what
/// the receiver has collected, the window still holds the longest message.
pub(super) const SHORT_CREDIT: usize = 512 * 1024;
/// When the other end lacks more than this of the window, the longest message has to wait for credit.
pub(super) const SPARE: usize = WINDOW - SHORT_CREDIT - MAX_MESSAGE - OVERHEAD;
const _: () = assert!(CREDIT_STEP <= SPARE);
