//! A link that is made by hand, over which anything can be said.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use iridium_proto::{
    Features, FrameDecoder, Hello, Introduction, IridiumMessage, MAX_FRAME_ADMITTED,
    MAX_FRAME_LINK, MAX_MESSAGE, MemberRecord, NO_TRANSFER, NodeAlias, NodeId, NodeInfo, NodeIp,
    NodeNumber, NodePort, PIECE_LEN, Piece, Ping, Pong, RecordState, Want, encode_frame,
};

use crate::wire::{Door, Ear, Mouth, connect};

/// A lie: to whom, how often, and how long to stay afterwards. Gives how often it was said before the
/// node closed the link, if it did.
pub(crate) type Lie = fn(&Door, u64, Duration) -> Result<u64, Box<dyn Error>>;

/// How long a node may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of data that may be sent before there is credit, and what each message costs beside its own.
const WINDOW: usize = MAX_MESSAGE + 1024 * 1024;
const OVERHEAD: usize = 64;
/// The number of `Signal` among the messages.
const SIGNAL: u8 = 13;
/// How much is written at a time.
const BATCH: usize = 64 * 1024;
/// How long the liar looks away when there is nothing to do.
const PAUSE: Duration = Duration::from_millis(5);
/// How often who hears nothing says that it is alive.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// A link to a node.
pub(crate) struct Link {
    mouth: Arc<Mutex<Mouth>>,
    shared: Arc<Shared>,
    /// The number of the liar as that member.
    pub(crate) me: u32,
    /// The node at the other end.
    pub(crate) peer: NodeId,
    /// Who else is a member, as the node says.
    pub(crate) members: Vec<MemberRecord>,
    /// What the node sends to processes and other parts of the liar.
    pub(crate) data: mpsc::Receiver<Vec<u8>>,
}

struct Shared {
    credit: AtomicUsize,
    /// Transfers that the node has granted.
    granted: AtomicUsize,
    over: AtomicBool,
}

/// How the liar takes what the node sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As any node, but that it has no room for long messages.
    Fair,
    /// It reads nothing.
    Deaf,
    /// It reads nothing either, but says that it is alive.
    Absent,
    /// It reads all, and gives no credit.
    Mean,
    /// It says of all long messages that they are to wait, and of what lacks credit.
    PutsOff,
}

/// The frame of a message.
pub(crate) fn frame(message: &IridiumMessage) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    encode_frame(message, &mut bytes)?;
    Ok(bytes)
}

/// A node that there is not: its alias, the number it has, and where it pretends to listen.
pub(crate) fn invented(
    name: &str,
    number: u32,
    at: SocketAddr,
) -> Result<Introduction, Box<dyn Error>> {
    let alias = NodeAlias::new(name)?;
    let port = NodePort::new(at.port())?;
    let info = NodeInfo { alias: alias.clone(), ip: NodeIp(at.ip()), port };
    let incarnation = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros() as u64;
    let id = NodeId { alias, incarnation, number: NodeNumber::new(number)? };
    Ok(Introduction { info, id, refutation: 0 })
}

/// An address of this machine at which nobody listens.
pub(crate) fn nowhere() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1)
}

/// The liar as a node, under a number that it draws.
pub(crate) fn liar() -> Result<Introduction, Box<dyn Error>> {
    let number = NodeNumber::from_random(u64::from(std::process::id()) * 7919).number();
    invented("liar", number, nowhere())
}

/// What the liar says of a node.
pub(crate) fn record(of: Introduction, state: RecordState) -> MemberRecord {
    MemberRecord { info: of.info, id: of.id, refutation: of.refutation, state }
}

/// The reader has the other half of the connection, which ends with this one.
impl Drop for Link {
    fn drop(&mut self) {
        lock(&self.mouth).close();
    }
}

impl Link {
    /// Becomes a member.
    pub(crate) fn open(to: &Door, intro: Introduction) -> Result<Self, Box<dyn Error>> {
        Self::open_as(to, intro, Manner::Fair)
    }

