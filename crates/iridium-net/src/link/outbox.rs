//! The queue of one link as its senders, its writer and the owner of the mesh
//! share it, and how it comes to its end.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use iridium_proto::IridiumMessage;

use crate::error::{Refused, SendError};
use crate::threads::lock;

use super::queue::{Kind, Pushed, Queue};
use super::send_half::SendHalf;

/// How long a link that is being closed may take to send what it has.
pub(crate) const FLUSH: Duration = Duration::from_secs(2);

/// A sender that finds the link free writes at once, unless it was used so
/// shortly before: then more is likely to come, and many messages in one write
/// by the writer cost less than a write for each.
const LULL: Duration = Duration::from_micros(5);
/// A message of this length is worth a write of its own.
const LARGE: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    /// The sending half, when nobody uses it.
    half: Option<Box<SendHalf>>,
    /// When a sender last wrote.
    used: Option<Instant>,
    /// Whether the writer sleeps, and nobody has woken it yet.
    asleep: bool,
    /// Overtakes nothing: the receiver closes the link when it comes.
    goodbye: Option<IridiumMessage>,
    closing: Option<Instant>,
    aborted: bool,
}

/// What the writer is to do.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Send what the half still holds and what was put in the batch, then put
    /// the half back.
    Batch {
        half: Box<SendHalf>,
        /// Tell those who were refused that there is room again.
        room: bool,
    },
    /// Close the link: everything was sent.
    Last(Box<SendHalf>),
    /// The link was given up.
    Over,
}

/// What a sender is to do.
#[derive(Debug)]
pub(crate) enum Sent {
    /// Nothing: the writer sends it.
    Queued,
    /// Send this now, without waiting, then put the half back.
    Now(Box<SendHalf>, IridiumMessage),
}

