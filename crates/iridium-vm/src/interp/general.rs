//! What instructions do out of line, in safe code: all of those that the table calls `general`, and
//! the rare cases of the fast ones.
//!
//! Fuel comes first: an instruction that costs is not begun when no fuel is left. What traps has
//! been paid for.

use super::arithmetic::bits;
use super::effects;
use super::machine::{Exit, Run};
use crate::process::{Frame, Process, Register, Status, Stop, TrapKind};
use crate::program::Program;
use iridium_isa::operand::{Data, Int, IntOut, Offset};
use iridium_isa::{DATA_BASE, Fuel, Instruction};

/// Why an instruction was not done, or was the last one of this run. Small, since each instruction
/// that is done here answers that there was none.
pub(super) enum Break {
    OutOfFuel,
    Trap(TrapKind),
    #[expect(clippy::box_collection, reason = "a string is three words")]
    HostError(Box<String>),
    /// It is done, and the process has ended; the run knows how.
    Ends,
    /// It is done, and the process waits; the run ends after it, and knows why.
    Waits,
}

const _: () = assert!(size_of::<Result<u32, Break>>() <= 2 * size_of::<u64>());

impl From<TrapKind> for Break {
    fn from(kind: TrapKind) -> Self {
        Break::Trap(kind)
    }
}

/// Does the instruction at the process's `pc` and moves on.
pub(super) fn execute(run: &mut Run<'_>) -> Result<(), Exit> {
    let index = run.process.pc;
    // The reference is to the program, so the run can be changed meanwhile.
    let program: &Program = run.program;
    let Some(instruction) = program.module().code().get(index as usize) else {
        return Err(Exit::OutOfFuel);
    };
    match perform(run, instruction, index) {
        Ok(next) => {
            run.process.pc = next;
            return Ok(());
        }
        Err(Break::OutOfFuel) => return Err(Exit::OutOfFuel),
        Err(Break::Trap(kind)) => {
            run.stop = Some(super::trap(run.process, program, kind, None));
        }
        Err(Break::HostError(message)) => {
            let kind = TrapKind::HostError;
            run.stop = Some(super::trap(run.process, program, kind, Some(*message)));
        }
        Err(Break::Ends) => {}
        Err(Break::Waits) => run.process.pc = index + 1,
    }
    Err(Exit::Stopped)
}

