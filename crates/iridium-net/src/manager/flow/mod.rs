//! Drives the links of one node for the fuzzer, without sockets: what the other ends say, what the application
//! sends, takes and lets go of, what the system takes of what is written, who is closed and when.
//!
//! All else is as it is in a node. After each step what is counted must be what there is, and in the end nothing.

#![allow(clippy::panic, clippy::expect_used)]

mod application;
mod peer;
mod script;

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use iridium_proto::{
    IridiumMessage, MAX_FRAME_LINK, MAX_MESSAGE, NodeAlias, NodeId, NodeInfo, NodeIp, NodeNumber,
    NodePort, PIECE_LEN, encode_frame,
};

use crate::error::SendError;
use crate::ids::ConnId;
use crate::link::{ClusterClient, SharedBytes, WriterStep, grace};
use crate::membership::Timing;
use crate::session::{self, FrameReader};

use super::command::Command;
use super::reader::{Reader, Wanted};
use super::relief::Relief;
use super::shared::Shared;
use super::writer::{CLOSED, Writer};
use application::{Come, Keeper};
use peer::{Label, Peer, Verdict};
use script::Script;

/// Links that are open at a time: enough to wait for each other.
const MOST_LINKS: usize = 5;
/// Bytes of messages that may be queued on a link.
const QUEUE_BYTES: usize = 512 << 10;
/// Inputs with a first byte that is not less send the longest messages, too: to write so much memory takes as long
/// as some hundred other inputs.
const MOSTLY_SHORT: u8 = 248;
/// Lengths of messages: the first are always sent, the others in few inputs.
const LENS: [usize; 16] = [
    Label::LEN,
    100,
    1000,
    PIECE_LEN,
    PIECE_LEN + 1,
    PIECE_LEN + 1,
    PIECE_LEN * 2,
    PIECE_LEN * 3,
    MAX_MESSAGE + 1,
    1 << 20,
    2 << 20,
    4 << 20,
    8 << 20,
    MAX_MESSAGE / 2,
    MAX_MESSAGE - 1,
    MAX_MESSAGE,
];
const SHORT: usize = 8;
/// Bytes that may be left at the end of an input, so that everything comes before the links end.
const FINISHED: usize = 1 << 20;
/// When everybody has lost patience.
const NEVER: Duration = Duration::from_secs(600);

/// Does what the bytes say, one thing after the other. Returns how many long messages have come to the application
/// or to the other ends.
///
/// # Panics
/// What must hold does not.
pub fn flow(input: &[u8]) -> usize {
    let mut script = Script::new(input);
    let mut node = Node::new(script.byte() >= MOSTLY_SHORT);
    while let Some(choice) = script.next() {
        node.step(choice, &mut script);
        node.settle();
        node.check();
    }
    if node.open.iter().map(|link| link.peer.left()).sum::<usize>() < FINISHED {
        node.finish();
    }
    node.end(input.last().is_some_and(|last| *last < 128))
}

struct Node {
    shared: Arc<Shared>,
    timing: Timing,
    /// When the first thing happened: real time goes by, too, and much of it on a busy machine.
    begun: Instant,
    application: Arc<Keeper>,
    commands: (Sender<Command>, Receiver<Command>),
    open: Vec<Link>,
    ended: Vec<Arc<ClusterClient>>,
    /// What the application has and may look at as long as it likes.
    kept: VecDeque<Come>,
    last_message: u64,
    lens: &'static [usize],
    /// How many long messages have come, here and at the other ends.
    long: usize,
}

struct Link {
    client: Arc<ClusterClient>,
    /// Until it ends.
    reader: Option<Reader>,
    writer: Option<Writer>,
    peer: Peer,
    /// A message was refused, and nobody was told to try again.
    is_refused: bool,
    is_closing: bool,
}

impl Node {
    fn new(has_long: bool) -> Self {
        let timing = Timing::lan();
        let shared = Shared::new(identity(0), ([127, 0, 0, 1], 1).into(), &timing, bounded(1));
        Self {
            shared: Arc::new(shared),
            timing,
            begun: Instant::now(),
            application: Arc::default(),
            commands: unbounded(),
            open: Vec::new(),
            ended: Vec::new(),
            kept: VecDeque::new(),
            last_message: 0,
            lens: if has_long { &LENS } else { &LENS[..SHORT] },
            long: 0,
        }
    }

