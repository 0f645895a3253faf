//! Where the process of the default VM lives: on a scheduler of this command, or at a
//! running node. Its instructions are interpreted here in either case.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, never};

use iridium_node::control::{Attached, Client, ClientError};
use iridium_sched::{NativeProcess, Progress};
use iridium_vm::{Completion, Effect, Limits, Pid, Program};

use crate::args::ClientFlags;
use crate::commands::connect;
use crate::failure::Failure;
use crate::program::{Environment, Notice, Settings, Stream};

/// Carries out what the process of the default VM does beside computing.
pub(super) enum Backend {
    /// On a scheduler of this command, beside other processes.
    Local(LocalBackend),
    /// At a running node.
    Remote(RemoteBackend),
}

/// A process on a scheduler of this command.
pub(super) struct LocalBackend {
    pub(super) environment: Environment,
    pub(super) process: NativeProcess,
    /// Whether the scheduler is a node of a cluster: messages may then come at any time.
    pub(super) is_clustered: bool,
}

/// A process of a running node.
pub(super) struct RemoteBackend {
    access: ClientFlags,
    attached: Attached,
    /// Never receives: what happens to processes there is reported by their node.
    notices: Receiver<Notice>,
    /// Never receives: whether processes there are idle is not known here.
    idle: Receiver<()>,
}

impl Backend {
    /// A new scheduler with nothing but this process.
    pub(super) fn local(settings: Settings, stream: Stream) -> Result<Self, Failure> {
        let environment = Environment::start_reachable(settings, stream)?;
        let process = native_process(&environment)?;
        Ok(Self::Local(LocalBackend { environment, process, is_clustered: false }))
    }

    /// A process of a running node.
    pub(super) fn remote(access: ClientFlags) -> Result<Self, Failure> {
        let attached = connect(&access)?.attach()?;
        Ok(Self::Remote(RemoteBackend { access, attached, notices: never(), idle: never() }))
    }

    pub(super) fn pid(&self) -> Pid {
        match self {
            Self::Local(local) => local.process.pid(),
            Self::Remote(remote) => remote.attached.pid(),
        }
    }

    /// As [`NativeProcess::perform`]. An error, of this or of another method, means that the
    /// connection to the node is lost.
    pub(super) fn perform(
        &mut self,
        effect: Effect,
        program: &Arc<Program>,
        limits: Limits,
    ) -> Result<Progress, Failure> {
        match self {
            Self::Local(local) => Ok(local.process.perform(effect, program, limits)),
            Self::Remote(remote) => {
                remote.attached.perform(effect, program, limits).map_err(connection_lost)
            }
        }
    }

    /// As [`NativeProcess::poll`].
    pub(super) fn poll(&mut self) -> Result<Progress, Failure> {
        match self {
            Self::Local(local) => Ok(local.process.poll()),
            Self::Remote(remote) => remote.attached.poll().map_err(connection_lost),
        }
    }

    /// As [`NativeProcess::cancel_wait`].
    pub(super) fn cancel_wait(&mut self) -> Result<Completion, Failure> {
        match self {
            Self::Local(local) => Ok(local.process.cancel_wait()),
            Self::Remote(remote) => remote.attached.give_up().map_err(connection_lost),
        }
    }

    /// As [`NativeProcess::wakes`]. The channel is closed when the node is lost.
    pub(super) fn wakes(&self) -> &Receiver<()> {
        match self {
            Self::Local(local) => local.process.wakes(),
            Self::Remote(remote) => remote.attached.wakes(),
        }
    }

    /// As [`NativeProcess::timeout`]. A node sees to time-outs itself.
    pub(super) fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Local(local) => local.process.timeout(),
            Self::Remote(_) => None,
        }
    }

    /// What people should know of other processes.
    pub(super) fn notices(&self) -> &Receiver<Notice> {
        match self {
            Self::Local(local) => &local.environment.notices,
            Self::Remote(remote) => &remote.notices,
        }
    }

    /// Receives when no process runs any more.
    pub(super) fn idle(&self) -> &Receiver<()> {
        match self {
            Self::Local(local) => &local.environment.idle,
            Self::Remote(remote) => &remote.idle,
        }
    }

    /// Whether nothing that this process waits for can come.
    pub(super) fn is_deadlock(&self) -> bool {
        match self {
            Self::Local(local) => {
                // All that was sent before the scheduler became idle has arrived by now.
                !local.is_clustered
                    && local.process.timeout().is_none()
                    && local.environment.scheduler.is_idle()
                    && local.process.wakes().is_empty()
            }
            Self::Remote(_) => false,
        }
    }

    /// Becomes another process, because an exit signal has ended the last one.
    pub(super) fn respawn(&mut self) -> Result<(), Failure> {
        match self {
            Self::Local(local) => local.process = native_process(&local.environment)?,
            Self::Remote(remote) => {
                remote.attached = connect(&remote.access)
                    .and_then(|client| Ok(client.attach()?))
                    .map_err(Failure::fatal)?;
            }
        }
        Ok(())
    }

    /// The local backend, for commands that need a scheduler of this command.
    ///
    /// # Errors
    /// When the process lives at a node.
    pub(super) fn require_local(&self) -> Result<&LocalBackend, Failure> {
        match self {
            Self::Local(local) => Ok(local),
            Self::Remote(remote) => Err(remote.not_local()),
        }
    }

    /// As [`require_local`](Self::require_local).
    pub(super) fn require_local_mut(&mut self) -> Result<&mut LocalBackend, Failure> {
        match self {
            Self::Local(local) => Ok(local),
            Self::Remote(remote) => Err(remote.not_local()),
        }
    }
}

impl RemoteBackend {
    /// Connects to the node, to ask what an operator may and a process may not.
    pub(super) fn connect(&self) -> Result<Client, Failure> {
        connect(&self.access)
    }

    /// How the node is reached.
    pub(super) fn access(&self) -> &ClientFlags {
        &self.access
    }

    fn not_local(&self) -> Failure {
        Failure::failed(format!(
            "not possible while this REPL is attached to the node at {}; start iridium without \
             attach for that",
            self.access.at
        ))
    }
}

fn native_process(environment: &Environment) -> Result<NativeProcess, Failure> {
    environment.scheduler.spawn_native().map_err(|full| Failure::failed(full.to_string()))
}

/// The REPL cannot go on without the node that its process lived at.
fn connection_lost(error: ClientError) -> Failure {
    Failure::failed(format!("the node is gone, and with it this VM's process: {error}")).fatal()
}
