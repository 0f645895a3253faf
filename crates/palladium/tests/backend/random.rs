//! Random programs with blocks do the same with and without optimised counts, and leave no block.

use palladium::mir::{BinaryOp, Class, Compare, FnIdx, Function, Inst, Program, Reg, Terminator};

use crate::build::{Building, CELL, imm, program, reg};
use crate::nodes::{self, LEFT, NIL, NODE, PTR, RIGHT, VALUE};
use crate::run::{End, run};

const INT: Class = Class::Int;
/// How deep a program looks into trees, which shared parts could make very large.
const DEPTH: i64 = 7;
/// Functions before the random ones: the entry, the glue, the digest.
const FIRST: u32 = 4;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// What a function takes and gives.
#[derive(Clone)]
struct Signature {
    params: Vec<Class>,
    results: Vec<Class>,
}

/// A function that is being written, with the variables that have values.
struct Writer<'r> {
    random: &'r mut Random,
    f: Building,
    /// What it may call.
    callees: Vec<(FnIdx, Signature)>,
    ints: Vec<Reg>,
    ptrs: Vec<Reg>,
    /// Statements that may still be written.
    budget: u32,
    /// How many loops are around.
    loops: u32,
}

impl Writer<'_> {
    fn statements(&mut self, most: u64) {
        for _ in 0..=self.random.below(most) {
            if self.budget == 0 {
                return;
            }
            self.budget -= 1;
            self.statement();
        }
    }

    fn statement(&mut self) {
        match self.random.below(20) {
            0 => self.arithmetic(),
            16..=19 => self.digest(),
            1..=3 => self.make(),
            4 => self.copy(),
            5..=7 => self.look(),
            8 | 9 => self.change(),
            10 => self.take(),
            11 | 12 => self.call(),
            13 => self.branch(),
            14 => self.repeat(),
            _ => self.walk(),
        }
    }

    fn an_int(&mut self) -> Reg {
        self.random.pick(&self.ints)
    }

    /// Mostly one that has come up lately.
    fn a_ptr(&mut self) -> Reg {
        let lately = self.ptrs.len().saturating_sub(3);
        if self.random.one_in(3) {
            self.random.pick(&self.ptrs)
        } else {
            self.random.pick(&self.ptrs[lately..])
        }
    }

    /// A variable to be written: a new one, or one that has a value.
    fn new_ptr(&mut self) -> Reg {
        if self.random.one_in(3) { self.a_ptr() } else { self.f.ptr(NODE) }
    }

    fn arithmetic(&mut self) {
        let (a, b) = (self.an_int(), self.an_int());
        let op = self.random.pick(&[BinaryOp::AddWrap, BinaryOp::MulWrap, BinaryOp::Xor]);
        let d = self.f.binary(op, a, reg(b));
        self.ints.push(d);
    }

    /// Only reads.
    fn digest(&mut self) {
        let (tree, depth) = (self.a_ptr(), self.f.number(3));
        let number = self.f.call(FnIdx(3), &[tree, depth], &[INT])[0];
        self.ints.push(number);
    }

    fn make(&mut self) {
        let (value, left, right) = (self.an_int(), self.a_ptr(), self.a_ptr());
        let node = nodes::node(&mut self.f, value, left, right);
        if self.random.one_in(3) {
            let d = self.a_ptr();
            self.f.emit(Inst::Copy { d, s: node });
        } else {
            self.ptrs.push(node);
        }
    }

    fn copy(&mut self) {
        let (d, s) = (self.new_ptr(), self.a_ptr());
        if self.random.one_in(8) {
            self.f.emit(Inst::Int { d, value: NIL });
        } else {
            self.f.emit(Inst::Copy { d, s });
        }
        self.ptrs.push(d);
    }

    /// Goes on in `some` when it is a node; both ways come together afterwards.
    fn when_node(&mut self, p: Reg, some: impl FnOnce(&mut Self)) {
        let (yes, no, end) = (self.f.block(), self.f.block(), self.f.block());
        self.f.branch(Compare::Ne, p, imm(NIL as i32), yes, no);
        let (ints, ptrs) = (self.ints.len(), self.ptrs.len());
        self.f.at(yes);
        some(self);
        self.f.end(Terminator::Jump(end));
        self.forget(ints, ptrs);
        self.f.at(no);
        if self.random.one_in(4) {
            self.statements(2);
            self.forget(ints, ptrs);
        }
        self.f.end(Terminator::Jump(end));
        self.f.at(end);
    }

    fn forget(&mut self, ints: usize, ptrs: usize) {
        self.ints.truncate(ints);
        self.ptrs.truncate(ptrs);
    }

    /// Reads cells of a node, and does something with them.
    fn look(&mut self) {
        let p = self.a_ptr();
        self.when_node(p, |w| {
            for offset in [LEFT, RIGHT] {
                if !w.random.one_in(4) {
                    let d = if w.random.one_in(5) { p } else { w.f.ptr(NODE) };
                    w.f.emit(Inst::Load { d, base: p, offset, width: CELL });
                    w.ptrs.push(d);
                    if d == p {
                        return w.statements(3);
                    }
                }
            }
            let value = w.f.load(INT, p, VALUE);
            w.ints.push(value);
            w.statements(4);
        });
    }

    /// Makes a node its own, and stores into it.
    fn change(&mut self) {
        let p = self.a_ptr();
        self.when_node(p, |w| {
            let d = if w.random.one_in(2) { p } else { w.f.ptr(NODE) };
            w.f.emit(Inst::Unique { d, s: p });
            let value = w.an_int();
            w.f.store(d, VALUE, value);
            w.ptrs.push(d);
            w.statements(2);
        });
    }

    /// Takes a part out of a node, changes it, and puts it back.
    fn take(&mut self) {
        let p = self.a_ptr();
        self.when_node(p, |w| {
            w.f.emit(Inst::Unique { d: p, s: p });
            let offset = w.random.pick(&[LEFT, RIGHT]);
            let before = w.f.load(PTR, p, offset);
            let part = w.f.ptr(NODE);
            w.f.emit(Inst::Take { d: part, base: p, offset });
            let new = match w.random.below(3) {
                0 => part,
                1 => {
                    let (value, other) = (w.an_int(), nodes::nil(&mut w.f));
                    nodes::node(&mut w.f, value, part, other)
                }
                // What was there is gone.
                _ => nodes::nil(&mut w.f),
            };
            w.f.store(p, offset, new);
            if w.random.one_in(2) {
                w.ptrs.push(before);
                w.statements(2);
            }
        });
    }

    fn call(&mut self) {
        if self.callees.is_empty() || self.loops > 1 {
            return self.make();
        }
        let at = self.random.below(self.callees.len() as u64) as usize;
        let (function, signature) = self.callees[at].clone();
        let args = self.args(&signature);
        let results = self.f.call(function, &args, &signature.results);
        self.keep_results(&results, &signature.results);
    }

    fn args(&mut self, signature: &Signature) -> Vec<Reg> {
        let params = signature.params.iter();
        params.map(|class| if *class == INT { self.an_int() } else { self.a_ptr() }).collect()
    }

    fn keep_results(&mut self, results: &[Reg], classes: &[Class]) {
        for (reg, class) in results.iter().zip(classes) {
            if *class == INT { self.ints.push(*reg) } else { self.ptrs.push(*reg) }
        }
    }

    fn branch(&mut self) {
        let (a, n) = (self.an_int(), self.random.below(4) as i32);
        let bits = self.f.binary(BinaryOp::And, a, imm(3));
        let (then, otherwise, end) = (self.f.block(), self.f.block(), self.f.block());
        self.f.branch(Compare::Lt, bits, imm(n), then, otherwise);
        let (ints, ptrs) = (self.ints.len(), self.ptrs.len());
        for block in [then, otherwise] {
            self.f.at(block);
            self.statements(3);
            self.forget(ints, ptrs);
            if self.random.one_in(12) && self.loops == 0 {
                self.give_back();
            } else {
                self.f.end(Terminator::Jump(end));
            }
        }
        self.f.at(end);
    }

    /// A loop of a few rounds.
    fn repeat(&mut self) {
        if self.loops > 1 {
            return self.make();
        }
        let counter = self.f.number(self.random.below(4) as i64);
        let head = self.f.next();
        let (body, end) = (self.f.block(), self.f.block());
        self.f.branch(Compare::Gt, counter, imm(0), body, end);
        self.f.at(body);
        let (ints, ptrs) = (self.ints.len(), self.ptrs.len());
        self.loops += 1;
        self.statements(4);
        self.loops -= 1;
        self.forget(ints, ptrs);
        self.f.emit(Inst::Binary { op: BinaryOp::Sub, d: counter, a: counter, b: imm(1) });
        self.f.end(Terminator::Jump(head));
        self.f.at(end);
    }

    /// A loop down one side of a tree.
    fn walk(&mut self) {
        let (at, sum, rounds) = (self.f.ptr(NODE), self.f.number(0), self.f.number(5));
        let s = self.a_ptr();
        self.f.emit(Inst::Copy { d: at, s });
        let head = self.f.next();
        let (more, body, end) = (self.f.block(), self.f.block(), self.f.block());
        self.f.branch(Compare::Ne, at, imm(NIL as i32), more, end);
        self.f.at(more);
        self.f.branch(Compare::Gt, rounds, imm(0), body, end);
        self.f.at(body);
        self.f.emit(Inst::Binary { op: BinaryOp::Sub, d: rounds, a: rounds, b: imm(1) });
        let value = self.f.load(INT, at, VALUE);
        self.f.emit(Inst::Binary { op: BinaryOp::AddWrap, d: sum, a: sum, b: reg(value) });
        let offset = self.random.pick(&[LEFT, RIGHT]);
        if self.random.one_in(3) {
            let next = self.f.load(PTR, at, offset);
            self.f.emit(Inst::Copy { d: at, s: next });
        } else {
            self.f.emit(Inst::Load { d: at, base: at, offset, width: CELL });
        }
        self.f.end(Terminator::Jump(head));
        self.f.at(end);
        self.ints.push(sum);
        if self.random.one_in(2) {
            self.ptrs.push(at);
        }
    }

    fn give_back(&mut self) {
        let value = if self.random.one_in(2) { self.an_int() } else { self.ints[0] };
        let ptr = self.a_ptr();
        self.f.ret(&[value, ptr]);
    }
}