    fn step(&mut self, choice: u8, script: &mut Script<'_>) {
        let at = usize::from(choice >> 4) % self.open.len().max(1);
        if self.open.is_empty() || (choice.is_multiple_of(16) && self.open.len() < MOST_LINKS) {
            return self.open_link();
        }
        match choice % 16 {
            0 if choice < 64 => self.open[at].end("the other end has closed it"),
            0 => {
                self.open[at].client.close();
                self.open[at].is_closing = true;
            }
            1..=6 => {
                let said = self.open[at].peer.say(script);
                self.hear(at, said);
            }
            7..=9 => self.send(at, script),
            10..=12 => self.write(at, script),
            13 | 14 => self.let_go(script),
            _ => self.wait(script),
        }
    }

    fn open_link(&mut self) {
        let conn = self.shared.conn_id();
        let (frames, writer) = session::halves(None);
        let (stream, backlog) = (full_connection(), &self.shared.backlog);
        let client = ClusterClient::new(conn, stream, writer, QUEUE_BYTES, backlog, None);
        let client = Arc::new(client.expect("the connection is open"));
        client.keep_connection();
        client.set_peer(identity(conn.0).0);
        client.admit();
        let link = Link {
            reader: Some(self.reader(&client, frames)),
            writer: Some(Writer::new(Arc::clone(&client), Arc::clone(&self.application) as _)),
            client,
            peer: Peer::new(),
            is_refused: false,
            is_closing: false,
        };
        self.open.push(link);
    }

    fn reader(&self, client: &Arc<ClusterClient>, mut frames: FrameReader) -> Reader {
        frames.decoder.set_cap(MAX_FRAME_LINK);
        Reader::new(
            Arc::clone(client),
            frames,
            self.commands.0.clone(),
            Arc::clone(&self.application) as _,
            Arc::clone(&self.shared),
            self.timing.greet_timeout,
        )
    }

    /// The other end of a link says something.
    fn hear(&mut self, at: usize, (message, verdict): (IridiumMessage, Verdict)) {
        let link = &mut self.open[at];
        let mut bytes = Vec::new();
        encode_frame(&message, &mut bytes).expect("it cannot be said");
        let why = link.read(&bytes, &self.commands.1);
        let come = self.application.take_come();
        let name = message.name();
        assert!(come.len() <= link.peer.owed.len(), "more has come than was sent: {name}");
        for (come, owed) in come.iter().zip(link.peer.owed.drain(..come.len())) {
            assert!(
                come.conn == link.client.id() && come.bytes == owed,
                "another message has come"
            );
        }
        self.long += come.iter().filter(|come| come.bytes.len() > PIECE_LEN).count();
        self.kept.extend(come);
        match (why, verdict) {
            _ if link.is_closing => {}
            (None, Verdict::Fault) => panic!("it has taken {name}, which is a fault"),
            (Some(why), Verdict::Honest) => panic!("it has closed the link for {name}: {why}"),
            (None, _) => assert!(link.peer.owed.is_empty(), "a message was lost: {name}"),
            (Some(why), _) => assert!(!why.is_empty()),
        }
    }

    /// The application sends something.
    fn send(&mut self, at: usize, script: &mut Script<'_>) {
        let link = &mut self.open[at];
        let len = script.pick(self.lens).unwrap_or(Label::LEN);
        let (choice, number) = (script.byte(), self.last_message + 1);
        self.last_message = number;
        let lane = u64::from(choice % 4);
        let label = Label { lane, number, len, is_signal: choice >= 192 };
        let sent = match choice >> 6 {
            0 | 1 => link.client.send_in(lane, label.message()).map_err(SendError::from),
            2 => link.client.send_shared_in(lane, Arc::new(label.message()) as SharedBytes),
            _ => link.client.send_signal(lane, label.message()).map_err(SendError::from),
        };
        match sent {
            Ok(()) => link.peer.expect(label),
            Err(SendError::WouldBlock) if !label.is_signal => link.is_refused = true,
            Err(SendError::NotLinked) => {
                assert!(link.is_closing || link.client.outbox().is_over(), "{label:?}");
            }
            Err(SendError::TooLong { .. }) => assert!(len > MAX_MESSAGE),
            Err(error) => panic!("{label:?}: {error}"),
        }
    }

