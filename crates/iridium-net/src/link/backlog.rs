//! How much waits to be sent on all links of a node together.
//!
//! Each link bounds its own queue; but somebody who holds many links, asks for much on each, and reads
//! nothing would fill them all. So there is a bound on the sum, too. Beyond it messages are refused where
//! some are queued already, which holds up nobody else; signals, which cannot be refused, end a link that
//! makes no progress; and the owner of the node closes the fullest of the links that have not for long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use iridium_proto::MAX_MESSAGE;

use super::message::Kind;

/// Bytes that may be queued on all links.
const ROOM: usize = 24 * 1024 * 1024;
/// Bytes with signals, as many as one link may have beyond it.
const MOST: usize = ROOM + 8 * 1024 * 1024;
/// Bytes of messages that a link may have queued however much there is on others, so that each goes on.
const MESSAGES: usize = 64 * 1024;
/// Bytes of signals that a link may have queued likewise.
const SIGNALS: usize = 256 * 1024;
/// A link is not ended by its signals while it made progress so lately.
const PATIENCE: Duration = Duration::from_secs(2);
/// A link that has made no progress for so long gives way to others.
pub(super) const STALLED: Duration = Duration::from_secs(5);

/// What is queued on all links. All clones are one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backlog(Arc<Sum>);

#[derive(Debug, Default)]
struct Sum {
    bytes: AtomicUsize,
    /// A message was refused since there was no room.
    short: AtomicBool,
}

/// Whether something may be queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Admit,
    Refuse,
    /// The link is to be ended.
    End,
}

/// What one link has queued.
#[derive(Debug)]
pub(super) struct Share {
    backlog: Backlog,
    bytes: usize,
    /// When something was last taken from the queue, or put into an empty one.
    progress: Instant,
}

impl Backlog {
    pub(super) fn share(&self) -> Share {
        Share { backlog: self.clone(), bytes: 0, progress: Instant::now() }
    }

    /// How many bytes have to go, so that half of the room is free, if more are queued than there is room
    /// for, or a message was refused since this was last asked.
    pub(crate) fn take_shortage(&self) -> Option<usize> {
        let bytes = self.0.bytes.load(Ordering::Relaxed);
        let was_refused = self.0.short.swap(false, Ordering::Relaxed);
        (bytes > ROOM || was_refused).then(|| bytes.saturating_sub(ROOM / 2))
    }
}

impl Share {
    /// Whether something that long may be queued now, where there are so many bytes of signals.
    pub(super) fn verdict(
        &self,
        kind: Kind,
        cost: usize,
        signals: usize,
        now: impl Fn() -> Instant,
    ) -> Verdict {
        let sum = self.backlog.0.bytes.load(Ordering::Relaxed) + cost;
        // Where others keep all room in use, the next long message must have its turn, too.
        let room = if self.bytes == 0 { ROOM + MAX_MESSAGE } else { ROOM };
        if sum <= room {
            return Verdict::Admit;
        }
        match kind {
            Kind::Message if self.bytes + cost > MESSAGES => {
                self.backlog.0.short.store(true, Ordering::Relaxed);
                Verdict::Refuse
            }
            // A long message that waits for its turn at the receiver is no fault of the link.
            Kind::Signal if signals > SIGNALS && (sum > MOST || self.rests(now(), PATIENCE)) => {
                Verdict::End
            }
            Kind::Message | Kind::Signal => Verdict::Admit,
        }
    }

    /// So much is queued now; something was taken, if so.
    pub(super) fn note(&mut self, bytes: usize, taken: bool) {
        if taken || self.bytes == 0 {
            self.progress = Instant::now();
        }
        let sum = &self.backlog.0.bytes;
        match bytes.checked_sub(self.bytes) {
            Some(more) => sum.fetch_add(more, Ordering::Relaxed),
            None => sum.fetch_sub(self.bytes - bytes, Ordering::Relaxed),
        };
        self.bytes = bytes;
    }

