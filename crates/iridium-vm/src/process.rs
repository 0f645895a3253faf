//! A process: everything a running program has, as plain data.
//!
//! A [`Process`] owns no thread, lock, socket or pointer, and names its module by hash. Between two
//! runs it can be saved, moved and restored. What it asks of its surroundings it says as
//! an [`Effect`](crate::Effect); whoever owns it carries the effect out and answers with a
//! [`Completion`].

use iridium_isa::ModuleId;

use crate::blocks;
use crate::codec::numbered;
use crate::effect::{Completion, Pending, UnexpectedCompletion};
use crate::heap::Heap;
use crate::limits::Limits;
use crate::message::{Message, Payload};
use crate::register::{Frame, Register};
use crate::trap::TrapKind;
use serde::{Deserialize, Serialize};

/// What an allocation takes beyond what was asked for, in bytes.
pub const ALLOCATION: u64 = 16;

numbered! {
    /// What a process is doing.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Status {
        /// It can run.
        0 = Ready,
        /// It waits until its last effect is answered.
        1 = Waiting,
        /// It ended with `hlt` or a last `ret`; its result is `$0`.
        2 = Halted(i64),
        /// It ended with `exit`.
        3 = Exited(i64),
        /// It ended with a trap.
        4 = Trapped(TrapKind),
    }
}

/// A process of a module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub(crate) module: ModuleId,
    pub(crate) limits: Limits,
    pub(crate) status: Status,
    pub(crate) pending: Option<Pending>,
    /// The instruction that runs next; after a trap the one that trapped.
    pub(crate) pc: u32,
    /// The register that is `$0` of the window in force.
    pub(crate) window: u32,
    /// All windows, as far as they have been reached.
    pub(crate) registers: Vec<Register>,
    pub(crate) flag: bool,
    pub(crate) remainder: i64,
    pub(crate) counter: u64,
    pub(crate) stack: Vec<i64>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) heap: Heap,
    /// The message that `recv` took last.
    pub(crate) message: Option<Payload>,
    pub(crate) fuel_spent: u64,
    /// Whether this state was checked against its module. Only true for states that this program
    /// itself brought about, so it is not part of a snapshot.
    #[serde(skip)]
    pub(crate) checked: bool,
    /// The payload of a `send` that is under way, as far as it is copied. The heap has the same bytes,
    /// so it is not part of a snapshot.
    #[serde(skip)]
    pub(crate) unsent: Option<Box<Unsent>>,
}

/// What is copied of a payload. Few processes have any, so it lies beside the process.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Unsent(pub(crate) Vec<u8>);

impl Process {
    /// The module's identity.
    pub fn module(&self) -> ModuleId {
        self.module
    }

    /// What the process is doing.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The instruction that runs next; after a trap the one that trapped.
    pub fn pc(&self) -> u32 {
        self.pc
    }

    /// A register of the window in force, both lanes; zero when it was never allocated.
    pub fn register(&self, number: u8) -> Register {
        let at = self.window as usize + usize::from(number);
        self.registers.get(at).copied().unwrap_or_default()
    }

    /// Sets a register of the window in force. Does nothing when the window is not there, as in a
    /// restored state that will not run.
    pub fn set_register(&mut self, number: u8, value: Register) {
        let at = self.window as usize + usize::from(number);
        if self.window as usize > self.registers.len() {
            return;
        }
        if at >= self.registers.len() {
            self.registers.resize(at + 1, Register::default());
        }
        if let Some(register) = self.registers.get_mut(at) {
            *register = value;
        }
    }

    /// Clears all registers, windows, stacks, the flag, the remainder and the loop counter.
    pub fn clear_registers(&mut self) {
        self.registers.fill(Register::default());
        self.window = 0;
        self.frames.clear();
        self.stack.clear();
        (self.flag, self.remainder, self.counter) = (false, 0, 0);
    }

    /// The result of the last comparison.
    pub fn flag(&self) -> bool {
        self.flag
    }

    /// The remainder register.
    pub fn remainder(&self) -> i64 {
        self.remainder
    }

    /// The loop counter.
    pub fn loop_counter(&self) -> u64 {
        self.counter
    }

    /// The data stack, its top last.
    pub fn stack(&self) -> &[i64] {
        &self.stack
    }

    /// How many calls have not returned.
    pub fn call_depth(&self) -> usize {
        self.frames.len()
    }

    /// How far calls have slid the window up: the number that `$0` has without any call.
    pub fn window(&self) -> u32 {
        self.window
    }

    /// Forgets the innermost calls until this many are left, and slides the window back as if they
    /// had returned. This is how a REPL leaves what a trap or an interrupt cut short.
    pub fn unwind(&mut self, depth: usize) {
        for frame in self.frames.drain(depth.min(self.frames.len())..) {
            self.window = self.window.saturating_sub(frame.slide);
        }
    }

    /// The heap.
    pub fn heap(&self) -> &[u8] {
        &self.heap.bytes
    }

    /// How many blocks of the heap are live: those of `new` and `newv` that were not given back. This
    /// looks at each block that was. A program that writes over the table of its blocks can make it any
    /// number.
    pub fn live_blocks(&self) -> u64 {
        self.heap.table.map_or(0, |table| blocks::live(&self.heap.bytes, table))
    }

