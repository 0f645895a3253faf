//! Looking at fuel and paying, as the [`Dues`](crate::dues::Dues) say.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value};

use super::translator::Translator;

impl Translator<'_, '_> {
    /// How much fuel there must be after the current instruction, if it goes on to the next.
    pub(super) fn needs_after(&self) -> u32 {
        self.region.position(self.index() + 1).map_or(0, |position| self.dues.needs(position))
    }

    /// Goes on if there is so much fuel.
    pub(super) fn look(&mut self, needs: u32) {
        let has_fuel = self.has_fuel(needs + self.owed);
        self.guard(has_fuel);
    }

    /// Goes on if there is so much fuel, of which nothing is owed, and else leaves an instruction to the
    /// interpreter. All lanes are at home.
    pub(super) fn look_or_leave(&mut self, needs: u32, index: u32) {
        if needs == 0 {
            return;
        }
        let has_fuel = self.has_fuel(needs);
        let (go_on, short) = (self.builder.create_block(), self.builder.create_block());
        if self.is_cold() {
            self.builder.set_cold_block(go_on);
        }
        self.builder.set_cold_block(short);
        self.likely(has_fuel, go_on, &[], short);
        self.begin(short);
        self.leave_before(index);
        self.begin(go_on);
    }

    fn has_fuel(&mut self, least: u32) -> Value {
        let fuel = self.fuel();
        self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, fuel, i64::from(least))
    }

    /// Pays a debt but for a rest of it.
    pub(super) fn pay_but(&mut self, rest: u32, owed: u32) {
        if owed > rest {
            let fuel = self.fuel();
            let left = self.builder.ins().iadd_imm_s(fuel, i64::from(rest) - i64::from(owed));
            self.set_fuel(left);
        }
    }

    /// Pays what is owed, and so much.
    pub(super) fn settle(&mut self, cost: u32) {
        self.pay_but(0, self.owed + cost);
        self.owed = 0;
    }

    /// Takes back that so much was paid: it is owed again.
    pub(super) fn lend(&mut self, owed: u32) {
        if owed > 0 {
            let fuel = self.fuel();
            // Of two additions the library makes one of three parts, for which it needs a register more.
            let less = self.number(-i64::from(owed));
            let more = self.builder.ins().isub(fuel, less);
            self.set_fuel(more);
        }
    }

    /// Looks at the fuel for a toll, when the current instruction is one that must.
    pub(super) fn look_at_toll(&mut self) {
        if let Some(needs) = self.dues.toll_looks(self.position).filter(|_| self.is_toll()) {
            self.look(needs);
        }
    }

    /// Owes a toll, when the current instruction is one.
    pub(super) fn owe_toll(&mut self) {
        self.owed += u32::from(self.is_toll());
    }

    /// Looks at the fuel for a jump to an instruction, when it must.
    pub(super) fn look_before_jump(&mut self, to: u32) {
        let to = self.region.position(to);
        if let Some(needs) = to.and_then(|to| self.dues.jump_looks(self.position, to)) {
            self.look(needs);
        }
    }

    /// Goes to an instruction, for which it owes 1, after it has looked.
    pub(super) fn jump_owing(&mut self, to: u32) {
        self.go_owing(to, self.owed + 1);
    }

    /// Jumps to an instruction.
    pub(super) fn jump(&mut self, to: u32) {
        match self.block(to) {
            Some(head) if to <= self.index() => self.jump_back(to, head),
            _ => {
                self.look_before_jump(to);
                self.jump_owing(to);
            }
        }
    }

    /// Jumps back, where nothing is owed. It pays first, so that the jump is the one that looks at what is
    /// left; where that is too little, it takes back what the jump costs.
    fn jump_back(&mut self, to: u32, head: Block) {
        self.pay_but(0, self.owed + 1);
        self.arrive(to);
        let least = self.region.position(to).map_or(0, |position| self.dues.needs(position));
        let has_fuel = self.has_fuel(least);
        let short = self.builder.create_block();
        self.builder.set_cold_block(short);
        self.builder.ins().brif(has_fuel, head, &[], short, &[]);
        self.begin(short);
        self.write_back();
        self.lend(1);
        self.leave_before(self.index());
    }

    fn go_owing(&mut self, to: u32, owed: u32) {
        let rest = self.region.position(to).map_or(0, |position| self.dues.owed(position));
        self.pay_but(rest, owed);
        self.jump_to_block(to);
    }

    /// Goes on to the next instruction from one that might have gone elsewhere.
    pub(super) fn fall_through(&mut self) {
        self.go_owing(self.index() + 1, self.owed + u32::from(self.is_toll()));
    }
}
