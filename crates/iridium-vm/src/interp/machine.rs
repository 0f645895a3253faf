//! The state of a run, and the unchecked accesses to code and registers.
//!
//! A [`Machine`] is small enough to live in machine registers: the threaded backend passes its parts
//! as arguments from handler to handler. It is only made by [`Run::machine`], from a process and a
//! program that belong together, and put together again from its [`MachineParts`] by handlers. The
//! accesses
//! here rely on what was established by then:
//!
//! * **I1** `pc` points at an op of the program. Straight lines end in the code (V3), label operands
//!   exist (V2) and are held as the addresses of ops, which never move, return addresses exist (they
//!   are one past a call, which by V3 is not last; S1 for restored states), and computed targets are
//!   checked where they are computed.
//! * **I2** `window` and the program's window size lie inside the process's registers. Established
//!   when a process starts and by S2, kept by calls, which check before they slide, and by returns,
//!   which undo a slide.
//! * **I3** `heap` is the process's heap, and from every address below `heap_room` on there are eight
//!   bytes of it, and from the first `block_places` multiples of 16 above 0 on there are sixteen.
//! * **I4** from `frame_base` to `frame_top` there are the process's calls, and up to `frame_end`
//!   there is room for more.
//! * **I5** what works on a machine is the semantics of the opcode at `pc`, so the operands that it
//!   asks for are there. Dispatch and semantics are generated from the same line of the table.
//! * **I6** `run` is valid and nothing but the machine reaches it.
//!
//! The vectors behind I2 to I4 only change on the slow path and in entry hooks, after which the machine is made anew.
#![allow(unsafe_code)]

use std::sync::Arc;

use iridium_isa::Module;

use super::code::Code;
use super::op::{OP_SIZE, Op};
use super::register_cache::{self, OneMore};
use crate::environment::Environment;
use crate::host::HostFunction;
use crate::process::Process;
use crate::register::{Frame, Register};
use crate::stop::Stop;

/// The widest access to the heap, in bytes.
pub(super) const WIDEST: usize = 8;

/// An address past all heaps.
const NO_TABLE: i64 = i64::MAX / 2;

/// Why dispatch came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// There is no fuel for the instruction at `pc`.
    OutOfFuel,
    /// [`Run::stop`] says why.
    Stopped,
    /// One step is done.
    Stepped,
    /// The next handler is to be called by the driver; only where tail calls are not to be had.
    #[cfg_attr(iridium_tail_calls, allow(dead_code))]
    Again,
}

/// What the instruction at `pc` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is done; go on with the next one.
    Next,
    /// It is done and `pc`, a label operand or a return address, is where to go on.
    Moved,
    /// It is done and `pc`, a computed index, is where to go on.
    Landed,
    /// It did nothing: this case is for the slow path.
    SlowPath,
    /// It did nothing: there is no fuel for it.
    OutOfFuel,
    /// It is done but for what the process waits for, as [`Run::stop`] says.
    Waits,
}

/// What a run works with.
pub(super) struct Run<'r> {
    pub(super) process: &'r mut Process,
    pub(super) module: &'r Arc<Module>,
    pub(super) hosts: &'r [HostFunction],
    pub(super) code: &'r Code,
    pub(super) environment: &'r mut dyn Environment,
    /// Fuel of this run that is left while no machine holds it; may be overdrawn.
    pub(super) fuel: i64,
    pub(super) flag: bool,
    pub(super) remainder: i64,
    pub(super) counter: u64,
    /// What the last `recv` tells of its message.
    pub(super) received: [i64; 3],
    pub(super) stop: Option<Stop>,
    /// The machine between two handlers, where tail calls are not to be had.
    #[cfg(not(iridium_tail_calls))]
    pub(super) between: Option<MachineParts<'r>>,
    pub(super) heap: *mut u8,
    /// Addresses below this are for the fast path.
    pub(super) heap_room: usize,
    /// How many multiples of 16 above 0 may be addresses of blocks: 16 bytes are there.
    pub(super) block_places: u64,
    /// The address of the table of blocks; none that is in the heap when there is no table.
    pub(super) table: i64,
    budget: i64,
    spent_before: u64,
    /// The highest window that still has all its registers.
    last_window: *mut Register,
    frame_base: *mut Frame,
    frame_top: *mut Frame,
    frame_end: *mut Frame,
}