/// Does an instruction. Gives the index of the next one.
fn perform(run: &mut Run<'_>, instruction: &Instruction, index: u32) -> Result<u32, Break> {
    use Instruction as I;
    if let Fuel::Fixed(cost) = instruction.opcode().fuel() {
        run.pay(u64::from(cost))?;
    }
    match instruction {
        I::Hlt {} => return Err(halted(run)),
        I::Ret {} => match run.process.frames.pop() {
            None => return Err(halted(run)),
            Some(frame) => {
                run.process.window = run.process.window.saturating_sub(frame.slide);
                return Ok(frame.return_to);
            }
        },
        I::Exit { a } => {
            let code = run.int(*a);
            run.process.status = Status::Exited(code);
            run.stop = Some(Stop::Exited(code));
            return Err(Break::Ends);
        }
        I::Trap { n } => return Err(TrapKind::User(n.0).into()),
        I::Fuel { d } => {
            let spent = run.spent();
            run.set_int(*d, spent as i64);
        }

        I::Jmp { a } => return run.target(run.int(*a)),
        I::Jmpf { a } => return run.target(i64::from(index).wrapping_add(run.int(*a))),
        I::Jmpb { a } => return run.target(i64::from(index).wrapping_sub(run.int(*a))),
        I::Jmpe { a } => {
            run.pay(1)?;
            return run.target(run.int(*a));
        }
        I::Call { l } => return run.call(index, l.0, 0),
        I::Callw { l, k } => return run.call(index, l.0, k.0),
        I::Callr { a } => {
            let target = run.target(run.int(*a))?;
            return run.call(index, target, 0);
        }
        I::Callwr { a, k } => {
            let target = run.target(run.int(*a))?;
            return run.call(index, target, k.0);
        }

        I::Div { b, .. } | I::Rem { b, .. } => {
            let zero = run.int(*b) == 0;
            return Err(
                if zero { TrapKind::DivideByZero } else { TrapKind::IntegerOverflow }.into()
            );
        }
        I::Divu { .. } | I::Remu { .. } => return Err(TrapKind::DivideByZero.into()),
        I::Push { a } => {
            let value = run.int(*a);
            let process = &mut *run.process;
            if process.stack.len() as u64 >= process.limits.stack
                || process.stack.try_reserve(1).is_err()
            {
                return Err(TrapKind::DataStackLimit.into());
            }
            process.stack.push(value);
        }
        I::Pop { .. } => return Err(TrapKind::DataStackUnderflow.into()),

        I::Aloc { a } => aloc(run, *a)?,
        I::Heap { d } => run.set_int(*d, run.process.heap.len() as i64),
        I::Ld8 { a, o, d } => run.load(*a, *o, *d, |[v]: [u8; 1]| i64::from(v))?,
        I::Ld8s { a, o, d } => run.load(*a, *o, *d, |v| i64::from(i8::from_le_bytes(v)))?,
        I::Ld16 { a, o, d } => run.load(*a, *o, *d, |v| i64::from(u16::from_le_bytes(v)))?,
        I::Ld16s { a, o, d } => run.load(*a, *o, *d, |v| i64::from(i16::from_le_bytes(v)))?,
        I::Ld32 { a, o, d } => run.load(*a, *o, *d, |v| i64::from(u32::from_le_bytes(v)))?,
        I::Ld32s { a, o, d } => run.load(*a, *o, *d, |v| i64::from(i32::from_le_bytes(v)))?,
        I::Ld64 { a, o, d } => run.load(*a, *o, *d, i64::from_le_bytes)?,
        I::Loadm { a, d } => run.load(*a, Offset(0), *d, |v| i64::from(i32::from_le_bytes(v)))?,
        I::LdF64 { a, o, d } => {
            let bytes = run.read_array(*a, *o)?;
            run.register(d.0).float = f64::from_le_bytes(bytes);
        }
        I::St8 { a, o, b } => run.store(*a, *o, [run.int(*b) as u8])?,
        I::St16 { a, o, b } => run.store(*a, *o, (run.int(*b) as u16).to_le_bytes())?,
        I::St32 { a, o, b } => run.store(*a, *o, (run.int(*b) as u32).to_le_bytes())?,
        I::St64 { a, o, b } => run.store(*a, *o, run.int(*b).to_le_bytes())?,
        I::StF64 { a, o, b } => run.store(*a, *o, bits(run.float(b.0)).to_le_bytes())?,
        I::Setm { a, b } => run.store(*a, Offset(0), (run.int(*b) as u32).to_le_bytes())?,
        I::Memcpy { d, a, len } => memcpy(run, *d, *a, *len)?,
        I::Memset { d, b, len } => {
            let (address, byte, length) = (run.int(*d), run.int(*b) as u8, run.int(*len));
            run.pay_bulk(|process, _| writable(process, address, length).map(|bytes| bytes.len()))?;
            writable(run.process, address, length)?.fill(byte);
        }
        I::Memcmp { a, b, len, d } => {
            let (x, y, length) = (run.int(*a), run.int(*b), run.int(*len));
            run.pay_bulk(|process, program| {
                readable(process, program, y, length)?;
                readable(process, program, x, length).map(<[u8]>::len)
            })?;
            let x = readable(run.process, run.program, x, length)?;
            let order = x.cmp(readable(run.process, run.program, y, length)?);
            run.set_int(*d, order as i64);
        }

        I::Prts { s } => {
            let offset = s.0;
            run.pay_bulk(|_, program| text(program, Data(offset)).map(str::len))?;
            run.world.write(text(run.program, Data(offset))?.as_bytes());
        }
        I::Prti { a } => {
            let text = run.int(*a).to_string();
            run.world.write(text.as_bytes());
        }
        I::PrtF64 { a } => {
            let text = format!("{:?}", run.float(a.0));
            run.world.write(text.as_bytes());
        }
        I::Prtc { a } => {
            let scalar = u32::try_from(run.int(*a)).ok().and_then(char::from_u32);
            let scalar = scalar.ok_or(TrapKind::BadString)?;
            run.world.write(scalar.encode_utf8(&mut [0; 4]).as_bytes());
        }
        I::Prtm { a, len } => {
            let (address, length) = (run.int(*a), run.int(*len));
            run.pay_bulk(|process, program| {
                readable(process, program, address, length).map(<[u8]>::len)
            })?;
            let bytes = readable(run.process, run.program, address, length)?;
            for chunk in bytes.utf8_chunks() {
                run.world.write(chunk.valid().as_bytes());
                if !chunk.invalid().is_empty() {
                    run.world.write("\u{FFFD}".as_bytes());
                }
            }
        }
        I::Igl {} => return Err(TrapKind::IllegalInstruction.into()),
        other => effects::perform(run, other)?,
    }
    Ok(index + 1)
}

