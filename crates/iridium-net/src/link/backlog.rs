//! How much waits to be sent on all links of a node together.
//!
//! Each link bounds its own queue; but somebody who holds many links, asks for much on each, and reads
//! nothing would fill them all. So there is a bound on the sum, too. Beyond it messages are refused where
//! some are queued already, which holds up nobody else; and the owner of the node closes the fullest of the
//! links that are stalled. Signals cannot be refused, so there is more room for them; beyond that, too, they
//! end their link.
//!
//! A link is stalled when nothing is taken for a while (`grace`), or what was queued at a time is taken more slowly
//! than by the slowest network that is meant: otherwise who takes a byte now and then would keep the room for
//! ever. The other end may have good reason to have messages wait: it has granted all its room for long ones to
//! others, or its application still has what came before. It says so (`Wait`). That can be said as well by
//! one that never grants; so it buys a minute, and another one only with taking all that was queued at
//! its beginning, which is what a liar wants to avoid. A minute is more than the longest time for which one that
//! lies can keep the room of an honest receiver (`ledger`). Those of whom nothing is known but
//! silence give way first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use iridium_proto::MAX_MESSAGE;

use crate::log_limit::{ClockedLogLimits, LeftOut};

use super::message::Kind;
use super::{grace, ledger};

/// Bytes that may be queued on all links.
const ROOM: usize = 24 * 1024 * 1024;
/// Bytes with signals, as many as one link may have beyond it.
const MOST: usize = ROOM + 8 * 1024 * 1024;
/// Bytes of messages that a link may have queued however much there is on others, so that each goes on.
const MESSAGES: usize = 64 * 1024;
/// Bytes of signals that a link may have queued likewise.
const SIGNALS: usize = 256 * 1024;
/// How fast a link is to take what was queued at a time.
pub(super) const BYTES_A_SECOND: u64 = 128 * 1024;
/// How much longer it may take when the other end has said that something is to wait.
pub(super) const TOLD_TO_WAIT: Duration = Duration::from_secs(60);
const _: () = assert!(TOLD_TO_WAIT.as_secs() > grace::MOST.as_secs() + ledger::SLOWEST.as_secs());

/// What is queued on all links. All clones are one.
#[derive(Debug, Clone)]
pub(crate) struct Backlog(Arc<Sum>);

#[derive(Debug)]
struct Sum {
    /// A link that has made no progress for so long gives way to others, and one that takes longer for what was
    /// queued: as long, and time by its bytes.
    grace: Duration,
    bytes: AtomicUsize,
    /// A message was refused since there was no room.
    short: AtomicBool,
    /// For the lines on links that end since too much is queued.
    log_limits: ClockedLogLimits,
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
    /// Bytes of memory.
    bytes: usize,
    /// Bytes that are to be sent: a piece of a long message counts, though its memory is only given back with
    /// the last; and what is in memory once for many links.
    unsent: usize,
    /// When something was last taken from the queue, or put into an empty one.
    progress: Instant,
    round: Round,
}

/// How soon is taken what was queued at a time. Then the next round begins.
#[derive(Debug)]
struct Round {
    begun: Instant,
    /// Bytes that were queued then, and those of them that are left.
    queued: usize,
    left: usize,
    /// The other end has had something wait meanwhile, and has it wait no more.
    has_waited: bool,
}

/// A link that is to give way to others: the later of two in this order first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stalled {
    /// It takes nothing, and says nothing.
    is_silent: bool,
    /// What it has queued, in bytes.
    pub(crate) bytes: usize,
}

impl Backlog {
    /// Where a link may take nothing for so long, though others want its room.
    pub(crate) fn new(grace: Duration) -> Self {
        let (bytes, short) = (AtomicUsize::new(0), AtomicBool::new(false));
        let log_limits = ClockedLogLimits::default();
        Self(Arc::new(Sum { grace, bytes, short, log_limits }))
    }

    pub(super) fn share(&self) -> Share {
        let now = Instant::now();
        let round = Round::new(now, 0);
        Share { backlog: self.clone(), bytes: 0, unsent: 0, progress: now, round }
    }

    /// Bytes that are queued.
    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// How many bytes have to go, so that half of the room is free, if more are queued than there is room
    /// for, or a message was refused since this was last asked.
    pub(crate) fn take_shortage(&self) -> Option<usize> {
        let bytes = self.bytes();
        let was_refused = self.0.short.swap(false, Ordering::Relaxed);
        (bytes > ROOM || was_refused).then(|| bytes.saturating_sub(ROOM / 2))
    }
}

impl Share {
    /// Whether it is to be logged that the link ends, since too much of a kind is queued.
    pub(super) fn admit_line(&self, kind: &'static str) -> Option<LeftOut> {
        self.backlog.0.log_limits.admit(kind)
    }

