//! What the machine does for the library: instructions with operands of their own.

use iridium_isa::Instruction as I;
use iridium_isa::operand::{
    Float, FloatOut, Import, Int, IntMut, IntOut, IntOut3, IntPair, Switch, Window,
};

use super::allocate::Lane;
use super::function::Emitter;
use super::select;
use crate::mir::{FnIdx, MachineOp, Reg};

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
            MachineOp::OwnPid => I::SelfPid { d },
            MachineOp::Send => return self.send(args),
            MachineOp::SendInt => I::Sendi { p: int(self, 0), t: int(self, 1), a: int(self, 2) },
            MachineOp::SendFloat => {
                I::SendF64 { p: int(self, 0), t: int(self, 1), a: Float(arg(self, 2)) }
            }
            MachineOp::Receive => return self.receive(args, results),
            MachineOp::ReceiveWithin => return self.receive_within(args, results),
            MachineOp::MessageInt => I::Msgi { d },
            MachineOp::MessageFloat => I::MsgF64 { d: FloatOut(result) },
            MachineOp::MessageBytes => I::Msgm { a: int(self, 0), d },
            MachineOp::MonitorUntil => I::Monitort { p: int(self, 0), t: int(self, 1) },
            MachineOp::Monitor => I::Monitor { p: int(self, 0), d },
            MachineOp::Demonitor => I::Demonitor { a: int(self, 0) },
            MachineOp::Link => I::Link { p: int(self, 0) },
            MachineOp::Unlink => I::Unlink { p: int(self, 0) },
            MachineOp::Kill => I::Kill { p: int(self, 0), a: int(self, 1) },
            MachineOp::TrapExits => I::Trapexit { n: Switch(1) },
            MachineOp::Register => {
                I::Registerm { a: int(self, 0), len: int(self, 1), p: int(self, 2) }
            }
            MachineOp::Unregister => {
                I::Unregisterm { a: int(self, 0), len: int(self, 1), p: int(self, 2) }
            }
            MachineOp::Whereis => return self.whereis(int(self, 0), int(self, 1), result),
            MachineOp::OwnNode => I::Node { d },
            MachineOp::Nodes => I::Nodes { d },
            MachineOp::NodeAt => I::Nodeat { a: int(self, 0), d },
            MachineOp::MonitorNodes => I::Monnodes { n: Switch(1) },
            MachineOp::Host(function) => return self.host(Import(function), args, results),
        };
        self.code.push(instruction);
    }

    /// Whether it is a float is told by the flag.
    fn parse_float(&mut self, a: Int, len: Int, results: &[Reg]) {
        let [float, is_float] = results else { return };
        let d = FloatOut(self.place(*float));
        self.code.push(I::Atof { a, len, d });
        self.flag(*is_float);
    }

    /// The process starts with copies of a window. The node follows the arguments, which might take
    /// its place otherwise.
    pub(super) fn spawn(&mut self, d: Reg, function: FnIdx, args: &[Reg], node: Option<Reg>) {
        let passed: Vec<Reg> = args.iter().copied().chain(node).collect();
        let first = self.pass(&passed);
        // The window is eight registers, whatever is used of it.
        self.above(first, 7);
        let (k, d) = (Window(first), IntOut(self.place(d)));
        if node.is_some() {
            let ints = args.iter().filter(|reg| !self.is_float(**reg)).count();
            let a = Int(self.above(first, ints as u8));
            self.code.push_call(function, |l| I::Spawnat { a, l, k, d });
        } else {
            self.code.push_call(function, |l| I::Spawn { l, k, d });
        }
    }

    fn send(&mut self, args: &[Reg]) {
        let [p, t, address, length] = args else { return };
        let (p, t) = (self.place(*p), self.place(*t));
        // Both are read with the pair, though they may not outlast the instruction.
        let above = self.above(p.max(t), 1);
        let m = self.pair(above, self.place(*address), self.place(*length));
        self.code.push(I::Send { p: Int(p), t: Int(t), m });
    }

    /// Two registers as a pair. If they do not lie as one, it is above all that outlasts it, and not
    /// below another register.
    fn pair(&mut self, least: u8, a: u8, b: u8) -> IntPair {
        if a.checked_add(1) == Some(b) {
            return IntPair(a);
        }
        let first = self.top().max(least);
        let second = self.above(first, 1);
        self.moves(&[(Lane::Int, first, a), (Lane::Int, second, b)]);
        IntPair(first)
    }

    /// Tells of the message above all that outlasts this.
    fn receive(&mut self, args: &[Reg], results: &[Reg]) {
        let [tag, ms] = args else { return };
        let t = self.pair(0, self.place(*tag), self.place(*ms));
        let d = self.top();
        self.above(d, 2);
        self.code.push(I::Recv { t, d: IntOut3(d) });
        self.take(results, d);
    }

    /// Whether there is a message is told by the flag.
    fn receive_within(&mut self, args: &[Reg], results: &[Reg]) {
        let [came, results @ ..] = results else { return };
        self.receive(args, results);
        self.flag(*came);
    }

    /// 0 when there is none.
    fn whereis(&mut self, a: Int, len: Int, d: u8) {
        let done = self.code.label();
        self.code.push(I::Whereism { a, len, d: IntOut(d) });
        self.code.push_to(done, |l| I::Djmpe { l });
        self.code.push(select::integer(d, 0));
        self.code.bind(done);
    }

    /// 1 when the flag is set, else 0.
    fn flag(&mut self, d: Reg) {
        let (d, done) = (self.place(d), self.code.label());
        self.code.push(select::integer(d, 1));
        self.code.push_to(done, |l| I::Djmpe { l });
        self.code.push(select::integer(d, 0));
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
