//! Bounds how often peers can have a line logged: whatever they do, and however often, a log stays
//! readable and a disk has room.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::threads::lock;

/// So many lines of a kind are logged at once, as when half of a large cluster is lost.
const AT_ONCE: u32 = 64;
/// After those, one in this time.
const EVERY: Duration = Duration::from_secs(1);

/// How many lines of a kind were left out since the last one that was logged. Shown behind that line.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut(u64);

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            n => write!(f, " ({n} like this were left out before)"),
        }
    }
}

/// What was logged lately, by kind.
#[derive(Debug, Default)]
pub(crate) struct LogLimits(BTreeMap<&'static str, Lately>);

#[derive(Debug, Default)]
struct Lately {
    /// When as many lines will be used up by time as have been logged.
    level: Duration,
    left_out: u64,
}

impl LogLimits {
    /// Whether a line of this kind is to be logged at that time, which never goes back. If not, it is
    /// counted.
    pub(crate) fn admit(&mut self, kind: &'static str, now: Duration) -> Option<LeftOut> {
        let lately = self.0.entry(kind).or_default();
        let level = lately.level.max(now) + EVERY;
        if level > now + EVERY * AT_ONCE {
            lately.left_out += 1;
            return None;
        }
        lately.level = level;
        Some(LeftOut(std::mem::take(&mut lately.left_out)))
    }
}

/// The same for those who have no time of their own, and from several threads.
#[derive(Debug)]
pub struct ClockedLogLimits {
    since: Instant,
    limits: Mutex<LogLimits>,
}

impl Default for ClockedLogLimits {
    fn default() -> Self {
        Self { since: Instant::now(), limits: Mutex::default() }
    }
}

impl ClockedLogLimits {
    /// Whether a line of this kind is to be logged now.
    pub fn admit(&self, kind: &'static str) -> Option<LeftOut> {
        lock(&self.limits).admit(kind, self.since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_and_kinds_do_not_disturb_each_other() {
        let mut limits = LogLimits::default();
        let mut logged = 0;
        for _ in 0..1000 {
            logged += u32::from(limits.admit("one", Duration::ZERO).is_some());
        }
        assert_eq!(logged, AT_ONCE);
        assert_eq!(limits.admit("another", Duration::ZERO), Some(LeftOut(0)));
        assert_eq!(limits.admit("one", EVERY), Some(LeftOut(1000 - u64::from(AT_ONCE))));
        assert_eq!(limits.admit("one", EVERY), None);
        let later = limits.admit("one", EVERY * 2).unwrap().to_string();
        assert_eq!(later, " (1 like this were left out before)");
        assert_eq!(limits.admit("one", EVERY * 1000).map(|l| l.to_string()), Some(String::new()));
    }
}