    /// Whether something that long may be queued now, where there are so many bytes of signals.
    pub(super) fn verdict(&self, kind: Kind, cost: usize, signals: usize) -> Verdict {
        let sum = self.backlog.bytes() + cost;
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
            // A long message that waits for its turn at the receiver is no fault of the link. How long the
            // signals themselves may wait is for the owner to say, as of whatever else is queued.
            Kind::Signal if signals > SIGNALS && sum > MOST => Verdict::End,
            Kind::Message | Kind::Signal => Verdict::Admit,
        }
    }

    /// So many bytes of memory are queued now, and so many are to be sent.
    pub(super) fn note(&mut self, bytes: usize, unsent: usize) {
        if (bytes, unsent) == (self.bytes, self.unsent) {
            return;
        }
        let taken = self.unsent.saturating_sub(unsent);
        self.round.left = self.round.left.saturating_sub(taken);
        if taken > 0 || self.unsent == 0 {
            self.progress = Instant::now();
        }
        if self.round.left == 0 {
            self.round = Round::new(self.progress, unsent);
        }
        self.unsent = unsent;
        let sum = &self.backlog.0.bytes;
        match bytes.checked_sub(self.bytes) {
            Some(more) => sum.fetch_add(more, Ordering::Relaxed),
            None => sum.fetch_sub(self.bytes - bytes, Ordering::Relaxed),
        };
        self.bytes = bytes;
    }

    /// Bytes of memory, and bytes that are to be sent.
    pub(super) fn noted(&self) -> (usize, usize) {
        (self.bytes, self.unsent)
    }

    /// What is queued, if it is taken too slowly, the more so when the other end has not said that something is
    /// to wait.
    pub(super) fn stalled(&self, now: Instant, told_to_wait: bool) -> Option<Stalled> {
        let grace = self.backlog.0.grace;
        let is_silent = !told_to_wait && now.saturating_duration_since(self.progress) >= grace;
        let waits = told_to_wait || self.round.has_waited;
        let grace = if waits { grace + TOLD_TO_WAIT } else { grace };
        let stalled = self.bytes > 0 && (is_silent || self.round.is_late(now, grace));
        stalled.then_some(Stalled { is_silent, bytes: self.bytes })
    }

    /// A long message is granted room, or credit comes. What was to wait for it until now is to be taken from
    /// now on.
    pub(super) fn note_permission(&mut self, has_waited: bool, now: Instant) {
        if has_waited {
            self.progress = now;
            self.round.has_waited = true;
        }
    }
}

impl Round {
    fn new(begun: Instant, queued: usize) -> Self {
        Self { begun, queued, left: queued, has_waited: false }
    }