fn function(
    random: &mut Random,
    index: u32,
    callees: &[(FnIdx, Signature)],
    own: &Signature,
) -> Function {
    let mut f = Building::new(&format!("f{index}"), &own.params, &own.results);
    let (mut ints, mut ptrs) = (vec![f.number(3)], vec![nodes::nil(&mut f)]);
    for (nth, class) in own.params.iter().enumerate() {
        if *class == INT { ints.push(f.param(nth)) } else { ptrs.push(f.param(nth)) }
    }
    let budget = 6 + random.below(20) as u32;
    let callees = callees.to_vec();
    let mut writer = Writer { random, f, callees, ints, ptrs, budget, loops: 0 };
    while writer.budget > 0 {
        writer.statements(6);
    }
    // Sometimes it goes round itself, as the first parameter says.
    if own.params.first() == Some(&INT) && writer.random.one_in(2) {
        let counter = writer.f.binary(BinaryOp::And, writer.f.param(0), imm(3));
        let (again, end) = (writer.f.block(), writer.f.block());
        writer.f.branch(Compare::Gt, counter, imm(0), again, end);
        writer.f.at(again);
        let below = writer.f.binary(BinaryOp::Sub, counter, imm(1));
        let mut args = writer.args(own);
        args[0] = below;
        writer.f.end(Terminator::TailCall { function: FnIdx(index), args });
        writer.f.at(end);
    }
    writer.give_back();
    writer.f.finish()
}

