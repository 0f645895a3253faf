//! What other nodes are asked on behalf of processes.

use iridium_isa::ModuleId;
use iridium_vm::codec::numbered;
use iridium_vm::{Completion, Limits, Pid, Register, Start};

numbered! {
    /// What another node is asked on behalf of a process.
    #[derive(Debug, Clone, PartialEq)]
    pub enum RemoteRequest {
        /// Spawn a process there: [`Completion::Value`] with its pid, or 0.
        0 = Spawn {
            /// The number of the node.
            node: u32,
            /// The module of the process.
            module: ModuleId,
            /// Where it starts and with what.
            start: Start,
            /// What it may use.
            limits: Limits,
        },
        /// Look up a name there: [`Completion::Found`] with the pid behind it, if there is one.
        1 = WhereIs {
            /// The name.
            name: String,
            /// The alias of the node.
            alias: String,
        },
    }
}

impl RemoteRequest {
    /// The memory that it takes, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let parts = match self {
            Self::Spawn { .. } => Start::ARGUMENTS * size_of::<Register>(),
            Self::WhereIs { name, alias } => name.capacity() + alias.capacity(),
        };
        (size_of::<Self>() + parts) as u64
    }

    /// The reply when the node cannot be reached.
    pub(crate) fn unavailable(&self) -> Completion {
        match self {
            Self::Spawn { .. } => Completion::Value(Pid::NOBODY.bits()),
            Self::WhereIs { .. } => Completion::Found(None),
        }
    }
}
