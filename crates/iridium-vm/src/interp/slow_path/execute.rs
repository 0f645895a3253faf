//! What instructions do out of line, in safe code: all of those that the table calls `slow`, and
//! the rare cases of the fast ones.
//!
//! Fuel comes first: an instruction that costs is not begun when no fuel is left. What traps has
//! been paid for.

use std::sync::Arc;

use iridium_isa::operand::Offset;
use iridium_isa::{Fuel, Instruction, Module};

use super::interruption::Interruption;
use super::{blocks, bulk, effects, text};
use crate::interp::arithmetic::bits;
use crate::interp::machine::{Exit, Run};
use crate::process::{Process, Status};
use crate::stop::Stop;
use crate::trap::TrapKind;

/// Does the instruction at the process's `pc` and moves on.
#[inline(always)]
pub(in crate::interp) fn execute(run: &mut Run<'_>) -> Result<(), Exit> {
    let index = run.process.pc;
    // The reference is to the module, so the run can be changed meanwhile.
    let module = run.module;
    let done = match module.code().get(index as usize) {
        Some(instruction) => perform(run, instruction, index),
        None => Err(TrapKind::Internal.into()),
    };
    match done {
        Ok(next) => {
            run.process.pc = next;
            return Ok(());
        }
        Err(Interruption::OutOfFuel) => return Err(Exit::OutOfFuel),
        Err(Interruption::OutputFull) => run.stop = Some(Stop::OutputFull),
        Err(Interruption::Trap(kind)) => run.stop = Some(trap(run.process, module, kind, None)),
        Err(Interruption::TrapWith(told)) => {
            let (kind, message) = *told;
            run.stop = Some(trap(run.process, module, kind, Some(message)));
        }
        Err(Interruption::Ends) => {}
        Err(Interruption::Waits) => run.process.pc = index + 1,
    }
    Err(Exit::Stopped)
}

/// Ends a process with a trap at its current instruction.
pub(in crate::interp) fn trap(
    process: &mut Process,
    module: &Arc<Module>,
    kind: TrapKind,
    message: Option<String>,
) -> Stop {
    process.status = Status::Trapped(kind);
    let trap = process.trap_here(module, kind, message);
    if kind == TrapKind::Internal {
        log::error!("internal error of the interpreter: {trap}");
    }
    Stop::Trapped(Box::new(trap))
}

/// Does an instruction. Returns the index of the next one.
fn perform(run: &mut Run<'_>, instruction: &Instruction, index: u32) -> Result<u32, Interruption> {
    use Instruction as I;
    match instruction.opcode().fuel() {
        Fuel::Fixed(cost) => run.pay(u64::from(cost))?,
        // What comes here of branches is taken.
        Fuel::Taken => run.pay(1)?,
        Fuel::Free if run.code.is_toll(index) => run.pay(1)?,
        Fuel::Free | Fuel::Bulk => {}
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
            return Err(Interruption::Ends);
        }
        I::Trap { n } => return Err(TrapKind::User(n.0).into()),
        I::Fuel { d } => {
            let spent = run.spent();
            run.set_int(*d, spent as i64);
        }

        I::Jmp { a } | I::Jmpe { a } => return run.target(run.int(*a)),
        I::Jmpf { a } => return run.target(i64::from(index).wrapping_add(run.int(*a))),
        I::Jmpb { a } => return run.target(i64::from(index).wrapping_sub(run.int(*a))),
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
        I::Addc { .. }
        | I::Addci { .. }
        | I::Subc { .. }
        | I::Subci { .. }
        | I::Mulc { .. }
        | I::Mulci { .. }
        | I::Negc { .. } => return Err(TrapKind::IntegerOverflow.into()),
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

        I::Aloc { a } => bulk::aloc(run, *a)?,
        I::Heap { d } => run.set_int(*d, run.process.heap.bytes.len() as i64),
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
        I::Memcpy { d, a, len } => bulk::memcpy(run, *d, *a, *len)?,
        I::Memset { d, b, len } => bulk::memset(run, *d, *b, *len)?,
        I::Memcmp { a, b, len, d } => bulk::memcmp(run, [*a, *b, *len], *d)?,

        I::New { d, n, v } => blocks::new(run, *d, *n, *v)?,
        I::Newv { a, d } => blocks::newv(run, *a, *d)?,
        I::Free { a }
        | I::Keep { a }
        | I::Drop { a, .. }
        | I::Brsh { a, .. }
        | I::Cap { a, .. } => return Err(blocks::no_block(run.int(*a)).into()),
        I::Ldx64 { a, i, d } => {
            let value = i64::from_le_bytes(run.load_element(*a, *i)?);
            run.set_int(*d, value);
        }
        I::Ldx8 { a, i, d } => {
            let [byte] = run.load_element(*a, *i)?;
            run.set_int(*d, i64::from(byte));
        }
        I::LdxF64 { a, i, d } => {
            let value = f64::from_le_bytes(run.load_element(*a, *i)?);
            run.register(d.0).float = value;
        }
        I::Stx64 { a, i, b } => run.store_element(*a, *i, run.int(*b).to_le_bytes())?,
        I::Stx8 { a, i, b } => run.store_element(*a, *i, [run.int(*b) as u8])?,
        I::StxF64 { a, i, b } => {
            run.store_element(*a, *i, bits(run.float(b.0)).to_le_bytes())?;
        }

        I::Trapm { n, a, len } => return Err(text::trapm(run, *n, *a, *len)),
        I::Itoa { a, m, d } => text::itoa(run, *a, *m, *d)?,
        I::Ftoa { a, m, d } => text::ftoa(run, *a, *m, *d)?,
        I::Atof { a, len, d } => text::atof(run, *a, *len, *d)?,
        I::Utf8 { a, len, d } => text::utf8(run, *a, *len, *d)?,
        I::Find { h, m, d } => text::find(run, *h, *m, *d)?,
        I::Hash { a, len, d } => text::hash(run, *a, *len, *d)?,

        I::Prts { s } => bulk::prts(run, *s)?,
        I::Prti { a } => {
            run.begin_output()?;
            let text = run.int(*a).to_string();
            run.environment.write(text.as_bytes());
        }
        I::PrtF64 { a } => {
            run.begin_output()?;
            let text = format!("{:?}", run.float(a.0));
            run.environment.write(text.as_bytes());
        }
        I::Prtc { a } => {
            run.begin_output()?;
            let scalar = u32::try_from(run.int(*a)).ok().and_then(char::from_u32);
            let scalar = scalar.ok_or(TrapKind::BadString)?;
            run.environment.write(scalar.encode_utf8(&mut [0; 4]).as_bytes());
        }
        I::Prtm { a, len } => bulk::prtm(run, *a, *len)?,
        I::Igl {} => return Err(TrapKind::IllegalInstruction.into()),
        other => effects::perform(run, other)?,
    }
    Ok(index + 1)
}

fn halted(run: &mut Run<'_>) -> Interruption {
    let result = run.process.register(0).int;
    run.process.status = Status::Halted(result);
    run.stop = Some(Stop::Halted(result));
    Interruption::Ends
}
