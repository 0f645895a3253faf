//! Where the process of the default VM lives: on a scheduler of this command's own,
//! or at a running node. The machine runs here in either case.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, never};

use iridium_node::control::{Attached, Client, ClientError};
use iridium_sched::{NativeProcess, Progress};
use iridium_vm::{Completion, Effect, Limits, Pid, Program};

use crate::args::ClientFlags;
use crate::commands::connect;
use crate::failure::Failure;
use crate::program::{News, Settings, Stream, World};

/// Where the process lives.
pub(super) enum Place {
    /// Here, with others beside it.
    Here(Here),
    /// At a running node.
    There(There),
}

/// A scheduler of this command's own.
pub(super) struct Here {
    pub(super) world: World,
    pub(super) guest: NativeProcess,
    /// Whether it has a node: something may then come at any time.
    pub(super) is_clustered: bool,
}

/// A process of a running node.
pub(super) struct There {
    access: ClientFlags,
    attached: Attached,
    /// What processes there do is told at their node.
    news: Receiver<News>,
    /// Whether they rest is not known here.
    still: Receiver<()>,
}

impl Place {
    /// A scheduler with nothing but this process.
    pub(super) fn here(settings: Settings, stream: Stream) -> Result<Self, Failure> {
        let world = World::start_reachable(settings, stream)?;
        let guest = guest(&world)?;
        Ok(Self::Here(Here { world, guest, is_clustered: false }))
    }

    /// A process of a running node.
    pub(super) fn there(access: ClientFlags) -> Result<Self, Failure> {
        let attached = connect(&access)?.attach()?;
        Ok(Self::There(There { access, attached, news: never(), still: never() }))
    }

    pub(super) fn pid(&self) -> Pid {
        match self {
            Self::Here(here) => here.guest.pid(),
            Self::There(there) => there.attached.pid(),
        }
    }

    /// As [`NativeProcess::perform`]. An error is the loss of the node, also below.
    pub(super) fn perform(
        &mut self,
        effect: Effect,
        program: &Arc<Program>,
        limits: Limits,
    ) -> Result<Progress, Failure> {
        match self {
            Self::Here(here) => Ok(here.guest.perform(effect, program, limits)),
            Self::There(there) => there.attached.perform(effect, program, limits).map_err(lost),
        }
    }

    /// As [`NativeProcess::poll`].
    pub(super) fn poll(&mut self) -> Result<Progress, Failure> {
        match self {
            Self::Here(here) => Ok(here.guest.poll()),
            Self::There(there) => there.attached.poll().map_err(lost),
        }
    }

    /// As [`NativeProcess::give_up`].
    pub(super) fn give_up(&mut self) -> Result<Completion, Failure> {
        match self {
            Self::Here(here) => Ok(here.guest.cancel_wait()),
            Self::There(there) => there.attached.give_up().map_err(lost),
        }
    }

    /// As [`NativeProcess::wakes`]; it ends when the node is lost.
    pub(super) fn wakes(&self) -> &Receiver<()> {
        match self {
            Self::Here(here) => here.guest.wakes(),
            Self::There(there) => there.attached.wakes(),
        }
    }

    /// As [`NativeProcess::patience`]. A node looks at the time itself.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self {
            Self::Here(here) => here.guest.timeout(),
            Self::There(_) => None,
        }
    }

    /// What people should know of other processes.
    pub(super) fn news(&self) -> &Receiver<News> {
        match self {
            Self::Here(here) => &here.world.news,
            Self::There(there) => &there.news,
        }
    }

    /// Says that nothing runs.
    pub(super) fn still(&self) -> &Receiver<()> {
        match self {
            Self::Here(here) => &here.world.still,
            Self::There(there) => &there.still,
        }
    }

    /// Whether nothing that this process waits for can come.
    pub(super) fn is_deadlock(&self) -> bool {
        match self {
            Self::Here(here) => {
                // What was sent before all came to rest is there now.
                !here.is_clustered
                    && here.guest.timeout().is_none()
                    && here.world.scheduler.is_idle()
                    && here.guest.wakes().is_empty()
            }
            Self::There(_) => false,
        }
    }

    /// Takes another process, because the last one was ended.
    pub(super) fn renew(&mut self) -> Result<(), Failure> {
        match self {
            Self::Here(here) => here.guest = guest(&here.world)?,
            Self::There(there) => {
                there.attached = connect(&there.access)
                    .and_then(|client| Ok(client.attach()?))
                    .map_err(Failure::ending)?;
            }
        }
        Ok(())
    }

    /// The scheduler, for what is done only with one's own.
    pub(super) fn own(&self) -> Result<&Here, Failure> {
        match self {
            Self::Here(here) => Ok(here),
            Self::There(there) => Err(there.not_here()),
        }
    }

    /// As [`own`](Self::own).
    pub(super) fn own_mut(&mut self) -> Result<&mut Here, Failure> {
        match self {
            Self::Here(here) => Ok(here),
            Self::There(there) => Err(there.not_here()),
        }
    }
}

impl There {
    /// Connects to the node, for what others than its processes are told.
    pub(super) fn connect(&self) -> Result<Client, Failure> {
        connect(&self.access)
    }

    /// What the node is called in messages.
    pub(super) fn access(&self) -> &ClientFlags {
        &self.access
    }

    fn not_here(&self) -> Failure {
        Failure::failed(format!(
            "this REPL is attached to the node at {}, whose processes and cluster are not its \
             own; iridium without attach has those",
            self.access.at
        ))
    }
}

fn guest(world: &World) -> Result<NativeProcess, Failure> {
    world.scheduler.spawn_native().map_err(|full| Failure::failed(full.to_string()))
}

/// Nothing is left to do without the node.
fn lost(error: ClientError) -> Failure {
    Failure::failed(format!("the node is gone, and with it this VM's process: {error}")).ending()
}
