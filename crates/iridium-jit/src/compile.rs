//! Compiling some of a module's regions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::settings::{self, Configurable, SetError};
use iridium_isa::Module;

use crate::code_memory::{self, CodeMemory};
use crate::entries::Entry;
use crate::lower::{Code, DirectCall, Lowering};
use crate::region::{Entries, Region, Source};
use crate::stats::Counters;

/// Instructions of functions that are compiled because they are called, at most at a time.
const MOST_CALLED: usize = 1024;

/// Compiles regions for this machine.
pub(crate) struct Compiler {
    lowering: Lowering,
    counters: Arc<Counters>,
    trampoline: Arc<CodeMemory>,
    closing: Arc<AtomicBool>,
}

/// Code of some regions that lies together.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) memory: CodeMemory,
    /// The code by which it is entered.
    pub(crate) trampoline: Arc<CodeMemory>,
    /// By instruction.
    pub(crate) entries: Vec<(u32, Entry)>,
    /// How many instructions were compiled.
    pub(crate) instructions: usize,
}

/// There is code, and no room for it.
struct NoRoom;

/// How far the compilation of a module has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Where functions begin, as far as the code shows; empty until it is needed.
    functions: BTreeSet<u32>,
    /// Which instructions are tolls; empty until it is needed.
    tolls: Arc<[bool]>,
    /// The regions that were compiled, or were refused, by their first instruction.
    done: BTreeSet<u32>,
}

impl Compiler {
    /// `None` on a machine that there is no code for. When `closing` becomes true it compiles no more.
    pub(crate) fn new(counters: Arc<Counters>, closing: Arc<AtomicBool>) -> Option<Self> {
        Self::with_isa(isa()?, counters, closing)
    }

    /// Compiles for a machine that need not be this one.
    pub(crate) fn with_isa(
        isa: Arc<dyn TargetIsa>,
        counters: Arc<Counters>,
        closing: Arc<AtomicBool>,
    ) -> Option<Self> {
        let mut lowering = Lowering::new(isa);
        let trampoline = lowering.trampoline().ok()?;
        let trampoline = Arc::new(CodeMemory::new(&[trampoline], &counters.budget)?);
        Some(Self { lowering, counters, trampoline, closing })
    }

    /// Compiles the region that an instruction is in, and those that it calls, as far as they are not
    /// yet compiled. `None` when there is nothing that can be.
    pub(crate) fn around(
        &mut self,
        module: &Module,
        progress: &mut Progress,
        index: u32,
    ) -> Option<Batch> {
        let source = progress.source(module);
        let first = progress.region_of(&source, index, &self.counters)?;
        let mut left = MOST_CALLED;
        let mut regions = Vec::new();
        let mut called = first.calls.clone();
        progress.done.insert(first.start);
        regions.push(first);
        while let Some(start) = called.pop_first() {
            if progress.done.contains(&start) {
                continue;
            }
            let Some(region) = progress.explore(&source, start, &self.counters) else {
                continue;
            };
            if region.members.len() > left {
                continue;
            }
            called.extend(&region.calls);
            left -= region.members.len();
            progress.done.insert(region.start);
            regions.push(region);
        }
        self.batch(&source, &regions).unwrap_or_else(|NoRoom| {
            // When the place is hotter there may be room.
            for region in &regions {
                progress.done.remove(&region.start);
            }
            None
        })
    }

    /// Compiles all of a module that can be compiled, with code at each instruction that control can
    /// come to.
    pub(crate) fn all(&mut self, module: &Module, entries: Entries) -> Option<Batch> {
        let mut progress = Progress::default();
        let source = progress.source(module);
        let mut covered = BTreeSet::new();
        let mut regions = Vec::new();
        let functions = progress.functions.iter().copied();
        for start in functions.chain(0..module.code().len() as u32) {
            // A function has code of its own, also when it is a part of another region.
            if covered.contains(&start) && !progress.functions.contains(&start)
                || !progress.done.insert(start)
            {
                continue;
            }
            if let Some(region) = Region::explore(&source, start, entries) {
                covered.extend(region.members.iter().map(|(index, _)| *index));
                regions.push(region);
            }
        }
        self.batch(&source, &regions).unwrap_or(None)
    }

