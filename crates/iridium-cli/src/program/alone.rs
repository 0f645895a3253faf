//! What the world is to a process that has no other beside it: clocks, chance,
//! an empty mailbox and a node by itself.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use iridium_vm::{Completion, Effect};

use crate::failure::Failure;

/// The number of the only node.
const NODE: i64 = 1;
/// The pid of the only process: the node number above 40 bits of serial.
const PID: i64 = NODE << 40 | 1;

/// What becomes of a wish.
pub(super) enum Answer {
    /// It is granted.
    Now(Completion),
    /// It is granted after a time.
    After(Duration, Completion),
    /// It waits for a message for ever, and nobody is there to send one.
    Never,
    /// It takes other processes.
    Unavailable,
}

/// Answers a wish. `start` is when the process was started or resumed.
pub(super) fn answer(effect: &Effect, start: Instant) -> Result<Answer, Failure> {
    let value = |value| Answer::Now(Completion::Value(value));
    Ok(match effect {
        Effect::SelfPid => value(PID),
        Effect::Node => value(NODE),
        Effect::Nodes => value(1),
        Effect::NodeAt { position: 0 } => value(NODE),
        Effect::NodeAt { .. } => value(0),
        Effect::Yield => Answer::Now(Completion::Done),
        Effect::Sleep { milliseconds } => {
            Answer::After(milliseconds_of(*milliseconds), Completion::Done)
        }
        Effect::Receive { timeout: ..0, .. } => Answer::Never,
        Effect::Receive { timeout, .. } => {
            Answer::After(milliseconds_of(*timeout), Completion::Received(None))
        }
        Effect::Now => value(nanoseconds(since_1970())),
        Effect::Mono => value(nanoseconds(start.elapsed())),
        Effect::Random => value(random()?),
        _ => Answer::Unavailable,
    })
}

/// Less than nothing is nothing.
fn milliseconds_of(number: i64) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or(0))
}

/// A clock that is set before 1970 stands at 0.
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

fn random() -> Result<i64, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::failed(format!("the system gives no random bits: {error}")))?;
    Ok(i64::from_le_bytes(bytes))
}