fn halted(run: &mut Run<'_>) -> Break {
    let result = run.process.register(0).int;
    run.process.status = Status::Halted(result);
    run.stop = Some(Stop::Halted(result));
    Break::Ends
}

fn aloc(run: &mut Run<'_>, a: Int) -> Result<(), Break> {
    let wanted = run.int(a);
    let (length, limit) = (run.process.heap.len(), run.process.limits.heap);
    run.pay_bulk(|_, _| {
        let more = usize::try_from(wanted).map_err(|_| TrapKind::HeapLimit)?;
        match length.checked_add(more) {
            Some(total) if total as u64 <= limit => Ok(more),
            _ => Err(TrapKind::HeapLimit),
        }
    })?;
    let more = wanted as usize;
    // Doubling keeps many small requests cheap; the limit keeps doubling within bounds.
    let room = (length * 2).min(limit as usize).max(length + more) - length;
    let heap = &mut run.process.heap;
    if heap.capacity() < length + more
        && heap.try_reserve_exact(room).or_else(|_| heap.try_reserve_exact(more)).is_err()
    {
        return Err(TrapKind::HeapLimit.into());
    }
    heap.resize(length + more, 0);
    Ok(())
}

fn memcpy(run: &mut Run<'_>, d: Int, a: Int, len: Int) -> Result<(), Break> {
    let (to, from, length) = (run.int(d), run.int(a), run.int(len));
    run.pay_bulk(|process, program| {
        readable(process, program, from, length)?;
        writable(process, to, length).map(|bytes| bytes.len())
    })?;
    if from >= DATA_BASE {
        let program = run.program;
        let source = read_data(program, from, length).ok_or(TrapKind::HeapOutOfBounds)?;
        writable(run.process, to, length)?.copy_from_slice(source);
    } else {
        let (to, from) = (to as usize, from as usize);
        run.process.heap.copy_within(from..from + length as usize, to);
    }
    Ok(())
}

