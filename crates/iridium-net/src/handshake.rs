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
use std::sync::Arc;
use std::time::Instant;

use iridium_proto::{MAX_VERSION, MIN_VERSION};
use snow::{Builder, HandshakeState};
use thiserror::Error;

use crate::cipher::Resolver;
use crate::secret::{Key, Secrets, Security};
use crate::session::Session;
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
pub(crate) enum HandshakeError {
    /// The other end speaks another protocol.
    #[error("it does not speak the Iridium protocol (it began with {0:?})")]
    NotIridium(String),
    /// The two ends have no protocol version in common.
    #[error(
        "it speaks protocol versions {low} to {high}, this node {MIN_VERSION} to {MAX_VERSION}"
    )]
    NoCommonVersion {
        /// The lowest it speaks.
        low: u16,
        /// The highest it speaks.
        high: u16,
    },
    /// The other end has another secret.
    #[error("it has another cluster secret")]
    WrongSecret,
    /// This end encrypts, the other does not.
    #[error("it runs without the cluster secret, which this end wants")]
    TheyAreInsecure,
    /// The other end encrypts, this one does not.
    #[error("it wants the cluster secret, which this end does without")]
    WeAreInsecure,
    /// The handshake was not finished in time.
    #[error("it did not finish the handshake in time")]
    TimedOut,
    /// The connection ended early.
    #[error("it closed the connection during the handshake")]
    Closed,
    /// The other end broke the protocol.
    #[error("it broke the handshake: {0}")]
    Protocol(String),
    /// The handshake failed in the Noise library.
    #[error("it broke the handshake: {0}")]
    Noise(#[source] snow::Error),
    /// The connection failed.
    #[error("the connection failed during the handshake: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for HandshakeError {
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

impl From<snow::Error> for HandshakeError {
    fn from(error: snow::Error) -> Self {
        Self::Noise(error)
    }
}

/// The dialler's side. Blocks until `deadline` at the latest.
///
/// # Errors
/// [`HandshakeError`]; the connection is closed then.
pub(crate) fn dial(
    stream: TcpStream,
    security: &Security,
    deadline: Instant,
) -> Result<Session, HandshakeError> {
    let mut stream = DeadlineStream::new(stream, deadline);
    let ours = preamble(security);
    stream.write_all(&ours)?;
    let theirs = read_preamble(&mut stream)?;
    check_preamble(&theirs, security)?;
    let Some(key) = offered_key(security)? else {
        return Ok(Session::new(stream.into_inner()?, None));
    };
    let mut noise = builder(key, &[ours, theirs].concat())?.build_initiator()?;
    write_noise(&mut stream, &mut noise, &[])?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    if answer[0] != ACCEPTED {
        return Err(HandshakeError::WrongSecret);
    }
    let message = read_noise(&mut stream)?;
    noise
        .read_message(&message, &mut [0; MAX_HANDSHAKE])
        .map_err(|_| HandshakeError::WrongSecret)?;
    finish(stream, noise)
}

/// The listener's side. Blocks until `deadline` at the latest.
///
/// # Errors
/// [`HandshakeError`]; the connection is closed then.
pub(crate) fn accept(
    stream: TcpStream,
    security: &Security,
    deadline: Instant,
) -> Result<Session, HandshakeError> {
    let mut stream = DeadlineStream::new(stream, deadline);
    let theirs = read_preamble(&mut stream)?;
    let ours = preamble(security);
    // Sent before theirs is checked, so that the dialler can report the reason too.
    stream.write_all(&ours)?;
    check_preamble(&theirs, security)?;
    let Security::Secret(secrets) = security else {
        return Ok(Session::new(stream.into_inner()?, None));
    };
    let message = read_noise(&mut stream)?;
    let Some(mut noise) = match_secret(secrets, &[theirs, ours].concat(), &message)? else {
        stream.write_all(&[WRONG_SECRET])?;
        return Err(HandshakeError::WrongSecret);
    };
    write_noise(&mut stream, &mut noise, &[ACCEPTED])?;
    finish(stream, noise)
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

fn read_preamble(stream: &mut DeadlineStream) -> Result<Preamble, HandshakeError> {
    let mut preamble = Preamble::default();
    let (magic, rest) = preamble.split_at_mut(MAGIC.len());
    stream.read_exact(magic)?;
    if magic != MAGIC {
        return Err(HandshakeError::NotIridium(String::from_utf8_lossy(magic).into_owned()));
    }
    stream.read_exact(rest)?;
    Ok(preamble)
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
        (mode, _) => Err(HandshakeError::Protocol(format!("protection {mode} is not known"))),
    }
}

fn offered_key(security: &Security) -> Result<Option<&Key>, HandshakeError> {
    match security {
        Security::Insecure => Ok(None),
        Security::Secret(secrets) => match secrets.offered() {
            Some(key) => Ok(Some(key)),
            None => Err(HandshakeError::Protocol("this node has no secret".into())),
        },
    }
}

fn builder<'a>(key: &'a Key, prologue: &'a [u8]) -> Result<Builder<'a>, HandshakeError> {
    let pattern = PATTERN.parse().map_err(HandshakeError::from)?;
    Ok(Builder::with_resolver(pattern, Box::new(Resolver)).psk(0, key)?.prologue(prologue)?)
}

/// The handshake under the first accepted key that opens the message.
fn match_secret(
    secrets: &Secrets,
    prologue: &[u8],
    message: &[u8],
) -> Result<Option<HandshakeState>, HandshakeError> {
    for key in secrets.accepted() {
        let mut noise = builder(key, prologue)?.build_responder()?;
        if noise.read_message(message, &mut [0; MAX_HANDSHAKE]).is_ok() {
            return Ok(Some(noise));
        }
    }
    Ok(None)
}

fn write_noise(
    stream: &mut DeadlineStream,
    noise: &mut HandshakeState,
    before: &[u8],
) -> Result<(), HandshakeError> {
    let mut buffer = [0; MAX_HANDSHAKE];
    let len = noise.write_message(&[], &mut buffer)?;
    let declared = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    stream.write_all(&[before, &declared, &buffer[..len]].concat())?;
    Ok(())
}

fn read_noise(stream: &mut DeadlineStream) -> Result<Vec<u8>, HandshakeError> {
    let mut declared = [0; 2];
    stream.read_exact(&mut declared)?;
    let len = usize::from(u16::from_be_bytes(declared));
    if len > MAX_HANDSHAKE {
        return Err(HandshakeError::Protocol(format!("a handshake message of {len} bytes")));
    }
    let mut message = vec![0; len];
    stream.read_exact(&mut message)?;
    Ok(message)
}

fn finish(stream: DeadlineStream, noise: HandshakeState) -> Result<Session, HandshakeError> {
    let cipher = noise.into_stateless_transport_mode()?;
    Ok(Session::new(stream.into_inner()?, Some(Arc::new(cipher))))
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
    fn the_preamble_is_that_of_version_1() {
        let folder = tempfile::tempdir().unwrap();
        let secret = Secrets::create(&folder.path().join("secret")).unwrap();
        for (security, golden) in [
            (Security::Insecure, include_str!("../tests/fixtures/v1/preamble-insecure.hex")),
            (Security::Secret(secret), include_str!("../tests/fixtures/v1/preamble-encrypted.hex")),
        ] {
            let golden = from_hex(golden);
            assert_eq!(
                preamble(&security),
                *golden,
                "nodes of other builds would not find out that this one speaks another version"
            );
            let theirs = Preamble::try_from(golden).unwrap();
            assert!(check_preamble(&theirs, &security).is_ok());
        }
    }
}
