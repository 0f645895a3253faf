//! What the machine does for the library: instructions with operands of their own.

use iridium_isa::Instruction as I;
use iridium_isa::operand::{Float, FloatOut, Import, Int, IntMut, IntOut, IntPair, Window};

use super::allocate::Lane;
use super::function::Emitter;
use super::select;
use crate::mir::{MachineOp, Reg};

impl Emitter<'_> {
    pub(super) fn machine(&mut self, op: MachineOp, args: &[Reg], results: &[Reg]) {
        // The lowering gives as many as the operation has.
        let arg = |emitter: &Self, nth: usize| args.get(nth).map_or(0, |reg| emitter.place(*reg));
        let int = |emitter: &Self, nth: usize| Int(arg(emitter, nth));
        let result = results.first().map_or(0, |reg| self.place(*reg));
        let d = IntOut(result);
        let instruction = match op {
            // It is a copy by now.
            MachineOp::Address => return,
            MachineOp::Print => I::Prtm { a: int(self, 0), len: int(self, 1) },
            MachineOp::PrintChar => I::Prtc { a: int(self, 0) },
            MachineOp::Copy => I::Memcpy { d: int(self, 0), a: int(self, 1), len: int(self, 2) },
            MachineOp::Fill => I::Memset { d: int(self, 0), b: int(self, 1), len: int(self, 2) },
            MachineOp::CompareBytes => {
                I::Memcmp { a: int(self, 0), b: int(self, 1), len: int(self, 2), d }
            }
            MachineOp::IntText => I::Itoa { a: int(self, 0), m: int(self, 1), d },
            MachineOp::FloatText => {
                let (a, m) = (Float(arg(self, 0)), int(self, 1));
                self.moves(&[(Lane::Int, result, arg(self, 2))]);
                I::Ftoa { a, m, d: IntMut(result) }
            }
            MachineOp::ParseFloat => return self.parse_float(int(self, 0), int(self, 1), results),
            MachineOp::Utf8 => I::Utf8 { a: int(self, 0), len: int(self, 1), d },
            MachineOp::Find => return self.find(args, d),
            MachineOp::Hash => {
                let (a, len) = (int(self, 0), int(self, 1));
                self.moves(&[(Lane::Int, result, arg(self, 2))]);
                I::Hash { a, len, d: IntMut(result) }
            }
            MachineOp::Now => I::Now { d },
            MachineOp::Mono => I::Mono { d },
            MachineOp::Random => I::Rand { d },
            MachineOp::Sleep => I::Sleep { a: int(self, 0) },
            MachineOp::Host(function) => return self.host(Import(function), args, results),
        };
        self.code.push(instruction);
    }

    /// Whether it is a float is told by the flag.
    fn parse_float(&mut self, a: Int, len: Int, results: &[Reg]) {
        let [float, is_float] = results else { return };
        let (d, is_float) = (FloatOut(self.place(*float)), self.place(*is_float));
        let done = self.code.label();
        self.code.push(I::Atof { a, len, d });
        self.code.push(select::integer(is_float, 1));
        self.code.push_to(done, |l| I::Djmpe { l });
        self.code.push(select::integer(is_float, 0));
        self.code.bind(done);
    }

    /// Its operands are pairs, which lie above all that outlasts it.
    fn find(&mut self, args: &[Reg], d: IntOut) {
        let first = self.top();
        let moves: Vec<_> = args
            .iter()
            .zip(0..)
            .map(|(reg, at)| (Lane::Int, self.above(first, at), self.place(*reg)))
            .collect();
        self.moves(&moves);
        let (h, m) = (IntPair(first), IntPair(self.above(first, 2)));
        self.code.push(I::Find { h, m, d });
    }

    fn host(&mut self, f: Import, args: &[Reg], results: &[Reg]) {
        let first = self.top();
        // The window is eight registers, whatever is used of it.
        self.above(first, 7);
        let in_window = |emitter: &mut Self, regs: &[Reg]| -> Vec<(Lane, u8, u8)> {
            let places = regs.iter().zip(0..).map(|(reg, at)| {
                let lane = if emitter.is_float(*reg) { Lane::Float } else { Lane::Int };
                (lane, first.saturating_add(at), emitter.place(*reg))
            });
            places.collect()
        };
        let passed = in_window(self, args);
        self.moves(&passed);
        self.code.push(I::Host { f, k: Window(first) });
        let taken: Vec<_> =
            in_window(self, results).into_iter().map(|(lane, from, to)| (lane, to, from)).collect();
        self.moves(&taken);
    }
}
