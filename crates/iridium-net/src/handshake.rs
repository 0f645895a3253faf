//! From a TCP connection to an authenticated, encrypted session.
//!
//! Both ends send a preamble in clear: magic, the lowest and highest protocol
//! version they speak, and whether they encrypt. Then comes the Noise handshake
//! `NNpsk0_25519_AESGCM_SHA256` (Noise Protocol Framework, revision
//! 34) with the cluster secret as the pre-shared key and both preambles as the
//! prologue, so that nobody in between can talk the versions down.
//!
//! ```text
//! dialler                          listener
//! preamble             ->
//!                      <-          preamble
//! length, message 1    ->
//!                      <-          1, length, message 2    (or 0: another secret)
//! ```
//!
//! `NNpsk0` accepts a replayed first message, so a listener treats the other end as
//! authenticated only when the first frame of the session has been decrypted.

use std::io;
use std::net::TcpStream;
use std::time::Instant;

use iridium_proto::{MAX_VERSION, MIN_VERSION};
use snow::{Builder, HandshakeState};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::cause::Cause;
use crate::cipher::{Records, Resolver};
use crate::error::HandshakeError;
use crate::secret::{Key, Secrets, Security};
use crate::session::{self, FrameReader, FrameWriter, Session};
use crate::stream::DeadlineStream;

const MAGIC: [u8; 4] = *b"IRDM";
const PREAMBLE_LEN: usize = 9;
const PATTERN: &str = "Noise_NNpsk0_25519_AESGCM_SHA256";
/// Longest handshake message in bytes. An ephemeral key and an authentication tag need 48.
const MAX_HANDSHAKE: usize = 128;
const ACCEPTED: u8 = 1;
const WRONG_SECRET: u8 = 0;

type Preamble = [u8; PREAMBLE_LEN];

/// Why a connection did not become a session.
#[derive(Debug, Error)]
pub(crate) enum HandshakeFailure {
    /// What the other end has said excludes it.
    #[error(transparent)]
    Refused(#[from] HandshakeError),
    /// The handshake was not finished in time.
    #[error("it did not finish the handshake in time")]
    TimedOut,
    /// The connection ended early.
    #[error("it closed the connection during the handshake")]
    Closed,
    /// The connection failed.
    #[error("the connection failed during the handshake: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for HandshakeFailure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::TimedOut,
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

impl From<snow::Error> for HandshakeFailure {
    fn from(error: snow::Error) -> Self {
        Self::Refused(HandshakeError::Broken(Cause::new(error)))
    }
}

/// The dialler's side. Blocks until `deadline` at the latest.
///
/// # Errors
/// [`HandshakeFailure`]; the connection is closed then.
pub(crate) fn dial(
    stream: TcpStream,
    security: &Security,
    deadline: Instant,
) -> Result<Session, HandshakeFailure> {
    let mut stream = DeadlineStream::new(stream, deadline);
    let ours = preamble(security);
    stream.write_all(&ours)?;
    let theirs = read_preamble(&mut stream)?;
    check_preamble(&theirs, security)?;
    let Some(key) = offered_key(security)? else {
        return Ok(Session::new(stream.into_inner()?, None));
    };
    let prologue = [ours, theirs].concat();
    let mut noise = builder(key, &prologue)?.build_initiator()?;
    stream.write_all(&noise_message(&mut noise)?)?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if answer[0] != ACCEPTED {
        return Err(HandshakeError::WrongSecret.into());
    }
    let message = read_noise(&mut stream)?;
    noise
        .read_message(&message, &mut [0; MAX_HANDSHAKE])
        .map_err(|_| HandshakeError::WrongSecret)?;
    let records = records(noise)?;
    Ok(Session::new(stream.into_inner()?, Some(records)))
}

/// The listener's side, without any input or output: it is told what has come, and says what is to
/// be sent. Nothing costs memory or arithmetic on curves before the first message has shown that the
/// other end knows the secret.
pub(crate) struct Answering {
    awaits: Awaits,
    theirs: Preamble,
    /// What comes after the handshake is read and written with these, once that is over.
    halves: Option<(FrameReader, FrameWriter)>,
}

/// What comes next from the dialler.
#[derive(Clone, Copy)]
enum Awaits {
    Magic,
    RestOfPreamble,
    Length,
    Message(usize),
    /// The handshake is over.
    Frames,
}

/// How far a dialler has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It has not said what it speaks.
    Mute,
    /// Its preamble has come.
    Introduced,
    /// It has shown that it knows the secret, or repeats what somebody has said who does.
    Proven,
}

impl Stage {
    /// How many there are.
    pub(crate) const COUNT: usize = 3;
}

impl Answering {
    /// Most bytes that it waits for at a time.
    pub(crate) const MOST: usize = MAX_HANDSHAKE;

