//! What a command that does not succeed leaves behind: one line on stderr that
//! says what to do, and an exit code.

use std::io;
use std::process::ExitCode;

use iridium_net::{ClientError, JoinError, SecretError, StartError};
use iridium_node::{NodeError, control};

use crate::output;
use crate::program::load::reason;

/// Why a command did not succeed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    /// What is shown before the message, as it is.
    details: String,
    /// Whether a session of many commands cannot go on after it.
    ends: bool,
}

/// The exit codes. Wrong usage (2) that the argument parser finds ends there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// Nobody reads the output any more: no failure of ours.
    Unread = 0,
    /// The request failed.
    Failed = 1,
    /// What was typed cannot be meant.
    Usage = 2,
    /// The cluster does not take this node or client: wrong secret, alias
    /// taken, no usable secret file.
    Refused = 3,
}

impl Failure {
    /// The request failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// What was typed cannot be meant.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The cluster does not take this node or client.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// Adds what is to be seen before the message: the places in a source.
    pub(crate) fn with_details(self, details: String) -> Self {
        Self { details, ..self }
    }

    /// Makes it the end of a session of many commands.
    pub(crate) fn ending(self) -> Self {
        Self { ends: true, ..self }
    }

    /// Whether a session of many commands cannot go on: nobody reads it, or what
    /// it lives by is gone.
    pub(crate) fn is_end(&self) -> bool {
        self.ends || self.is_unread()
    }

    /// Says which file it is about.
    pub(crate) fn about(self, name: &str) -> Self {
        Self { message: format!("{name}: {}", self.message), ..self }
    }

    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: String::new(), ends: false }
    }

    /// What went wrong, without what is to be seen before.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What is to be seen before the message.
    pub(crate) fn details(&self) -> &str {
        &self.details
    }

    /// Tells people.
    pub(crate) fn tell(&self) {
        output::complain(&self.details);
        output::error(&self.message);
    }

    /// Whether nobody reads the output any more.
    pub(crate) fn is_unread(&self) -> bool {
        self.exit == Exit::Unread
    }

    /// Tells the user and the calling process.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.is_unread() {
            self.tell();
        }
        ExitCode::from(self.exit as u8)
    }
}

/// An error of writing to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::BrokenPipe => Exit::Unread,
            _ => Exit::Failed,
        };
        Self::new(exit, format!("cannot write the output: {}", reason(&error)))
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        let advice = match &error {
            SecretError::Exists { .. } => return Self::failed(error.to_string()),
            SecretError::Missing { .. } => "; make one with: iridium secret new".into(),
            SecretError::Malformed { .. } => "; make a new one with: iridium secret new".into(),
            SecretError::Exposed { path } => {
                format!("; close it with: chmod 600 {}", path.display())
            }
            SecretError::NoHome(_) => "; name one with --secret-file".into(),
            _ => String::new(),
        };
        Self::refused(format!("{error}{advice}"))
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::AliasInUse { .. } => {
                Self::refused(format!("{error}; choose another name with --node-alias"))
            }
            StartError::PortInUse { .. } => {
                Self::failed(format!("{error}; choose another port with -P"))
            }
            StartError::ControlPortInUse { .. } => {
                Self::failed(format!("{error}; choose another port with -p"))
            }
            StartError::Data { path, source } => {
                let why = match source.kind() {
                    io::ErrorKind::AlreadyExists => "it is a file, no folder".into(),
                    _ => reason(&source),
                };
                Self::failed(format!(
                    "cannot use {}: {why}; --data-root-dir DIR names another folder",
                    path.display()
                ))
            }
            StartError::Bind { addr, source } => {
                let why = match source.kind() {
                    io::ErrorKind::AddrNotAvailable => {
                        "this machine has no such address; choose another one with -H".into()
                    }
                    io::ErrorKind::PermissionDenied => {
                        "permission denied; choose a port above 1023 with -P".into()
                    }
                    _ => reason(&source),
                };
                Self::failed(format!("cannot listen at {addr}: {why}"))
            }
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<iridium_node::StartError> for Failure {
    fn from(error: iridium_node::StartError) -> Self {
        match error {
            iridium_node::StartError::Mesh(error) => error.into(),
            iridium_node::StartError::Metrics { addr, source } => {
                let why = match source.kind() {
                    io::ErrorKind::AddrInUse => {
                        "another process does; choose another port with --metrics".into()
                    }
                    _ => reason(&source),
                };
                Self::failed(format!("cannot listen at {addr} for metrics: {why}"))
            }
            error => Self::failed(error.to_string()),
        }
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<control::ClientError> for Failure {
    fn from(error: control::ClientError) -> Self {
        match error {
            control::ClientError::Control(error) => error.into(),
            error => Self::failed(error.to_string()),
        }
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Handshake { .. } | JoinError::Refused { .. } => {
                Self::refused(error.to_string())
            }
            JoinError::Yourself { .. } => {
                Self::failed(format!("{error}; name the address of another one"))
            }
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Handshake { .. } => Self::refused(error.to_string()),
            ClientError::Unreachable { .. } => Self::failed(format!(
                "{error}; is it running? (name another one with --at HOST:PORT)"
            )),
            _ => Self::failed(error.to_string()),
        }
    }
}