impl Outbox {
    pub(crate) fn new(capacity: usize, half: SendHalf) -> Self {
        Self {
            state: Mutex::new(State {
                queue: Queue::new(capacity),
                half: Some(Box::new(half)),
                used: None,
                asleep: false,
                goodbye: None,
                closing: None,
                aborted: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Queues a control message. It overtakes data, unless it is `Leave`. A link
    /// whose other end does not even read these is given up.
    pub(crate) fn push_control(&self, message: IridiumMessage) {
        let mut state = lock(&self.state);
        if state.closing.is_some() {
            return;
        }
        if message == IridiumMessage::Leave {
            state.goodbye = Some(message);
        } else if !state.queue.push_control(message) {
            state.aborted = true;
        }
        self.wake(&mut state);
    }

    /// Queues a message or signal, or hands it back with the means to send it.
    ///
    /// # Errors
    /// Nothing was queued: it is too long, the queue is full, or the link is
    /// being closed.
    pub(crate) fn push(&self, lane: u64, kind: Kind, bytes: Vec<u8>) -> Result<Sent, Refused> {
        let mut state = lock(&self.state);
        if state.closing.is_some() || state.aborted {
            return Err(Refused { why: SendError::NotLinked, bytes });
        }
        if let Some(half) = state.half_for(bytes.len()) {
            return Ok(Sent::Now(half, kind.with(bytes)));
        }
        match state.queue.push(lane, kind, bytes) {
            Pushed::Queued => {
                // Whoever has the half looks at the queue when it puts it back.
                if state.half.is_some() {
                    self.wake(&mut state);
                }
                Ok(Sent::Queued)
            }
            Pushed::Refused(refused) => Err(refused),
            Pushed::Overflow(bytes) => {
                log::warn!("gave up a link on which too many signals wait");
                state.aborted = true;
                self.wake(&mut state);
                Err(Refused { why: SendError::NotLinked, bytes })
            }
        }
    }

    /// Bytes of data that wait, with overhead.
    pub(crate) fn queued_bytes(&self) -> usize {
        lock(&self.state).queue.bytes()
    }

    /// Gives the sending half back; a sender says when.
    pub(crate) fn put_back(&self, half: Box<SendHalf>, used: Option<Instant>) {
        let mut state = lock(&self.state);
        let waits = half.has_unsent() || state.queue.waits() || state.closing.is_some();
        state.half = Some(half);
        state.used = used.or(state.used);
        if waits {
            self.wake(&mut state);
        }
    }

    /// The other end has room for this much more.
    pub(crate) fn add_credit(&self, bytes: u64) {
        let mut state = lock(&self.state);
        state.queue.add_credit(bytes);
        if state.queue.waits() {
            self.wake(&mut state);
        }
    }

    /// This end has room for this much more.
    pub(crate) fn give_credit(&self, bytes: usize) {
        self.push_control(IridiumMessage::Credit(bytes as u64));
    }

    /// Takes nothing more; what is queued is still sent, for [`FLUSH`] at most.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closing.get_or_insert_with(|| Instant::now() + FLUSH);
        self.wake(&mut state);
    }

    /// Takes nothing more and sends nothing more.
    pub(crate) fn abort(&self) {
        let mut state = lock(&self.state);
        state.aborted = true;
        state.closing.get_or_insert_with(Instant::now);
        self.wake(&mut state);
    }

    /// Whether the writer should stop even though a write is not finished.
    pub(crate) fn is_over(&self) -> bool {
        let state = lock(&self.state);
        state.aborted || state.closing.is_some_and(|end| Instant::now() >= end)
    }

    /// Waits until nothing more is to be done with the link.
    pub(crate) fn wait_for_abort(&self, deadline: Instant) {
        let mut state = lock(&self.state);
        while !state.aborted {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state.asleep = true;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.asleep = false;
        }
    }

    /// Waits for something to send and puts it in the empty `batch`.
    pub(crate) fn take(&self, batch: &mut Vec<IridiumMessage>) -> Taken {
        let mut state = lock(&self.state);
        loop {
            if state.aborted {
                return Taken::Over;
            }
            // Without the half, a sender is writing at this moment.
            if let Some(half) = state.half.take() {
                state.queue.take(batch);
                if batch.is_empty() && state.closing.is_some() && !half.has_unsent() {
                    // What is left has no credit: its receiver has long stopped reading.
                    match state.goodbye.take() {
                        Some(goodbye) => batch.push(goodbye),
                        None => return Taken::Last(half),
                    }
                }
                if !batch.is_empty() || half.has_unsent() {
                    return Taken::Batch { half, room: state.queue.has_news() };
                }
                state.half = Some(half);
            }
            state.asleep = true;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.asleep = false;
        }
    }

    /// Wakes the writer, if it sleeps and nobody else has: each call to the
    /// system costs as much as several messages.
    fn wake(&self, state: &mut State) {
        if std::mem::take(&mut state.asleep) {
            self.changed.notify_one();
        }
    }

    /// Forgets what is queued, after an abort. Returns whether someone was
    /// refused and waits for room.
    pub(crate) fn clear(&self) -> bool {
        let mut state = lock(&self.state);
        // Not needed any more, and those who hold on to the link need not hold it.
        state.half = None;
        state.queue.clear()
    }
}

impl State {
    /// The sending half, for a message of that length that is to go at once.
    fn half_for(&mut self, len: usize) -> Option<Box<SendHalf>> {
        let lull = || self.used.is_none_or(|used| used.elapsed() >= LULL);
        if self.half.as_ref().is_some_and(|half| !half.has_unsent())
            && (len >= LARGE || lull())
            && self.queue.pass(len)
        {
            return self.half.take();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use iridium_proto::{HEADER_LEN, PIECE_LEN};

    use super::super::queue::MAX_CONTROL;
    use super::*;
    use crate::session::Session;

    fn ping() -> IridiumMessage {
        IridiumMessage::Ping(iridium_proto::Ping { token: 1, digest: 2 })
    }

    /// An outbox whose half is a real connection, and the other end of that.
    fn outbox(capacity: usize) -> (Outbox, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let Session { writer, stream, .. } = Session::new(stream, None);
        let half = SendHalf::new(writer, stream).unwrap();
        (Outbox::new(capacity, half), listener.accept().unwrap().0)
    }

    /// What the writer is given, or `None` at the end.
    fn taken(outbox: &Outbox) -> Option<Vec<IridiumMessage>> {
        let mut batch = Vec::new();
        match outbox.take(&mut batch) {
            Taken::Batch { half, .. } => outbox.put_back(half, None),
            Taken::Last(_) | Taken::Over => return None,
        }
        Some(batch)
    }

    fn queue(outbox: &Outbox, kind: Kind, bytes: Vec<u8>) -> Result<(), SendError> {
        match outbox.push(0, kind, bytes) {
            Ok(Sent::Queued) => Ok(()),
            Ok(Sent::Now(..)) => panic!("something waits, so it has to as well"),
            Err(refused) => Err(refused.why),
        }
    }

    #[test]
    fn who_finds_the_link_free_sends_and_who_finds_it_in_use_queues() {
        let (outbox, _end) = outbox(1000);
        let Ok(Sent::Now(half, message)) = outbox.push(0, Kind::Message, vec![1]) else {
            panic!("nothing waits")
        };
        assert_eq!(message, IridiumMessage::Deliver(vec![1]));
        queue(&outbox, Kind::Message, vec![2]).unwrap();
        outbox.put_back(half, Some(Instant::now()));
        queue(&outbox, Kind::Message, vec![3]).unwrap();
        let rest = [2, 3].map(|i| IridiumMessage::Deliver(vec![i]));
        assert_eq!(taken(&outbox), Some(rest.to_vec()));
        let before = Instant::now().checked_sub(LULL).unwrap();
        let mut batch = Vec::new();
        outbox.push_control(ping());
        let Taken::Batch { half, .. } = outbox.take(&mut batch) else { panic!("a ping waits") };
        outbox.put_back(half, Some(before));
        let sent = outbox.push(0, Kind::Signal, vec![4]);
        assert!(matches!(sent, Ok(Sent::Now(_, IridiumMessage::Signal(_)))), "after a lull");
    }

    #[test]
    fn what_the_system_did_not_take_is_finished_by_the_writer() {
        let (outbox, mut end) = outbox(1 << 20);
        let mut sent = 0;
        // Until the buffers of the system are full.
        while let Ok(Sent::Now(mut half, message)) =
            outbox.push(0, Kind::Message, vec![7; PIECE_LEN])
        {
            half.push(&message);
            half.send_some().unwrap();
            sent += 1;
            outbox.put_back(half, Some(Instant::now()));
        }
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut end, &mut bytes).unwrap();
            bytes.len()
        });
        outbox.close();
        loop {
            let mut batch = Vec::new();
            match outbox.take(&mut batch) {
                Taken::Batch { mut half, .. } => {
                    batch.iter().for_each(|message| half.push(message));
                    half.send_all(|| false).unwrap();
                    outbox.put_back(half, None);
                }
                Taken::Last(half) => break half.finish(),
                Taken::Over => panic!("nobody gave it up"),
            }
        }
        // The one that was queued instead is the last.
        assert_eq!(reader.join().unwrap(), (sent + 1) * (PIECE_LEN + HEADER_LEN + 1));
    }

    #[test]
    fn closing_sends_what_is_queued_then_goodbye_and_takes_nothing_more() {
        let (outbox, _end) = outbox(1000);
        outbox.push_control(IridiumMessage::Leave);
        outbox.push_control(ping());
        queue(&outbox, Kind::Message, vec![1]).unwrap();
        outbox.close();
        outbox.push_control(ping());
        let refused = outbox.push(0, Kind::Message, vec![2]).unwrap_err();
        assert_eq!(refused, Refused { why: SendError::NotLinked, bytes: vec![2] });
        assert_eq!(taken(&outbox), Some(vec![ping(), IridiumMessage::Deliver(vec![1])]));
        assert_eq!(taken(&outbox), Some(vec![IridiumMessage::Leave]), "goodbye comes last");
        assert_eq!(taken(&outbox), None);
    }

    #[test]
    fn a_peer_that_reads_nothing_costs_a_bounded_number_of_control_messages() {
        let (outbox, _end) = outbox(1000);
        for _ in 0..=MAX_CONTROL {
            outbox.push_control(ping());
        }
        assert!(outbox.is_over());
        assert_eq!(taken(&outbox), None);
    }

    #[test]
    fn signals_are_not_refused_and_too_many_end_the_link() {
        let (outbox, _end) = outbox(1000);
        outbox.push_control(ping());
        queue(&outbox, Kind::Message, vec![0; 1000]).unwrap();
        assert_eq!(queue(&outbox, Kind::Message, vec![1; 8]), Err(SendError::WouldBlock));
        let mut count = 0;
        while queue(&outbox, Kind::Signal, vec![0; 1 << 16]).is_ok() {
            count += 1;
        }
        assert!((100..130).contains(&count), "{count} signals of 64 KiB");
        assert!(outbox.is_over());
        assert!(outbox.clear(), "the one who was refused is told");
        assert_eq!(queue(&outbox, Kind::Signal, vec![]), Err(SendError::NotLinked));
    }
}
