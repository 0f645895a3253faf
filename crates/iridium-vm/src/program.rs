//! A program: a module made ready to run.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use iridium_isa::{DebugId, Module};

use crate::effect::{Completion, UnexpectedCompletion};
use crate::host::{Answer, HostError, HostFunction, HostResult, Hosts, Reply};
use crate::host_call::{call_and_wait, with_caller};
use crate::interp::Code;
use crate::interp::EntryHook;
use crate::interp::layout;
use crate::pid::Pid;
use crate::process::Process;
use crate::trap::TrapKind;

/// Host functions that a module imports and that there are none of, or that are not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("host functions that are not there, or not allowed: {}", .0.join(", "))]
pub struct MissingImports(pub Vec<String>);

/// A module with its host functions found and its code laid out for the interpreter. Cheap to share
/// behind an `Arc` between all its processes.
pub struct Program {
    module: Arc<Module>,
    code: Code,
    hosts: Vec<HostFunction>,
    engine_data: OnceLock<Box<dyn Any + Send + Sync>>,
    debug_id: OnceLock<DebugId>,
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
        let code = layout::lay_out(&module);
        Ok(Self { code, hosts, module, engine_data: OnceLock::new(), debug_id: OnceLock::new() })
    }

    /// The module.
    pub fn module(&self) -> &Arc<Module> {
        &self.module
    }

    /// The hash of what is in its module for people only.
    pub fn debug_id(&self) -> DebugId {
        *self.debug_id.get_or_init(|| self.module.debug_id())
    }

    pub(crate) fn code(&self) -> &Code {
        &self.code
    }

    pub(crate) fn hosts(&self) -> &[HostFunction] {
        &self.hosts
    }

    fn host(&self, import: u16) -> Result<&HostFunction, HostError> {
        let missing = || HostError(format!("import {import} does not exist"));
        self.hosts.get(usize::from(import)).ok_or_else(missing)
    }

    /// Whether the [host effect](crate::Effect::Host) of an import is to be
    /// [started](Self::start_host) and answered later. Otherwise it is to be
    /// [called](Self::call_host) where it may wait.
    pub fn is_deferred(&self, import: u16) -> bool {
        matches!(self.host(import), Ok(HostFunction::Deferred(_)))
    }

    /// Carries out [`Effect::Host`](crate::Effect::Host) for the process `pid`, waits as long as it
    /// takes, and answers it. When the function fails the process has trapped, and what the function
    /// said is handed out.
    ///
    /// # Errors
    /// When the process does not wait for it.
    pub fn call_host(
        &self,
        process: &mut Process,
        pid: Pid,
        import: u16,
        window: u8,
    ) -> Result<HostResult, UnexpectedCompletion> {
        let called = self
            .host(import)
            .and_then(|function| call_and_wait(process, &self.module, pid, window, function));
        complete(process, called)
    }

    /// Begins to carry out [`Effect::Host`](crate::Effect::Host) of a function that is
    /// [answered later](Self::is_deferred). When it fails at once, `reply` has been answered or
    /// dropped.
    ///
    /// # Errors
    /// When the function panics or does not exist.
    pub fn start_host(
        &self,
        process: &mut Process,
        pid: Pid,
        import: u16,
        window: u8,
        reply: Reply,
    ) -> HostResult {
        match self.host(import)? {
            HostFunction::Deferred(function) => {
                with_caller(process, &self.module, pid, window, |caller| {
                    function(caller, reply);
                    Ok(())
                })
            }
            HostFunction::Immediate(_) | HostFunction::Blocking(_) => {
                Err(HostError(format!("import {import} is not answered later")))
            }
        }
    }

    /// Answers [`Effect::Host`](crate::Effect::Host) with what came later. When that fails the
    /// process has trapped, and what the function said is handed out.
    ///
    /// # Errors
    /// When the process does not wait for it.
    pub fn finish_host(
        &self,
        process: &mut Process,
        pid: Pid,
        window: u8,
        answer: Answer,
    ) -> Result<HostResult, UnexpectedCompletion> {
        let called = with_caller(process, &self.module, pid, window, answer);
        complete(process, called)
    }

    /// What an engine keeps with the program, made at its first call and dropped with the program.
    /// One engine can have that; another one that asks for a type of its own gets `None`.
    pub fn engine_data<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.engine_data.get_or_init(|| Box::new(make())).downcast_ref()
    }

    /// Installs the hook that takes over at [hooked](Self::hook_entry) instructions. There is one,
    /// for as long as the program is there; `false` when there is one already.
    pub fn set_entry_hook(&self, hook: Arc<dyn EntryHook>) -> bool {
        self.code.set_hook(hook)
    }

    /// Lets the [hook](Self::set_entry_hook) take over whenever a run comes to this instruction, also
    /// in runs that are under way. `false` when there is no hook or no such instruction.
    pub fn hook_entry(&self, index: u32) -> bool {
        layout::hook(&self.code, &self.module, index)
    }

    /// Undoes [`hook_entry`](Self::hook_entry).
    pub fn unhook_entry(&self, index: u32) {
        layout::unhook(&self.code, &self.module, index);
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("module", &self.module.id()).finish_non_exhaustive()
    }
}

fn complete(process: &mut Process, called: HostResult) -> Result<HostResult, UnexpectedCompletion> {
    let completion = match called {
        Ok(()) => Completion::Done,
        Err(_) => Completion::Failed(TrapKind::HostError),
    };
    process.complete(completion).map(|()| called)
}
