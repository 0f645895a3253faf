//! The queue of one link as its senders, its writer and the owner thread share
//! it, and how the link is closed.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use iridium_proto::IridiumMessage;

use crate::bell::Bell;
use crate::error::SendError;
use crate::threads::lock;

use super::backlog::{Backlog, Share, Stalled, Verdict};
use super::message::{Bytes, Kind, Outgoing, QueuePush, QueuedMessage, Returned, cost};
use super::queue::Queue;
use super::send_half::SendHalf;

/// How long a link that is being closed may take to send what is queued.
pub(crate) const FLUSH: Duration = Duration::from_secs(2);

/// A sender that finds the sending half free writes at once, unless it was used so shortly before: then more
/// messages are likely to follow, and one write of many by the writer costs less than a write for each. Not so
/// when something has come from the other end meanwhile: then it is likely to be an answer.
const QUIET: Duration = Duration::from_micros(5);
/// The same for messages of 16 KiB and more: the write of one takes some 20 µs.
const QUIET_LARGE: Duration = Duration::from_micros(50);

/// What is to be sent on one link, and the means to send it.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Wakes the link's own writer.
    changed: Condvar,
    /// Wakes the thread that writes for many links, if the link has no writer of its own.
    bell: Option<Bell>,
    /// Whether data has come from the other end since a sender last wrote. Who waits for an answer may see
    /// it before its own write returns, where both ends share a core.
    heard: AtomicBool,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    /// What is queued here, or being written, of all that is on all links.
    share: Share,
    /// What the half was given of it and the system has not taken: bytes of memory, and bytes to be sent.
    given: (usize, usize),
    /// The sending half, when nobody uses it.
    half: Option<Box<SendHalf>>,
    /// When a sender last wrote.
    used: Option<Instant>,
    sleep: Sleep,
    /// A `Leave` that is sent after everything else: the receiver closes the link at it.
    leave: Option<IridiumMessage>,
    /// Set when the link is being closed: until when what is queued may still be sent.
    closing: Option<Instant>,
    aborted: bool,
}

/// What the writer waits for, unless somebody has woken it already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sleep {
    /// Nothing: it is awake.
    Awake,
    /// Something to send, or the end of the link.
    ForWork,
    /// The end of the link.
    ForEnd,
}

/// What the writer does next.
#[derive(Debug)]
pub(crate) enum WriterStep {
    /// Send what the half still holds or, if that is nothing, what is in the batch. Then put the half
    /// back.
    Batch {
        half: Box<SendHalf>,
        /// Whether senders that were refused are to be told to try again.
        writable: bool,
    },
    /// Close the link: everything has been sent.
    Finish(Box<SendHalf>),
    /// Stop: the link was aborted.
    Aborted,
}

/// How a message is sent.
#[derive(Debug)]
pub(crate) enum Dispatch {
    /// By the writer.
    Queued,
    /// By the sender: it sends this now, without blocking, then puts the half back.
    Direct(Box<SendHalf>, Outgoing),
}

impl Outbox {
    /// With a bell for a link that has no writer of its own.
    pub(crate) fn new(
        capacity: usize,
        backlog: &Backlog,
        half: SendHalf,
        bell: Option<Bell>,
    ) -> Self {
        Self {
            state: Mutex::new(State {
                queue: Queue::new(capacity),
                share: backlog.share(),
                given: (0, 0),
                half: Some(Box::new(half)),
                used: None,
                sleep: Sleep::Awake,
                leave: None,
                closing: None,
                aborted: false,
            }),
            changed: Condvar::new(),
            bell,
            heard: AtomicBool::new(false),
        }
    }

    /// Queues a control message. It overtakes data, unless it is `Leave`. The link is aborted when
    /// too many are queued: then the other end does not read.
    pub(crate) fn push_control(&self, message: IridiumMessage) {
        let mut state = lock(&self.state);
        if state.closing.is_some() {
            return;
        }
        if message == IridiumMessage::Leave {
            state.leave = Some(message);
        } else if !state.queue.push_control(message) {
            return self.end_flooded(state, "control messages");
        }
        self.wake(&mut state);
    }