impl<'r> Run<'r> {
    pub(super) fn new(
        process: &'r mut Process,
        code: &'r Code,
        module: &'r Arc<Module>,
        hosts: &'r [HostFunction],
        environment: &'r mut dyn Environment,
        fuel: u64,
    ) -> Self {
        let budget = i64::try_from(fuel).unwrap_or(i64::MAX);
        Self {
            code,
            module,
            hosts,
            environment,
            fuel: budget,
            flag: process.flag,
            remainder: process.remainder,
            counter: process.counter,
            received: [0; 3],
            stop: None,
            #[cfg(not(iridium_tail_calls))]
            between: None,
            budget,
            spent_before: process.fuel_spent,
            heap: std::ptr::null_mut(),
            heap_room: 0,
            block_places: 0,
            table: NO_TABLE,
            last_window: std::ptr::null_mut(),
            frame_base: std::ptr::null_mut(),
            frame_top: std::ptr::null_mut(),
            frame_end: std::ptr::null_mut(),
            process,
        }
    }

    /// Fuel spent since the process started.
    pub(super) fn spent(&self) -> u64 {
        // Overdrawing makes `fuel` negative, and the difference stays right.
        self.spent_before.saturating_add(self.budget.wrapping_sub(self.fuel) as u64)
    }

    /// Puts back what the run kept aside, and hands out why it stopped.
    #[inline]
    pub(super) fn finish(self) -> Option<Stop> {
        let spent = self.spent();
        let Self { process, flag, remainder, counter, stop, .. } = self;
        process.flag = flag;
        process.remainder = remainder;
        process.counter = counter;
        process.fuel_spent = spent;
        stop
    }

    /// The machine for the process as it stands.
    ///
    /// # Safety
    /// While the machine is in use, the run stays where it is and nothing else touches it.
    pub(super) unsafe fn machine(&mut self) -> Machine<'r> {
        let this = &mut *self;
        let window = this.process.window as usize;
        let size = this.module.window();
        let base = this.process.registers.as_mut_ptr();
        debug_assert!(window + size <= this.process.registers.len(), "I2");
        let last = this.process.registers.len().saturating_sub(size);
        let ops = this.code.ops();
        debug_assert!((this.process.pc as usize) < ops.len(), "I1");
        // SAFETY: I2 and I1 for the process as it stands.
        let (window, pc) = unsafe {
            this.last_window = base.add(last);
            (base.add(window), ops.as_ptr().add(this.process.pc as usize))
        };
        this.heap_room = this.process.heap.bytes.len().saturating_sub(WIDEST - 1);
        this.heap = this.process.heap.bytes.as_mut_ptr();
        this.block_places = (this.process.heap.bytes.len() as u64 / 16).saturating_sub(1);
        this.table = this.process.heap.table.map_or(NO_TABLE, i64::from);
        let frames = &mut this.process.frames;
        let room = frames.capacity().min(this.process.limits.call_depth as usize);
        this.frame_base = frames.as_mut_ptr();
        // SAFETY: both are within the vector's allocation.
        unsafe {
            this.frame_top = this.frame_base.add(frames.len());
            this.frame_end = this.frame_base.add(room.max(frames.len()));
        }
        // Jumps make pointers from addresses.
        pc.expose_provenance();
        let fuel = this.fuel;
        Machine {
            parts: MachineParts { pc, window, run: self, fuel, int: [0; 2], float: [0.0; 2] },
        }
    }
}

