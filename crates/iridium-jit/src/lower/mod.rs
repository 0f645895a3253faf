//! From a region to machine code.
//!
//! * [`translator`]: branches, ways out;
//! * [`lanes`]: reading and writing lanes, and [`near`] what is known of their values;
//! * [`fuel`]: looking at fuel, and paying;
//! * [`arithmetic`], [`memory`], [`blocks`], [`calls`]: the instructions;
//! * [`interpret`]: what the interpreter does for native code;
//! * [`instruction`]: which of these does an instruction.

mod arithmetic;
mod blocks;
mod calls;
mod fuel;
mod instruction;
mod interpret;
mod lanes;
mod memory;
mod near;
mod translator;

use std::collections::BTreeSet;

use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{AbiParam, ExternalName, InstBuilder, Signature, Value};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_codegen::{CodegenError, Context as Compilation, FinalizedRelocTarget};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Switch};

use self::translator::{Held, Input, Signatures, Translator, flags};
use crate::context::Context;
use crate::dataflow::Dataflow;
use crate::region::{Region, Source};

/// Why a region cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("its code would be too large")]
    TooLarge,
    #[error(transparent)]
    Library(Box<CodegenError>),
    #[error("its code would call what the library has for processors such as this one")]
    Relocations,
}

/// Compiles regions, one after the other.
pub(crate) struct Lowering {
    isa: std::sync::Arc<dyn TargetIsa>,
    functions: FunctionBuilderContext,
    compilation: Compilation,
}

/// The signature of compiled code: the number of the entry among those of the region, the window in
/// force, fuel and the [`Context`]. It returns why it has [left](crate::context::Leave), and the last
/// three, in the order in which they are in the registers of the arguments then: the context, fuel and
/// the window.
fn signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([AbiParam::new(I64); 4]);
    signature.returns.extend([AbiParam::new(I64); 4]);
    signature
}

/// The signature of a function of the system's convention, with so many parameters.
fn system_signature(parameters: usize) -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend((0..parameters).map(|_| AbiParam::new(I64)));
    signature.returns.push(AbiParam::new(I64));
    signature
}

impl Lowering {
    pub(crate) fn new(isa: std::sync::Arc<dyn TargetIsa>) -> Self {
        Self { isa, functions: FunctionBuilderContext::new(), compilation: Compilation::new() }
    }

    /// The machine code of a region, which calls some others directly, by their first instruction.
    pub(crate) fn region(
        &mut self,
        source: &Source<'_>,
        region: &Region,
        direct: &BTreeSet<u32>,
    ) -> Result<Code, Refused> {
        self.compilation.clear();
        self.fill(source, region, direct)?;
        self.compile()
    }

    /// The same as text, in the assembly language of the machine.
    pub(crate) fn listing(
        &mut self,
        source: &Source<'_>,
        region: &Region,
        direct: &BTreeSet<u32>,
    ) -> Result<(String, usize), Refused> {
        self.compilation.clear();
        self.compilation.set_disasm(true);
        self.fill(source, region, direct)?;
        let code = self.compile()?;
        let compiled = self.compilation.compiled_code();
        let text = compiled.and_then(|compiled| compiled.vcode.clone()).unwrap_or_default();
        Ok((text, code.bytes.len()))
    }

    /// Fills the function in.
    fn fill(
        &mut self,
        source: &Source<'_>,
        region: &Region,
        direct: &BTreeSet<u32>,
    ) -> Result<(), Refused> {
        let flow = Dataflow::new(region).ok_or(Refused::TooLarge)?;
        self.compilation.func.signature = signature();
        let builder = FunctionBuilder::new(&mut self.compilation.func, &mut self.functions);
        let mut builder = translate(builder, source, region, flow, direct);
        builder.seal_all_blocks();
        builder.finalize(self.isa.frontend_config());
        Ok(())
    }

    /// The code by which Rust calls compiled code: a function of the system's convention, of a
    /// [`Context`], the address of the code and the number of the entry. It returns why the code has
    /// left; all else is in the context.
    pub(crate) fn trampoline(&mut self) -> Result<Vec<u8>, Refused> {
        self.compilation.clear();
        self.compilation.func.signature = system_signature(3);
        let mut builder = FunctionBuilder::new(&mut self.compilation.func, &mut self.functions);
        let compiled = builder.import_signature(signature());
        let start = builder.create_block();
        builder.append_block_params_for_function_params(start);
        builder.switch_to_block(start);
        let &[context, code, entry] = builder.block_params(start) else {
            return Err(Refused::TooLarge);
        };
        let [window, fuel] =
            [std::mem::offset_of!(Context, window), std::mem::offset_of!(Context, fuel)]
                .map(|at| builder.ins().load(I64, flags(), context, at as i32));
        let call = builder.ins().call_indirect(compiled, code, &[entry, window, fuel, context]);
        let &[why, context, fuel, _] = builder.inst_results(call) else {
            return Err(Refused::TooLarge);
        };
        builder.ins().store(flags(), fuel, context, std::mem::offset_of!(Context, fuel) as i32);
        builder.ins().return_(&[why]);
        builder.seal_all_blocks();
        builder.finalize(self.isa.frontend_config());
        self.compile().map(|code| code.bytes)
    }

