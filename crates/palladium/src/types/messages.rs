//! Older forms of messages: each is another message, with a tag of its own.

use iridium_isa::Severity;

use crate::core::protocol::Protocols;
use crate::core::{Program, Type};
use crate::diag::{Problem, processes as say};
use crate::names::world::{ActorDecl, World};

/// Handlers of older forms that take the same message as another handler of the actor.
///
/// Nothing is told when something else is wrong: it may be about what is in the messages.
pub(super) fn check_messages(world: &World, program: &Program) -> Vec<Problem> {
    if world.problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Vec::new();
    }
    let actors = world.actors.iter();
    let with_old = actors.filter(|decl| decl.ast.handlers.iter().any(|handler| handler.old));
    with_old.flat_map(|decl| same_messages(world, program, decl)).collect()
}

fn same_messages(world: &World, program: &Program, decl: &ActorDecl) -> Vec<Problem> {
    let own = (0..decl.ast.generics.len() as u32).map(Type::Param).collect();
    let protocol = Protocols::default().get(program, &Type::Enum(decl.inbox, own));
    let mut problems = Vec::new();
    for (nth, message) in protocol.messages.iter().enumerate() {
        let first = protocol.messages[..nth].iter().position(|other| other.tag == message.tag);
        let place = |nth: usize| {
            let handler = &decl.ast.handlers[decl.messages[nth]];
            world.place(decl.module, &handler.name.span)
        };
        if let Some(first) = first {
            let signature = protocol.signature(message);
            problems.push(say::same_message(place(nth), &signature, place(first)));
        }
    }
    problems
}
