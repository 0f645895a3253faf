//! From typed trees to monomorphic functions over registers.
//!
//! Beginning with the entry, each function is made for the types that it is called with, and what
//! it asks for is made after it. Closures, derived code (`==`, showing), the glue of blocks and the
//! slow parts of intrinsics are functions like others.

mod call;
mod clean;
mod closure;
mod code;
mod condition;
mod context;
mod derive;
mod early;
mod entry;
mod expr;
mod function;
mod glue;
mod inbox;
mod inline;
mod instances;
mod intrinsics;
mod message;
mod pattern;
mod place;
mod prompt;
mod prune;
mod receive;
mod rows;
mod shape;
mod slot;
mod spawn;
mod target;
mod task;
mod value;

use std::sync::Arc;

use iridium_isa::FileId;

use crate::core;
use crate::mir::{Data, GlueIdx, Program};

pub use target::Target;

use context::Context;
use instances::Key;

/// The code of a program. Without what the target names it only ends.
pub fn lower(program: &core::Program, target: Target) -> Program {
    lower_from(program, Key::Entry(target), &[])
}

/// The code of what has been typed at a prompt. `data` is that of the entries before, which values
/// in its variables may point to: it stays where it is, at the begin of the data.
pub(crate) fn lower_entry(program: &core::Program, entry: core::Entry, data: &[Data]) -> Program {
    lower_from(program, Key::Prompt(Arc::new(entry)), data)
}

/// How many cells a variable of the prompt takes.
pub(crate) fn cells(program: &core::Program, ty: &core::Type) -> usize {
    Context::new(program).types.parts(ty).len()
}

fn lower_from(program: &core::Program, first: Key, kept: &[Data]) -> Program {
    let mut context = Context::new(program);
    context.begin_with(kept);
    let entry = context.instances.get(first);
    let inboxes = context.inboxes();
    let app = context.app();
    make_all(&mut context);
    // Only now it is known what closures have captured.
    let mut glue = Vec::new();
    while context.types.kind(GlueIdx(glue.len() as u32)).is_some() {
        glue.push(glue::glue(&mut context, GlueIdx(glue.len() as u32)));
        make_all(&mut context);
    }
    let Context { instances, data, imports, .. } = context;
    let mut functions = instances.into_functions();
    let is_library = |file: FileId| {
        program.files.get(file.0 as usize).is_some_and(|name| name.starts_with("std/"))
    };
    inline::inline(&mut functions, is_library);
    early::early_returns(&mut functions);
    let files = program.files.clone();
    let mut program = Program { functions, data, glue, entry, imports, inboxes, app, files };
    prune::prune(&mut program, kept.len());
    program
}

/// Makes what was asked for, and what that asks for.
fn make_all(context: &mut Context<'_>) {
    while let Some((index, key)) = context.instances.next() {
        let mut function = match key {
            Key::Entry(target) => entry::make(context, target),
            Key::Birth(instance) => spawn::birth(context, instance),
            Key::Task(task) => task::birth(context, &task),
            Key::Prompt(entry) => prompt::make(context, &entry),
            Key::Function(instance, closures) => function::lower(context, instance, &closures),
            Key::Value(instance) => function::lower_value(context, instance),
            Key::Derived(derived, ty) => derive::make(context, derived, &ty),
            Key::Drop(glue) => glue::make_drop(context, glue),
            Key::Copy(glue) => glue::make_copy(context, glue),
            Key::Support(support) => intrinsics::make_support(context, support),
        };
        clean::clean(&mut function, index);
        context.instances.put(function);
    }
}