impl Run<'_> {
    pub(super) fn int(&self, register: Int) -> i64 {
        self.process.register(register.0).int
    }

    pub(super) fn float(&self, number: u8) -> f64 {
        self.process.register(number).float
    }

    pub(super) fn set_int(&mut self, register: IntOut, value: i64) {
        self.register(register.0).int = value;
    }

    /// A register of the window in force. All that an instruction names are there (V1, I2), so the
    /// growing is for nothing but totality.
    pub(super) fn register(&mut self, number: u8) -> &mut Register {
        let at = self.process.window as usize + usize::from(number);
        if at >= self.process.registers.len() {
            self.process.registers.resize(at + 1, Register::default());
        }
        &mut self.process.registers[at]
    }

    /// Pays, unless no fuel is left.
    pub(super) fn pay(&mut self, cost: u64) -> Result<(), Break> {
        if self.fuel <= 0 {
            return Err(Break::OutOfFuel);
        }
        self.fuel -= cost as i64;
        Ok(())
    }

    /// Pays for as many bytes as the instruction turns out to move; for one that traps, 1.
    pub(super) fn pay_bulk(
        &mut self,
        bytes: impl FnOnce(&mut Process, &Program) -> Result<usize, TrapKind>,
    ) -> Result<(), Break> {
        self.pay(1)?;
        let bytes = bytes(self.process, self.program)?;
        self.fuel -= Fuel::bulk(bytes as u64) as i64 - 1;
        Ok(())
    }

    /// A computed jump target.
    fn target(&self, index: i64) -> Result<u32, Break> {
        match u32::try_from(index) {
            Ok(target) if (target as usize) < self.code.ops().len() => Ok(target),
            _ => Err(TrapKind::BadJumpTarget.into()),
        }
    }

    /// Makes a call that is paid for.
    fn call(&mut self, index: u32, target: u32, slide: u8) -> Result<u32, Break> {
        let process = &mut *self.process;
        if process.frames.len() as u64 >= process.limits.call_depth
            || process.frames.try_reserve(1).is_err()
        {
            return Err(TrapKind::CallDepthLimit.into());
        }
        let window = process.window as usize + usize::from(slide);
        let needed = window + self.program.module().window();
        if needed > process.registers.len() {
            grow_registers(process, needed)?;
        }
        process.window = window as u32;
        process.frames.push(Frame { return_to: index + 1, slide: u32::from(slide) });
        Ok(target)
    }

    fn read_array<const N: usize>(&self, a: Int, o: Offset) -> Result<[u8; N], TrapKind> {
        let address = self.int(a).wrapping_add(i64::from(o.0));
        let bytes = readable(self.process, self.program, address, N as i64)?;
        bytes.first_chunk().copied().ok_or(TrapKind::HeapOutOfBounds)
    }

    fn load<const N: usize>(
        &mut self,
        a: Int,
        o: Offset,
        d: IntOut,
        value: impl Fn([u8; N]) -> i64,
    ) -> Result<(), TrapKind> {
        let bytes = self.read_array(a, o)?;
        self.set_int(d, value(bytes));
        Ok(())
    }

    fn store<const N: usize>(&mut self, a: Int, o: Offset, bytes: [u8; N]) -> Result<(), TrapKind> {
        let address = self.int(a).wrapping_add(i64::from(o.0));
        writable(self.process, address, N as i64)?.copy_from_slice(&bytes);
        Ok(())
    }
}

/// Doubles the registers, within the limit, until there are as many as needed.
fn grow_registers(process: &mut Process, needed: usize) -> Result<(), TrapKind> {
    let limit = process.limits.registers as usize;
    if needed > limit {
        return Err(TrapKind::RegisterLimit);
    }
    let length = process.registers.len();
    let wanted = (length * 2).min(limit).max(needed);
    process.registers.try_reserve_exact(wanted - length).map_err(|_| TrapKind::RegisterLimit)?;
    process.registers.resize(wanted, Register::default());
    Ok(())
}

/// Bytes of the heap or of the read-only data.
pub(super) fn readable<'b>(
    process: &'b Process,
    program: &'b Program,
    address: i64,
    length: i64,
) -> Result<&'b [u8], TrapKind> {
    let bytes = if address >= DATA_BASE {
        read_data(program, address, length)
    } else {
        range(address, length).and_then(|range| process.heap.get(range))
    };
    bytes.ok_or(TrapKind::HeapOutOfBounds)
}

/// Bytes of the heap, to be changed. From the start of the read-only data on there is nothing to be
/// changed, which has a trap of its own.
pub(super) fn writable(
    process: &mut Process,
    address: i64,
    length: i64,
) -> Result<&mut [u8], TrapKind> {
    if address >= DATA_BASE && length >= 0 {
        return Err(TrapKind::ReadOnlyWrite);
    }
    range(address, length)
        .and_then(|range| process.heap.get_mut(range))
        .ok_or(TrapKind::HeapOutOfBounds)
}

fn read_data(program: &Program, address: i64, length: i64) -> Option<&[u8]> {
    program.module().data().get(range(address.checked_sub(DATA_BASE)?, length)?)
}

fn range(start: i64, length: i64) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(start).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}

/// The NUL-ended UTF-8 string at a data offset.
pub(super) fn text(program: &Program, at: Data) -> Result<&str, TrapKind> {
    let rest = program.module().data().get(at.0 as usize..).ok_or(TrapKind::BadString)?;
    let end = rest.iter().position(|byte| *byte == 0).ok_or(TrapKind::BadString)?;
    rest.get(..end).and_then(|bytes| std::str::from_utf8(bytes).ok()).ok_or(TrapKind::BadString)
}