    /// Gives so many bytes of its heap back, those at the end; whether it has more. To free a large heap
    /// at once keeps other threads from the memory that they ask for, as long as that takes.
    pub fn give_heap_back(&mut self, bytes: usize) -> bool {
        let rest = self.heap.bytes.capacity().saturating_sub(bytes);
        self.heap.bytes.truncate(rest);
        self.heap.bytes.shrink_to(rest);
        rest > 0
    }

    /// The memory that registers, stacks, heap and current message take, in bytes, with what the
    /// allocator adds.
    pub fn memory(&self) -> u64 {
        let parts = self.parts();
        parts.iter().filter(|bytes| **bytes > 0).map(|bytes| *bytes as u64 + ALLOCATION).sum()
    }

    /// Whether they take so many bytes, whatever the allocator adds.
    #[inline]
    pub fn takes(&self, bytes: usize) -> bool {
        self.parts().iter().sum::<usize>() >= bytes
    }

    /// What it has allocated, each in bytes.
    #[inline]
    fn parts(&self) -> [usize; 6] {
        [
            self.registers.capacity() * size_of::<Register>(),
            self.stack.capacity() * size_of::<i64>(),
            self.frames.capacity() * size_of::<Frame>(),
            self.heap.bytes.capacity(),
            self.unsent.as_ref().map_or(0, |unsent| unsent.0.capacity()),
            self.message.as_ref().map_or(0, |message| message.bytes().len()),
        ]
    }

    /// Takes its registers, for [another process](Self::spawned_with). It is to be dropped then.
    pub fn take_registers(&mut self) -> Vec<Register> {
        std::mem::take(&mut self.registers)
    }

    /// Fuel spent since the start.
    pub fn fuel_spent(&self) -> u64 {
        self.fuel_spent
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.limits
    }
}

/// Answers to effects.
impl Process {
    /// Answers the last effect; the process can then run again.
    ///
    /// # Errors
    /// When the process does not wait, or waits for another kind of answer.
    pub fn complete(&mut self, completion: Completion) -> Result<(), UnexpectedCompletion> {
        match (self.pending, completion) {
            (Some(_), Completion::Failed(kind)) => {
                self.fail(kind);
                return Ok(());
            }
            (Some(Pending::Done), Completion::Done) => {}
            (Some(Pending::Value(d)), Completion::Value(value)) => self.set_int(d, value),
            (Some(Pending::Pair(d)), Completion::Pair(first, second)) => {
                self.set_int(d, first);
                self.set_int(d.saturating_add(1), second);
            }
            (Some(Pending::Found(d)), Completion::Found(found)) => {
                self.flag = found.is_some();
                if let Some(value) = found {
                    self.set_int(d, value);
                }
            }
            (Some(Pending::Received(d)), Completion::Received(message)) => {
                self.flag = message.is_some();
                if let Some(message) = message {
                    self.receive(d, message);
                }
            }
            (_, completion) => return Err(UnexpectedCompletion(completion)),
        }
        self.status = Status::Ready;
        self.pending = None;
        Ok(())
    }

    /// Makes a message the current one and tells of it from a register on.
    pub(crate) fn receive(&mut self, d: u8, message: Message) {
        let words = message.words();
        let at = self.window as usize + usize::from(d);
        match self.registers.get_mut(at..at + words.len()) {
            Some(registers) => registers.iter_mut().zip(words).for_each(|(to, int)| to.int = int),
            None => (d..=u8::MAX).zip(words).for_each(|(number, int)| self.set_int(number, int)),
        }
        self.message = Some(message.payload);
    }

    /// Ends the process with a trap from outside. The trap of a waiting process is at the
    /// instruction that waits, which is the one before `pc`.
    pub fn fail(&mut self, kind: TrapKind) {
        self.pc = self.current_instruction();
        self.pending = None;
        self.status = Status::Trapped(kind);
    }

    /// The instruction that it is at: while it waits, that is the one before `pc`.
    pub(crate) fn current_instruction(&self) -> u32 {
        let waits = !matches!(self.pending, None | Some(Pending::Bulk(_)));
        self.pc.saturating_sub(u32::from(waits))
    }

    /// From now on it waits for an answer.
    pub(crate) fn wait(&mut self, pending: Pending) {
        self.status = Status::Waiting;
        self.pending = Some(pending);
    }

    /// As [`complete`](Self::complete) with a message. Returns the message when the process is not
    /// waiting for one.
    #[inline]
    pub fn receive_awaited(&mut self, message: Message) -> Option<Message> {
        let Some(Pending::Received(d)) = self.pending else { return Some(message) };
        self.flag = true;
        self.receive(d, message);
        self.status = Status::Ready;
        self.pending = None;
        None
    }

    fn set_int(&mut self, number: u8, int: i64) {
        let at = self.window as usize + usize::from(number);
        match self.registers.get_mut(at) {
            Some(register) => register.int = int,
            None => self.set_register(number, Register { int, float: 0.0 }),
        }
    }
}
