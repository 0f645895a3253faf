//! What the interpreter does for native code, which calls it and goes on.

use std::mem::offset_of;

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::IntCC;
use iridium_isa::Fuel;

use super::translator::Translator;
use crate::context::{Context, NOT_DONE};

impl Translator<'_, '_> {
    /// Has the interpreter do the current instruction, and goes on after it, unless it stops.
    pub(super) fn step(&mut self) {
        self.settle(0);
        self.take_step();
        self.go_on_after();
        self.forget_lanes();
    }

    /// The same when all lanes are at home, where they stay.
    fn take_step(&mut self) {
        let pc = self.number(i64::from(self.index()));
        let [fuel, window] = [self.fuel(), self.window()];
        for (at, value) in [
            (offset_of!(Context, pc), pc),
            (offset_of!(Context, fuel), fuel),
            (offset_of!(Context, window), window),
        ] {
            self.set_part(at, value);
        }
        let step = self.part(offset_of!(Context, step));
        let context = self.context();
        let call = self.builder.ins().call_indirect(self.signatures.step, step, &[context]);
        let why = self.builder.inst_results(call)[0];
        let fuel = self.part(offset_of!(Context, fuel));
        self.set_fuel(fuel);
        let (go_on, stop) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(stop);
        self.builder.ins().brif(why, stop, &[], go_on, &[]);
        self.begin(stop);
        self.return_why(why);
        self.begin(go_on);
    }

    /// Does the current instruction by a function that does its common case, or else by a step.
    pub(super) fn do_beside(&mut self) {
        self.settle(0);
        let index = self.number(i64::from(self.index()));
        let beside = self.part(offset_of!(Context, beside));
        let arguments = [self.context(), index, self.window(), self.fuel()];
        let call = self.builder.ins().call_indirect(self.signatures.beside, beside, &arguments);
        let left = self.builder.inst_results(call)[0];
        let [done, rare, after] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(rare);
        let is_done = self.builder.ins().icmp_imm_s(IntCC::NotEqual, left, NOT_DONE);
        self.likely(is_done, done, &[], rare);
        self.begin(rare);
        self.take_step();
        self.builder.ins().jump(after, &[]);
        self.begin(done);
        self.set_fuel(left);
        self.builder.ins().jump(after, &[]);
        self.begin(after);
        self.go_on_after();
        self.forget_lanes();
    }

    /// Goes on after an instruction that was done elsewhere, if there is the fuel that is needed then. All
    /// lanes are at home.
    fn go_on_after(&mut self) {
        self.look_or_leave(self.needs_after(), self.index() + 1);
    }

    /// Fills the way out to the interpreter.
    pub(super) fn interpret(&mut self) {
        if !self.operation().is_stepped {
            return self.leave();
        }
        debug_assert!(self.operation().may_leave, "{:?} is stepped", self.instruction());
        let owed = self.owed;
        self.write_back();
        self.settle(0);
        self.take_step();
        self.go_on_after();
        self.load_lanes_after();
        self.owed = owed;
        // Where the ways meet, the common case owes that, unless it has paid.
        if self.instruction().opcode().fuel() == Fuel::Free {
            self.lend(owed + u32::from(self.is_toll()));
        }
        let done = self.builder.create_block();
        self.builder.ins().jump(done, &[]);
        self.ways_out.done = Some(done);
    }
}