    pub(crate) fn new() -> Self {
        Self { awaits: Awaits::Magic, theirs: Preamble::default(), halves: None }
    }

    /// How many bytes it waits for; `None` when the handshake is over.
    pub(crate) fn wants(&self) -> Option<usize> {
        Some(match self.awaits {
            Awaits::Magic => MAGIC.len(),
            Awaits::RestOfPreamble => PREAMBLE_LEN - MAGIC.len(),
            Awaits::Length => 2,
            Awaits::Message(len) => len,
            Awaits::Frames => return None,
        })
    }

    /// How far the other end has come.
    pub(crate) fn stage(&self) -> Stage {
        match self.awaits {
            Awaits::Magic | Awaits::RestOfPreamble => Stage::Mute,
            Awaits::Length | Awaits::Message(_) => Stage::Introduced,
            Awaits::Frames => Stage::Proven,
        }
    }

    /// Takes the bytes that it waits for. What it puts into `answer` is to be sent also when it fails.
    ///
    /// # Errors
    /// [`HandshakeFailure`]; the connection is to be closed then.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        security: &Security,
        answer: &mut Vec<u8>,
    ) -> Result<(), HandshakeFailure> {
        self.awaits = match self.awaits {
            Awaits::Magic => {
                check_magic(bytes)?;
                self.theirs[..MAGIC.len()].copy_from_slice(bytes);
                Awaits::RestOfPreamble
            }
            Awaits::RestOfPreamble => {
                self.theirs[MAGIC.len()..].copy_from_slice(bytes);
                // Sent before theirs is checked, so that the dialler can report the reason too.
                answer.extend(preamble(security));
                check_preamble(&self.theirs, security)?;
                match security {
                    Security::Secret(_) => Awaits::Length,
                    Security::Insecure => {
                        self.halves = Some(session::halves(None));
                        Awaits::Frames
                    }
                }
            }
            Awaits::Length => Awaits::Message(noise_len([bytes[0], bytes[1]])?),
            Awaits::Message(_) => {
                let records = answer_noise(&self.theirs, bytes, security, answer)?;
                self.halves = Some(session::halves(Some(records)));
                Awaits::Frames
            }
            Awaits::Frames => Awaits::Frames,
        };
        Ok(())
    }

    /// Reads what comes after the handshake; `None` until that is over.
    pub(crate) fn reader(&mut self) -> Option<&mut FrameReader> {
        self.halves.as_mut().map(|(reader, _)| reader)
    }

    /// The session over the stream; `None` while the handshake is not over.
    pub(crate) fn into_session(self, stream: TcpStream) -> Option<Session> {
        self.halves.map(|(reader, writer)| Session { reader, writer, stream })
    }
}

fn answer_noise(
    theirs: &Preamble,
    message: &[u8],
    security: &Security,
    answer: &mut Vec<u8>,
) -> Result<Records, HandshakeFailure> {
    let matched = match security {
        Security::Secret(secrets) => match_secret(secrets, theirs, &preamble(security), message)?,
        Security::Insecure => None,
    };
    let Some(mut noise) = matched else {
        answer.push(WRONG_SECRET);
        return Err(HandshakeError::WrongSecret.into());
    };
    answer.push(ACCEPTED);
    answer.extend(noise_message(&mut noise)?);
    records(noise)
}

