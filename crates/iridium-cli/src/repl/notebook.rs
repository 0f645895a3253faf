//! Palladium at the prompt: what was declared so far, and the process in which its variables live.
//!
//! It runs as the process of the default VM, with registers and a heap of its own, so that neither
//! language disturbs the other.

use std::sync::Arc;

use iridium_asm::Session;
use iridium_isa::{Diagnostics, Module};
use iridium_vm::{Hosts, Limits, Process};
use palladium::session::Entered;

use super::effect_driver::{EffectDriver, OUTPUT};
use super::machine::StopReason;
use crate::failure::Failure;
use crate::output;
use crate::program::palladium_source::Folder;
use crate::program::{End, prepare};

/// The name under which its modules are listed.
const SOURCE_NAME: &str = "repl";

/// Runs entries of Palladium.
pub(super) struct Notebook {
    session: Arc<palladium::Session>,
    process: Process,
}

impl Notebook {
    /// One in which nothing is declared.
    pub(super) fn new() -> Result<Self, Failure> {
        let empty = Session::new(SOURCE_NAME).enter("").map_err(|errors| failure(&errors))?;
        let program = prepare(empty.module, &Hosts::new())?;
        let process = Process::new(&program, Limits::default());
        Ok(Self { session: Arc::default(), process })
    }

    /// Whether there is nothing to lose.
    pub(super) fn is_empty(&self) -> bool {
        self.session.is_empty()
    }

    /// What was declared so far.
    pub(super) fn session(&self) -> Arc<palladium::Session> {
        Arc::clone(&self.session)
    }

    /// Whether something of this name was declared.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.session.knows(name)
    }

    /// Runs an entry. One that does not come to its end changes nothing but what it has sent or
    /// printed.
    pub(super) fn enter(
        &mut self,
        entry: &str,
        driver: &mut EffectDriver,
    ) -> Result<StopReason, Failure> {
        let entered = match self.session.enter(entry, &mut Folder::default()) {
            Ok(entered) => entered,
            Err(errors) => {
                // The diagnostics are complete in themselves; no error line follows.
                output::print_diagnostics(&output::diagnostics(&errors));
                return Ok(StopReason::Done);
            }
        };
        output::print_diagnostics(&output::diagnostics(&entered.warnings));
        let mut process = self.process.clone();
        let end = run_entry(&entered, &mut process, driver);
        let stream = driver.stream();
        if matches!(end, Ok(End::Interrupted(_))) {
            stream.note_interrupt();
        }
        stream.end_line(OUTPUT)?;
        match end? {
            End::Exited(block) => {
                for name in &entered.forgotten {
                    output::print_line(&format!("{name} is gone: its type is another one now"))?;
                }
                self.process = process;
                self.session = Arc::new(entered.ran(block));
                Ok(StopReason::Done)
            }
            End::Interrupted(signal) => Ok(StopReason::Interrupted(signal)),
            End::ExitSignal(reason) => {
                driver.backend.respawn()?;
                Ok(StopReason::ExitSignal(reason))
            }
            End::Deadlock => Err(Failure::failed("this waits for a message that nobody can send")),
            end => Ok(StopReason::Ended(end)),
        }
    }
}

fn run_entry(
    entered: &Entered,
    process: &mut Process,
    driver: &mut EffectDriver,
) -> Result<End, Failure> {
    let mut end = End::Exited(0);
    for module in entered.cleanup.iter().chain(&entered.module) {
        if matches!(end, End::Exited(_)) {
            end = run_module(module, process, driver)?;
        }
    }
    Ok(end)
}

fn run_module(
    module: &Module,
    process: &mut Process,
    driver: &mut EffectDriver,
) -> Result<End, Failure> {
    let program = prepare(module.clone(), &driver.hosts)?;
    process.continue_with(&program, 0);
    driver.run(process, &program)
}

fn failure(errors: &Diagnostics) -> Failure {
    Failure::failed(errors.to_string())
}
