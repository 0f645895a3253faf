//! Host functions: what an embedder lends to programs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::process::Register;
use iridium_isa::operand::WINDOW_SPAN;

/// What a host function sees of the process that calls it.
pub struct HostCall<'c> {
    /// `$k`…`$k+7` of the caller: arguments going in, results coming out.
    pub registers: &'c mut [Register; WINDOW_SPAN as usize],
    /// The caller's heap.
    pub heap: &'c mut [u8],
    /// The read-only data of its module.
    pub data: &'c [u8],
}

impl HostCall<'_> {
    /// Bytes at an address, in the heap or in the read-only data; `None` when they are not there.
    pub fn bytes(&self, address: i64, length: i64) -> Option<&[u8]> {
        let length = usize::try_from(length).ok()?;
        let (space, offset) = match address.checked_sub(iridium_isa::DATA_BASE) {
            Some(offset) if offset >= 0 => (self.data, offset),
            _ => (&*self.heap, address),
        };
        let start = usize::try_from(offset).ok()?;
        space.get(start..start.checked_add(length)?)
    }
}

/// Why a host function failed; the process traps with `host-error` and this text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostError(pub String);

type Function = dyn Fn(&mut HostCall<'_>) -> Result<(), HostError> + Send + Sync;

/// A host function.
#[derive(Clone)]
pub(crate) struct HostFunction {
    pub(crate) function: Arc<Function>,
    pub(crate) blocking: bool,
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostFunction").field("blocking", &self.blocking).finish_non_exhaustive()
    }
}

/// Host functions by name.
///
/// ```
/// use iridium_vm::{Hosts, Limits, Process, Program, Stop};
/// use iridium_asm::Assembler;
///
/// let source = ".import math.double\nload $0 #21\nhost @math.double $0\nhlt\n";
/// let module = Assembler::new("double.iasm").assemble(source)?.module;
/// let mut hosts = Hosts::new();
/// hosts.add("math.double", |call| {
///     call.registers[0].int *= 2;
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
        function: impl Fn(&mut HostCall<'_>) -> Result<(), HostError> + Send + Sync + 'static,
    ) {
        let function = HostFunction { function: Arc::new(function), blocking: false };
        self.0.insert(name.into(), function);
    }

    /// Adds a function that may take long; it is handed out as an
    /// [`Effect::Host`](crate::process::Effect::Host).
    pub fn add_blocking(
        &mut self,
        name: impl Into<String>,
        function: impl Fn(&mut HostCall<'_>) -> Result<(), HostError> + Send + Sync + 'static,
    ) {
        let function = HostFunction { function: Arc::new(function), blocking: true };
        self.0.insert(name.into(), function);
    }

    pub(crate) fn find(&self, name: &str) -> Option<&HostFunction> {
        self.0.get(name)
    }
}
