//! The clock of a scheduler: real, or virtual.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Which kind of time a scheduler has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Time {
    /// That of the operating system.
    #[default]
    Real,
    /// One that stands still while processes run, and jumps to the next deadline when all wait. With
    /// one worker and a fixed seed, everything that happens then is the same each time.
    Virtual,
}

/// The latest deadline there is, 146 years after the clock has started. Later ones are moved to it, so
/// that virtual time never jumps beyond what signed integers of programs can hold, nor beyond what a
/// snapshot may say.
pub(crate) const LAST_TIME: u64 = 1 << 62;

/// A clock that started with the scheduler.
#[derive(Debug)]
pub(crate) enum Clock {
    Real { start: Instant, ahead: AtomicU64 },
    Virtual { now: AtomicU64 },
}

impl Clock {
    pub(crate) fn new(time: Time) -> Self {
        match time {
            Time::Real => Self::Real { start: Instant::now(), ahead: AtomicU64::new(0) },
            Time::Virtual => Self::Virtual { now: AtomicU64::new(0) },
        }
    }

    /// Nanoseconds since the start.
    pub(crate) fn mono(&self) -> u64 {
        match self {
            Self::Real { start, ahead } => {
                nanoseconds(start.elapsed()).saturating_add(ahead.load(Ordering::Relaxed))
            }
            Self::Virtual { now } => now.load(Ordering::SeqCst),
        }
    }

    /// Nanoseconds since 1970; 0 when the system's clock is set before that. Virtual time begins
    /// there.
    pub(crate) fn now(&self) -> u64 {
        match self {
            Self::Real { .. } => {
                nanoseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
            }
            Self::Virtual { .. } => self.mono(),
        }
    }

    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self, Self::Virtual { .. })
    }

    /// When a real clock comes to a time.
    pub(crate) fn instant(&self, time: u64) -> Option<Instant> {
        match self {
            Self::Real { start, ahead } => {
                let since_start = time.saturating_sub(ahead.load(Ordering::Relaxed));
                start.checked_add(Duration::from_nanos(since_start))
            }
            Self::Virtual { .. } => None,
        }
    }

    /// Puts a virtual clock forward.
    pub(crate) fn jump_to(&self, time: u64) {
        if let Self::Virtual { now } = self {
            now.fetch_max(time, Ordering::SeqCst);
        }
    }

    /// Goes on from where another clock stood, so that for processes from there time never goes
    /// back.
    pub(crate) fn set_forward(&self, to: u64) {
        match self {
            Self::Real { start, ahead } => {
                ahead.fetch_max(to.saturating_sub(nanoseconds(start.elapsed())), Ordering::SeqCst);
            }
            Self::Virtual { .. } => self.jump_to(to),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
