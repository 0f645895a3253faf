//! What to do about an error. The libraries state facts only, since they do not know how they
//! are configured; here it is known which flag would help.

use std::io;

use iridium_net::{ClientError, HandshakeError, JoinError, SecretError, StartError};
use iridium_proto::RejectReason;

use crate::path_text::shell_word;

/// The message of an error with what to do about it.
pub(crate) fn with(message: impl ToString, advice: Option<impl AsRef<str>>) -> String {
    let message = message.to_string();
    match advice {
        Some(advice) => format!("{message}; {}", advice.as_ref()),
        None => message,
    }
}

/// About a node that did not start.
pub(crate) fn on_start(error: &StartError) -> Option<&'static str> {
    match error {
        StartError::PortInUse { .. } => Some("choose another port with -P"),
        StartError::ControlPortInUse { .. } => Some("choose another port with -p"),
        StartError::Bind { source, .. } => match source.kind() {
            io::ErrorKind::AddrNotAvailable => Some("choose another one with -H"),
            io::ErrorKind::PermissionDenied => Some("choose a port above 1023 with -P"),
            _ => None,
        },
        StartError::AliasInUse { .. } => Some(ALIAS),
        StartError::Data { .. } => Some("choose another folder with --data-root-dir DIR"),
        _ => None,
    }
}

/// About a secret that cannot be used.
pub(crate) fn on_secret(error: &SecretError) -> Option<String> {
    match error {
        SecretError::Missing { .. } => Some("make one with: iridium secret new".into()),
        SecretError::Malformed { .. } => Some("make a new one with: iridium secret new".into()),
        SecretError::Exposed { path } => {
            Some(format!("make it private with: chmod 600 {}", shell_word(path)))
        }
        SecretError::NoHome | SecretError::Io { .. } => Some("name one with --secret-file".into()),
        _ => None,
    }
}

/// About a join that failed.
pub(crate) fn on_join(error: &JoinError) -> Option<&'static str> {
    match error {
        JoinError::Refused { reason, .. } => on_reject(reason),
        JoinError::Yourself { .. } => Some("name the address of another one"),
        JoinError::Handshake { why, .. } => on_handshake(why),
        _ => None,
    }
}

/// About a node that the cluster does not take.
pub(crate) fn on_reject(reason: &RejectReason) -> Option<&'static str> {
    match reason {
        RejectReason::AliasTaken(_) | RejectReason::Outdated(u64::MAX) => Some(ALIAS),
        _ => None,
    }
}

/// About somebody who listens, but with whom there can be no connection.
fn on_handshake(error: &HandshakeError) -> Option<&'static str> {
    match error {
        HandshakeError::WrongSecret => Some(
            "use its secret: name a copy with --secret-file, or put it where \
             iridium secret show-path says",
        ),
        HandshakeError::TheyAreInsecure => Some("use --insecure, or start it without"),
        HandshakeError::WeAreInsecure => Some("leave out --insecure"),
        HandshakeError::NoCommonVersion { .. } => Some("use the same version of iridium"),
        HandshakeError::NotIridium(_) => Some("is that the port of the node?"),
        _ => None,
    }
}

/// About a question to a node that got no answer.
pub(crate) fn on_client(error: &ClientError) -> Option<&'static str> {
    match error {
        ClientError::Unreachable { .. } => {
            Some("is it running? (name another one with --at HOST:PORT)")
        }
        ClientError::Handshake { why, .. } => on_handshake(why),
        _ => None,
    }
}

const ALIAS: &str = "choose another name with --node-alias";
