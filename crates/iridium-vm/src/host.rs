//! Host functions: what an embedder lends to programs.
//!
//! There are three ways to be called:
//!
//! * [`Hosts::add`]: within the run of the process, for what takes no time;
//! * [`Hosts::add_blocking`]: on a thread where it may wait;
//! * [`Hosts::add_deferred`]: it gets a [`Reply`], returns at once, and the reply is answered later
//!   from any thread. The process waits meanwhile as data, and no thread waits with it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use iridium_isa::DATA_BASE;
use iridium_isa::operand::WINDOW_SPAN;

use crate::limits::Limits;
use crate::pid::Pid;
use crate::register::Register;

/// The process that calls a host function, as the function sees it.
#[derive(Debug)]
pub struct Caller<'c> {
    /// `$k`…`$k+7` of the caller: arguments going in, results coming out.
    pub registers: &'c mut [Register; WINDOW_SPAN as usize],
    /// The caller's heap.
    pub heap: &'c mut [u8],
    /// The read-only data of its module.
    pub data: &'c [u8],
    /// Its pid; [nobody](Pid::NOBODY) where a process runs without a scheduler.
    pub pid: Pid,
    /// What it may use.
    pub limits: Limits,
}

impl Caller<'_> {
    /// Bytes at an address, in the heap or in the read-only data; `None` when they are not there.
    pub fn bytes(&self, address: i64, length: i64) -> Option<&[u8]> {
        let length = usize::try_from(length).ok()?;
        let (space, offset) = match address.checked_sub(DATA_BASE) {
            Some(offset) if offset >= 0 => (self.data, offset),
            _ => (&*self.heap, address),
        };
        let start = usize::try_from(offset).ok()?;
        space.get(start..start.checked_add(length)?)
    }

    /// Bytes of the heap at an address, to be changed; `None` when they are not there.
    pub fn bytes_mut(&mut self, address: i64, length: i64) -> Option<&mut [u8]> {
        let (start, length) = (usize::try_from(address).ok()?, usize::try_from(length).ok()?);
        self.heap.get_mut(start..start.checked_add(length)?)
    }
}

/// Why a host function failed; the process traps with `host-error` and this text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub String);

impl HostError {
    /// For an address at which the process has no memory.
    pub fn outside() -> Self {
        Self("an address outside of the heap".into())
    }
}

/// What a host function gives back, also later.
pub type HostResult = Result<(), HostError>;

/// An answer that has come later: it is run where the process is, and writes its results.
pub type Answer = Box<dyn FnOnce(&mut Caller<'_>) -> HostResult + Send>;

/// Where an answer that comes later goes: implemented by whoever runs processes.
pub trait ReplySink: Send {
    /// Hands the answer to the process, if it still waits.
    fn deliver(self: Box<Self>, answer: Answer);

    /// Whether the process still waits.
    fn is_wanted(&self) -> bool;

    /// Runs `action` when the process ends, or is saved and removed, before the answer; immediately
    /// if that has happened.
    fn on_cancel(&self, action: Box<dyn FnOnce() + Send>);
}

/// The right, and the duty, to answer a host call. It may be kept and moved to another thread.
/// Dropped without an answer, it lets the call fail.
///
/// A process that is saved while it waits makes its call again when it is restored: the old reply
/// belongs to the original process.
#[must_use = "a reply that is dropped lets the call fail"]
pub struct Reply(Option<Box<dyn ReplySink>>);

impl Reply {
    /// A reply whose answer goes there.
    pub fn new(sink: impl ReplySink + 'static) -> Self {
        Self(Some(Box::new(sink)))
    }

    /// Answers the call. `answer` runs where the process is, before it goes on, and must not wait.
    pub fn answer(mut self, answer: impl FnOnce(&mut Caller<'_>) -> HostResult + Send + 'static) {
        if let Some(sink) = self.0.take() {
            sink.deliver(Box::new(answer));
        }
    }

    /// Whether the process still waits for the answer.
    pub fn is_wanted(&self) -> bool {
        self.0.as_ref().is_some_and(|sink| sink.is_wanted())
    }

    /// Runs `action` when the process ends, or is removed, before the answer; immediately if that
    /// has happened. It must not wait.
    pub fn on_cancel(&self, action: impl FnOnce() + Send + 'static) {
        if let Some(sink) = &self.0 {
            sink.on_cancel(Box::new(action));
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(sink) = self.0.take() {
            let error = HostError("the host function has given no answer".into());
            sink.deliver(Box::new(move |_| Err(error)));
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("is_wanted", &self.is_wanted()).finish()
    }
}

type Function = Arc<dyn Fn(&mut Caller<'_>) -> HostResult + Send + Sync>;
type Deferred = Arc<dyn Fn(&mut Caller<'_>, Reply) + Send + Sync>;

/// A host function, by how it is called.
#[derive(Clone)]
pub(crate) enum HostFunction {
    Immediate(Function),
    Blocking(Function),
    Deferred(Deferred),
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Immediate(_) => "Immediate",
            Self::Blocking(_) => "Blocking",
            Self::Deferred(_) => "Deferred",
        })
    }
}

/// Host functions by name.
///
/// ```
/// use iridium_asm::Assembler;
/// use iridium_vm::{Hosts, Limits, Process, Program, Stop};
///
/// let source = ".import math.double\nload $0 #21\nhost @math.double $0\nhlt\n";
/// let module = Assembler::new("double.iasm").assemble(source)?.module;
/// let mut hosts = Hosts::new();
/// hosts.add("math.double", |caller| {
///     caller.registers[0].int *= 2;
///     Ok(())
/// });
/// let program = Program::new(module, &hosts)?;
/// let stop = Process::new(&program, Limits::default()).run(&program, 1_000, &mut Vec::new())?;
/// assert_eq!(stop, Stop::Halted(42));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Hosts(BTreeMap<String, HostFunction>);

impl Hosts {
    /// No functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function that returns at once; it is called within the run. A later one of the same
    /// name replaces it.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        function: impl Fn(&mut Caller<'_>) -> HostResult + Send + Sync + 'static,
    ) {
        self.0.insert(name.into(), HostFunction::Immediate(Arc::new(function)));
    }

    /// Adds a function that may wait; it becomes an [`Effect::Host`](crate::Effect::Host), which a
    /// scheduler carries out on a thread for such functions.
    pub fn add_blocking(
        &mut self,
        name: impl Into<String>,
        function: impl Fn(&mut Caller<'_>) -> HostResult + Send + Sync + 'static,
    ) {
        self.0.insert(name.into(), HostFunction::Blocking(Arc::new(function)));
    }

    /// Adds a function that is answered later; it becomes an [`Effect::Host`](crate::Effect::Host)
    /// too, and is called by the one who carries that out. It must not wait itself.
    ///
    /// ```
    /// use std::thread;
    ///
    /// # let mut hosts = iridium_vm::Hosts::new();
    /// hosts.add_deferred("slow.double", |caller, reply| {
    ///     let number = caller.registers[0].int;
    ///     thread::spawn(move || {
    ///         let result = number * 2; // whatever takes its time
    ///         reply.answer(move |caller| {
    ///             caller.registers[0].int = result;
    ///             Ok(())
    ///         });
    ///     });
    /// });
    /// ```
    pub fn add_deferred(
        &mut self,
        name: impl Into<String>,
        function: impl Fn(&mut Caller<'_>, Reply) + Send + Sync + 'static,
    ) {
        self.0.insert(name.into(), HostFunction::Deferred(Arc::new(function)));
    }

    pub(crate) fn find(&self, name: &str) -> Option<&HostFunction> {
        self.0.get(name)
    }
}