    /// Queues a message or signal, or returns it with the sending half, for the caller to send.
    ///
    /// # Errors
    /// [`Returned`]: it is too long, the queue is full, or the link is being closed.
    pub(crate) fn push(&self, lane: u64, kind: Kind, bytes: Bytes) -> Result<Dispatch, Returned> {
        let mut state = lock(&self.state);
        if state.closing.is_some() || state.aborted {
            return Err(Returned { why: SendError::NotLinked, bytes });
        }
        if let Some(half) = state.half_for(bytes.len(), self.heard.load(Ordering::Relaxed)) {
            self.heard.store(false, Ordering::Relaxed);
            return Ok(Dispatch::Direct(half, Outgoing::Data(QueuedMessage { kind, bytes })));
        }
        match state.push(lane, kind, bytes) {
            QueuePush::Queued => {
                // Otherwise whoever has the half looks at the queue in `put_back`.
                if state.half.is_some() {
                    self.wake(&mut state);
                }
                Ok(Dispatch::Queued)
            }
            QueuePush::Refused(returned) => Err(returned),
            QueuePush::Overflow(bytes) => {
                self.end_flooded(state, "signals");
                Err(Returned { why: SendError::NotLinked, bytes })
            }
        }
    }

    /// Ends the link, in whose queue are too many of those.
    fn end_flooded(&self, mut state: MutexGuard<'_, State>, what: &'static str) {
        let line = if state.aborted { None } else { state.share.admit_line(what) };
        state.aborted = true;
        self.wake_for_end(&mut state);
        drop(state);
        if let Some(left_out) = line {
            log::warn!(
                "closed a link with too many {what} in its queue: its other end does not \
                 read{left_out}"
            );
        }
    }

    /// Data has come from the other end, and is about to be handled.
    pub(crate) fn note_heard(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// What is queued, if the other end takes it too slowly.
    pub(crate) fn stalled(&self, now: Instant) -> Option<Stalled> {
        let state = lock(&self.state);
        state.share.stalled(now, state.queue.asked.is_told_to_wait())
    }

    /// Whether a sender was refused that nobody tells to try again, since nothing is queued.
    pub(crate) fn take_refused(&self) -> bool {
        let mut state = lock(&self.state);
        state.queue.held() == 0 && state.queue.take_writable()
    }

    /// Bytes of memory that what waits here takes up, as all links count it; an error says what is not as it must
    /// be after each step.
    pub(crate) fn held(&self) -> Result<usize, String> {
        let state = lock(&self.state);
        let (held, bytes) = (state.queue.held(), state.queue.bytes());
        let is_noted = state.share.noted() == (held + state.given.0, bytes + state.given.1);
        let flaw = state.queue.flaw().or((!is_noted).then_some("what is queued is not noted"));
        match flaw {
            Some(flaw) => Err(format!("{flaw}: {:?}, given {:?}", state.queue, state.given)),
            None => Ok(held + state.given.0),
        }
    }

    /// Bytes of queued data, with overhead.
    pub(crate) fn queued_bytes(&self) -> usize {
        lock(&self.state).queue.bytes()
    }

    /// Gives the sending half back. `used` is the time of a sender's write, `None` for the writer.
    pub(crate) fn put_back(&self, half: Box<SendHalf>, used: Option<Instant>) {
        let mut state = lock(&self.state);
        let waits = half.has_unsent() || state.queue.has_pending() || state.closing.is_some();
        if !half.has_unsent() {
            state.given = (0, 0);
            state.note();
        }
        // After an abort nobody sends any more, and the writer may have ended already.
        state.half = Some(half).filter(|_| !state.aborted);
        state.used = used.or(state.used);
        if waits {
            self.wake(&mut state);
        }
    }

    /// Gives the sending half back while the system takes no more of what it holds. Returns until when
    /// room may be waited for.
    ///
    /// # Errors
    /// The link is over.
    pub(crate) fn put_back_full(&self, half: Box<SendHalf>) -> io::Result<Option<Instant>> {
        let mut state = lock(&self.state);
        if state.is_over() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        state.half = Some(half);
        state.sleep = Sleep::ForEnd;
        Ok(state.closing)
    }

    /// The other end may be sent this many more bytes.
    pub(crate) fn add_credit(&self, bytes: u64) {
        let mut state = lock(&self.state);
        let has_waited = state.queue.add_credit(bytes);
        state.share.note_permission(has_waited, Instant::now());
        if state.queue.has_pending() {
            self.wake(&mut state);
        }
    }

    /// The other end has room for the long message with this number.
    pub(crate) fn grant(&self, number: u32) {
        let mut state = lock(&self.state);
        let has_waited = state.queue.grant(number);
        state.share.note_permission(has_waited, Instant::now());
        self.wake(&mut state);
    }

    /// The other end has no room yet for the long message with this number, or gives no credit yet.
    pub(crate) fn tell_to_wait(&self, number: u32) {
        lock(&self.state).queue.asked.tell_to_wait(number);
    }

    /// Queues what tells the other end that it may send more, or returns it with the sending half, for the
    /// caller to send: to wake the writer for it would take longer.
    pub(crate) fn push_permission(&self, message: IridiumMessage) -> Dispatch {
        let half = lock(&self.state).half_for_control();
        if let Some(half) = half {
            return Dispatch::Direct(half, Outgoing::Own(message));
        }
        self.push_control(message);
        Dispatch::Queued
    }

    /// Refuses new messages. What is queued is still sent, within [`FLUSH`].
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closing.get_or_insert_with(|| Instant::now() + FLUSH);
        self.wake_for_end(&mut state);
    }

