//! A small interpreter that is slow and obvious, to compare the fast ones with.
//!
//! It knows the instructions that compute, branch, call and use memory; what wants something from
//! the world is not its business.

mod blocks;
mod compiled;
mod state;
mod text;

use iridium_isa::{Instruction as I, Module};
use iridium_vm::{Limits, TrapKind};

use self::blocks::{Held, held};
pub(crate) use self::state::{End, Oracle, bits};
use self::state::{Go, Outcome};

impl Oracle {
    pub(crate) fn new(module: &Module) -> Self {
        Self { pc: module.entry() as usize, ..Self::default() }
    }

    /// Runs until the end or until an instruction that costs finds no fuel.
    pub(crate) fn run(&mut self, module: &Module, limits: &Limits, fuel: u64) -> End {
        let stop_at = self.spent.saturating_add(fuel);
        let tolls = iridium_isa::tolls(module.code());
        loop {
            let instruction = &module.code()[self.pc];
            let costs = self.costs(instruction, module);
            let pays_toll = tolls[self.pc] && !costs;
            if (costs || pays_toll) && self.spent >= stop_at {
                return End::OutOfFuel;
            }
            self.spent += u64::from(pays_toll);
            match self.step(instruction, module, limits) {
                Ok(Go::Next) => self.pc += 1,
                Ok(Go::To(pc)) => self.pc = pc,
                Ok(Go::End(end)) => return end,
                Err(kind) => return End::Trapped(kind),
            }
        }
    }
    /// Whether the instruction costs something now.
    fn costs(&self, instruction: &I, _module: &Module) -> bool {
        match instruction {
            I::Jmp { .. }
            | I::Jmpf { .. }
            | I::Jmpb { .. }
            | I::Djmp { .. }
            | I::Call { .. }
            | I::Callw { .. }
            | I::Callr { .. }
            | I::Callwr { .. }
            | I::Ret {}
            | I::Aloc { .. }
            | I::Memcpy { .. }
            | I::Memset { .. }
            | I::Memcmp { .. }
            | I::New { .. }
            | I::Newv { .. }
            | I::Trapm { .. }
            | I::Itoa { .. }
            | I::Ftoa { .. }
            | I::Atof { .. }
            | I::Utf8 { .. }
            | I::Find { .. }
            | I::Hash { .. }
            | I::Prts { .. }
            | I::Prti { .. }
            | I::PrtF64 { .. }
            | I::Prtc { .. }
            | I::Prtm { .. } => true,
            I::Jmpe { .. } => self.flag,
            I::Loop { .. } => self.counter != 0,
            // What traps has paid as if it were taken.
            I::Drop { a, .. } => {
                matches!(held(&self.heap, self.int(a.0)), Ok(Held::Block(0 | 1)) | Err(_))
            }
            I::Brsh { a, .. } => !matches!(held(&self.heap, self.int(a.0)), Ok(Held::Block(0 | 1))),
            _ => self.branches(instruction).is_some(),
        }
    }

