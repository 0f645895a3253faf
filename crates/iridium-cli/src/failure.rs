//! What a command that does not succeed ends with: one line on stderr that says what to do,
//! and an exit code.

use std::io;
use std::process::ExitCode;

use iridium_net::{ClientError, JoinError, SecretError, StartError};
use iridium_node::{NodeError, control};

use crate::path_text::shown;
use crate::{advice, io_error, output};

/// Why a command did not succeed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
    /// Text that is printed before the message, as it is.
    details: String,
    /// Whether it ends a REPL, too.
    fatal: bool,
}

/// The exit codes. Wrong usage (2) is mostly found, and reported, by the argument parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    /// The request failed.
    Failed = 1,
    /// The command line, or a line of the REPL, makes no sense.
    Usage = 2,
    /// The cluster refuses this node or client: wrong secret, alias taken, no usable secret
    /// file.
    Refused = 3,
    /// Nobody reads the output any more, which needs no message: 128 plus the number of SIGPIPE,
    /// as a shell reports a process that this signal has ended.
    BrokenPipe = 141,
}

impl Failure {
    /// The request failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line, or a line of the REPL, makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The cluster refuses this node or client.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// Adds text that is printed before the message: diagnostics of a source.
    pub(crate) fn with_details(self, details: String) -> Self {
        Self { details, ..self }
    }

    /// Makes it end a REPL, too.
    pub(crate) fn fatal(self) -> Self {
        Self { fatal: true, ..self }
    }

    /// Whether it ends a REPL: its output cannot be written any more, or its node is lost.
    pub(crate) fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// Puts the name of the file that it is about before the message.
    pub(crate) fn about(self, name: &str) -> Self {
        Self { message: format!("{name}: {}", self.message), ..self }
    }

    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: String::new(), fatal: false }
    }

    /// What went wrong, in one line.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Text that is printed before the message.
    pub(crate) fn details(&self) -> &str {
        &self.details
    }

    /// Prints it on stderr.
    pub(crate) fn print(&self) {
        output::print_diagnostics(&self.details);
        output::print_error(&self.message);
    }

    /// Prints the failure, and returns the exit code to end with.
    pub(crate) fn report(&self) -> ExitCode {
        if self.exit != Exit::BrokenPipe {
            self.print();
        }
        ExitCode::from(self.exit as u8)
    }
}

/// An error of writing to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let exit = match error.kind() {
            io::ErrorKind::BrokenPipe => Exit::BrokenPipe,
            _ => Exit::Failed,
        };
        Self::new(exit, format!("cannot write the output: {}", io_error::describe(&error))).fatal()
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        let advice = advice::on_secret(&error);
        let message = match &error {
            SecretError::Io { path, source } => {
                let why = io_error::describe(source);
                advice::with(format!("cannot use the secret file {}: {why}", shown(path)), advice)
            }
            error => advice::with(error, advice),
        };
        match error {
            SecretError::Exists { .. } => Self::failed(message),
            _ => Self::refused(message),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let advice = advice::on_start(&error);
        match error {
            StartError::AliasInUse { .. } => Self::refused(advice::with(&error, advice)),
            StartError::Data { path, source } => {
                let why = match source.kind() {
                    io::ErrorKind::AlreadyExists => "it is a file, no folder".into(),
                    _ => io_error::describe(&source),
                };
                let message = format!("cannot use {}: {why}", shown(&path));
                Self::failed(advice::with(message, advice))
            }
            StartError::Bind { addr, source } => {
                let why = match source.kind() {
                    io::ErrorKind::AddrNotAvailable => "this machine has no such address".into(),
                    _ => io_error::describe(&source),
                };
                Self::failed(advice::with(format!("cannot listen at {addr}: {why}"), advice))
            }
            _ => Self::failed(advice::with(&error, advice)),
        }
    }
}

impl From<iridium_node::StartError> for Failure {
    fn from(error: iridium_node::StartError) -> Self {
        match error {
            iridium_node::StartError::Mesh(error) => error.into(),
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
        let message = advice::with(&error, advice::on_join(&error));
        match error {
            JoinError::Handshake { .. } | JoinError::Refused { .. } => Self::refused(message),
            _ => Self::failed(message),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = advice::with(&error, advice::on_client(&error));
        match error {
            ClientError::Handshake { .. } => Self::refused(message),
            _ => Self::failed(message),
        }
    }
}