    /// The code of those regions that are not refused, by their first instruction. `None` when nobody
    /// wants it any more.
    fn pieces(&mut self, source: &Source<'_>, regions: &[&Region]) -> Option<BTreeMap<u32, Code>> {
        let direct =
            regions.iter().filter(|region| region.begins_native()).map(|region| region.start);
        let direct = direct.collect();
        let mut pieces = BTreeMap::new();
        for region in regions {
            if self.closing.load(Ordering::Relaxed) {
                return None;
            }
            match self.lowering.region(source, region, &direct) {
                Ok(code) => drop(pieces.insert(region.start, code)),
                Err(refused) => {
                    log::debug!("a function is left to the interpreter: {refused}");
                    self.counters.refused();
                }
            }
        }
        Some(pieces)
    }

    /// The code of some regions; nothing when there is nothing that can be compiled.
    fn batch(&mut self, source: &Source<'_>, regions: &[Region]) -> Result<Option<Batch>, NoRoom> {
        let Some((compiled, pieces)) = self.linked_pieces(source, regions) else { return Ok(None) };
        let Some(memory) = CodeMemory::new(&pieces, &self.counters.budget) else {
            self.counters.no_room();
            return Err(NoRoom);
        };
        let Some(entries) = entries(&compiled, &memory) else { return Ok(None) };
        let instructions = compiled.iter().map(|region| region.members.len()).sum();
        self.counters.compiled(compiled.len(), instructions, memory.len());
        let trampoline = Arc::clone(&self.trampoline);
        Ok(Some(Batch { memory, trampoline, entries, instructions }))
    }

    /// Those regions that are not refused, and their code.
    fn linked_pieces<'r>(
        &mut self,
        source: &Source<'_>,
        regions: &'r [Region],
    ) -> Option<(Vec<&'r Region>, Vec<Vec<u8>>)> {
        let mut compiled: Vec<_> =
            regions.iter().filter(|region| !region.entries.is_empty()).collect();
        loop {
            if compiled.is_empty() {
                return None;
            }
            let pieces = self.pieces(source, &compiled)?;
            if pieces.len() == compiled.len() {
                let pieces = linked(&compiled, pieces)?;
                return Some((compiled, pieces));
            }
            // Those that were refused cannot be called.
            compiled.retain(|region| pieces.contains_key(&region.start));
        }
    }
}

/// Where native code may begin in the code of some regions, by instruction.
fn entries(compiled: &[&Region], memory: &CodeMemory) -> Option<Vec<(u32, Entry)>> {
    // The first instruction of a region goes before one within another.
    let mut entries = BTreeMap::new();
    for (piece, region) in compiled.iter().enumerate() {
        let address = memory.piece(piece)?.addr();
        for (number, index) in region.entries.iter().enumerate() {
            let entry = Entry::new(address, number)?;
            if *index == region.start {
                entries.insert(*index, entry);
            } else {
                entries.entry(*index).or_insert(entry);
            }
        }
    }
    Some(entries.into_iter().collect())
}

/// Fills the calls between the pieces in. They are in the order of the regions then.
fn linked(regions: &[&Region], mut pieces: BTreeMap<u32, Code>) -> Option<Vec<Vec<u8>>> {
    let mut codes: Vec<Code> =
        regions.iter().map(|region| pieces.remove(&region.start)).collect::<Option<_>>()?;
    let starts = code_memory::starts(codes.iter().map(|code| code.bytes.len()));
    let start_of: BTreeMap<u32, usize> =
        regions.iter().map(|region| region.start).zip(starts.iter().copied()).collect();
    for (start, code) in starts.iter().zip(&mut codes) {
        for call in &code.calls {
            let DirectCall { at, to, .. } = *call;
            let distance = *start_of.get(&to)? as i64 - (start + at) as i64;
            code.bytes.get_mut(at..at + 4)?.copy_from_slice(&call.bytes(distance)?);
        }
    }
    Some(codes.into_iter().map(|code| code.bytes).collect())
}

