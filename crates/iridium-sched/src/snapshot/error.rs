//! Why processes cannot be saved or restored.

use crate::table::{ClaimError, TooManyProcesses};
use iridium_isa::{LoadError, ModuleId};
use iridium_vm::codec::EncodeError;
use iridium_vm::{EnvelopeError, InvalidState, MissingImports, Pid};

/// The version of snapshots that is written and read.
pub const SNAPSHOT_VERSION: u16 = 1;

/// Why processes could not be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// There is no such process, or it is a native one.
    #[error("there is no such process")]
    NoProcess,
    /// A process did not come to a point where it can be saved.
    #[error("a process was busy for too long, in a host function or in writing its output")]
    Busy,
    /// The state could not be written down: a fault of Iridium.
    #[error("internal error: the state of the processes could not be written down")]
    Internal,
}

impl From<EncodeError> for SaveError {
    fn from(error: EncodeError) -> Self {
        log::error!("{error}");
        Self::Internal
    }
}

/// Why processes could not be restored. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The bytes do not begin with the magic.
    #[error("not saved Iridium processes")]
    Foreign,
    /// Written by another version.
    #[error("saved by snapshot version {0}; this version of Iridium reads {SNAPSHOT_VERSION}")]
    Version(u16),
    /// Cut off or changed, or its parts contradict each other.
    #[error("the saved processes are damaged or cut off")]
    Damaged,
    /// Undamaged, but with parts that this version does not know.
    #[error("the saved processes hold something that this version of Iridium does not know")]
    Unknown,
    /// The state of a process is not one that its module can be in.
    #[error("the state of a saved process is not one that its module can be in: {0}")]
    InvalidState(#[from] InvalidState),
    /// A module inside is not usable.
    #[error("a module inside the saved processes: {0}")]
    Module(#[from] LoadError),
    /// A module needs host functions that are not there.
    #[error("a module inside the saved processes needs {0}")]
    Imports(#[from] MissingImports),
    /// A module was not saved with the processes, and is not known here.
    #[error("the module {0} is neither saved with the processes nor known here")]
    MissingModule(ModuleId),
    /// A native process was asked for, and none was saved, or more than one.
    #[error("the saved processes have not one native process among them")]
    NotOneNative,
    /// The home of the process is this node, where it may be restored under a new pid.
    #[error("this node is the home of process {0}, which cannot come from elsewhere")]
    AtHome(Pid),
    /// There is a process with this pid here already.
    #[error("a process with pid {0} exists here already")]
    Lives(Pid),
    /// [`restore_all`](crate::Scheduler::restore_all) needs a scheduler without processes.
    #[error("there are processes already, whose pids may be those of saved ones")]
    Occupied,
    /// The workers could not be held for it.
    #[error("the workers were busy for too long, or the scheduler is shut down")]
    Busy,
    /// They are more than the scheduler may have.
    #[error(transparent)]
    TooManyProcesses(#[from] TooManyProcesses),
}

impl From<EnvelopeError> for RestoreError {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Foreign => Self::Foreign,
            EnvelopeError::Version(version) => Self::Version(version),
            EnvelopeError::Damaged => Self::Damaged,
        }
    }
}

impl From<ClaimError> for RestoreError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::TooMany => Self::TooManyProcesses(TooManyProcesses),
            ClaimError::Inconsistent => Self::Damaged,
        }
    }
}
