//! Evaluates the middle without counting anything: an oracle for what the passes after it do.
//!
//! No block is ever taken for one that nobody else has, so each change is made to a copy.

use std::collections::HashMap;

use palladium::mir::{
    BinaryOp, Compare, Data, Elem, FloatOp, FnIdx, Function, Inst, MachineOp, Operand, Program,
    Reg, Terminator, UnaryOp, Width,
};

const DATA: u64 = 1 << 32;

/// How a program ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Exit(i64),
    Trap {
        kind: u8,
        text: String,
    },
    /// A trap of the machine.
    Machine(&'static str),
}

/// What a program prints, and how it ends.
pub(crate) fn evaluate(program: &Program) -> (String, End) {
    let mut machine = Machine::new(program);
    let end = machine.call(program.entry, &[]).err().unwrap_or(End::Exit(-1));
    (String::from_utf8_lossy(&machine.output).into_owned(), end)
}

struct Machine<'p> {
    program: &'p Program,
    memory: Vec<u8>,
    data: Vec<u8>,
    /// Where each piece of data begins.
    data_at: Vec<u64>,
    sizes: HashMap<u64, u64>,
    output: Vec<u8>,
    depth: u32,
}

type Outcome<T> = Result<T, End>;

impl<'p> Machine<'p> {
    fn new(program: &'p Program) -> Self {
        let (mut data, mut data_at) = (Vec::new(), Vec::new());
        for one in &program.data {
            data.resize(data.len().next_multiple_of(16), 0);
            data_at.push(DATA + data.len() as u64);
            data.extend([0; 8]);
            match one {
                Data::Bytes(bytes) => {
                    data.extend((bytes.len() as u64).to_le_bytes());
                    data.extend(bytes.iter());
                }
                Data::Cells(cells) => {
                    data.extend((cells.len() as u64).to_le_bytes());
                    cells.iter().for_each(|cell| data.extend(cell.to_le_bytes()));
                }
                Data::Closure(function) => data.extend(u64::from(function.0).to_le_bytes()),
            }
        }
        let memory = vec![0; 256];
        let (sizes, output) = (HashMap::new(), Vec::new());
        Self { program, memory, data, data_at, sizes, output, depth: 0 }
    }

