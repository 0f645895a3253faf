//! What a translation knows of the values of lanes.

use cranelift_codegen::ir::Value;
use cranelift_frontend::{FunctionBuilder, Variable};

use crate::dataflow::Dataflow;
use crate::lanes::Lane;
use crate::region::Region;

/// Values that lanes have at a place.
type Values = Vec<(Lane, Value)>;

/// What a translation knows of the lanes' values.
pub(super) struct Near {
    /// Of the lanes that are in registers in loops, by number.
    pub(super) variables: Vec<Option<Variable>>,
    /// Of the lanes whose values the current block knows, outside of loops, by number.
    pub(super) values: Vec<Option<Value>>,
    pub(super) known: Vec<Lane>,
    /// How many of these were known before the ways of the current instruction part.
    pub(super) known_before: usize,
    /// How many ways lead to each member, and what the block knows that does, if it is one.
    pub(super) ways: Vec<u32>,
    pub(super) arrivals: Vec<Option<Values>>,
    /// Whether a later member, or an entry, may lead to each member.
    pub(super) is_gone_back_to: Vec<bool>,
}

impl Near {
    pub(super) fn new(builder: &mut FunctionBuilder<'_>, region: &Region, flow: &Dataflow) -> Self {
        let mut variables = vec![None; Lane::COUNT];
        for lane in flow.in_loops(region).iter() {
            variables[lane.number()] = Some(builder.declare_var(lane.kind()));
        }
        let members = region.members.len();
        let values = vec![None; Lane::COUNT];
        let (ways, arrivals) = (ways(region), vec![None; members]);
        let is_gone_back_to = are_gone_back_to(region);
        Self {
            variables,
            values,
            known: Vec::new(),
            known_before: 0,
            ways,
            arrivals,
            is_gone_back_to,
        }
    }

    pub(super) fn learn(&mut self, lane: Lane, value: Value) {
        if self.values[lane.number()].replace(value).is_none() {
            self.known.push(lane);
        }
    }

    pub(super) fn forget(&mut self) {
        for lane in self.known.drain(..) {
            self.values[lane.number()] = None;
        }
    }

    pub(super) fn forget_one(&mut self, lane: Lane) {
        if self.values[lane.number()].take().is_some() {
            self.known.retain(|other| *other != lane);
        }
    }

    pub(super) fn all(&self) -> Values {
        let value = |lane: &Lane| self.values[lane.number()].map(|value| (*lane, value));
        self.known.iter().filter_map(value).collect()
    }
}

fn are_gone_back_to(region: &Region) -> Vec<bool> {
    let mut are = vec![false; region.members.len()];
    for position in 0..region.members.len() {
        for to in region.successors(position).filter(|to| *to <= position) {
            are[to] = true;
        }
    }
    for position in region.entries.iter().filter_map(|entry| region.position(*entry)) {
        are[position] = true;
    }
    are
}

/// How many ways lead to each member.
fn ways(region: &Region) -> Vec<u32> {
    let mut ways = vec![0; region.members.len()];
    let mut add = |position: usize| ways[position] += 1;
    for (position, (index, operation)) in region.members.iter().enumerate() {
        region.successors(position).for_each(&mut add);
        let after = operation.comes_back().then(|| region.position(index + 1));
        after.flatten().into_iter().for_each(&mut add);
    }
    region.entries.iter().filter_map(|entry| region.position(*entry)).for_each(add);
    ways
}