    fn is_late(&self, now: Instant, grace: Duration) -> bool {
        let time = Duration::from_millis(self.queued as u64 * 1000 / BYTES_A_SECOND);
        now.saturating_duration_since(self.begun) >= grace + time
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.note(0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALLED: Duration = grace::LEAST;

    fn queue(share: &mut Share, bytes: usize) {
        share.note(bytes, bytes);
    }

    /// Where all that is queued are signals.
    fn verdict(share: &Share, kind: Kind, cost: usize) -> Verdict {
        share.verdict(kind, cost, share.bytes)
    }

    #[test]
    fn who_has_little_goes_on_when_others_have_queued_all_that_may_be() {
        let backlog = Backlog::new(STALLED);
        let (mut full, mut little) = (backlog.share(), backlog.share());
        queue(&mut full, ROOM);
        queue(&mut little, MESSAGES / 2);
        assert_eq!(verdict(&little, Kind::Message, MESSAGES / 2), Verdict::Admit);
        assert_eq!(backlog.take_shortage(), Some(ROOM / 2 + MESSAGES / 2));
        assert_eq!(verdict(&little, Kind::Message, MESSAGES), Verdict::Refuse);
        assert_eq!(verdict(&little, Kind::Signal, MESSAGES), Verdict::Admit);
        assert_eq!(verdict(&full, Kind::Message, 1), Verdict::Refuse);
        let mut none = backlog.share();
        let long = MAX_MESSAGE - MESSAGES;
        assert_eq!(verdict(&none, Kind::Message, long), Verdict::Admit);
        queue(&mut none, long);
        assert_eq!(verdict(&backlog.share(), Kind::Message, long), Verdict::Refuse);
        drop((full, none));
        assert_eq!(backlog.take_shortage(), Some(0), "somebody was refused");
        assert_eq!(backlog.take_shortage(), None);
        assert_eq!(verdict(&little, Kind::Message, ROOM / 2), Verdict::Admit);
    }

    #[test]
    fn however_many_links_end_there_are_few_lines_of_it() {
        let backlog = Backlog::new(STALLED);
        let lines = |kind| (0..1000).filter(|_| backlog.share().admit_line(kind).is_some()).count();
        assert!((1..100).contains(&lines("signals")) && (1..100).contains(&lines("others")));
    }

    #[test]
    fn signals_end_a_link_only_when_there_is_no_room_for_them_either() {
        let backlog = Backlog::new(STALLED);
        let (mut deaf, mut other) = (backlog.share(), backlog.share());
        queue(&mut deaf, ROOM / 2);
        queue(&mut other, MOST - ROOM / 2 - 100);
        assert_eq!(verdict(&deaf, Kind::Signal, 100), Verdict::Admit);
        assert_eq!(verdict(&deaf, Kind::Signal, 101), Verdict::End);
        let signals = |signals| deaf.verdict(Kind::Signal, 101, signals);
        assert_eq!(
            [0, SIGNALS, SIGNALS + 1].map(signals),
            [Verdict::Admit, Verdict::Admit, Verdict::End],
            "a signal behind a long message ends no link"
        );
    }

    #[test]
    fn signals_that_are_not_taken_have_the_patience_of_all_that_is_queued() {
        for grace in [grace::LEAST, grace::MOST] {
            let backlog = Backlog::new(grace);
            let (mut deaf, mut other) = (backlog.share(), backlog.share());
            queue(&mut deaf, 2 * SIGNALS);
            queue(&mut other, ROOM);
            assert_eq!(verdict(&deaf, Kind::Signal, 100), Verdict::Admit);
            assert_eq!(backlog.take_shortage(), Some(ROOM / 2 + 2 * SIGNALS), "the owner looks");
            let after = |time, told_to_wait| deaf.stalled(deaf.progress + time, told_to_wait);
            assert_eq!(after(grace - Duration::from_millis(1), false), None);
            assert!(after(grace, false).is_some());
            assert_eq!(after(grace + TOLD_TO_WAIT, true), None, "its receiver has it wait");
        }
    }

    #[test]
    fn a_link_is_stalled_when_nothing_was_taken_for_long() {
        let backlog = Backlog::new(STALLED);
        let mut share = backlog.share();
        assert_eq!(share.stalled(share.progress + STALLED, false), None, "it has nothing");
        queue(&mut share, 10);
        let begun = share.progress;
        queue(&mut share, 20);
        assert_eq!(share.progress, begun, "more is no progress");
        let silent = Stalled { is_silent: true, bytes: 20 };
        assert_eq!(share.stalled(begun + STALLED, false), Some(silent));
        queue(&mut share, 15);
        assert_eq!(share.stalled(share.progress + STALLED / 2, false), None);
    }

    #[test]
    fn who_may_be_silent_for_longer_may_take_nothing_for_as_long() {
        let mut share = Backlog::new(3 * STALLED).share();
        queue(&mut share, MESSAGES);
        assert_eq!(share.stalled(share.progress + 2 * STALLED, false), None);
        assert!(share.stalled(share.progress + 3 * STALLED, false).is_some());
    }

    #[test]
    fn who_takes_a_little_at_a_time_is_stalled_when_it_is_too_little() {
        let backlog = Backlog::new(STALLED);
        let mut share = backlog.share();
        queue(&mut share, MAX_MESSAGE);
        let time = Duration::from_secs(MAX_MESSAGE as u64 / BYTES_A_SECOND);
        let end = share.progress + STALLED + time;
        queue(&mut share, MAX_MESSAGE / 2);
        queue(&mut share, 2 * MAX_MESSAGE);
        share.progress = end;
        let stalled = Stalled { is_silent: false, bytes: 2 * MAX_MESSAGE };
        assert_eq!(share.stalled(end, false), Some(stalled));
        queue(&mut share, MAX_MESSAGE * 3 / 2);
        share.progress = end;
        assert_eq!(
            share.stalled(end, false),
            None,
            "what has come meanwhile has a time of its own"
        );
    }

    #[test]
    fn who_is_told_to_wait_does_so_for_a_minute_and_those_who_are_not_give_way_before() {
        let backlog = Backlog::new(STALLED);
        let (mut told, mut silent) = (backlog.share(), backlog.share());
        queue(&mut told, 2 * MESSAGES);
        queue(&mut silent, MESSAGES);
        let time = |share: &Share, time| share.stalled(share.round.begun + time, true);
        assert_eq!(time(&told, TOLD_TO_WAIT + STALLED), None);
        let told = time(&told, TOLD_TO_WAIT + STALLED + Duration::from_secs(1)).unwrap();
        let silent = silent.stalled(silent.progress + STALLED, false).unwrap();
        assert!(silent > told && silent.bytes < told.bytes);
    }

    #[test]
    fn who_has_waited_has_time_to_take_what_waited() {
        let backlog = Backlog::new(STALLED);
        let mut share = backlog.share();
        queue(&mut share, 2 * MESSAGES);
        let granted = share.round.begun + TOLD_TO_WAIT;
        assert_eq!(share.stalled(granted, true), None);
        share.note_permission(true, granted);
        assert_eq!(share.stalled(granted + STALLED / 2, false), None, "it begins");
        queue(&mut share, MESSAGES);
        share.progress = granted + STALLED / 2;
        assert_eq!(share.stalled(granted + STALLED, false), None, "it goes on");
        share.note_permission(true, granted);
        let end = granted + STALLED + Duration::from_secs(1);
        let stalled = Stalled { is_silent: true, bytes: MESSAGES };
        assert_eq!(share.stalled(end, false), Some(stalled), "no more than a minute in all");
        queue(&mut share, 0);
        queue(&mut share, MESSAGES);
        assert!(!share.round.has_waited);
    }
}
