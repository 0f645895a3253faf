//! The other end of a link: it knows what it may say, and says it or something else; and it looks at whether
//! the node keeps to what both rely on.

use std::collections::{HashMap, HashSet, VecDeque};

use iridium_proto::{
    FrameDecoder, IridiumMessage, MAX_FRAME_LINK, MAX_MESSAGE, NO_TRANSFER, PIECE_LEN, Piece, Ping,
    Want,
};

use crate::link::{MAX_TRANSFERS, WINDOW, cost};

use super::script::Script;

/// The kinds of pieces: a message, a signal, and one of a later build.
const KINDS: [u8; 3] = [12, 13, 200];

/// What just fits in a frame, as no honest node sends it.
const LONGEST: usize = MAX_FRAME_LINK - 64;

/// What the node must do when it hears a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Take it.
    Honest,
    /// Take it or close the link: what was said before was a lie, or this is too early.
    Unclear,
    /// Close the link.
    Fault,
}

pub(super) struct Peer {
    decoder: FrameDecoder,
    /// Credit that it has.
    credit: i64,
    /// Long messages that it has asked for and not sent.
    coming: HashMap<u32, Coming>,
    /// How often a message was whole before the node had granted its number.
    early: HashMap<u32, u32>,
    asked: HashSet<u32>,
    /// What the application must be given.
    pub(super) owed: VecDeque<Vec<u8>>,
    /// What differs from piece to piece.
    fill: u8,
    /// What the node wants room for.
    wanted: HashMap<u32, Wanted>,
    /// What it has granted, also of what it only guesses that the node wants.
    granted: HashSet<u32>,
    /// Credit that it has given, and what it was sent for that.
    given: u64,
    used: u64,
    /// Of that, what it has not given back.
    unreturned: u64,
    /// What the application has sent, by lanes.
    sent: HashMap<u64, VecDeque<Label>>,
    /// How many long messages it was sent.
    pub(super) long: usize,
}

struct Coming {
    len: usize,
    kind: Option<u8>,
    bytes: Vec<u8>,
    granted: bool,
}

struct Wanted {
    len: usize,
    /// It was granted when everything was to come, whatever was said before.
    is_due: bool,
    come: usize,
    head: Vec<u8>,
    kind: u8,
}

/// What a message of the application begins with, so that it can be told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) lane: u64,
    pub(super) number: u64,
    pub(super) len: usize,
    pub(super) is_signal: bool,
}

impl Label {
    /// The shortest message with a label.
    pub(super) const LEN: usize = 16;

    /// The message that it stands for.
    pub(super) fn message(self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        bytes[..8].copy_from_slice(&self.lane.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.number.to_be_bytes());
        bytes
    }

    fn read(head: &[u8], len: usize, is_signal: bool) -> Option<Self> {
        let (lane, rest) = head.split_first_chunk()?;
        let (lane, number) = (u64::from_be_bytes(*lane), rest.first_chunk()?);
        Some(Self { lane, number: u64::from_be_bytes(*number), len, is_signal })
    }
}

impl Peer {
    pub(super) fn new() -> Self {
        Self {
            decoder: FrameDecoder::new(MAX_FRAME_LINK),
            credit: WINDOW as i64,
            coming: HashMap::new(),
            early: HashMap::new(),
            asked: HashSet::new(),
            owed: VecDeque::new(),
            fill: 0,
            wanted: HashMap::new(),
            granted: HashSet::new(),
            given: 0,
            used: 0,
            unreturned: 0,
            sent: HashMap::new(),
            long: 0,
        }
    }

    /// The application sends this.
    pub(super) fn expect(&mut self, label: Label) {
        self.sent.entry(label.lane).or_default().push_back(label);
    }