    /// Becomes a member that takes what the node sends in its manner.
    pub(crate) fn open_as(
        to: &Door,
        intro: Introduction,
        manner: Manner,
    ) -> Result<Self, Box<dyn Error>> {
        let me = intro.id.number.number();
        let (mut mouth, ear) = connect(to)?;
        let mut frames = Frames::new(ear);
        let hello = Hello { intro, version: 1, features: Features::NONE };
        mouth.write(&frame(&IridiumMessage::Hello(hello))?)?;
        let ack = match frames.next()? {
            IridiumMessage::HelloAck(ack) => ack,
            other => return Err(format!("not let in: {other:?}").into()),
        };
        mouth.write(&frame(&IridiumMessage::Ping(Ping { token: 1, digest: 0 }))?)?;
        frames.ear.be_patient()?;
        let (credit, granted) = (AtomicUsize::new(WINDOW), AtomicUsize::new(0));
        let shared = Shared { credit, granted, over: AtomicBool::new(false) };
        let (shared, mouth) = (Arc::new(shared), Arc::new(Mutex::new(mouth)));
        let (sender, data) = mpsc::channel();
        let (theirs, answering) = (Arc::clone(&shared), Arc::clone(&mouth));
        thread::Builder::new().name("liar-reader".into()).spawn(move || {
            // Why it has ended is the node's affair.
            let _ = match manner {
                Manner::Deaf => return,
                Manner::Absent => speak(&answering),
                _ => listen(frames, &answering, &theirs, &sender, manner),
            };
            theirs.over.store(true, Ordering::SeqCst);
        })?;
        Ok(Self { mouth, shared, me, peer: ack.intro.id, members: ack.nodes, data })
    }

    /// Whether the node has closed it.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::SeqCst)
    }

    /// Says many things, as fast as the node takes them. Gives how many before it closed the link.
    pub(crate) fn say(&self, messages: impl Iterator<Item = IridiumMessage>) -> u64 {
        let (mut said, mut batched, mut bytes) = (0, 0, Vec::new());
        for message in messages {
            let before = bytes.len();
            if encode_frame(&message, &mut bytes).is_err() {
                return said;
            }
            // Otherwise it is refused for that, and shows nothing.
            assert!(bytes.len() - before <= MAX_FRAME_LINK, "a lie is longer than a frame may be");
            batched += 1;
            if bytes.len() >= BATCH {
                if !self.write(&std::mem::take(&mut bytes)) {
                    return said;
                }
                said += std::mem::take(&mut batched);
            }
        }
        said + if self.write(&bytes) { batched } else { 0 }
    }

    /// Says many things to the processes and other parts of the node, as fast as there is credit.
    pub(crate) fn signal(&self, signals: impl Iterator<Item = Vec<u8>>) -> u64 {
        self.say(signals.map_while(|bytes| {
            self.take_credit(bytes.len() + OVERHEAD).then_some(IridiumMessage::Signal(bytes))
        }))
    }

    /// Says one long thing to them, when there is credit. Answers whether the link is still there.
    pub(crate) fn signal_in_pieces(&self, bytes: Vec<u8>) -> bool {
        let before = self.granted();
        if !self.take_credit(bytes.len() + OVERHEAD)
            || !self.ask_for_room(1, bytes.len())
            || !self.wait_until(|| self.granted() > before)
        {
            return false;
        }
        let count = bytes.len().div_ceil(PIECE_LEN);
        let pieces = bytes.chunks(PIECE_LEN).enumerate().map(|(number, piece)| {
            let (last, bytes) = (number + 1 == count, piece.to_vec());
            IridiumMessage::Piece(Piece { transfer: 1, kind: SIGNAL, last, bytes })
        });
        self.say(pieces) == count as u64
    }

    /// Asks for room for a long message. Answers whether the link is still there.
    pub(crate) fn ask_for_room(&self, transfer: u32, len: usize) -> bool {
        self.say(std::iter::once(IridiumMessage::Want(Want { transfer, len: len as u32 }))) == 1
    }

    /// For how many long messages there was room.
    pub(crate) fn granted(&self) -> usize {
        self.shared.granted.load(Ordering::SeqCst)
    }

    /// Sends bytes that need not be a frame. Answers whether the link is still there.
    pub(crate) fn write(&self, bytes: &[u8]) -> bool {
        lock(&self.mouth).write(bytes).is_ok() && !self.is_over()
    }

    /// Stays for a while, or until the node closes the link.
    pub(crate) fn stay(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end && !self.is_over() {
            thread::sleep(PAUSE);
        }
    }

    fn take_credit(&self, bytes: usize) -> bool {
        let (credit, taken) = (&self.shared.credit, |credit: usize| credit.checked_sub(bytes));
        self.wait_until(|| credit.fetch_update(Ordering::SeqCst, Ordering::SeqCst, taken).is_ok())
    }

    /// Waits for something, as long as a node may take. Answers whether it has come.
    fn wait_until(&self, has_come: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !has_come() {
            if self.is_over() || Instant::now() > deadline {
                return false;
            }
            thread::sleep(PAUSE);
        }
        true
    }
}