    /// Refuses new messages and sends nothing more.
    pub(crate) fn abort(&self) {
        let mut state = lock(&self.state);
        state.aborted = true;
        state.closing.get_or_insert_with(Instant::now);
        self.wake_for_end(&mut state);
    }

    /// Whether the writer is to stop even in the middle of a write.
    pub(crate) fn is_over(&self) -> bool {
        lock(&self.state).is_over()
    }

    /// Whether the link is aborted.
    pub(crate) fn is_aborted(&self) -> bool {
        lock(&self.state).aborted
    }

    /// Whether the link is aborted. If it is not, the writer is woken when it is.
    pub(crate) fn try_wait_for_abort(&self) -> bool {
        let mut state = lock(&self.state);
        state.sleep = if state.aborted { Sleep::Awake } else { Sleep::ForEnd };
        state.aborted
    }

    /// Waits until the link is aborted, `deadline` at the latest.
    pub(crate) fn wait_for_abort(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        while !state.aborted {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state.sleep = Sleep::ForEnd;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.sleep = Sleep::Awake;
        }
    }

    /// Waits until there is something to send, and puts it in the empty `batch`.
    pub(crate) fn take(&self, batch: &mut Vec<Outgoing>) -> WriterStep {
        let mut state = lock(&self.state);
        loop {
            if let Some(step) = state.next_step(batch) {
                return step;
            }
            state.sleep = Sleep::ForWork;
            state = match state.closing {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.sleep = Sleep::Awake;
        }
    }

    /// As [`take`](Self::take), without waiting: `None` when there is nothing to send. Then the writer is
    /// woken when there is, looks again when [`closing`](Self::closing) says, and holds no memory till then.
    pub(crate) fn try_take(&self, batch: &mut Vec<Outgoing>) -> Option<WriterStep> {
        let mut state = lock(&self.state);
        let step = state.next_step(batch);
        state.sleep = if step.is_none() { Sleep::ForWork } else { Sleep::Awake };
        if let (None, Some(half)) = (&step, &mut state.half) {
            half.shrink();
        }
        step
    }

    /// Until when what is queued may be sent, once the link is being closed.
    pub(crate) fn closing(&self) -> Option<Instant> {
        lock(&self.state).closing
    }

    /// Wakes the writer if it waits for something to send.
    fn wake(&self, state: &mut State) {
        if state.sleep == Sleep::ForWork {
            self.wake_for_end(state);
        }
    }

    /// Wakes the writer, unless somebody else has already: the system call costs as much as some messages.
    fn wake_for_end(&self, state: &mut State) {
        if std::mem::replace(&mut state.sleep, Sleep::Awake) == Sleep::Awake {
            return;
        }
        match &self.bell {
            Some(bell) => bell.ring(),
            None => self.changed.notify_one(),
        }
    }

    /// Drops what is queued, after an abort. Returns whether a sender was refused
    /// and waits to be told to try again.
    pub(crate) fn clear(&self) -> bool {
        let mut state = lock(&self.state);
        // Senders may keep the link for long; they need not keep its buffers.
        state.half = None;
        let refused = state.queue.clear();
        state.given = (0, 0);
        state.note();
        refused
    }
}

impl State {
    /// Queues a message or signal, if there is room here and in what all links have together.
    fn push(&mut self, lane: u64, kind: Kind, bytes: Bytes) -> QueuePush {
        let signals = self.queue.signals();
        match self.share.verdict(kind, cost(bytes.len()), signals) {
            Verdict::Admit => {}
            Verdict::Refuse => return QueuePush::Refused(self.queue.refuse(bytes)),
            Verdict::End => return QueuePush::Overflow(bytes),
        }
        let pushed = self.queue.push(lane, kind, bytes);
        self.note();
        pushed
    }