impl Progress {
    /// The module as the translator reads it. All of it is looked at once.
    fn source<'m>(&mut self, module: &'m Module) -> Source<'m> {
        if self.functions.is_empty() {
            let source = Source::new(module);
            self.functions = functions(&source);
            self.tolls = Arc::clone(&source.tolls);
        }
        Source::with_tolls(module, Arc::clone(&self.tolls))
    }

    /// The region that an instruction is in, unless it is done: that of the function before it, or one
    /// that begins at the instruction.
    fn region_of(
        &mut self,
        source: &Source<'_>,
        index: u32,
        counters: &Counters,
    ) -> Option<Region> {
        let function = self.functions.range(..=index).next_back().copied();
        for start in function.into_iter().chain([index]) {
            let Some(region) = self.explore(source, start, counters) else { continue };
            if region.position(index).is_some() {
                return (!self.done.contains(&start)).then_some(region);
            }
        }
        None
    }

    /// The region that begins at an instruction. One that is too large is done.
    fn explore(&mut self, source: &Source<'_>, start: u32, counters: &Counters) -> Option<Region> {
        let region = Region::explore(source, start, Entries::Usual);
        if region.is_none() && self.done.insert(start) {
            counters.too_large();
        }
        region
    }
}

/// Where functions begin, as far as the code shows.
pub(crate) fn functions(source: &Source<'_>) -> BTreeSet<u32> {
    let mut functions = BTreeSet::from([source.module.entry()]);
    functions.extend(source.module.exports().iter().map(|(_, index)| *index));
    let mut reached = vec![false; source.code.len()];
    for (index, instruction) in (0..).zip(source.code) {
        let Some(operation) = source.operation(index) else { continue };
        let returned_to = operation.comes_back().then_some(index + 1);
        for to in operation.successors(index).chain(returned_to) {
            if let Some(reached) = reached.get_mut(to as usize) {
                *reached = true;
            }
        }
        if instruction.opcode().is_call() {
            functions.extend(instruction.slots().target);
        }
    }
    // What nothing goes on to is called through a register, if at all.
    functions.extend((0..).zip(reached).filter(|(_, is)| !is).map(|(index, _)| index));
    functions
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiler").field("counters", &self.counters).finish_non_exhaustive()
    }
}

/// Whether there is code for machines such as this one: whether it was tested there, or in an emulator.
pub(crate) const IS_SUPPORTED: bool =
    cfg!(any(all(target_arch = "x86_64", unix), all(target_arch = "aarch64", target_os = "linux")));

/// This machine as the library sees it, if there is code for it.
pub(crate) fn isa() -> Option<Arc<dyn TargetIsa>> {
    if !IS_SUPPORTED {
        return None;
    }
    let flags = flags().ok()?;
    cranelift_native::builder().ok()?.finish(flags).ok()
}

pub(crate) fn flags() -> Result<settings::Flags, SetError> {
    let mut flags = settings::builder();
    // As quick code as with `speed`, and compiled in three quarters of the time.
    flags.set("opt_level", "none")?;
    flags.set("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" })?;
    flags.set("unwind_info", "false")?;
    flags.set("enable_probestack", "false")?;
    // Tail calls need it on x86-64, and `LEAST_STACK` everywhere.
    flags.set("preserve_frame_pointers", "true")?;
    Ok(settings::Flags::new(flags))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use iridium_asm::Assembler;

    use super::*;
    use crate::code_memory::Budget;

    #[test]
    fn what_found_no_room_is_compiled_when_there_is_room() {
        let budget = Budget::new(64 << 10);
        let counters = Arc::new(Counters::new(Arc::clone(&budget)));
        let Some(mut compiler) = Compiler::new(Arc::clone(&counters), Arc::default()) else {
            return;
        };
        let source = "l: addi $0 #1 $0\nbrlt $0 $1 @l\nhlt";
        let module = Assembler::new("test.iasm").assemble(source).unwrap().module;
        let mut progress = Progress::default();
        let others = vec![0; budget.limit() - budget.taken()];
        let others = CodeMemory::new(&[others], &budget).unwrap();
        assert!(compiler.around(&module, &mut progress, 0).is_none());
        assert_eq!(counters.stats().no_room, 1);
        drop(others);
        assert!(compiler.around(&module, &mut progress, 0).is_some());
        assert!(compiler.around(&module, &mut progress, 0).is_none(), "it is done");
    }
}