/// The first message on a connection.
pub(crate) fn first(ear: Ear) -> Result<IridiumMessage, Box<dyn Error>> {
    Frames::new(ear).next()
}

fn lock(mouth: &Mutex<Mouth>) -> MutexGuard<'_, Mouth> {
    mouth.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a node says, as messages.
struct Frames {
    ear: Ear,
    decoder: FrameDecoder,
    record: Vec<u8>,
    /// How much of the record has been decoded.
    used: usize,
}

impl Frames {
    fn new(ear: Ear) -> Self {
        let decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
        Self { ear, decoder, record: Vec::new(), used: 0 }
    }

    /// The next message.
    fn next(&mut self) -> Result<IridiumMessage, Box<dyn Error>> {
        loop {
            let mut rest = &self.record[self.used..];
            let message = self.decoder.next_message(&mut rest)?;
            self.used = self.record.len() - rest.len();
            if let Some(message) = message {
                return Ok(message);
            }
            (self.record, self.used) = (self.ear.read()?, 0);
        }
    }
}

/// Sends heartbeats, and hears no answer.
fn speak(mouth: &Mutex<Mouth>) -> Result<(), Box<dyn Error>> {
    let ping = frame(&IridiumMessage::Ping(Ping { token: 1, digest: 0 }))?;
    loop {
        lock(mouth).write(&ping)?;
        thread::sleep(HEARTBEAT);
    }
}

/// Answers heartbeats, so that the node has nothing against the liar, and keeps the accounts.
fn listen(
    mut frames: Frames,
    mouth: &Mutex<Mouth>,
    shared: &Shared,
    data: &mpsc::Sender<Vec<u8>>,
    manner: Manner,
) -> Result<(), Box<dyn Error>> {
    loop {
        match frames.next()? {
            IridiumMessage::Ping(Ping { token, digest }) => {
                lock(mouth).write(&frame(&IridiumMessage::Pong(Pong { token, digest }))?)?;
            }
            IridiumMessage::Credit(bytes) => {
                shared.credit.fetch_add(bytes as usize, Ordering::SeqCst);
            }
            IridiumMessage::Grant(_) => {
                shared.granted.fetch_add(1, Ordering::SeqCst);
            }
            IridiumMessage::Want(want) if manner == Manner::PutsOff => {
                for number in [want.transfer, NO_TRANSFER] {
                    lock(mouth).write(&frame(&IridiumMessage::Wait(number))?)?;
                }
            }
            IridiumMessage::Signal(_) | IridiumMessage::Deliver(_) if manner == Manner::Mean => {}
            IridiumMessage::Signal(bytes) | IridiumMessage::Deliver(bytes) => {
                let credit = IridiumMessage::Credit((bytes.len() + OVERHEAD) as u64);
                lock(mouth).write(&frame(&credit)?)?;
                // A lie that does not care for answers does not take them.
                let _ = data.send(bytes);
            }
            _ => {}
        }
    }
}