    /// The system takes some of what is written, and the other end hears it.
    fn write(&mut self, at: usize, script: &mut Script<'_>) {
        let most = match script.byte() {
            few @ 0..16 => usize::from(few),
            more @ 16..64 => usize::from(more) << 8,
            _ => usize::MAX,
        };
        self.open[at].write(most);
    }

    /// Everybody does what the others wait for, until there is nothing left to do. Then everything has come.
    fn finish(&mut self) {
        let mut goes_on = true;
        while goes_on {
            goes_on = !self.kept.is_empty();
            self.kept.clear();
            for at in 0..self.open.len() {
                goes_on |= self.open[at].write(usize::MAX);
                while self.open[at].reader.is_some()
                    && let Some(said) = self.open[at].peer.do_duty()
                {
                    self.hear(at, said);
                    goes_on = true;
                }
            }
            self.settle();
            self.check();
        }
        self.relieve(Duration::from_secs(1), None);
        self.note_writable();
        for link in self.open.iter().filter(|link| !link.is_closing) {
            assert_eq!(link.peer.left(), 0, "something has not come, and nobody goes on");
            assert!(!link.is_refused, "nobody is told to try again, though there is room");
        }
    }

    /// The application lets go of what it has.
    fn let_go(&mut self, script: &mut Script<'_>) {
        let choice = usize::from(script.byte());
        match choice % 4 {
            0 => drop(self.kept.pop_front()),
            1 => drop(self.kept.pop_back()),
            2 => drop(self.kept.swap_remove_back(choice % self.kept.len().max(1))),
            _ => self.kept.clear(),
        }
    }

    /// So much time goes by without anything else.
    fn wait(&mut self, script: &mut Script<'_>) {
        let choice = script.byte();
        let time = if choice == 255 { NEVER } else { Duration::from_millis(500) * choice.into() };
        // What the owner makes up for when it did not run itself.
        let unrun = (choice % 8 == 7).then_some(time);
        self.relieve(time, unrun);
    }

    fn relieve(&mut self, time: Duration, unrun: Option<Duration>) {
        let now = Instant::now();
        let clients =
            self.open.iter().map(|link| (link.client.id(), Arc::clone(&link.client))).collect();
        Relief::new(now).turn(&clients, &self.shared, &*self.application, unrun, now + time);
        let closed = self.open.iter().filter(|link| link.client.outbox().is_aborted()).count();
        let passed = now + time - self.begun;
        if passed < grace(&self.timing) {
            assert_eq!(closed, 0, "links are closed after {passed:?}");
        }
    }

    /// What has ended is known as such.
    fn settle(&mut self) {
        for link in &mut self.open {
            if link.client.outbox().is_aborted() {
                link.end("it was aborted");
            }
        }
        self.note_writable();
        self.commands.1.try_iter().for_each(drop);
        for link in self.open.extract_if(.., |link| link.reader.is_none() && link.writer.is_none())
        {
            assert!(!link.is_refused, "nobody is told to try again");
            self.long += link.peer.long;
            self.ended.push(link.client);
        }
    }

    fn note_writable(&mut self) {
        for link in &mut self.open {
            let alias = link.client.peer().map(|id| &id.alias);
            if alias.is_some_and(|alias| self.application.take_writable(alias)) {
                link.is_refused = false;
            }
        }
    }

    /// What must hold after each step.
    fn check(&self) {
        let is_open = |conn| self.open.iter().any(|link| link.client.id() == conn);
        if let Some(flaw) = self.shared.room.flaw(is_open) {
            panic!("{flaw}");
        }
        let held = |link: &Link| link.client.outbox().held().expect("a flaw");
        assert_eq!(self.open.iter().map(held).sum::<usize>(), self.shared.backlog.bytes());
        let mut kept = HashMap::<ConnId, usize>::new();
        for come in &self.kept {
            *kept.entry(come.conn).or_default() += come.permit.bytes();
        }
        for client in self.open.iter().map(|link| &link.client).chain(&self.ended) {
            let kept = kept.get(&client.id()).copied().unwrap_or_default();
            assert_eq!(client.window_flaw(kept), None);
        }
        let flaw = self.open.iter().find_map(|link| link.reader.as_ref()?.flaw());
        assert_eq!(flaw, None);
    }

