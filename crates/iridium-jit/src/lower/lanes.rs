//! Reading and writing lanes, where the [`Dataflow`](crate::dataflow::Dataflow) has them.

use cranelift_codegen::ir::{InstBuilder, Value};

use super::translator::{Translator, flags};
use crate::lanes::{Home, Lane, Lanes};

impl Translator<'_, '_> {
    fn is_in_loop(&self) -> bool {
        self.flow.loops.is_in_one(self.position)
    }

    pub(super) fn int(&mut self, register: u8) -> Value {
        self.lane(Lane::int(register))
    }

    pub(super) fn float(&mut self, register: u8) -> Value {
        self.lane(Lane::float(register))
    }

    pub(super) fn set_int(&mut self, register: u8, value: Value) {
        self.set(Lane::int(register), value);
    }

    pub(super) fn set_float(&mut self, register: u8, value: Value) {
        self.set(Lane::float(register), value);
    }

    pub(super) fn lane(&mut self, lane: Lane) -> Value {
        let value = self.value(lane);
        if !self.is_in_loop() {
            self.near.learn(lane, value);
        }
        value
    }

    /// The value of a lane, which only the current block knows from now on if none did.
    fn value(&mut self, lane: Lane) -> Value {
        let variable = self.near.variables[lane.number()].filter(|_| self.is_in_loop());
        match (variable, self.near.values[lane.number()]) {
            (Some(variable), _) => self.builder.use_var(variable),
            (None, Some(value)) => value,
            (None, None) => self.load_lane(lane),
        }
    }

    pub(super) fn set(&mut self, lane: Lane, value: Value) {
        if self.is_in_loop()
            && let Some(variable) = self.near.variables[lane.number()]
        {
            return self.builder.def_var(variable, value);
        }
        self.store_lane(lane, value);
        self.near.learn(lane, value);
    }

    /// Forgets what a lane has been set to, where ways part: it was on another.
    pub(super) fn forget_lane(&mut self, lane: Lane) {
        self.near.forget_one(lane);
    }

    /// Forgets the values of all lanes, when something else may have changed them. They are at home.
    pub(super) fn forget_lanes(&mut self) {
        self.near.forget();
    }

    /// Reads the lanes that the current instruction reads, before its ways part: so all of these know
    /// them.
    pub(super) fn read_lanes(&mut self) {
        if !self.is_in_loop() {
            for lane in self.operation().reads.iter() {
                self.lane(lane);
            }
        }
        self.near.known_before = self.near.known.len();
    }

    /// Forgets the values of those lanes that the ways of the current instruction do not all know in the
    /// same way, where they meet. They are at home.
    pub(super) fn forget_ways(&mut self) {
        let operation = self.operation();
        while self.near.known.len() > self.near.known_before
            && let Some(lane) = self.near.known.pop()
        {
            self.near.values[lane.number()] = None;
        }
        operation.writes.iter().for_each(|lane| self.near.forget_one(lane));
    }

    /// Does what is to be done with lanes before the current block goes to an instruction.
    pub(super) fn arrive(&mut self, index: u32) {
        let Some(to) = self.region.position(index) else { return };
        for lane in self.flow.put_home(self.region, self.position, to).iter() {
            let value = self.value(lane);
            self.store_lane(lane, value);
        }
        // What is not live in this loop may be anything here, and is at home.
        let here = self.flow.live(self.position);
        for lane in self.flow.loaded(self.position, to).iter() {
            let is_near = !self.is_in_loop() || here.contains(lane);
            let value = if is_near { self.value(lane) } else { self.load_lane(lane) };
            self.define(lane, value);
        }
        if to > self.position && self.near.ways[to] == 1 {
            self.near.arrivals[to] = Some(self.near.all());
        }
    }

    /// Begins the block of a member: knows what the only way to it knows.
    pub(super) fn begin_block(&mut self, position: usize) {
        self.near.forget();
        for (lane, value) in self.near.arrivals[position].take().into_iter().flatten() {
            self.near.learn(lane, value);
        }
    }

    /// Loads the lanes that are live after the current instruction, when that is in a loop. They are at home.
    pub(super) fn load_lanes_after(&mut self) {
        if let Some(position) = self.region.position(self.index() + 1)
            && self.flow.loops.are_together(self.position, position)
        {
            self.load_lanes(self.flow.live(position));
        }
    }

    /// Loads lanes into registers. They are at home.
    pub(super) fn load_lanes(&mut self, lanes: Lanes) {
        for lane in lanes.iter() {
            let value = self.load_lane(lane);
            self.define(lane, value);
        }
    }

    /// Puts all lanes home that may not be there before the current instruction.
    pub(super) fn write_back(&mut self) {
        for lane in self.flow.dirty(self.position).iter() {
            let value = self.lane(lane);
            self.store_lane(lane, value);
        }
    }

    fn define(&mut self, lane: Lane, value: Value) {
        if let Some(variable) = self.near.variables[lane.number()] {
            self.builder.def_var(variable, value);
        }
    }

    fn load_lane(&mut self, lane: Lane) -> Value {
        let (base, at) = self.home(lane);
        self.builder.ins().load(lane.kind(), flags(), base, at)
    }

    fn store_lane(&mut self, lane: Lane, value: Value) {
        let (base, at) = self.home(lane);
        self.builder.ins().store(flags(), value, base, at);
    }

    fn home(&mut self, lane: Lane) -> (Value, i32) {
        let (base, at) = match lane.home() {
            Home::Window(at) => (self.held.window, at),
            Home::Context(at) => (self.held.context, at),
        };
        (self.builder.use_var(base), at)
    }
}