/// What the session is encrypted with after a handshake.
fn records(mut noise: HandshakeState) -> Result<Records, HandshakeFailure> {
    if !noise.is_handshake_finished() {
        return Err(HandshakeError::Broken("the handshake is not over".into()).into());
    }
    let (dialler, listener) = noise.dangerously_get_raw_split();
    let (dialler, listener) = (Zeroizing::new(dialler), Zeroizing::new(listener));
    Ok(match noise.is_initiator() {
        true => Records::new(&dialler, &listener),
        false => Records::new(&listener, &dialler),
    })
}

fn preamble(security: &Security) -> Preamble {
    let [low0, low1] = MIN_VERSION.to_be_bytes();
    let [high0, high1] = MAX_VERSION.to_be_bytes();
    let [m0, m1, m2, m3] = MAGIC;
    [m0, m1, m2, m3, low0, low1, high0, high1, encrypts(security)]
}

fn encrypts(security: &Security) -> u8 {
    u8::from(matches!(security, Security::Secret(_)))
}

fn read_preamble(stream: &mut DeadlineStream) -> Result<Preamble, HandshakeFailure> {
    let mut preamble = Preamble::default();
    let (magic, rest) = preamble.split_at_mut(MAGIC.len());
    stream.read_exact(magic)?;
    check_magic(magic)?;
    stream.read_exact(rest)?;
    Ok(preamble)
}

fn check_magic(magic: &[u8]) -> Result<(), HandshakeError> {
    match magic == MAGIC {
        true => Ok(()),
        false => Err(HandshakeError::NotIridium(String::from_utf8_lossy(magic).into_owned())),
    }
}

fn check_preamble(theirs: &Preamble, security: &Security) -> Result<(), HandshakeError> {
    let [_, _, _, _, low0, low1, high0, high1, mode] = *theirs;
    let low = u16::from_be_bytes([low0, low1]);
    let high = u16::from_be_bytes([high0, high1]);
    if low.max(MIN_VERSION) > high.min(MAX_VERSION) {
        return Err(HandshakeError::NoCommonVersion { low, high });
    }
    match (mode, encrypts(security)) {
        (0, 1) => Err(HandshakeError::TheyAreInsecure),
        (1, 0) => Err(HandshakeError::WeAreInsecure),
        (0, 0) | (1, 1) => Ok(()),
        (mode, _) => Err(HandshakeError::Broken(format!("protection {mode} is not known").into())),
    }
}

fn offered_key(security: &Security) -> Result<Option<&Key>, HandshakeFailure> {
    match security {
        Security::Insecure => Ok(None),
        Security::Secret(secrets) => match secrets.offered() {
            Some(key) => Ok(Some(key)),
            None => Err(HandshakeError::Broken("this node has no secret".into()).into()),
        },
    }
}

fn builder<'a>(key: &'a Key, prologue: &'a [u8]) -> Result<Builder<'a>, HandshakeFailure> {
    let pattern = PATTERN.parse().map_err(HandshakeFailure::from)?;
    Ok(Builder::with_resolver(pattern, Box::new(Resolver)).psk(0, key)?.prologue(prologue)?)
}

/// The handshake under the first accepted key that opens the message.
fn match_secret(
    secrets: &Secrets,
    theirs: &Preamble,
    ours: &Preamble,
    message: &[u8],
) -> Result<Option<HandshakeState>, HandshakeFailure> {
    let prologue = [*theirs, *ours].concat();
    for key in secrets.accepted() {
        let mut noise = builder(key, &prologue)?.build_responder()?;
        if noise.read_message(message, &mut [0; MAX_HANDSHAKE]).is_ok() {
            return Ok(Some(noise));
        }
    }
    Ok(None)
}

