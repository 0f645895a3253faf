//! What the translator must know of an instruction: which lanes it uses, and where it goes on.

use iridium_isa::operand::Role;
use iridium_isa::{Instruction, Opcode};

use crate::lanes::{Lane, Lanes};

/// Where control goes after an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Control {
    /// To the next instruction.
    Next,
    /// There, or to the next one.
    Branch(u32),
    /// To one of these, or to the next one.
    Table(Box<[u32]>),
    /// There.
    Jump(u32),
    /// Into a call, and then to the next one.
    Call(u32),
    /// Into a call of what a register says, and then to the next one.
    CallComputed(u8),
    /// Out of a call.
    Return,
    /// The interpreter does it. Native code goes on after it, unless it is an end.
    Interpret,
    /// The interpreter does it, and control does not come to the next one.
    End,
}

/// An instruction as the translator sees it.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) reads: Lanes,
    pub(crate) writes: Lanes,
    pub(crate) next: Control,
    /// Whether native code may leave at it, to the interpreter or for want of fuel.
    pub(crate) may_leave: bool,
    /// Whether native code stays where it is in the rare cases of the instruction, which the interpreter
    /// does: those that happen again and again, and after which a program goes on.
    pub(crate) is_stepped: bool,
}

impl Operation {
    pub(crate) fn new(instruction: &Instruction, is_toll: bool) -> Self {
        let next = next(instruction);
        let (reads, writes) = match next {
            // The interpreter finds all lanes at home, and leaves them there.
            Control::Interpret | Control::End => Default::default(),
            _ => lanes(instruction),
        };
        let opcode = instruction.opcode();
        let may_leave = is_toll || next != Control::Next || !is_total(opcode);
        let is_stepped = matches!(opcode, Opcode::New | Opcode::Newv | Opcode::Free | Opcode::Cap);
        Self { reads, writes, next, may_leave, is_stepped }
    }

    /// Whether control leaves native code, or this part of it, and comes back to the next instruction.
    pub(crate) fn comes_back(&self) -> bool {
        matches!(self.next, Control::Call(_) | Control::CallComputed(_) | Control::Interpret)
    }

    /// The instructions that control goes to within native code, from the one at `index`.
    pub(crate) fn successors(&self, index: u32) -> impl Iterator<Item = u32> {
        let (goes_on, targets) = match &self.next {
            Control::Next => (true, &[][..]),
            Control::Branch(to) => (true, std::slice::from_ref(to)),
            Control::Table(to) => (true, &**to),
            Control::Jump(to) => (false, std::slice::from_ref(to)),
            Control::Call(_)
            | Control::CallComputed(_)
            | Control::Return
            | Control::Interpret
            | Control::End => (false, &[][..]),
        };
        targets.iter().copied().chain(goes_on.then_some(index + 1))
    }
}

fn next(instruction: &Instruction) -> Control {
    use Instruction as I;
    match instruction {
        I::Djmp { l } => Control::Jump(l.0),
        I::Jtab { l, .. } => Control::Table(l.0.clone()),
        I::Call { l } | I::Callw { l, .. } => Control::Call(l.0),
        I::Callr { a } | I::Callwr { a, .. } => Control::CallComputed(a.0),
        I::Ret {} => Control::Return,
        I::Jmp { .. } | I::Jmpf { .. } | I::Jmpb { .. } => Control::End,
        I::Hlt {} | I::Igl {} | I::Trap { .. } | I::Trapm { .. } | I::Exit { .. } => Control::End,
        I::Jmpe { .. }
        | I::Push { .. }
        | I::Pop { .. }
        | I::Send { .. }
        | I::Sendi { .. }
        | I::SendF64 { .. }
        | I::Recv { .. }
        | I::Msgi { .. }
        | I::MsgF64 { .. }
        | I::Msgm { .. }
        | I::Find { .. }
        | I::Memcpy { .. }
        | I::Memcmp { .. }
        | I::Hash { .. } => Control::Interpret,
        other if !other.opcode().is_fast() => Control::Interpret,
        other => other.slots().target.map_or(Control::Next, Control::Branch),
    }
}

fn lanes(instruction: &Instruction) -> (Lanes, Lanes) {
    let (mut reads, mut writes) = (Lanes::default(), Lanes::default());
    let slots = instruction.slots();
    for (number, role) in slots.registers.into_iter().zip(slots.roles).take(slots.used) {
        match role {
            Role::IntRead => reads.insert(Lane::int(number)),
            Role::FloatRead => reads.insert(Lane::float(number)),
            Role::IntWrite => writes.insert(Lane::int(number)),
            Role::FloatWrite => writes.insert(Lane::float(number)),
            Role::IntChange => {
                reads.insert(Lane::int(number));
                writes.insert(Lane::int(number));
            }
            // Those that write several registers are interpreted.
            Role::IntWrites | Role::Other => {}
        }
    }
    use Opcode as O;
    match instruction.opcode() {
        O::Eq | O::Neq | O::Gt | O::Gte | O::Lt | O::Lte => writes.insert(Lane::FLAG),
        O::EqF64 | O::NeqF64 | O::GtF64 | O::GteF64 | O::LtF64 | O::LteF64 => {
            writes.insert(Lane::FLAG);
        }
        O::Djmpe | O::Djmpn => reads.insert(Lane::FLAG),
        O::Div => writes.insert(Lane::REMAINDER),
        O::Getrem => reads.insert(Lane::REMAINDER),
        O::Cloop => writes.insert(Lane::COUNTER),
        O::Loop => {
            reads.insert(Lane::COUNTER);
            writes.insert(Lane::COUNTER);
        }
        _ => {}
    }
    let opcode = instruction.opcode();
    if accesses_heap(opcode) || looks_at_blocks(opcode) {
        reads.insert(Lane::HEAP);
    }
    if accesses_heap(opcode) {
        reads.insert(Lane::HEAP_ROOM);
    }
    (reads, writes)
}

/// Whether an instruction accesses the heap at an address that has to be found to be in it.
fn accesses_heap(opcode: Opcode) -> bool {
    use Opcode as O;
    let loads = matches!(
        opcode,
        O::Ld8 | O::Ld8s | O::Ld16 | O::Ld16s | O::Ld32 | O::Ld32s | O::Ld64 | O::LdF64 | O::Loadm
    );
    let stores = matches!(opcode, O::St8 | O::St16 | O::St32 | O::St64 | O::StF64 | O::Setm);
    let elements =
        matches!(opcode, O::Ldx8 | O::Ldx64 | O::LdxF64 | O::Stx8 | O::Stx64 | O::StxF64);
    loads || stores || elements || matches!(opcode, O::New | O::Newv | O::Free)
}

/// Whether an instruction accesses the heap only where a block is.
fn looks_at_blocks(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::Cap | Opcode::Keep | Opcode::Drop | Opcode::Brsh)
}

/// Whether the translator does an instruction whatever its operands are. One that is not known here
/// may leave, which is never wrong.
fn is_total(opcode: Opcode) -> bool {
    use Opcode as O;
    matches!(opcode, O::Nop | O::Cloop)
        || (O::Load..=O::Mul).contains(&opcode)
        || (O::Inc..=O::Lte).contains(&opcode)
        || (O::LoadF64..=O::LteF64).contains(&opcode)
        || (O::Mov..=O::Xori).contains(&opcode)
        || (O::Sll..=O::MaxF64).contains(&opcode)
}