    /// Counts what is queued, and what is being written.
    fn note(&mut self) {
        let (held, bytes) = self.given;
        self.share.note(self.queue.held() + held, self.queue.bytes() + bytes);
    }

    /// What the writer does next; `None` when it has to wait, also while a sender writes, which wakes
    /// it afterwards.
    fn next_step(&mut self, batch: &mut Vec<Outgoing>) -> Option<WriterStep> {
        if self.aborted {
            return Some(WriterStep::Aborted);
        }
        let half = self.half.take()?;
        if half.has_unsent() {
            return Some(WriterStep::Batch { half, writable: false });
        }
        let (held, bytes) = (self.queue.held(), self.queue.bytes());
        self.queue.take(batch, half.batch());
        self.given = (held - self.queue.held(), bytes - self.queue.bytes());
        if batch.is_empty()
            && let Some(end) = self.closing
            && (self.queue.asked.is_empty() || Instant::now() >= end)
        {
            // Messages without credit may be left: their receiver has stopped reading.
            match self.leave.take() {
                Some(leave) => batch.push(Outgoing::Own(leave)),
                None => return Some(WriterStep::Finish(half)),
            }
        }
        if batch.is_empty() {
            self.half = Some(half);
            return None;
        }
        Some(WriterStep::Batch { half, writable: self.queue.take_writable() })
    }

    /// Whether the writer is to stop even in the middle of a write.
    fn is_over(&self) -> bool {
        self.aborted || self.closing.is_some_and(|end| Instant::now() >= end)
    }

    /// The sending half, if a control message may be sent at once: it overtakes data.
    fn half_for_control(&mut self) -> Option<Box<SendHalf>> {
        let sends = self.closing.is_none() && !self.queue.has_control();
        self.half.take_if(|half| sends && !half.has_unsent())
    }

    /// The sending half, if a message of that length may be sent at once, where the other end was `heard` or not.
    fn half_for(&mut self, len: usize, heard: bool) -> Option<Box<SendHalf>> {
        let quiet = if len < 16 * 1024 { QUIET } else { QUIET_LARGE };
        if self.half.as_ref().is_some_and(|half| !half.has_unsent())
            && (heard || self.used.is_none_or(|used| used.elapsed() >= quiet))
            && self.queue.try_bypass(len)
        {
            return self.half.take();
        }
        None
    }
}

#[cfg(test)]
mod tests;