    fn compile(&mut self) -> Result<Code, Refused> {
        let compiled = self
            .compilation
            .compile(&*self.isa, &mut ControlPlane::default())
            .map_err(|error| Refused::Library(Box::new(error.inner)))?;
        let bytes = compiled.code_buffer().to_vec();
        let relocations = compiled.buffer.relocs().to_vec();
        let names = self.compilation.func.params.user_named_funcs();
        let calls = relocations.into_iter().map(|relocation| match relocation.target {
            FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
                let (at, to) = (relocation.offset as usize, names[name].index);
                match (relocation.kind, relocation.addend) {
                    (Reloc::X86CallPCRel4, -4) => Ok(DirectCall { at, to, form: Form::X86 }),
                    (Reloc::Arm64Call, 0) => Ok(DirectCall { at, to, form: Form::Arm }),
                    _ => Err(Refused::Relocations),
                }
            }
            FinalizedRelocTarget::ExternalName(_) | FinalizedRelocTarget::Func(_) => {
                Err(Refused::Relocations)
            }
        });
        Ok(Code { calls: calls.collect::<Result<_, _>>()?, bytes })
    }
}

/// Machine code that can lie anywhere, once its calls are filled in.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) bytes: Vec<u8>,
    pub(crate) calls: Vec<DirectCall>,
}

/// A call of the region that begins at an instruction. Where it is, the code has four bytes that say how
/// far away that region's code is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DirectCall {
    pub(crate) at: usize,
    pub(crate) to: u32,
    form: Form,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    /// A distance in bytes, counted from the end of these.
    X86,
    /// An instruction with a distance in instructions, counted from itself.
    Arm,
}

impl DirectCall {
    /// The four bytes for code that begins so many bytes after them, or before; `None` when that is too
    /// far.
    pub(crate) fn bytes(self, distance: i64) -> Option<[u8; 4]> {
        match self.form {
            Form::X86 => Some(i32::try_from(distance - 4).ok()?.to_le_bytes()),
            Form::Arm => {
                let instructions = distance / 4;
                let fits = (-(1 << 25)..1 << 25).contains(&instructions);
                // `bl`, whose lower 26 bits are the distance.
                fits.then(|| (0x9400_0000 | instructions as u32 & 0x03ff_ffff).to_le_bytes())
            }
        }
    }
}

/// Fills in the function.
fn translate<'b>(
    mut builder: FunctionBuilder<'b>,
    source: &Source<'_>,
    region: &Region,
    flow: Dataflow,
    direct: &BTreeSet<u32>,
) -> FunctionBuilder<'b> {
    let signatures = Signatures {
        region: builder.import_signature(signature()),
        step: builder.import_signature(system_signature(1)),
        beside: builder.import_signature(system_signature(4)),
    };
    let start = builder.create_block();
    builder.append_block_params_for_function_params(start);
    builder.switch_to_block(start);
    let parameter = |number: usize| builder.block_params(start)[number];
    let entry = parameter(0);
    let arguments = Held { window: parameter(1), fuel: parameter(2), context: parameter(3) };
    let input = Input { source, region, flow, direct };
    let mut translator = Translator::new(builder, arguments, signatures, input);
    choose_entry(&mut translator, entry);
    translator.enter();
    let mut is_open = false;
    for position in 0..translator.length() {
        // Elsewhere control does not come to.
        if translator.go_to(position, is_open) || is_open {
            is_open = translator.translate();
        }
    }
    translator.finish()
}

/// Ends the first block by going to the entry that is asked for, by its number.
fn choose_entry(translator: &mut Translator<'_, '_>, entry: Value) {
    let entries = translator.entry_blocks().to_vec();
    match entries.as_slice() {
        [] => {}
        [only] => {
            translator.builder.ins().jump(*only, &[]);
        }
        [first, others @ .., last] => {
            // Most often it is a call, which begins at the first.
            let elsewhere = translator.builder.create_block();
            translator.builder.set_cold_block(elsewhere);
            translator.builder.ins().brif(entry, elsewhere, &[], *first, &[]);
            translator.builder.switch_to_block(elsewhere);
            let mut switch = Switch::new();
            for (number, block) in (1..).zip(others) {
                switch.set_entry(number, *block);
            }
            switch.emit(&mut translator.builder, entry, *last);
        }
    }
}