/// The next message of the handshake, behind its length.
fn noise_message(noise: &mut HandshakeState) -> Result<Vec<u8>, HandshakeFailure> {
    let mut buffer = [0; MAX_HANDSHAKE];
    let len = noise.write_message(&[], &mut buffer)?;
    let declared = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    Ok([&declared, &buffer[..len]].concat())
}

fn noise_len(declared: [u8; 2]) -> Result<usize, HandshakeFailure> {
    let len = usize::from(u16::from_be_bytes(declared));
    if len > MAX_HANDSHAKE {
        let why = format!("a handshake message of {len} bytes");
        return Err(HandshakeError::Broken(why.into()).into());
    }
    Ok(len)
}

fn read_noise(stream: &mut DeadlineStream) -> Result<Vec<u8>, HandshakeFailure> {
    let mut declared = [0; 2];
    stream.read_exact(&mut declared)?;
    let mut message = vec![0; noise_len(declared)?];
    stream.read_exact(&mut message)?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_hex(text: &str) -> Vec<u8> {
        let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
        let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    #[test]
    fn the_preamble_is_that_of_version_3() {
        let folder = tempfile::tempdir().unwrap();
        let secret = Secrets::create(&folder.path().join("secret")).unwrap();
        let insecure = include_str!("../tests/fixtures/v3/preamble-insecure.hex");
        let encrypted = include_str!("../tests/fixtures/v3/preamble-encrypted.hex");
        for (security, golden) in
            [(Security::Insecure, insecure), (Security::Secret(secret), encrypted)]
        {
            let golden = Preamble::try_from(from_hex(golden)).unwrap();
            assert_eq!(
                preamble(&security),
                golden,
                "nodes of other builds would not find out that this one speaks another version"
            );
            assert!(check_preamble(&golden, &security).is_ok());
        }
    }

    #[test]
    fn who_speaks_no_version_that_asks_for_room_is_told_which_there_are() {
        let earlier = Preamble::try_from(*b"IRDM\0\x01\0\x02\0").unwrap();
        let refused = check_preamble(&earlier, &Security::Insecure);
        let Err(HandshakeError::NoCommonVersion { low: 1, high: 2 }) = refused else {
            panic!("{refused:?}")
        };
    }

    /// The two ends of a handshake that is over.
    fn ends() -> [HandshakeState; 2] {
        let (key, prologue) = (Key::default(), [1, 2, 3]);
        let end = || builder(&key, &prologue).unwrap();
        let (mut dialler, mut listener) =
            (end().build_initiator().unwrap(), end().build_responder().unwrap());
        let (mut first, mut second, mut rest) = ([0; 128], [0; 128], [0; 128]);
        let len = dialler.write_message(&[], &mut first).unwrap();
        listener.read_message(&first[..len], &mut rest).unwrap();
        let len = listener.write_message(&[], &mut second).unwrap();
        dialler.read_message(&second[..len], &mut rest).unwrap();
        [dialler, listener]
    }

    /// The Noise library itself is the other end, first of one that dials and then of one that listens.
    #[test]
    fn records_are_the_transport_messages_of_noise() {
        for ours in [0, 1] {
            let mut ends = Vec::from(ends());
            let mut records = records(ends.remove(ours)).unwrap();
            let theirs = ends.remove(0).into_stateless_transport_mode().unwrap();
            let (mut record, mut text) = ([0; 64], [0; 64]);
            for nonce in 0..3 {
                let len = theirs.write_message(nonce, b"text", &mut record).unwrap();
                assert_eq!(records.opener.open(&mut record[..len]), Some(4));
                assert_eq!(&record[..4], b"text");
                let mut sealed = b"answer".to_vec();
                let tag = records.sealer.seal(&mut sealed);
                sealed.extend(tag);
                let len = theirs.read_message(nonce, &sealed, &mut text).unwrap();
                assert_eq!(&text[..len], b"answer");
            }
        }
    }

    #[test]
    fn a_handshake_that_is_not_over_has_no_keys() {
        let unfinished = builder(&Key::default(), &[]).unwrap().build_initiator().unwrap();
        assert!(records(unfinished).is_err());
    }
}