    fn bytes(&self, at: u64, length: u64) -> Outcome<&[u8]> {
        let (memory, from) = if at >= DATA { (&self.data, at - DATA) } else { (&self.memory, at) };
        let found = memory.get(from as usize..from.saturating_add(length) as usize);
        found.filter(|_| at >= 256).ok_or(End::Machine("heap-out-of-bounds"))
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> Outcome<()> {
        let range = at as usize..at as usize + bytes.len();
        match self.memory.get_mut(range) {
            Some(place) if at >= 256 => place.copy_from_slice(bytes),
            _ => return Err(End::Machine("heap-out-of-bounds")),
        }
        Ok(())
    }

    fn read(&self, at: u64, width: u64) -> Outcome<u64> {
        let mut cell = [0; 8];
        cell[..width as usize].copy_from_slice(self.bytes(at, width)?);
        Ok(u64::from_le_bytes(cell))
    }

    fn new_block(&mut self, bytes: u64, variant: u16) -> u64 {
        let at = self.memory.len().next_multiple_of(16);
        // What was not stored yet is no valid pointer.
        self.memory.resize(at, 0);
        self.memory.resize(at + bytes.next_multiple_of(16) as usize, 0xee);
        self.sizes.insert(at as u64, bytes.next_multiple_of(16));
        let head = 1 | u64::from(variant) << 32;
        self.memory[at..at + 8].copy_from_slice(&head.to_le_bytes());
        at as u64
    }

    fn call(&mut self, function: FnIdx, args: &[u64]) -> Outcome<Vec<u64>> {
        self.depth += 1;
        if self.depth > 1500 {
            return Err(End::Machine("call-depth-limit"));
        }
        let function = &self.program.functions[function.0 as usize];
        let mut regs = vec![0xeeee_eeee_eeee_eeee; function.regs.len()];
        for (param, arg) in function.params.iter().zip(args) {
            regs[param.0 as usize] = *arg;
        }
        let values = self.run(function, &mut regs)?;
        assert_eq!(values.len(), function.results.len(), "{}", function.name);
        self.depth -= 1;
        Ok(values)
    }

    fn run(&mut self, function: &Function, regs: &mut [u64]) -> Outcome<Vec<u64>> {
        let mut block = 0;
        loop {
            let current = &function.blocks[block];
            for (inst, _) in &current.insts {
                self.step(inst, regs)?;
            }
            let get = |reg: &Reg| regs[reg.0 as usize];
            let all = |some: &[Reg]| some.iter().map(get).collect::<Vec<u64>>();
            block = match &current.end.0 {
                Terminator::Jump(to) => to.0,
                Terminator::Branch { op, a, b, then, otherwise } => {
                    let b = operand(b, regs);
                    if compare(*op, get(a), b) { then.0 } else { otherwise.0 }
                }
                Terminator::FloatBranch { op, a, b, then, otherwise } => {
                    if compare_floats(*op, get(a), get(b)) { then.0 } else { otherwise.0 }
                }
                Terminator::Switch { value, targets, otherwise } => {
                    targets.get(get(value) as usize).unwrap_or(otherwise).0
                }
                Terminator::Release { otherwise, .. } => otherwise.0,
                Terminator::Return(values) => return Ok(all(values)),
                Terminator::TailCall { function, args } => {
                    return self.call(*function, &all(args));
                }
                Terminator::Trap { kind, address, length } => {
                    let text = self.bytes(get(address), get(length))?;
                    let text = String::from_utf8_lossy(text).into_owned();
                    return Err(End::Trap { kind: *kind, text });
                }
                Terminator::Exit { code } => return Err(End::Exit(get(code) as i64)),
                Terminator::Unreachable => return Err(End::Machine("unreachable")),
            } as usize;
        }
    }

    fn step(&mut self, inst: &Inst, regs: &mut [u64]) -> Outcome<()> {
        let get = |reg: &Reg| regs[reg.0 as usize];
        let (d, value) = match inst {
            Inst::Int { d, value } => (d, *value as u64),
            Inst::Float { d, value } => (d, value.to_bits()),
            Inst::Data { d, data } => (d, self.data_at[data.0 as usize]),
            Inst::Code { d, function } => (d, u64::from(function.0)),
            Inst::Copy { d, s } => (d, get(s)),
            Inst::Binary { op, d, a, b } => {
                let value = binary(*op, get(a) as i64, operand(b, regs) as i64);
                (d, value.map_err(End::Machine)? as u64)
            }
            Inst::Unary { op, d, a } => (d, unary(*op, get(a))?),
            Inst::FloatBinary { op, d, a, b } => {
                let (a, b) = (f64::from_bits(get(a)), f64::from_bits(get(b)));
                let value = match op {
                    FloatOp::Add => a + b,
                    FloatOp::Sub => a - b,
                    FloatOp::Mul => a * b,
                    FloatOp::Div => a / b,
                    FloatOp::Min => a.min(b),
                    FloatOp::Max => a.max(b),
                };
                (d, value.to_bits())
            }
            Inst::Compare { op, d, a, b } => (d, compare(*op, get(a), operand(b, regs)).into()),
            Inst::FloatCompare { op, d, a, b } => (d, compare_floats(*op, get(a), get(b)).into()),
            Inst::Load { d, base, offset, width } => {
                (d, self.read(get(base) + u64::from(*offset), bytes(*width))?)
            }
            Inst::Store { base, offset, s, width } => {
                let (at, cell) = (get(base) + u64::from(*offset), get(s).to_le_bytes());
                return self.write(at, &cell[..bytes(*width) as usize]);
            }
            Inst::Take { d, base, offset } => {
                let at = get(base) + u64::from(*offset);
                let value = self.read(at, 8)?;
                self.write(at, &[0; 8])?;
                (d, value)
            }
            Inst::LoadElem { d, base, index, width } => {
                let (at, bytes) = self.element(get(base), get(index), *width)?;
                (d, self.read(at, bytes)?)
            }
            Inst::StoreElem { base, index, s, width } => {
                let (at, bytes) = self.element(get(base), get(index), *width)?;
                return self.write(at, &get(s).to_le_bytes()[..bytes as usize]);
            }
            Inst::TakeElem { d, base, index } => {
                let (at, _) = self.element(get(base), get(index), Elem::Cell)?;
                let value = self.read(at, 8)?;
                self.write(at, &[0; 8])?;
                (d, value)
            }
            Inst::New { d, bytes, variant } => (d, self.new_block((*bytes).into(), *variant)),
            Inst::NewBytes { d, bytes } => (d, self.new_block(get(bytes), 0)),
            Inst::Capacity { d, s } => (d, self.sizes.get(&get(s)).copied().unwrap_or(0)),
            Inst::Unique { d, s } => (d, self.copy(get(s))?),
            Inst::Free { s } => {
                // Nobody may look at it any more.
                let size = self.sizes[&get(s)];
                return self.write(get(s), &vec![0xdd; size as usize]);
            }
            Inst::Call { function, args, results } => {
                let args: Vec<u64> = args.iter().map(get).collect();
                let values = self.call(*function, &args)?;
                return set(regs, results, &values);
            }
            Inst::CallClosure { closure, args, results } => {
                let function = FnIdx(self.read(get(closure) + 8, 8)? as u32);
                let args: Vec<u64> = [closure].into_iter().chain(args).map(get).collect();
                let values = self.call(function, &args)?;
                return set(regs, results, &values);
            }
            Inst::Machine { op, args, results } => {
                let args: Vec<u64> = args.iter().map(get).collect();
                let values = self.machine(*op, &args)?;
                return set(regs, results, &values);
            }
            other => unreachable!("{other:?} is written by later passes"),
        };
        set(regs, &[*d], &[value])
    }

    fn element(&self, base: u64, index: u64, width: Elem) -> Outcome<(u64, u64)> {
        let bytes = if width == Elem::Cell { 8 } else { 1 };
        if index >= self.read(base + 8, 8)? {
            return Err(End::Machine("index-out-of-bounds"));
        }
        Ok((base + 16 + index * bytes, bytes))
    }

    fn copy(&mut self, block: u64) -> Outcome<u64> {
        let size = match self.sizes.get(&block) {
            Some(size) => *size,
            None if block >= DATA => self.data.len() as u64 - (block - DATA),
            None => return Err(End::Machine("no block")),
        };
        let bytes = self.bytes(block, size)?.to_vec();
        let new = self.new_block(size, 0);
        self.write(new, &bytes)?;
        Ok(new)
    }

    fn machine(&mut self, op: MachineOp, args: &[u64]) -> Outcome<Vec<u64>> {
        Ok(match op {
            MachineOp::Address => vec![args[0]],
            MachineOp::Print => {
                let text = self.bytes(args[0], args[1])?.to_vec();
                self.output.extend(text);
                Vec::new()
            }
            MachineOp::Copy => {
                let bytes = self.bytes(args[1], args[2])?.to_vec();
                self.write(args[0], &bytes)?;
                Vec::new()
            }
            MachineOp::Fill => {
                self.write(args[0], &vec![args[1] as u8; args[2] as usize])?;
                Vec::new()
            }
            MachineOp::CompareBytes => {
                let (a, b) = (self.bytes(args[0], args[2])?, self.bytes(args[1], args[2])?);
                vec![a.cmp(b) as i64 as u64]
            }
            MachineOp::IntText => self.text(args[1], &(args[0] as i64).to_string())?,
            MachineOp::FloatText => {
                let value = f64::from_bits(args[0]);
                let text = match args[2] as i64 {
                    n @ 0..=100 => format!("{value:.*}", n as usize),
                    -2 => format!("{value:e}"),
                    _ => format!("{value:?}"),
                };
                self.text(args[1], &text)?
            }
            MachineOp::ParseFloat => {
                let text = String::from_utf8_lossy(self.bytes(args[0], args[1])?).into_owned();
                let value = text.parse::<f64>();
                vec![value.clone().unwrap_or(0.0).to_bits(), value.is_ok().into()]
            }
            MachineOp::Utf8 => match std::str::from_utf8(self.bytes(args[0], args[1])?) {
                Ok(text) => vec![text.len() as u64],
                Err(error) => vec![error.valid_up_to() as u64],
            },
            MachineOp::Find => {
                let (text, what) = (self.bytes(args[0], args[1])?, self.bytes(args[2], args[3])?);
                let last = (text.len() + 1).saturating_sub(what.len());
                let found = (0..last).find(|n| text[*n..].starts_with(what));
                vec![found.map_or(-1, |n| n as i64) as u64]
            }
            MachineOp::Hash => {
                let bytes = self.bytes(args[0], args[1])?;
                let mix =
                    |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
                vec![bytes.iter().fold(args[2] ^ 0xcbf2_9ce4_8422_2325, mix).rotate_left(32)]
            }
            MachineOp::Now | MachineOp::Mono | MachineOp::Random => vec![4],
            MachineOp::PrintChar | MachineOp::Sleep => Vec::new(),
            MachineOp::Host(_) => return Err(End::Machine("host")),
            // One process is evaluated alone.
            _ => return Err(End::Machine("processes")),
        })
    }

    fn text(&mut self, to: u64, text: &str) -> Outcome<Vec<u64>> {
        self.write(to, text.as_bytes())?;
        Ok(vec![text.len() as u64])
    }
}

fn set(regs: &mut [u64], to: &[Reg], values: &[u64]) -> Outcome<()> {
    assert_eq!(to.len(), values.len());
    for (reg, value) in to.iter().zip(values) {
        regs[reg.0 as usize] = *value;
    }
    Ok(())
}

fn operand(operand: &Operand, regs: &[u64]) -> u64 {
    match operand {
        Operand::Reg(reg) => regs[reg.0 as usize],
        Operand::Imm(n) => i64::from(*n) as u64,
    }
}

fn bytes(width: Width) -> u64 {
    match width {
        Width::Cell => 8,
        Width::U8 => 1,
        Width::U16 => 2,
        Width::U32 => 4,
    }
}

fn compare(op: Compare, a: u64, b: u64) -> bool {
    let (x, y) = (a as i64, b as i64);
    match op {
        Compare::Eq => a == b,
        Compare::Ne => a != b,
        Compare::Lt => x < y,
        Compare::Le => x <= y,
        Compare::Gt => x > y,
        Compare::Ge => x >= y,
        Compare::LtU => a < b,
        Compare::LeU => a <= b,
        Compare::GtU => a > b,
        Compare::GeU => a >= b,
    }
}

fn compare_floats(op: Compare, a: u64, b: u64) -> bool {
    let (a, b) = (f64::from_bits(a), f64::from_bits(b));
    match op {
        Compare::Eq => a == b,
        Compare::Ne => a != b,
        Compare::Lt => a < b,
        Compare::Le => a <= b,
        Compare::Gt => a > b,
        _ => a >= b,
    }
}

fn binary(op: BinaryOp, a: i64, b: i64) -> Result<i64, &'static str> {
    const OVERFLOW: &str = "integer-overflow";
    let unsigned = |f: fn(u64, u64) -> u64| match b {
        0 => Err("divide-by-zero"),
        _ => Ok(f(a as u64, b as u64) as i64),
    };
    Ok(match op {
        BinaryOp::Add => a.checked_add(b).ok_or(OVERFLOW)?,
        BinaryOp::Sub => a.checked_sub(b).ok_or(OVERFLOW)?,
        BinaryOp::Mul => a.checked_mul(b).ok_or(OVERFLOW)?,
        BinaryOp::AddWrap => a.wrapping_add(b),
        BinaryOp::SubWrap => a.wrapping_sub(b),
        BinaryOp::MulWrap => a.wrapping_mul(b),
        BinaryOp::Div | BinaryOp::Rem if b == 0 => return Err("divide-by-zero"),
        BinaryOp::Div => a.checked_div(b).ok_or(OVERFLOW)?,
        BinaryOp::Rem => a.checked_rem(b).ok_or(OVERFLOW)?,
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        BinaryOp::Shl => a.wrapping_shl(b as u32),
        BinaryOp::Shr => a.wrapping_shr(b as u32),
        BinaryOp::ShrU => (a as u64).wrapping_shr(b as u32) as i64,
        BinaryOp::DivU => unsigned(|a, b| a / b)?,
        BinaryOp::RemU => unsigned(|a, b| a % b)?,
        BinaryOp::Min => a.min(b),
        BinaryOp::Max => a.max(b),
    })
}

fn unary(op: UnaryOp, a: u64) -> Outcome<u64> {
    let (int, float) = (a as i64, f64::from_bits(a));
    Ok(match op {
        UnaryOp::Neg => int.checked_neg().ok_or(End::Machine("integer-overflow"))? as u64,
        UnaryOp::Not => !a,
        UnaryOp::LeadingZeros => a.leading_zeros().into(),
        UnaryOp::TrailingZeros => a.trailing_zeros().into(),
        UnaryOp::CountOnes => a.count_ones().into(),
        UnaryOp::IntToFloat => (int as f64).to_bits(),
        UnaryOp::FloatToInt => float as i64 as u64,
        UnaryOp::BitsOfFloat | UnaryOp::FloatOfBits => a,
        UnaryOp::Sqrt => float.sqrt().to_bits(),
        UnaryOp::AbsFloat => float.abs().to_bits(),
        UnaryOp::NegFloat => (-float).to_bits(),
        UnaryOp::Floor => float.floor().to_bits(),
        UnaryOp::Ceil => float.ceil().to_bits(),
        UnaryOp::Trunc => float.trunc().to_bits(),
        UnaryOp::Round => float.round().to_bits(),
    })
}
