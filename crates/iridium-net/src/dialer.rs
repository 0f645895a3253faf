//! The dialling side: one thread a dial, so that many go on at once and none
//! holds up the owner of the mesh.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use iridium_proto::MAX_FRAME_ADMITTED;

use crate::endpoint::Endpoint;
use crate::handshake::{self, HandshakeError};
use crate::membership::DialFailure;
use crate::secret::Security;
use crate::session::Session;

/// Connects and authenticates; blocks for `patience` at most (and for as long
/// as the system takes to look up a name).
///
/// # Errors
/// The last failure, when a name has several addresses.
pub(crate) fn dial(
    to: &Endpoint,
    security: &Security,
    patience: Duration,
) -> Result<(Session, SocketAddr), DialFailure> {
    let addrs = to.resolve().map_err(|error| {
        let text = error.to_string();
        // What the system says stands behind these words.
        let why = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
        DialFailure::Unreachable(format!("the name cannot be looked up: {why}"))
    })?;
    let deadline = Instant::now() + patience;
    let mut failure = DialFailure::Unreachable("the name has no address".into());
    for addr in addrs {
        match connect(addr, deadline) {
            Ok(stream) => {
                let mut session =
                    handshake::dial(stream, security, deadline).map_err(explain_handshake)?;
                // This node has chosen whom it speaks to; no need for caution.
                session.reader.decoder.set_cap(MAX_FRAME_ADMITTED);
                return Ok((session, addr));
            }
            Err(error) => failure = explain(&error, patience),
        }
    }
    Err(failure)
}

fn connect(addr: SocketAddr, deadline: Instant) -> io::Result<TcpStream> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let stream = TcpStream::connect_timeout(&addr, left)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn explain(error: &io::Error, patience: Duration) -> DialFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => DialFailure::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            DialFailure::Unreachable(format!("no answer within {} s", patience.as_secs_f32()))
        }
        _ => DialFailure::Unreachable(error.to_string()),
    }
}

/// A node that is busy, stopping or cut off may be there again later; one that
/// speaks another language will not.
fn explain_handshake(error: HandshakeError) -> DialFailure {
    match error {
        HandshakeError::TimedOut | HandshakeError::Closed | HandshakeError::Io(_) => {
            DialFailure::Unreachable(error.to_string())
        }
        _ => DialFailure::Handshake(error.to_string()),
    }
}