    /// Says something, and what the node must do then. Mostly it is the truth: otherwise no link would last.
    pub(super) fn say(&mut self, script: &mut Script<'_>) -> (IridiumMessage, Verdict) {
        let choice = script.byte();
        let lies = choice >= 240;
        match choice % 16 {
            0..=2 if lies || self.coming.len() < MAX_TRANSFERS => self.ask(lies, script),
            3..=8 if lies || self.coming.values().any(|coming| coming.granted) => {
                self.send_piece(lies, script)
            }
            9 => self.send_short(script),
            10 | 11 => (self.give_credit(lies, script), Verdict::Honest),
            14 => (IridiumMessage::Wait(self.wanted_number(lies, script)), Verdict::Honest),
            15 => {
                let ping = Ping { token: script.byte().into(), digest: 0 };
                (IridiumMessage::Ping(ping), Verdict::Honest)
            }
            _ => (self.grant(lies, script), Verdict::Honest),
        }
    }

    /// Says what the node waits for, if it does for anything; and sends what may come.
    pub(super) fn do_duty(&mut self) -> Option<(IridiumMessage, Verdict)> {
        let credit = std::mem::take(&mut self.unreturned);
        if credit > 0 {
            self.given = self.given.saturating_add(credit);
            return Some((IridiumMessage::Credit(credit), Verdict::Honest));
        }
        let ready = self.wanted.iter_mut().find(|(_, wanted)| !wanted.is_due);
        if let Some((number, wanted)) = ready {
            wanted.is_due = true;
            self.granted.insert(*number);
            return Some((IridiumMessage::Grant(*number), Verdict::Honest));
        }
        let (transfer, coming) = self.coming.iter().find(|(_, coming)| coming.granted)?;
        let (transfer, rest) = (*transfer, coming.len - coming.bytes.len());
        let (len, kind) = (rest.min(PIECE_LEN), coming.kind.unwrap_or(KINDS[0]));
        Some(self.piece(transfer, kind, len == rest, len))
    }

    /// Bytes of what is to come, both ways.
    pub(super) fn left(&self) -> usize {
        let sent = self.sent.values().flatten().map(|label| label.len);
        sent.chain(self.coming.values().map(|coming| coming.len - coming.bytes.len())).sum()
    }

    fn pay(&mut self, cost: usize) -> Verdict {
        self.credit -= cost as i64;
        if self.credit < 0 { Verdict::Unclear } else { Verdict::Honest }
    }

    fn ask(&mut self, lies: bool, script: &mut Script<'_>) -> (IridiumMessage, Verdict) {
        const LENS: [usize; 12] = [
            PIECE_LEN + 1,
            PIECE_LEN + 1,
            PIECE_LEN + 1,
            PIECE_LEN + 1,
            PIECE_LEN + 2,
            2 * PIECE_LEN,
            2 * PIECE_LEN,
            MAX_MESSAGE / 16,
            4 << 20,
            8 << 20,
            MAX_MESSAGE - 1,
            MAX_MESSAGE,
        ];
        let (choice, len) = (script.byte(), script.pick(&LENS).unwrap_or_default());
        let free = (1..).find(|number| !self.coming.contains_key(number));
        let honest = (free.unwrap_or(NO_TRANSFER), len);
        let (transfer, len) = match (lies, choice % 2) {
            (false, _) => honest,
            (true, 0) => (u32::from(choice % 20), len),
            (true, _) => (honest.0, script.near(len).min(u32::MAX.into()) as usize),
        };
        let message = IridiumMessage::Want(Want { transfer, len: len as u32 });
        let is_fault = self.coming.contains_key(&transfer)
            || self.coming.len() >= MAX_TRANSFERS
            || transfer == NO_TRANSFER
            || !(PIECE_LEN + 1..=MAX_MESSAGE).contains(&len);
        if is_fault {
            return (message, Verdict::Fault);
        }
        let coming = Coming { len, kind: None, bytes: Vec::new(), granted: false };
        self.coming.insert(transfer, coming);
        self.asked.insert(transfer);
        // It may ask for room before it has credit for the message, if it then waits for that.
        self.pay(cost(len));
        (message, Verdict::Honest)
    }

