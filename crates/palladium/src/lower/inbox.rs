//! What processes of the program understand, for those who write to them from outside.

use iridium_isa::app::{App, Child};
use iridium_isa::protocol::Protocol;

use super::context::Context;
use super::instances::{Instance, Key};
use super::spawn::ARGUMENTS;
use crate::core::protocol::add_start;
use crate::core::{self, Type};
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

    /// The processes that are there from the begin.
    pub(super) fn app(&mut self) -> Option<(App, Vec<FnIdx>)> {
        let program = self.program;
        let described = program.app.as_ref()?;
        let child = |child: &core::AppChild| Child {
            name: child.name.to_string(),
            registered: Some(format!("{}.{}", described.name, child.name)),
            restart: child.restart,
            shutdown_ms: child.shutdown_ms,
            entry: 0,
            arguments: Vec::new(),
            first: None,
        };
        let app = App {
            name: described.name.to_string(),
            main: program.main.is_some(),
            strategy: described.strategy,
            restarts: described.restarts,
            within_ms: described.within_ms,
            children: described.children.iter().map(child).collect(),
        };
        let births = described
            .children
            .iter()
            .map(|child| self.instances.get(Key::Birth(Instance::new(child.function, []))));
        Some((app, births.collect()))
    }
}
