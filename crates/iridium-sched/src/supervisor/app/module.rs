//! The app that a module brings along, as a tree.

use iridium_isa::Module;
use iridium_isa::app::{self, App, Argument};
use iridium_vm::{Limits, Register};

use crate::supervisor::spec::{Child, ChildBody, Entry, Restart, Shutdown, Spec, Strategy};

impl Spec {
    /// The tree of a module's app, whose processes have these limits.
    pub fn of_module(module: &Module, app: &App, limits: Limits) -> Self {
        let child = |child: &app::Child| Child {
            name: child.name.clone(),
            registered: child.registered.clone(),
            restart: match child.restart {
                app::Restart::Permanent => Restart::Permanent,
                app::Restart::Transient => Restart::Transient,
                app::Restart::Temporary => Restart::Temporary,
            },
            shutdown: match child.shutdown_ms {
                0 => Shutdown::BrutalKill,
                ms => Shutdown::Timeout(ms),
            },
            body: ChildBody::Program {
                module: module.id(),
                debug: Some(module.debug_id()),
                entry: Some(Entry::At(child.entry)),
                arguments: child.arguments.iter().map(register).collect(),
                first: child.first.clone(),
                limits,
            },
        };
        Self {
            strategy: match app.strategy {
                app::Strategy::OneForOne => Strategy::OneForOne,
                app::Strategy::OneForAll => Strategy::OneForAll,
                app::Strategy::RestForOne => Strategy::RestForOne,
            },
            restarts: app.restarts,
            within_ms: app.within_ms,
            children: app.children.iter().map(child).collect(),
        }
    }
}

fn register(argument: &Argument) -> Register {
    match *argument {
        Argument::Int(int) => Register { int, float: 0.0 },
        Argument::Float(bits) => Register { int: 0, float: f64::from_bits(bits.0) },
    }
}