    fn send_piece(&mut self, lies: bool, script: &mut Script<'_>) -> (IridiumMessage, Verdict) {
        let may_come = self.coming.iter().filter(|(_, coming)| lies || coming.granted);
        let mut numbers: Vec<u32> = may_come.map(|(number, _)| *number).collect();
        numbers.sort();
        let transfer = script.pick(&numbers).unwrap_or(1);
        let coming = self.coming.get(&transfer);
        let rest = coming.map_or(PIECE_LEN, |coming| coming.len - coming.bytes.len());
        let choice = script.byte();
        let most = if choice == 255 { LONGEST } else { PIECE_LEN };
        let len = match choice % 8 {
            0..=4 => rest.min(most),
            5 => rest.min(1 + usize::from(choice)),
            6 if lies => usize::from(choice > 128) * (rest + 1).min(most),
            _ => rest.div_ceil(2).min(most),
        };
        let mut kind = coming.and_then(|coming| coming.kind).unwrap_or(KINDS[0]);
        if coming.is_none_or(|coming| coming.kind.is_none()) || (lies && choice < 16) {
            kind = script.pick(&KINDS).unwrap_or_default();
        }
        let last = (len == rest) != (lies && choice > 250);
        self.piece(transfer, kind, last, len)
    }

    fn piece(
        &mut self,
        transfer: u32,
        kind: u8,
        last: bool,
        len: usize,
    ) -> (IridiumMessage, Verdict) {
        self.fill = self.fill.wrapping_add(1);
        let bytes = vec![self.fill; len];
        let verdict = self.judge_piece(transfer, kind, last, &bytes);
        (IridiumMessage::Piece(Piece { transfer, kind, last, bytes }), verdict)
    }

    fn judge_piece(&mut self, transfer: u32, kind: u8, last: bool, bytes: &[u8]) -> Verdict {
        let Some(coming) = self.coming.get_mut(&transfer) else { return Verdict::Fault };
        let come = coming.bytes.len() + bytes.len();
        if *coming.kind.get_or_insert(kind) != kind
            || bytes.is_empty()
            || come > coming.len
            || last != (come == coming.len)
        {
            return Verdict::Fault;
        }
        coming.bytes.extend_from_slice(bytes);
        let is_honest = coming.granted && self.credit >= 0;
        if last && let Some(coming) = self.coming.remove(&transfer) {
            if !coming.granted {
                *self.early.entry(transfer).or_default() += 1;
            }
            if kind != KINDS[2] {
                self.owed.push_back(coming.bytes);
            }
        }
        if is_honest { Verdict::Honest } else { Verdict::Unclear }
    }

    fn send_short(&mut self, script: &mut Script<'_>) -> (IridiumMessage, Verdict) {
        let len = match script.byte() {
            255 => LONGEST,
            240.. => PIECE_LEN,
            few => few.into(),
        };
        self.fill = self.fill.wrapping_add(1);
        let bytes = vec![self.fill; len];
        self.owed.push_back(bytes.clone());
        let verdict = self.pay(cost(len));
        let message = match script.byte() % 2 {
            0 => IridiumMessage::Deliver(bytes),
            _ => IridiumMessage::Signal(bytes),
        };
        (message, verdict)
    }

    fn give_credit(&mut self, lies: bool, script: &mut Script<'_>) -> IridiumMessage {
        let credit = if lies { script.near(self.unreturned as usize) } else { self.unreturned };
        self.given = self.given.saturating_add(credit);
        self.unreturned = self.unreturned.saturating_sub(credit);
        IridiumMessage::Credit(credit)
    }

    fn grant(&mut self, lies: bool, script: &mut Script<'_>) -> IridiumMessage {
        let number = self.wanted_number(lies, script);
        self.granted.insert(number);
        IridiumMessage::Grant(number)
    }