impl<'r> Run<'r> {
    /// Does one instruction on a machine that is not kept, with the fuel that is given: the one at
    /// `index`, in the window that begins at so many registers. Returns the fuel that is left when it
    /// is done and goes on to the next. `None` when it does not, or when there is no such instruction,
    /// no such window, or a heap that has changed since there was a machine.
    #[inline(always)]
    pub(super) fn one(
        &mut self,
        index: u32,
        window: u32,
        fuel: i64,
        act: impl FnOnce(&mut Machine<'r>) -> Step,
    ) -> Option<i64> {
        let (index, window) = (index as usize, window as usize);
        let ops = self.code.ops();
        let registers = &mut self.process.registers;
        let heap = &mut self.process.heap.bytes;
        let is_same_heap = self.heap == heap.as_mut_ptr()
            && self.heap_room == heap.len().saturating_sub(WIDEST - 1);
        if index >= ops.len() || window + self.module.window() > registers.len() || !is_same_heap {
            return None;
        }
        // SAFETY: I1 and I2 by what was looked at just now.
        let (pc, window) = unsafe { (ops.as_ptr().add(index), registers.as_mut_ptr().add(window)) };
        // I3 holds by the last of it, and I4 for what the last machine has left behind.
        let parts = MachineParts { pc, window, run: self, fuel, int: [0; 2], float: [0.0; 2] };
        let mut machine = Machine { parts };
        (act(&mut machine) == Step::Next).then_some(machine.parts.fuel)
    }
}

/// What a machine consists of.
#[derive(Clone, Copy)]
pub(super) struct MachineParts<'r> {
    pub(super) pc: *const Op,
    pub(super) window: *mut Register,
    pub(super) run: *mut Run<'r>,
    pub(super) fuel: i64,
    /// What was last written to an integer lane, and what before that.
    pub(super) int: [i64; 2],
    /// What was last written to a float lane, and what before that.
    pub(super) float: [f64; 2],
}

/// The state that a run keeps in machine registers. `F` says which operands of the instruction at
/// hand are not read from their registers; see [`register_cache`](super::register_cache).
pub(super) struct Machine<'r, const F: usize = { register_cache::NONE }> {
    parts: MachineParts<'r>,
}

impl<'r, const F: usize> Machine<'r, F> {
    /// A machine from its parts.
    ///
    /// # Safety
    /// The parts are those of a machine that is not used any more.
    #[inline(always)]
    pub(super) unsafe fn from_parts(parts: MachineParts<'r>) -> Self {
        Self { parts }
    }

