//! What goes over a connection that is made by hand: in clear, or in the records of Noise when the
//! liar holds the secret.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use snow::{Builder, HandshakeState, StatelessTransportState};

use crate::cipher::Resolver;

/// What a node sends first that speaks version 3 of the protocol; then whether it encrypts.
const PREAMBLE: [u8; 8] = *b"IRDM\x00\x03\x00\x03";
const PATTERN: &str = "Noise_NNpsk0_25519_AESGCM_SHA256";
/// Bytes of a message of the handshake: a key and a tag.
const MESSAGE: usize = 48;
/// The length of a message of the handshake, as it stands before it.
const LENGTH: [u8; 2] = (MESSAGE as u16).to_be_bytes();
/// What stands before the answer of who has the same secret.
const ACCEPTED: u8 = 1;
/// Longest text of a record, and the tag after it.
const TEXT: usize = 65_535 - TAG;
const TAG: usize = 16;
/// How long a node may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a node may read nothing of what it is sent.
const WRITE_PATIENCE: Duration = Duration::from_secs(3);

/// Where a node listens, and the secret that it wants, if any.
#[derive(Clone, Copy)]
pub(crate) struct Door {
    pub(crate) addr: SocketAddr,
    pub(crate) key: Option<[u8; 32]>,
}

/// One half of a connection: what is said.
pub(crate) struct Mouth {
    stream: TcpStream,
    noise: Option<Arc<StatelessTransportState>>,
    said: u64,
}

/// The other half: what is heard.
pub(crate) struct Ear {
    stream: TcpStream,
    noise: Option<Arc<StatelessTransportState>>,
    heard: u64,
}

/// Connects, without saying who it is.
pub(crate) fn connect(door: &Door) -> Result<(Mouth, Ear), Box<dyn Error>> {
    let mut stream = prepared(TcpStream::connect(door.addr)?)?;
    let preamble = preamble(door);
    stream.write_all(&preamble)?;
    let mut theirs = [0; PREAMBLE.len() + 1];
    stream.read_exact(&mut theirs)?;
    let Some(key) = &door.key else { return halves(stream, None) };
    let mut noise = builder(key, &[&preamble[..], &theirs].concat())?.build_initiator()?;
    say(&mut stream, &mut noise, &[])?;
    let mut accepted = [0];
    stream.read_exact(&mut accepted)?;
    if accepted != [ACCEPTED] {
        return Err("the node has another secret".into());
    }
    hear(&mut stream, &mut noise)?;
    halves(stream, Some(noise))
}

/// Lets a node in that has dialled.
pub(crate) fn accept(stream: TcpStream, door: &Door) -> Result<(Mouth, Ear), Box<dyn Error>> {
    let mut stream = prepared(stream)?;
    let preamble = preamble(door);
    let mut theirs = [0; PREAMBLE.len() + 1];
    stream.read_exact(&mut theirs)?;
    stream.write_all(&preamble)?;
    let Some(key) = &door.key else { return halves(stream, None) };
    let mut noise = builder(key, &[&theirs[..], &preamble].concat())?.build_responder()?;
    hear(&mut stream, &mut noise)?;
    say(&mut stream, &mut noise, &[ACCEPTED])?;
    halves(stream, Some(noise))
}

impl Mouth {
    /// Sends bytes, which need not be whole frames.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        let Some(noise) = &self.noise else { return Ok(self.stream.write_all(bytes)?) };
        let mut records = Vec::new();
        for text in bytes.chunks(TEXT) {
            let mut record = vec![0; text.len() + TAG];
            noise.write_message(self.said, text, &mut record)?;
            self.said += 1;
            records.extend((record.len() as u16).to_be_bytes());
            records.extend(record);
        }
        Ok(self.stream.write_all(&records)?)
    }

    /// Ends the connection. The node may have done so already.
    pub(crate) fn close(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Ear {
    /// What comes next.
    pub(crate) fn read(&mut self) -> Result<Vec<u8>, Box<dyn Error>> {
        let Some(noise) = &self.noise else {
            let mut bytes = vec![0; 16 * 1024];
            let n = self.stream.read(&mut bytes)?;
            bytes.truncate(n);
            return match n {
                0 => Err("the node has closed the connection".into()),
                _ => Ok(bytes),
            };
        };
        let mut length = LENGTH;
        self.stream.read_exact(&mut length)?;
        let mut record = vec![0; usize::from(u16::from_be_bytes(length))];
        self.stream.read_exact(&mut record)?;
        let mut text = vec![0; record.len()];
        let n = noise.read_message(self.heard, &record, &mut text)?;
        self.heard += 1;
        text.truncate(n);
        Ok(text)
    }

    /// From now on it waits as long as it takes.
    pub(crate) fn be_patient(&self) -> Result<(), Box<dyn Error>> {
        Ok(self.stream.set_read_timeout(None)?)
    }
}

fn preamble(door: &Door) -> Vec<u8> {
    [&PREAMBLE[..], &[u8::from(door.key.is_some())]].concat()
}

fn prepared(stream: TcpStream) -> Result<TcpStream, Box<dyn Error>> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // The system may not tell for a minute that a node has closed whose window was closed before.
    stream.set_write_timeout(Some(WRITE_PATIENCE))?;
    Ok(stream)
}

fn builder<'a>(key: &'a [u8; 32], prologue: &'a [u8]) -> Result<Builder<'a>, Box<dyn Error>> {
    let builder = Builder::with_resolver(PATTERN.parse()?, Box::new(Resolver));
    Ok(builder.psk(0, key)?.prologue(prologue)?)
}

fn say(
    stream: &mut TcpStream,
    noise: &mut HandshakeState,
    before: &[u8],
) -> Result<(), Box<dyn Error>> {
    let mut message = [0; MESSAGE];
    noise.write_message(&[], &mut message)?;
    Ok(stream.write_all(&[before, &LENGTH, &message].concat())?)
}

fn hear(stream: &mut TcpStream, noise: &mut HandshakeState) -> Result<(), Box<dyn Error>> {
    let mut message = [0; LENGTH.len() + MESSAGE];
    stream.read_exact(&mut message)?;
    noise.read_message(&message[LENGTH.len()..], &mut [0; MESSAGE])?;
    Ok(())
}

fn halves(
    stream: TcpStream,
    noise: Option<HandshakeState>,
) -> Result<(Mouth, Ear), Box<dyn Error>> {
    let noise = noise.map(HandshakeState::into_stateless_transport_mode).transpose()?.map(Arc::new);
    let mouth = Mouth { stream: stream.try_clone()?, noise: noise.clone(), said: 0 };
    Ok((mouth, Ear { stream, noise, heard: 0 }))
}