    /// The number of something that the node wants.
    fn wanted_number(&self, lies: bool, script: &mut Script<'_>) -> u32 {
        let mut numbers: Vec<u32> = self.wanted.keys().copied().collect();
        numbers.sort();
        let number = script.pick(&numbers).unwrap_or(NO_TRANSFER);
        if lies { number + 1 } else { number }
    }

    /// Hears what the node says.
    pub(super) fn hear(&mut self, mut bytes: &[u8]) {
        while let Some(message) =
            self.decoder.next_message(&mut bytes).expect("what nobody can read")
        {
            self.take(message);
        }
    }

    fn take(&mut self, message: IridiumMessage) {
        match message {
            IridiumMessage::Grant(number) => self.note_grant(number),
            IridiumMessage::Wait(number) => {
                let is_known = number == NO_TRANSFER || self.asked.contains(&number);
                assert!(is_known, "transfer {number} is to wait, which nobody has asked for");
            }
            IridiumMessage::Credit(credit) => {
                self.credit = self.credit.saturating_add_unsigned(credit);
                assert!(credit > 0 && self.credit <= WINDOW as i64, "{} of credit", self.credit);
            }
            IridiumMessage::Want(Want { transfer, len }) => {
                let len = len as usize;
                assert!((PIECE_LEN + 1..=MAX_MESSAGE).contains(&len) && transfer != NO_TRANSFER);
                let wanted = Wanted { len, is_due: false, come: 0, head: Vec::new(), kind: 0 };
                let before = self.wanted.insert(transfer, wanted);
                assert!(before.is_none() && self.wanted.len() <= MAX_TRANSFERS);
                self.use_credit(cost(len));
            }
            IridiumMessage::Piece(piece) => self.take_piece(&piece),
            IridiumMessage::Deliver(bytes) => self.take_short(&bytes, false),
            IridiumMessage::Signal(bytes) => self.take_short(&bytes, true),
            other => panic!("nobody has told it to send {other:?}"),
        }
    }

    fn note_grant(&mut self, number: u32) {
        if let Some(count) = self.early.get_mut(&number).filter(|count| **count > 0) {
            *count -= 1;
            return;
        }
        let coming = self.coming.get_mut(&number);
        let was_granted = coming.map(|coming| std::mem::replace(&mut coming.granted, true));
        assert_eq!(was_granted, Some(false), "transfer {number} was granted");
    }

    fn use_credit(&mut self, cost: usize) {
        self.used += cost as u64;
        self.unreturned += cost as u64;
        let most = (WINDOW as u64).saturating_add(self.given);
        assert!(self.used <= most, "it has sent {} bytes for {most} of credit", self.used);
    }

    fn take_short(&mut self, bytes: &[u8], is_signal: bool) {
        assert!(bytes.len() <= PIECE_LEN);
        self.use_credit(cost(bytes.len()));
        self.note_whole(bytes, bytes.len(), is_signal);
    }

    fn take_piece(&mut self, piece: &Piece) {
        let wanted =
            self.wanted.get_mut(&piece.transfer).expect("a piece of what it did not ask for");
        assert!(self.granted.contains(&piece.transfer), "a piece of what was not granted");
        assert!((1..=PIECE_LEN).contains(&piece.bytes.len()));
        if wanted.come == 0 {
            wanted.head = piece.bytes[..Label::LEN].to_vec();
            wanted.kind = piece.kind;
        }
        wanted.come += piece.bytes.len();
        assert_eq!((wanted.kind, piece.last), (piece.kind, wanted.come == wanted.len));
        if piece.last
            && let Some(whole) = self.wanted.remove(&piece.transfer)
        {
            self.long += 1;
            self.note_whole(&whole.head, whole.len, whole.kind == KINDS[1]);
        }
    }

    /// It must be the next of its lane.
    fn note_whole(&mut self, head: &[u8], len: usize, is_signal: bool) {
        let label = Label::read(head, len, is_signal).expect("a message without a label");
        let next = self.sent.get_mut(&label.lane).and_then(VecDeque::pop_front);
        assert_eq!(next, Some(label), "another message was next");
    }
}
