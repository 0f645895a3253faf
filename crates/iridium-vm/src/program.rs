//! A program: a module made ready to run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::host::{HostCall, HostError, HostFunction, Hosts};
use crate::interp::Code;
use crate::process::{Completion, Process, Register, TrapKind, UnexpectedCompletion};
use iridium_isa::Module;
use iridium_isa::operand::WINDOW_SPAN;

/// Host functions that a module imports and that are not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("host functions that are not registered: {}", .0.join(", "))]
pub struct MissingImports(pub Vec<String>);

/// A module with its host functions found and its code laid out for the interpreter. Cheap to share
/// behind an `Arc` between all its processes.
#[derive(Debug)]
pub struct Program {
    module: Arc<Module>,
    code: Code,
    hosts: Vec<HostFunction>,
}

impl Program {
    /// Makes a module ready to run.
    ///
    /// # Errors
    /// When it imports host functions that are not registered; all of them are listed.
    pub fn new(module: impl Into<Arc<Module>>, hosts: &Hosts) -> Result<Self, MissingImports> {
        let module = module.into();
        let missing: Vec<_> =
            module.imports().iter().filter(|name| hosts.find(name).is_none()).cloned().collect();
        if !missing.is_empty() {
            return Err(MissingImports(missing));
        }
        let hosts = module.imports().iter().filter_map(|name| hosts.find(name).cloned()).collect();
        Ok(Self { code: Code::lay_out(&module), hosts, module })
    }

    /// The module.
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    pub(crate) fn code(&self) -> &Code {
        &self.code
    }

    pub(crate) fn host(&self, import: u16) -> Option<&HostFunction> {
        self.hosts.get(usize::from(import))
    }

    /// Carries out [`Effect::Host`](crate::process::Effect::Host) and answers it. When the function
    /// fails the process has trapped, and what the function said is handed out.
    ///
    /// # Errors
    /// When the process does not wait for it.
    pub fn call_host(
        &self,
        process: &mut Process,
        import: u16,
        window: u8,
    ) -> Result<Result<(), HostError>, UnexpectedCompletion> {
        let called = self.invoke(process, import, window);
        let completion = match called {
            Ok(()) => Completion::Done,
            Err(_) => Completion::Failed(TrapKind::HostError),
        };
        process.complete(completion).map(|()| called)
    }

    /// Calls a host function on the window at `$window`.
    pub(crate) fn invoke(
        &self,
        process: &mut Process,
        import: u16,
        window: u8,
    ) -> Result<(), HostError> {
        let missing = || HostError(format!("import {import} does not exist"));
        let host = self.host(import).ok_or_else(missing)?;
        let mut registers = [Register::default(); WINDOW_SPAN as usize];
        for (number, register) in (window..=u8::MAX).zip(&mut registers) {
            *register = process.register(number);
        }
        let mut call = HostCall {
            registers: &mut registers,
            heap: &mut process.heap,
            data: self.module.data(),
        };
        // A function that panics is a fault of the embedder's; it costs the process that called it,
        // and not the worker with all who are to run there.
        let called = catch_unwind(AssertUnwindSafe(|| (host.function)(&mut call)));
        called.unwrap_or_else(|_| Err(HostError("the host function panicked".into())))?;
        for (number, register) in (window..=u8::MAX).zip(registers) {
            process.set_register(number, register);
        }
        Ok(())
    }
}
