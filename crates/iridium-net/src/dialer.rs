//! The dialler: connects and authenticates. Each dial has a thread of its own, so
//! that many can be under way and none delays the owner thread.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use iridium_proto::MAX_FRAME_ADMITTED;

use crate::cause::Cause;
use crate::endpoint::Endpoint;
use crate::handshake::{self, HandshakeFailure};
use crate::membership::DialFailure;
use crate::secret::Security;
use crate::session::Session;

/// Connects and authenticates; blocks for `timeout` at most (and for as long
/// as the system takes to look up a name).
///
/// # Errors
/// The last failure, when a name has several addresses.
pub(crate) fn dial(
    to: &Endpoint,
    security: &Security,
    timeout: Duration,
) -> Result<(Session, SocketAddr), DialFailure> {
    let addrs = to.resolve().map_err(|error| {
        let text = error.to_string();
        // The standard library puts these words before what the system says.
        let why = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
        DialFailure::Unreachable(format!("the name cannot be looked up: {why}").into())
    })?;
    let deadline = Instant::now() + timeout;
    let mut failure = DialFailure::Unreachable("the name has no address".into());
    for addr in addrs {
        match connect(addr, deadline) {
            Ok(stream) => {
                let mut session =
                    handshake::dial(stream, security, deadline).map_err(explain_handshake)?;
                // This node has chosen whom it dials, so long frames are accepted at once.
                session.reader.decoder.set_cap(MAX_FRAME_ADMITTED);
                return Ok((session, addr));
            }
            Err(error) => failure = explain(error, timeout),
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

fn explain(error: io::Error, timeout: Duration) -> DialFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => DialFailure::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            DialFailure::Unreachable(format!("no answer within {} s", timeout.as_secs_f32()).into())
        }
        _ => DialFailure::Unreachable(Cause::new(error)),
    }
}

/// A node that is busy, stopping or cut off may be reached later; one with another
/// secret or protocol will not.
fn explain_handshake(failure: HandshakeFailure) -> DialFailure {
    match failure {
        HandshakeFailure::Refused(error) => DialFailure::Handshake(error),
        failure => DialFailure::Unreachable(Cause::new(failure)),
    }
}
