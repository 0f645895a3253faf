//! Which faults happen to which nodes, in an order that depends only on the seed.

use std::fmt;

/// The kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The process is killed, and started again once all know.
    Kill,
    /// The process is stopped, and continued once all see it as down.
    Stop,
    /// The cable is pulled, and plugged in once all see the node as down.
    Cut,
    /// The cable is pulled for less time than makes anyone suspect anything.
    Blip,
    /// The process is killed and starts again at another address.
    Move,
    /// The node leaves, and joins again once all know.
    Leave,
    /// The network is split into two halves, until each sees the other as down.
    Split,
}

impl Kind {
    pub(super) const ALL: [Self; 7] =
        [Self::Kill, Self::Stop, Self::Cut, Self::Blip, Self::Move, Self::Leave, Self::Split];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kill => "kill -9",
            Self::Stop => "stop",
            Self::Cut => "link down",
            Self::Blip => "link blip",
            Self::Move => "new address",
            Self::Leave => "leave",
            Self::Split => "partition",
        })
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) kind: Kind,
    /// To these nodes; of a split, one half.
    pub(super) to: Vec<usize>,
}

/// An endless sequence of steps.
pub(super) struct Plan {
    nodes: usize,
    random: u64,
    /// The kinds that have not had their turn: each has one before any has two.
    left: Vec<Kind>,
}

impl Plan {
    pub(super) fn new(nodes: usize, seed: u64) -> Self {
        Self { nodes, random: seed, left: Vec::new() }
    }

    /// A number below `bound`, by SplitMix64.
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // The remainder fits, since `bound` does.
        ((bits ^ (bits >> 31)) % bound.max(1) as u64) as usize
    }

    fn some(&mut self, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.nodes).collect();
        let mut some: Vec<usize> =
            (0..count).map(|_| all.swap_remove(self.below(all.len()))).collect();
        some.sort_unstable();
        some
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        if self.left.is_empty() {
            self.left.extend(Kind::ALL);
        }
        let turn = self.below(self.left.len());
        let kind = self.left.swap_remove(turn);
        let count = match kind {
            Kind::Split => self.nodes / 2,
            // Two at once if enough others are left to ask.
            Kind::Kill | Kind::Stop | Kind::Cut if self.nodes > 4 => 1 + self.below(2),
            _ => 1,
        };
        Some(Step { kind, to: self.some(count) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_steps_and_each_kind_has_its_turn() {
        let steps = |seed| Plan::new(6, seed).take(70).collect::<Vec<_>>();
        assert_eq!(steps(1), steps(1));
        assert_ne!(steps(1), steps(2));
        for round in steps(3).chunks(Kind::ALL.len()) {
            assert!(Kind::ALL.iter().all(|kind| round.iter().any(|step| step.kind == *kind)));
        }
        for Step { kind, to } in steps(4) {
            assert!(to.is_sorted_by(|a, b| a < b) && to.iter().all(|node| *node < 6));
            let most = if kind == Kind::Split { 3 } else { 2 };
            assert!((1..=most).contains(&to.len()), "{kind}: {to:?}");
        }
    }
}
