//! Calls, which are made natively, and returns. A call's frame is made when a stop cuts it short.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{
    BlockArg, ExtFuncData, ExternalName, FuncRef, Inst, InstBuilder, UserExternalName, Value,
};
use iridium_isa::Instruction;
use iridium_vm::{Frame, Register};

use super::translator::{Translator, flags};
use crate::context::Context;
use crate::entries::{ADDRESS_SHIFT, NUMBER_MASK};

/// What is called.
enum Callee {
    /// Code that lies in the same memory.
    Direct(FuncRef),
    /// What the table of entries says.
    Entry(Value),
}

/// How far a callee's window is above its caller's.
fn bytes_of_slide(slide: u8) -> i64 {
    i64::from(slide) * size_of::<Register>() as i64
}

impl Translator<'_, '_> {
    /// Calls an instruction.
    pub(super) fn call(&mut self, to: u32) {
        let callee = self.callee(to);
        self.call_callee(&callee);
    }

    /// Calls the instruction whose index is in a register.
    pub(super) fn call_computed(&mut self, register: u8) {
        let index = self.int(register);
        let length = self.code_length() as i64;
        let exists = self.builder.ins().icmp_imm_s(IntCC::UnsignedLessThan, index, length);
        self.guard(exists);
        let entries = self.part(offset_of!(Context, entries));
        let offset = self.builder.ins().ishl_imm_s(index, 3);
        let place = self.builder.ins().iadd(entries, offset);
        let callee = self.entry_at(place, 0);
        self.call_callee(&callee);
    }

    /// When something stops the callee, this code has nothing left to do: all that it knew is at home,
    /// and its caller learns why. There is fuel for the call and for the callee's start.
    fn call_callee(&mut self, callee: &Callee) {
        let slide = match self.instruction() {
            Instruction::Callw { k, .. } | Instruction::Callwr { k, .. } => k.0,
            _ => 0,
        };
        self.look_at_room(slide);
        self.settle(1);
        let [window, fuel, context] = [self.slide(slide), self.fuel(), self.context()];
        let call = match callee {
            Callee::Direct(region) => {
                let first = self.number(0);
                self.builder.ins().call(*region, &[first, window, fuel, context])
            }
            Callee::Entry(word) => {
                let code = self.builder.ins().ushr_imm_s(*word, i64::from(ADDRESS_SHIFT));
                let entry = self.builder.ins().band_imm_s(*word, NUMBER_MASK as i64);
                let arguments = [entry, window, fuel, context];
                self.builder.ins().call_indirect(self.signatures.region, code, &arguments)
            }
        };
        self.after_call(call, slide);
    }

    /// What a call of an instruction goes to; leaves when there is no native code for it.
    fn callee(&mut self, to: u32) -> Callee {
        if self.direct.contains(&to) {
            let name = UserExternalName { namespace: 0, index: to };
            let name = self.builder.func.declare_imported_user_function(name);
            return Callee::Direct(self.builder.import_function(ExtFuncData {
                name: ExternalName::user(name),
                signature: self.signatures.region,
                colocated: true,
                patchable: false,
            }));
        }
        let entries = self.part(offset_of!(Context, entries));
        self.entry_at(entries, to as i32 * 8)
    }

    /// The entry at a place in the table; leaves when there is none.
    fn entry_at(&mut self, place: Value, offset: i32) -> Callee {
        let word = self.builder.ins().load(I64, flags(), place, offset);
        let is_native = self.builder.ins().icmp_imm_s(IntCC::NotEqual, word, 0);
        self.guard(is_native);
        Callee::Entry(word)
    }

    /// The window of a callee.
    fn slide(&mut self, slide: u8) -> Value {
        let window = self.window();
        self.builder.ins().iadd_imm_s(window, bytes_of_slide(slide))
    }

    /// Leaves when a callee's window has not all its registers yet, or when native calls have used up the
    /// stack.
    fn look_at_room(&mut self, slide: u8) {
        let window = self.slide(slide);
        let last = self.part(offset_of!(Context, last_window));
        let is_there = self.builder.ins().icmp(IntCC::UnsignedLessThanOrEqual, window, last);
        self.guard(is_there);
        let stack = self.builder.ins().get_stack_pointer(I64);
        let limit = self.part(offset_of!(Context, stack_limit));
        let has_stack = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, stack, limit);
        self.guard(has_stack);
    }

    fn after_call(&mut self, call: Inst, slide: u8) {
        let [why, context, fuel, window] =
            [0, 1, 2, 3].map(|result| self.builder.inst_results(call)[result]);
        self.builder.def_var(self.held.context, context);
        self.builder.def_var(self.held.window, window);
        self.set_fuel(fuel);
        let (go_on, stop) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(stop);
        let has_returned = self.builder.ins().icmp_imm_s(IntCC::SignedLessThanOrEqual, why, 0);
        self.likely(has_returned, go_on, &[], stop);
        self.begin(stop);
        self.unwind(why, slide);
        self.begin(go_on);
        let window = self.builder.ins().iadd_imm_s(window, -bytes_of_slide(slide));
        self.builder.def_var(self.held.window, window);
        match self.entry_block(self.index() + 1) {
            Some(entry) => {
                // Where functions begin their callers look, but not for what comes after a return.
                if self.index() + 1 == self.region.start {
                    self.look_or_leave(self.needs_after(), self.index() + 1);
                }
                self.builder.ins().jump(entry, &[]);
            }
            // No entry, since the interpreter does what comes after the call.
            None => {
                self.forget_lanes();
                self.jump_to_block(self.index() + 1);
            }
        }
    }

    /// Adds the current call's frame to those that are unwound, and hands on why. The current block ends.
    fn unwind(&mut self, why: Value, slide: u8) {
        let frame = self.number(i64::from(self.index() + 1) | i64::from(slide) << 32);
        let block = self.unwind.unwrap_or_else(|| self.builder.create_block());
        self.builder.ins().jump(block, &[why, frame].map(BlockArg::Value));
        self.unwind = Some(block);
    }

    /// Fills the block that does this for all calls, if there is one.
    pub(super) fn fill_unwind(&mut self) {
        let Some(block) = self.unwind else { return };
        self.builder.set_cold_block(block);
        let [why, frame] = [(); 2].map(|()| self.builder.append_block_param(block, I64));
        self.begin(block);
        let unwound = self.part(offset_of!(Context, unwound));
        let place = self.builder.ins().iadd_imm_s(unwound, -(size_of::<Frame>() as i64));
        self.builder.ins().store(flags(), frame, place, 0);
        self.set_part(offset_of!(Context, unwound), place);
        self.return_why(why);
    }

    /// Returns. A native caller knows its window and where it goes on; the engine, if it is the caller,
    /// looks at the frame, and takes this back when there is none.
    pub(super) fn return_from_call(&mut self) {
        self.settle(1);
        let why = self.number(-i64::from(self.index()));
        self.return_why(why);
    }
}