    /// All links end, and the application lets go of everything, whatever comes first.
    fn end(mut self, lets_go: bool) -> usize {
        if lets_go {
            self.kept.clear();
            self.check();
        }
        for at in 0..self.open.len() {
            self.open[at].end("the node stops");
        }
        self.settle();
        self.check();
        self.kept.clear();
        self.check();
        assert!(self.shared.room.is_empty() && self.open.is_empty());
        assert_eq!(self.shared.backlog.bytes(), 0);
        let is_kept = |client: &Arc<ClusterClient>| Arc::strong_count(client) > 1;
        assert!(!self.ended.iter().any(is_kept), "somebody keeps a link that has ended");
        self.long
    }
}

impl Link {
    /// Reads and handles such bytes. Returns why the link has ended, if it has.
    fn read(&mut self, mut bytes: &[u8], commands: &Receiver<Command>) -> Option<String> {
        let reader = self.reader.as_mut()?;
        let why = loop {
            match reader.handle() {
                Ok(Wanted::Bytes) if bytes.is_empty() => return None,
                Ok(Wanted::Bytes) => match reader.try_fill(&mut bytes) {
                    Ok(count) => assert!(count.is_some_and(|count| count > 0)),
                    Err(why) => break why,
                },
                // The owner handles what has come.
                Ok(Wanted::Share) => commands.try_iter().for_each(drop),
                Ok(Wanted::Decision(_)) => panic!("it has been decided"),
                Err(why) => break why,
            }
        };
        if let Some(reader) = self.reader.take() {
            reader.end(&why);
        }
        Some(why)
    }

    /// Does what the thread that writes for many links does in the turn of one, where the system takes at most so
    /// many bytes. Returns whether there was something to do.
    fn write(&mut self, most: usize) -> bool {
        let (Some(writer), mut batch) = (&self.writer, Vec::new()) else { return false };
        let is_over = match writer.try_step(&mut batch) {
            None => return false,
            Some(WriterStep::Batch { mut half, .. }) => {
                let bytes = half.hand_over(most);
                let outbox = self.client.outbox();
                let is_over = match half.has_unsent() {
                    true => outbox.put_back_full(half).is_err(),
                    false => {
                        outbox.put_back(half, None);
                        false
                    }
                };
                self.peer.hear(&bytes);
                is_over
            }
            Some(WriterStep::Finish(_) | WriterStep::Aborted) => true,
        };
        if is_over && let Some(writer) = self.writer.take() {
            writer.end(CLOSED);
        }
        true
    }

    fn end(&mut self, why: &str) {
        if let Some(reader) = self.reader.take() {
            reader.end(why);
        }
        if let Some(writer) = self.writer.take() {
            writer.end(why);
        }
    }
}

fn identity(number: u64) -> (NodeId, NodeInfo) {
    let alias = NodeAlias::new(format!("n{number}")).expect("an alias");
    let id =
        NodeId { alias: alias.clone(), incarnation: 1, number: NodeNumber::from_random(number) };
    let ip = NodeIp([127, 0, 0, 1].into());
    (id, NodeInfo { alias, ip, port: NodePort::new(1).expect("a port") })
}

/// A connection of which the system takes nothing more, since its other end reads nothing. It is that of all
/// links: what they write is taken from them before.
fn full_connection() -> &'static Arc<TcpStream> {
    static FULL: OnceLock<(Arc<TcpStream>, TcpStream)> = OnceLock::new();
    let fill = || {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut stream = TcpStream::connect(listener.local_addr()?)?;
        let (end, _) = listener.accept()?;
        stream.set_nonblocking(true)?;
        let bytes = vec![0; 1 << 16];
        loop {
            match stream.write(&bytes) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok((Arc::new(stream), end))
    };
    &FULL.get_or_init(|| fill().expect("this machine has no connections")).0
}