fn main_function(signatures: &[(FnIdx, Signature)], random: &mut Random) -> Function {
    let mut f = Building::new("main", &[], &[]);
    let (mut ints, mut ptrs) = (vec![f.number(5)], vec![nodes::nil(&mut f)]);
    for number in 1..6 {
        let value = f.number(number);
        let [left, right] = [0, 1].map(|_| random.pick(&ptrs));
        ptrs.push(nodes::node(&mut f, value, left, right));
    }
    for (function, signature) in signatures {
        for _ in 0..2 {
            let args: Vec<Reg> = signature
                .params
                .iter()
                .map(|class| random.pick(if *class == INT { &ints } else { &ptrs }))
                .collect();
            let results = f.call(*function, &args, &signature.results);
            ints.push(results[0]);
            ptrs.push(results[1]);
            nodes::print(&mut f, results[0]);
            let depth = f.number(DEPTH);
            let digest = f.call(FnIdx(3), &[results[1], depth], &[INT])[0];
            nodes::print(&mut f, digest);
        }
    }
    nodes::exit(&mut f);
    f.finish()
}

fn random_program(seed: u64) -> Program {
    let random = &mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let signatures: Vec<(FnIdx, Signature)> = (0..2 + random.below(3) as u32)
        .map(|nth| {
            let count = 1 + random.below(3);
            let params = (0..count).map(|_| if random.one_in(3) { INT } else { PTR }).collect();
            (FnIdx(FIRST + nth), Signature { params, results: vec![INT, PTR] })
        })
        .collect();
    let mut functions = vec![
        main_function(&signatures, random),
        nodes::drop(),
        nodes::copy(),
        nodes::digest(FnIdx(3)),
    ];
    for (nth, (index, own)) in signatures.iter().enumerate() {
        // Each calls those after it, so that all come to an end.
        functions.push(function(random, index.0, &signatures[nth + 1..], own));
    }
    program(functions, nodes::glue(FnIdx(1), FnIdx(2)))
}

#[test]
fn random_programs_do_the_same_in_both_modes_and_leave_no_block() {
    let (from, count) = match std::env::var("SEED") {
        Ok(seed) => (seed.parse().unwrap(), 1),
        Err(_) => (0, 400),
    };
    for seed in from..from + count {
        println!("SEED={seed}");
        let outcome = run(&random_program(seed));
        assert_eq!(outcome.end, End::Exited(0));
    }
}
