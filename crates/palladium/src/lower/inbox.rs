//! What processes of the program understand, for those who write to them from outside.

use iridium_isa::protocol::Protocol;

use super::context::Context;
use super::instances::{Instance, Key};
use super::protocol::add_start;
use super::spawn::ARGUMENTS;
use crate::core::Type;
use crate::mir::FnIdx;

impl Context<'_> {
    /// What the processes understand that can be started from outside.
    pub(super) fn inboxes(&mut self) -> Vec<(Protocol, Vec<FnIdx>)> {
        let program = self.program;
        let mut inboxes: Vec<(Type, Protocol, Vec<FnIdx>)> = Vec::new();
        for start in &program.starts {
            let instance = Instance::new(start.function, []);
            let types = self.param_types(&instance);
            let first = (!self.fits_in_registers(&types)).then_some(ARGUMENTS);
            let index = self.instances.get(Key::Birth(instance));
            let known = inboxes.iter().position(|(of, ..)| *of == start.inbox);
            let at = known.unwrap_or_else(|| {
                let protocol = (*self.protocol(&start.inbox)).clone();
                inboxes.push((start.inbox.clone(), protocol, Vec::new()));
                inboxes.len() - 1
            });
            let (_, protocol, starts) = &mut inboxes[at];
            add_start(program, protocol, start, &types, first);
            starts.push(index);
        }
        inboxes.into_iter().map(|(_, protocol, starts)| (protocol, starts)).collect()
    }
}