    /// How much is queued, if nothing was taken for too long.
    pub(super) fn stalled(&self, now: Instant) -> Option<usize> {
        (self.bytes > 0 && self.rests(now, STALLED)).then_some(self.bytes)
    }

    fn rests(&self, now: Instant, time: Duration) -> bool {
        now.saturating_duration_since(self.progress) >= time
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.note(0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where all that is queued are signals.
    fn verdict(share: &Share, kind: Kind, cost: usize, after: Duration) -> Verdict {
        let at = share.progress + after;
        share.verdict(kind, cost, share.bytes, || at)
    }

    #[test]
    fn who_has_little_goes_on_when_others_have_queued_all_that_may_be() {
        let backlog = Backlog::default();
        let (mut full, mut little) = (backlog.share(), backlog.share());
        full.note(ROOM, false);
        little.note(MESSAGES / 2, false);
        let late = Duration::from_secs(60);
        assert_eq!(verdict(&little, Kind::Message, MESSAGES / 2, late), Verdict::Admit);
        assert_eq!(backlog.take_shortage(), Some(ROOM / 2 + MESSAGES / 2));
        assert_eq!(verdict(&little, Kind::Message, MESSAGES, late), Verdict::Refuse);
        assert_eq!(verdict(&little, Kind::Signal, MESSAGES, late), Verdict::Admit);
        assert_eq!(verdict(&full, Kind::Message, 1, late), Verdict::Refuse);
        let mut none = backlog.share();
        let long = MAX_MESSAGE - MESSAGES;
        assert_eq!(verdict(&none, Kind::Message, long, late), Verdict::Admit);
        none.note(long, false);
        assert_eq!(verdict(&backlog.share(), Kind::Message, long, late), Verdict::Refuse);
        drop((full, none));
        assert_eq!(backlog.take_shortage(), Some(0), "somebody was refused");
        assert_eq!(backlog.take_shortage(), None);
        assert_eq!(verdict(&little, Kind::Message, ROOM / 2, late), Verdict::Admit);
    }

    #[test]
    fn signals_end_a_link_that_makes_no_progress_only_when_there_is_no_room() {
        let backlog = Backlog::default();
        let (mut deaf, mut other) = (backlog.share(), backlog.share());
        deaf.note(ROOM / 2, false);
        assert_eq!(verdict(&deaf, Kind::Signal, 100, STALLED), Verdict::Admit);
        other.note(ROOM / 2, false);
        assert_eq!(verdict(&deaf, Kind::Signal, 100, Duration::ZERO), Verdict::Admit);
        assert_eq!(verdict(&deaf, Kind::Signal, 100, PATIENCE), Verdict::End);
        other.note(MOST, true);
        assert_eq!(verdict(&deaf, Kind::Signal, 100, Duration::ZERO), Verdict::End, "in any case");
    }

    #[test]
    fn a_signal_behind_a_long_message_ends_no_link() {
        let backlog = Backlog::default();
        let (mut waiting, mut other) = (backlog.share(), backlog.share());
        waiting.note(MAX_MESSAGE, false);
        other.note(MAX_MESSAGE, false);
        let late = waiting.progress + STALLED;
        let verdict = |signals| waiting.verdict(Kind::Signal, 100, signals, || late);
        assert_eq!(
            [0, SIGNALS, SIGNALS + 1].map(verdict),
            [Verdict::Admit, Verdict::Admit, Verdict::End]
        );
    }

    #[test]
    fn a_link_is_stalled_when_nothing_was_taken_for_long() {
        let backlog = Backlog::default();
        let mut share = backlog.share();
        assert_eq!(share.stalled(share.progress + STALLED), None, "it has nothing");
        share.note(10, false);
        let begun = share.progress;
        share.note(20, false);
        assert_eq!(share.progress, begun, "more is no progress");
        assert_eq!(share.stalled(begun + STALLED), Some(20));
        share.note(15, true);
        assert_eq!(share.stalled(share.progress + STALLED / 2), None);
    }
}