    /// Where a conditional branch goes when it is taken.
    fn branches(&self, instruction: &I) -> Option<usize> {
        let i = |r: &iridium_isa::operand::Int| self.int(r.0);
        let u = |r: &iridium_isa::operand::Int| self.int(r.0) as u64;
        let f = |r: &iridium_isa::operand::Float| self.float(r.0);
        let (taken, l) = match instruction {
            I::Djmpe { l } => (self.flag, l),
            I::Djmpn { l } => (!self.flag, l),
            I::Breq { a, b, l } => (i(a) == i(b), l),
            I::Brne { a, b, l } => (i(a) != i(b), l),
            I::Brlt { a, b, l } => (i(a) < i(b), l),
            I::Brle { a, b, l } => (i(a) <= i(b), l),
            I::Brgt { a, b, l } => (i(a) > i(b), l),
            I::Brge { a, b, l } => (i(a) >= i(b), l),
            I::Brltu { a, b, l } => (u(a) < u(b), l),
            I::Brleu { a, b, l } => (u(a) <= u(b), l),
            I::Brgtu { a, b, l } => (u(a) > u(b), l),
            I::Brgeu { a, b, l } => (u(a) >= u(b), l),
            I::Breqi { a, n, l } => (i(a) == i64::from(n.0), l),
            I::Brnei { a, n, l } => (i(a) != i64::from(n.0), l),
            I::Brlti { a, n, l } => (i(a) < i64::from(n.0), l),
            I::Brlei { a, n, l } => (i(a) <= i64::from(n.0), l),
            I::Brgti { a, n, l } => (i(a) > i64::from(n.0), l),
            I::Brgei { a, n, l } => (i(a) >= i64::from(n.0), l),
            I::Brltui { a, n, l } => (u(a) < i64::from(n.0) as u64, l),
            I::Brleui { a, n, l } => (u(a) <= i64::from(n.0) as u64, l),
            I::Brgtui { a, n, l } => (u(a) > i64::from(n.0) as u64, l),
            I::Brgeui { a, n, l } => (u(a) >= i64::from(n.0) as u64, l),
            I::BreqF64 { a, b, l } => (f(a) == f(b), l),
            I::BrneF64 { a, b, l } => (f(a) != f(b), l),
            I::BrltF64 { a, b, l } => (f(a) < f(b), l),
            I::BrleF64 { a, b, l } => (f(a) <= f(b), l),
            I::BrgtF64 { a, b, l } => (f(a) > f(b), l),
            I::BrgeF64 { a, b, l } => (f(a) >= f(b), l),
            I::Jtab { a, l } => {
                let choice = usize::try_from(self.int(a.0)).ok()?;
                return l.0.get(choice).map(|target| *target as usize);
            }
            _ => return None,
        };
        taken.then_some(l.0 as usize)
    }
    #[allow(clippy::too_many_lines)]
    fn step(&mut self, instruction: &I, module: &Module, limits: &Limits) -> Outcome {
        if let Some(target) = self.branches(instruction) {
            return self.jump(target as i64, module);
        }
        match instruction {
            I::Load { d, n } => self.set(d.0, n.0),
            I::Lui { d, n1, n2 } => {
                let value = (self.int(d.0) << 16) | (i64::from(n1.0) << 8) | i64::from(n2.0);
                self.set(d.0, i64::from(value as i32))
            }
            I::Add { a, b, d } => self.set(d.0, self.int(a.0).wrapping_add(self.int(b.0))),
            I::Sub { a, b, d } => self.set(d.0, self.int(a.0).wrapping_sub(self.int(b.0))),
            I::Mul { a, b, d } => self.set(d.0, self.int(a.0).wrapping_mul(self.int(b.0))),
            I::Div { a, b, d } => {
                let (a, b) = divisible(self.int(a.0), self.int(b.0))?;
                self.remainder = a % b;
                self.set(d.0, a / b)
            }
            I::Rem { a, b, d } => {
                let (a, b) = divisible(self.int(a.0), self.int(b.0))?;
                self.set(d.0, a % b)
            }
            I::Divu { a, b, d } | I::Remu { a, b, d } => {
                let (x, y) = (self.int(a.0) as u64, self.int(b.0) as u64);
                if y == 0 {
                    return Err(TrapKind::DivideByZero);
                }
                let quotient = matches!(instruction, I::Divu { .. });
                self.set(d.0, if quotient { x / y } else { x % y } as i64)
            }
            I::Inc { d } => self.set(d.0, self.int(d.0).wrapping_add(1)),
            I::Dec { d } => self.set(d.0, self.int(d.0).wrapping_sub(1)),
            I::And { a, b, d } => self.set(d.0, self.int(a.0) & self.int(b.0)),
            I::Or { a, b, d } => self.set(d.0, self.int(a.0) | self.int(b.0)),
            I::Xor { a, b, d } => self.set(d.0, self.int(a.0) ^ self.int(b.0)),
            I::Not { a, d } => self.set(d.0, !self.int(a.0)),
            I::Shl { d, n } => self.set(d.0, self.int(d.0) << n.0),
            I::Shr { d, n } => self.set(d.0, self.int(d.0) >> n.0),
            I::Eq { a, b } => self.flag(self.int(a.0) == self.int(b.0)),
            I::Neq { a, b } => self.flag(self.int(a.0) != self.int(b.0)),
            I::Gt { a, b } => self.flag(self.int(a.0) > self.int(b.0)),
            I::Gte { a, b } => self.flag(self.int(a.0) >= self.int(b.0)),
            I::Lt { a, b } => self.flag(self.int(a.0) < self.int(b.0)),
            I::Lte { a, b } => self.flag(self.int(a.0) <= self.int(b.0)),
            I::EqF64 { a, b } => self.flag(self.float(a.0) == self.float(b.0)),
            I::NeqF64 { a, b } => self.flag(self.float(a.0) != self.float(b.0)),
            I::GtF64 { a, b } => self.flag(self.float(a.0) > self.float(b.0)),
            I::GteF64 { a, b } => self.flag(self.float(a.0) >= self.float(b.0)),
            I::LtF64 { a, b } => self.flag(self.float(a.0) < self.float(b.0)),
            I::LteF64 { a, b } => self.flag(self.float(a.0) <= self.float(b.0)),
            I::Hlt {} => Ok(Go::End(End::Halted(self.int(0)))),
            I::Nop {} => Ok(Go::Next),
            I::Igl {} => Err(TrapKind::IllegalInstruction),
            I::Jmp { a } => self.jump(self.int(a.0), module),
            I::Jmpe { a } if self.flag => self.jump(self.int(a.0), module),
            I::Jmpf { a } => self.jump((self.pc as i64).wrapping_add(self.int(a.0)), module),
            I::Jmpb { a } => self.jump((self.pc as i64).wrapping_sub(self.int(a.0)), module),
            I::Cloop { n } => {
                self.counter = u64::from(n.0);
                Ok(Go::Next)
            }
            I::Loop { l } if self.counter != 0 => {
                self.counter -= 1;
                self.jump(i64::from(l.0), module)
            }
            I::Call { l } => self.call(i64::from(l.0), 0, module, limits),
            I::Callw { l, k } => self.call(i64::from(l.0), k.0, module, limits),
            I::Callr { a } => self.call(self.int(a.0), 0, module, limits),
            I::Callwr { a, k } => self.call(self.int(a.0), k.0, module, limits),
            I::Djmp { l } => self.jump(i64::from(l.0), module),
            I::Ret {} => {
                self.spent += 1;
                match self.calls.pop() {
                    None => Ok(Go::End(End::Halted(self.int(0)))),
                    Some((back, slide)) => {
                        self.window -= slide;
                        Ok(Go::To(back))
                    }
                }
            }
            I::Push { a } if self.stack.len() as u64 >= limits.stack => {
                let _ = a;
                Err(TrapKind::DataStackLimit)
            }
            I::Push { a } => {
                self.stack.push(self.int(a.0));
                Ok(Go::Next)
            }
            I::Pop { d } => {
                let value = self.stack.pop().ok_or(TrapKind::DataStackUnderflow)?;
                self.set(d.0, value)
            }
            I::Aloc { a } => {
                self.spent += 1;
                let more = self.int(a.0);
                let total = i128::from(more) + self.heap.len() as i128;
                if more < 0 || total > i128::from(limits.heap) {
                    return Err(TrapKind::HeapLimit);
                }
                self.spent += more as u64 / 64;
                self.heap.resize(total as usize, 0);
                Ok(Go::Next)
            }
            I::Loadm { a, d } => {
                let value = i32::from_le_bytes(self.read(module, self.int(a.0), 0)?);
                self.set(d.0, i64::from(value))
            }
            I::Setm { a, b } => self.write(self.int(a.0), &(self.int(b.0) as u32).to_le_bytes()),
            I::LoadF64 { d, x } => self.setf(d.0, f64::from_bits(x.0)),
            I::AddF64 { a, b, d } => self.setf(d.0, self.float(a.0) + self.float(b.0)),
            I::SubF64 { a, b, d } => self.setf(d.0, self.float(a.0) - self.float(b.0)),
            I::MulF64 { a, b, d } => self.setf(d.0, self.float(a.0) * self.float(b.0)),
            I::DivF64 { a, b, d } => self.setf(d.0, self.float(a.0) / self.float(b.0)),
            I::Mov { a, d } => self.set(d.0, self.int(a.0)),
            I::MovF64 { a, d } => self.setf(d.0, self.float(a.0)),
            I::Itof { a, d } => self.setf(d.0, self.int(a.0) as f64),
            I::Ftoi { a, d } => self.set(d.0, self.float(a.0) as i64),
            I::BitsF64 { a, d } => self.set(d.0, bits(self.float(a.0)) as i64),
            I::F64Bits { a, d } => self.setf(d.0, f64::from_bits(self.int(a.0) as u64)),
            I::Addi { a, n, d } => self.set(d.0, self.int(a.0).wrapping_add(i64::from(n.0))),
            I::Subi { a, n, d } => self.set(d.0, self.int(a.0).wrapping_sub(i64::from(n.0))),
            I::Muli { a, n, d } => self.set(d.0, self.int(a.0).wrapping_mul(i64::from(n.0))),
            I::Andi { a, n, d } => self.set(d.0, self.int(a.0) & i64::from(n.0)),
            I::Ori { a, n, d } => self.set(d.0, self.int(a.0) | i64::from(n.0)),
            I::Xori { a, n, d } => self.set(d.0, self.int(a.0) ^ i64::from(n.0)),
            I::Sll { a, b, d } => self.set(d.0, self.int(a.0) << (self.int(b.0) & 63)),
            I::Srl { a, b, d } => {
                self.set(d.0, (self.int(a.0) as u64 >> (self.int(b.0) & 63)) as i64)
            }
            I::Sra { a, b, d } => self.set(d.0, self.int(a.0) >> (self.int(b.0) & 63)),
            I::Slli { a, n, d } => self.set(d.0, self.int(a.0) << n.0),
            I::Srli { a, n, d } => self.set(d.0, (self.int(a.0) as u64 >> n.0) as i64),
            I::Srai { a, n, d } => self.set(d.0, self.int(a.0) >> n.0),
            I::Getrem { d } => self.set(d.0, self.remainder),
            I::Min { a, b, d } => self.set(d.0, self.int(a.0).min(self.int(b.0))),
            I::Max { a, b, d } => self.set(d.0, self.int(a.0).max(self.int(b.0))),
            I::Minu { a, b, d } => {
                self.set(d.0, (self.int(a.0) as u64).min(self.int(b.0) as u64) as i64)
            }
            I::Maxu { a, b, d } => {
                self.set(d.0, (self.int(a.0) as u64).max(self.int(b.0) as u64) as i64)
            }
            I::Clz { a, d } => self.set(d.0, i64::from(self.int(a.0).leading_zeros())),
            I::Ctz { a, d } => self.set(d.0, i64::from(self.int(a.0).trailing_zeros())),
            I::Popcnt { a, d } => self.set(d.0, i64::from(self.int(a.0).count_ones())),
            I::SqrtF64 { a, d } => self.setf(d.0, self.float(a.0).sqrt()),
            I::AbsF64 { a, d } => self.setf(d.0, self.float(a.0).abs()),
            I::NegF64 { a, d } => self.setf(d.0, -self.float(a.0)),
            I::FloorF64 { a, d } => self.setf(d.0, self.float(a.0).floor()),
            I::CeilF64 { a, d } => self.setf(d.0, self.float(a.0).ceil()),
            I::TruncF64 { a, d } => self.setf(d.0, self.float(a.0).trunc()),
            I::RoundF64 { a, d } => self.setf(d.0, self.float(a.0).round_ties_even()),
            I::MinF64 { a, b, d } => self.setf(d.0, smaller(self.float(a.0), self.float(b.0))),
            I::MaxF64 { a, b, d } => self.setf(d.0, -smaller(-self.float(a.0), -self.float(b.0))),
            I::Trap { n } => Err(TrapKind::User(n.0)),
            I::Exit { a } => Ok(Go::End(End::Exited(self.int(a.0)))),
            I::Fuel { d } => self.set(d.0, self.spent as i64),
            I::Heap { d } => self.set(d.0, self.heap.len() as i64),
            I::Ld8 { a, o, d } => {
                let [byte] = self.read(module, self.int(a.0), o.0)?;
                self.set(d.0, i64::from(byte))
            }
            I::Ld8s { a, o, d } => {
                let value = i8::from_le_bytes(self.read(module, self.int(a.0), o.0)?);
                self.set(d.0, i64::from(value))
            }
            I::Ld16 { a, o, d } => {
                let value = u16::from_le_bytes(self.read(module, self.int(a.0), o.0)?);
                self.set(d.0, i64::from(value))
            }
            I::Ld16s { a, o, d } => {
                let value = i16::from_le_bytes(self.read(module, self.int(a.0), o.0)?);
                self.set(d.0, i64::from(value))
            }
            I::Ld32 { a, o, d } => {
                let value = u32::from_le_bytes(self.read(module, self.int(a.0), o.0)?);
                self.set(d.0, i64::from(value))
            }
            I::Ld32s { a, o, d } => {
                let value = i32::from_le_bytes(self.read(module, self.int(a.0), o.0)?);
                self.set(d.0, i64::from(value))
            }
            I::Ld64 { a, o, d } => {
                let value = i64::from_le_bytes(self.read(module, self.int(a.0), o.0)?);
                self.set(d.0, value)
            }
            I::LdF64 { a, o, d } => {
                let value = f64::from_le_bytes(self.read(module, self.int(a.0), o.0)?);
                self.setf(d.0, value)
            }
            I::St8 { a, o, b } => self.store(a.0, o.0, &[self.int(b.0) as u8]),
            I::St16 { a, o, b } => self.store(a.0, o.0, &(self.int(b.0) as u16).to_le_bytes()),
            I::St32 { a, o, b } => self.store(a.0, o.0, &(self.int(b.0) as u32).to_le_bytes()),
            I::St64 { a, o, b } => self.store(a.0, o.0, &self.int(b.0).to_le_bytes()),
            I::StF64 { a, o, b } => self.store(a.0, o.0, &bits(self.float(b.0)).to_le_bytes()),
            I::Memcpy { d, a, len } => {
                self.spent += 1;
                let bytes = self.bytes(module, self.int(a.0), self.int(len.0))?;
                self.check_write(self.int(d.0), self.int(len.0))?;
                self.spent += bytes.len() as u64 / 64;
                self.write(self.int(d.0), &bytes)
            }
            I::Memset { d, b, len } => {
                self.spent += 1;
                self.check_write(self.int(d.0), self.int(len.0))?;
                let bytes = vec![self.int(b.0) as u8; self.int(len.0) as usize];
                self.spent += bytes.len() as u64 / 64;
                self.write(self.int(d.0), &bytes)
            }
            I::Memcmp { a, b, len, d } => {
                self.spent += 1;
                let x = self.bytes(module, self.int(a.0), self.int(len.0))?;
                let y = self.bytes(module, self.int(b.0), self.int(len.0))?;
                self.spent += x.len() as u64 / 64;
                self.set(d.0, x.cmp(&y) as i64)
            }
            I::Prts { s } => {
                self.spent += 1;
                let text = self.text(module, s.0)?;
                self.spent += text.len() as u64 / 64;
                self.output.push_str(text);
                Ok(Go::Next)
            }
            I::Prti { a } => {
                self.spent += 1;
                self.output += &self.int(a.0).to_string();
                Ok(Go::Next)
            }
            I::PrtF64 { a } => {
                self.spent += 1;
                self.output += &format!("{:?}", self.float(a.0));
                Ok(Go::Next)
            }
            I::Prtc { a } => {
                self.spent += 1;
                let scalar = u32::try_from(self.int(a.0)).ok().and_then(char::from_u32);
                self.output.push(scalar.ok_or(TrapKind::BadString)?);
                Ok(Go::Next)
            }
            I::Prtm { a, len } => {
                self.spent += 1;
                let bytes = self.bytes(module, self.int(a.0), self.int(len.0))?;
                self.spent += bytes.len() as u64 / 64;
                self.output += &String::from_utf8_lossy(&bytes);
                Ok(Go::Next)
            }
            other => self.step_compiled(other, module, limits),
        }
    }
}

fn divisible(a: i64, b: i64) -> Result<(i64, i64), TrapKind> {
    match (a, b) {
        (_, 0) => Err(TrapKind::DivideByZero),
        (i64::MIN, -1) => Err(TrapKind::IntegerOverflow),
        _ => Ok((a, b)),
    }
}
fn smaller(a: f64, b: f64) -> f64 {
    if a.is_nan() {
        return b;
    }
    if b.is_nan() {
        return a;
    }
    if a == 0.0 && b == 0.0 {
        return if a.is_sign_negative() { a } else { b };
    }
    if a < b { a } else { b }
}
