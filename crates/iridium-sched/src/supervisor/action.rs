//! What a supervisor wants done.

use std::fmt;

use crate::process::reason::Reason;
use iridium_vm::Pid;
use iridium_vm::codec::numbered;

numbered! {
    /// What is to be done for a supervisor, in the order in which it says so.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(crate) enum Action {
        /// Start the child with this number as a process linked to the supervisor, register its name if
        /// it has one, and tell with [`Supervisor::started`](super::Supervisor::started) before asking
        /// for the next action.
        0 = Start(usize),
        /// Send a process this reason to end. [`Reason::SHUTDOWN`] asks, [`Reason::KILLED`] cannot be
        /// refused. The process may have ended by now.
        1 = Kill {
            /// A child.
            pid: Pid,
            /// The reason.
            reason: Reason,
        },
        /// Tell the operator.
        2 = Report(Supervision),
        /// End the supervisor's own process for this reason. No child lives, and nothing follows.
        3 = End(Reason),
    }
}

numbered! {
    /// What an operator should know of a supervisor.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Supervision {
        /// A child that had ended has started again.
        0 = Restarted {
            /// Its name.
            child: String,
            /// Its process now.
            pid: Pid,
            /// Why it had ended.
            reason: Reason,
        },
        /// A child could not be started. What follows is as if it had started and ended.
        1 = NotStarted {
            /// Its name.
            child: String,
            /// What is wrong.
            error: String,
        },
        /// The children ended too often: the supervisor stops them all and ends.
        2 = GaveUp {
            /// The child that was one too many.
            child: String,
            /// Why it had ended.
            reason: Reason,
        },
    }
}

impl fmt::Display for Supervision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restarted { child, pid, reason } => {
                write!(f, "{child} runs again as process {pid}; it had ended: {reason}")
            }
            Self::NotStarted { child, error } => write!(f, "{child} could not be started: {error}"),
            Self::GaveUp { child, reason } => write!(
                f,
                "{child} has ended: {reason}; that was too often, so its supervisor gives up"
            ),
        }
    }
}