    /// The parts of the machine.
    #[inline(always)]
    pub(super) fn into_parts(self) -> MachineParts<'r> {
        self.parts
    }

    /// The current instruction.
    #[inline(always)]
    pub(super) fn op(&self) -> &Op {
        // SAFETY: I1.
        unsafe { &*self.parts.pc }
    }

    /// What the run works with.
    #[inline(always)]
    pub(super) fn run(&mut self) -> &mut Run<'r> {
        // SAFETY: I6.
        unsafe { &mut *self.parts.run }
    }

    #[inline(always)]
    fn register(&self, slot: usize) -> *mut Register {
        let offset = usize::from(self.op().registers[slot]);
        // SAFETY: V1 bounds register numbers by the window's size, and I2 has them all.
        unsafe { self.parts.window.byte_add(offset) }
    }

    /// The same machine, with operands from elsewhere.
    #[inline(always)]
    pub(super) fn with_sources<const G: usize>(self) -> Machine<'r, G> {
        Machine { parts: self.parts }
    }

    /// The integer lane of the register in a slot.
    #[inline(always)]
    pub(super) fn int(&self, slot: usize) -> i64 {
        match register_cache::source(F, slot) {
            register_cache::LAST => return self.parts.int[0],
            register_cache::KEPT => return self.parts.int[1],
            _ => {}
        }
        // SAFETY: see `register`.
        unsafe { (*self.register(slot)).int }
    }

    /// The integer lanes of the two registers from the one in a slot on, which are a pair.
    #[inline(always)]
    pub(super) fn int_pair(&self, slot: usize) -> [i64; 2] {
        let first = self.register(slot);
        // SAFETY: see `register`; V1 bounds both numbers of a pair (I5).
        unsafe { [(*first).int, (*first.add(1)).int] }
    }

    /// The number of the register in a slot.
    #[inline(always)]
    pub(super) fn number(&self, slot: usize) -> u8 {
        (usize::from(self.op().registers[slot]) / size_of::<Register>()) as u8
    }

    /// Writes the integer lanes of the three registers from the one in a slot on, past the register
    /// cache.
    #[inline(always)]
    pub(super) fn set_three(&mut self, slot: usize, values: [i64; 3]) {
        let first = self.register(slot);
        for (at, value) in values.into_iter().enumerate() {
            // SAFETY: see `register`; V1 bounds the numbers of all three (I5).
            unsafe { (*first.add(at)).int = value }
        }
    }

    /// Writes the integer lane of the register in a slot.
    #[inline(always)]
    pub(super) fn set_int(&mut self, slot: usize, value: i64) {
        self.parts.int = [value, self.parts.int[0]];
        // SAFETY: see `register`.
        unsafe { (*self.register(slot)).int = value }
    }

    /// Writes the integer lane of the fourth register, which the literal says.
    #[inline(always)]
    pub(super) fn set_fourth(&mut self, value: i64) {
        self.parts.int = [value, self.parts.int[0]];
        // SAFETY: see `register`; the literal is the offset of such a register (I5).
        unsafe { (*self.parts.window.byte_add(self.op().literal as usize)).int = value }
    }

    /// The float lane of the register in a slot.
    #[inline(always)]
    pub(super) fn float(&self, slot: usize) -> f64 {
        match register_cache::source(F, slot) {
            register_cache::LAST => return self.parts.float[0],
            register_cache::KEPT => return self.parts.float[1],
            _ => {}
        }
        // SAFETY: see `register`.
        unsafe { (*self.register(slot)).float }
    }

    /// Writes the float lane of the register in a slot.
    #[inline(always)]
    pub(super) fn set_float(&mut self, slot: usize, value: f64) {
        self.parts.float = [value, self.parts.float[0]];
        // SAFETY: see `register`.
        unsafe { (*self.register(slot)).float = value }
    }

    /// The 32-bit literal, sign-extended.
    #[inline(always)]
    pub(super) fn literal(&self) -> i64 {
        i64::from(self.op().literal)
    }

    /// The 64-bit literal.
    #[inline(always)]
    pub(super) fn wide_literal(&self) -> i64 {
        (i64::from(self.op().high) << 32) | i64::from(self.op().literal as u32)
    }

    /// Goes on to the next instruction.
    ///
    /// # Safety
    /// The current instruction is one that goes on to the next.
    #[inline(always)]
    pub(super) unsafe fn advance(&mut self) {
        // SAFETY: an instruction that goes on is not the last one (V3).
        self.parts.pc = unsafe { self.parts.pc.add(1) };
    }

    /// Whether there is fuel.
    #[inline(always)]
    pub(super) fn has_fuel(&self) -> bool {
        self.parts.fuel > 0
    }

    /// Pays 1 for the instruction, if there is fuel.
    #[inline(always)]
    pub(super) fn pay(&mut self) -> bool {
        if !self.has_fuel() {
            return false;
        }
        self.parts.fuel -= 1;
        true
    }

    /// Pays for a bulk instruction on so many bytes. That may overdraw.
    #[inline(always)]
    pub(super) fn pay_bulk(&mut self, bytes: usize) {
        self.parts.fuel -= 1 + (bytes / 64) as i64;
    }

    /// Pays for a jump and takes it.
    #[inline(always)]
    pub(super) fn jump(&mut self) -> Step {
        if !self.pay() {
            return Step::OutOfFuel;
        }
        // Targets are the addresses of label operands, which exist in the same code (V2, I5).
        // The pointer to the code was exposed when the machine was made.
        self.parts.pc = std::ptr::with_exposed_provenance(self.op().target);
        Step::Moved
    }

    /// Pays for a jump to a computed index and takes it. An index that does not exist is left to
    /// the slow path.
    #[inline(always)]
    pub(super) fn jump_to(&mut self, index: i64) -> Step {
        let ops = self.run().code.ops();
        let (start, length) = (ops.as_ptr(), ops.len());
        if index as u64 >= length as u64 {
            return Step::SlowPath;
        }
        if !self.pay() {
            return Step::OutOfFuel;
        }
        // SAFETY: checked just now.
        self.parts.pc = unsafe { start.add(index as usize) };
        Step::Landed
    }

    /// The index of the current instruction.
    #[inline(always)]
    pub(super) fn index(&mut self) -> usize {
        let start = self.run().code.ops().as_ptr();
        (self.parts.pc as usize - start as usize) / OP_SIZE
    }

    /// Pays for a call and makes it: slides the window by so many bytes. A call that needs more room,
    /// or that has no room, is left to the slow path.
    #[inline(always)]
    pub(super) fn call(&mut self, slide: u16) -> Step {
        if !self.has_fuel() {
            return Step::OutOfFuel;
        }
        if !self.enter(slide) {
            return Step::SlowPath;
        }
        self.jump()
    }

    /// As [`call`](Self::call), of the computed index in the first slot, which is left to the slow
    /// path when it does not exist.
    #[inline(always)]
    pub(super) fn call_computed(&mut self, slide: u16) -> Step {
        let index = self.int(0);
        let code = self.run().code.ops();
        if index as u64 >= code.len() as u64 {
            return Step::SlowPath;
        }
        if !self.has_fuel() {
            return Step::OutOfFuel;
        }
        if !self.enter(slide) {
            return Step::SlowPath;
        }
        self.jump_to(index)
    }

    /// Makes a frame for a call and slides the window; `false`, and nothing changes, when there is no
    /// room.
    #[inline(always)]
    fn enter(&mut self, slide: u16) -> bool {
        let return_to = self.op().literal as u32;
        let window = self.parts.window.wrapping_byte_add(usize::from(slide));
        let run = self.run();
        if window > run.last_window || run.frame_top == run.frame_end {
            return false;
        }
        let slide = u32::from(slide) / size_of::<Register>() as u32;
        // SAFETY: below its end there is room for a frame (I4).
        unsafe {
            run.frame_top.write(Frame { return_to, slide });
            run.frame_top = run.frame_top.add(1);
        }
        self.parts.window = window;
        true
    }

    /// Pays for a return from a call and makes it; with no call to return from it is left to the slow
    /// path.
    #[inline(always)]
    pub(super) fn ret(&mut self) -> Step {
        let run = self.run();
        if run.frame_top == run.frame_base {
            return Step::SlowPath;
        }
        if !self.pay() {
            return Step::OutOfFuel;
        }
        let run = self.run();
        // SAFETY: above its base there is a frame (I4).
        let frame = unsafe {
            run.frame_top = run.frame_top.sub(1);
            run.frame_top.read()
        };
        let ops = run.code.ops().as_ptr();
        // SAFETY: I1 has return addresses, I2 has the windows of callers.
        unsafe {
            self.parts.window = self.parts.window.sub(frame.slide as usize);
            self.parts.pc = ops.add(frame.return_to as usize);
        }
        Step::Moved
    }

    /// Reads what is known to be cached from the registers.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let index = self.index();
        let cached = self.run().code.cached(index);
        if cached.is_empty() {
            return;
        }
        let read = |register: Option<OneMore>| match register {
            // SAFETY: the number is that of an operand, so V1 and I2 hold for it as in `register`.
            Some(one_more) => unsafe { *self.parts.window.add(register_cache::register(one_more)) },
            None => Register::default(),
        };
        let (int, float) = (cached.int, cached.float);
        self.parts.int = [read(int.last).int, read(int.kept).int];
        self.parts.float = [read(float.last).float, read(float.kept).float];
    }

    /// Puts the machine back into the run, and gives that back.
    #[inline(always)]
    pub(super) fn put_back(mut self) -> *mut Run<'r> {
        let index = self.index();
        let (window, fuel) = (self.parts.window, self.parts.fuel);
        let run = self.run();
        run.fuel = fuel;
        run.process.pc = index as u32;
        let frames = (run.frame_top as usize - run.frame_base as usize) / size_of::<Frame>();
        // SAFETY: so many are written (I4).
        unsafe { run.process.frames.set_len(frames) };
        let base = run.process.registers.as_ptr() as usize;
        run.process.window = ((window as usize - base) / size_of::<Register>()) as u32;
        self.parts.run
    }
}
