//! Leaves out the functions and data that nothing names any more.

use std::collections::HashMap;
use std::hash::Hash;

use crate::mir::{Data, DataIdx, FnIdx, Inst, Program, Terminator};

/// The first `data` of the data stay where they are.
pub(super) fn prune(program: &mut Program, data: usize) {
    let mut kept = Kept::default();
    (0..data as u32).for_each(|index| kept.data.see(DataIdx(index)));
    kept.functions.see(program.entry);
    let inboxes = program.inboxes.iter().map(|(_, starts)| starts);
    let app = program.app.iter().map(|(_, starts)| starts);
    inboxes.chain(app).flatten().for_each(|index| kept.functions.see(*index));
    for glue in &program.glue {
        glue.drop.into_iter().chain(glue.copy).for_each(|index| kept.functions.see(index));
    }
    let mut next = 0;
    while let Some(index) = kept.functions.order.get(next).copied() {
        next += 1;
        for block in &mut program.functions[index.0 as usize].blocks {
            for (inst, _) in &mut block.insts {
                each_function(inst, &mut |index| kept.functions.see(*index));
                if let Inst::Data { data, .. } = inst {
                    kept.data.see(*data);
                    if let Data::Closure(index) = &program.data[data.0 as usize] {
                        kept.functions.see(*index);
                    }
                }
            }
            if let Terminator::TailCall { function, .. } = block.end.0 {
                kept.functions.see(function);
            }
        }
    }
    kept.apply(program);
}

/// What is named, in the order in which it is found.
struct Found<I> {
    order: Vec<I>,
    index: HashMap<I, u32>,
}

impl<I> Default for Found<I> {
    fn default() -> Self {
        Self { order: Vec::new(), index: HashMap::new() }
    }
}

impl<I: Copy + Eq + Hash> Found<I> {
    fn see(&mut self, one: I) {
        let next = self.order.len() as u32;
        if *self.index.entry(one).or_insert(next) == next {
            self.order.push(one);
        }
    }

    fn new_index(&self, one: I) -> u32 {
        self.index.get(&one).copied().unwrap_or(0)
    }
}

#[derive(Default)]
struct Kept {
    functions: Found<FnIdx>,
    data: Found<DataIdx>,
}

impl Kept {
    fn apply(&self, program: &mut Program) {
        let function = |index: &mut FnIdx| *index = FnIdx(self.functions.new_index(*index));
        function(&mut program.entry);
        let inboxes = program.inboxes.iter_mut().map(|(_, starts)| starts);
        let app = program.app.iter_mut().map(|(_, starts)| starts);
        inboxes.chain(app).flatten().for_each(function);
        for glue in &mut program.glue {
            glue.drop.iter_mut().chain(&mut glue.copy).for_each(function);
        }
        let mut old: Vec<Option<Data>> =
            std::mem::take(&mut program.data).into_iter().map(Some).collect();
        let data = self.data.order.iter().filter_map(|index| old[index.0 as usize].take());
        program.data = data.collect();
        for data in &mut program.data {
            if let Data::Closure(index) = data {
                function(index);
            }
        }
        let mut old: Vec<Option<_>> =
            std::mem::take(&mut program.functions).into_iter().map(Some).collect();
        let functions =
            self.functions.order.iter().filter_map(|index| old[index.0 as usize].take());
        program.functions = functions.collect();
        let blocks = program.functions.iter_mut().flat_map(|function| &mut function.blocks);
        for block in blocks {
            for (inst, _) in &mut block.insts {
                each_function(inst, &mut |index| function(index));
                if let Inst::Data { data, .. } = inst {
                    *data = DataIdx(self.data.new_index(*data));
                }
            }
            if let Terminator::TailCall { function: index, .. } = &mut block.end.0 {
                function(index);
            }
        }
    }
}

fn each_function(inst: &mut Inst, f: &mut dyn FnMut(&mut FnIdx)) {
    if let Inst::Call { function, .. }
    | Inst::Code { function, .. }
    | Inst::Spawn { function, .. } = inst
    {
        f(function);
    }
}
