//! What the parts of a node know about it.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use iridium_isa::Module;
use iridium_net::ClockedLogLimits;
use iridium_proto::NodeAlias;
use iridium_sched::{Scheduler, WeakScheduler};
use iridium_vm::{Hosts, Limits, Program};

use crate::error::{NodeError, Refusal};

/// What the parts of a node know about it. Its alias and its scheduler come to be known during its
/// start.
pub(crate) struct ThisNode {
    alias: OnceLock<NodeAlias>,
    scheduler: OnceLock<WeakScheduler>,
    /// What a process may use at most that another node or an operator has started.
    pub(crate) limits: Limits,
    /// The functions that programs may import.
    hosts: Hosts,
    refusal: Refusal,
    /// Threads that run processes.
    pub(crate) workers: usize,
    pub(crate) started: Instant,
    /// For the lines that clients and processes can cause.
    pub(crate) log_limits: ClockedLogLimits,
}

impl ThisNode {
    pub(crate) fn new(limits: Limits, hosts: Hosts, refusal: Refusal, workers: usize) -> Self {
        let (started, log_limits) = (Instant::now(), ClockedLogLimits::default());
        let (alias, scheduler) = (OnceLock::new(), OnceLock::new());
        Self { alias, scheduler, limits, hosts, refusal, workers, started, log_limits }
    }

    /// Makes a module ready to run.
    ///
    /// # Errors
    /// When it imports what this node does not have.
    pub(crate) fn prepare(&self, module: Module) -> Result<Arc<Program>, NodeError> {
        let module = Arc::new(module);
        let program = Program::new(Arc::clone(&module), &self.hosts);
        let refused = |missing| NodeError::Refused((self.refusal)(&module, &missing));
        program.map(Arc::new).map_err(refused)
    }

    /// Sets the scheduler of the node, once.
    pub(crate) fn set_scheduler(&self, scheduler: &Scheduler) {
        if self.scheduler.set(scheduler.downgrade()).is_err() {
            log::error!("a node was given a second scheduler; it keeps the first");
        }
    }

    /// Sets the alias under which names of this node are asked for, once.
    pub(crate) fn set_alias(&self, alias: NodeAlias) {
        if let Err(alias) = self.alias.set(alias) {
            log::error!("a node was given the second alias {alias}; it keeps the first");
        }
    }

    /// The alias; `None` before the start is over.
    pub(crate) fn alias(&self) -> Option<&NodeAlias> {
        self.alias.get()
    }

    /// Whether an alias is that of this node.
    pub(crate) fn is_called(&self, alias: &NodeAlias) -> bool {
        self.alias() == Some(alias)
    }

    /// The scheduler, from its start until the node is shut down.
    pub(crate) fn scheduler(&self) -> Option<Scheduler> {
        self.scheduler.get().and_then(WeakScheduler::upgrade)
    }

    /// The scheduler, for those who need one.
    ///
    /// # Errors
    /// [`NodeError::Stopped`].
    pub(crate) fn running(&self) -> Result<Scheduler, NodeError> {
        self.scheduler().ok_or(NodeError::Stopped)
    }
}
