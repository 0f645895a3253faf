//! Which fault comes next, by a seed.

use super::nodes::COUNT;

/// What happens to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// As by `kill -9`; then it starts again.
    Kill { node: usize },
    /// As by Ctrl-Z; then it goes on, before or after the others take it for dead.
    Stop { node: usize, long: bool },
    /// As an operator asks; then it joins again.
    Leave { node: usize },
}

/// An endless sequence of faults. The first node is only stopped, so that one is there all the time.
pub(super) struct Plan(u64);

impl Plan {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`, by SplitMix64.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // The remainder fits, since `bound` does.
        ((bits ^ (bits >> 31)) % bound.max(1) as u64) as usize
    }
}

impl Iterator for Plan {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        let later = 1 + self.below(COUNT - 1);
        Some(match self.below(5) {
            0 | 1 => Fault::Kill { node: later },
            2 => Fault::Leave { node: later },
            _ => Fault::Stop { node: self.below(COUNT), long: self.below(2) == 0 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_faults_and_the_first_node_stays() {
        let faults = |seed| Plan::new(seed).take(200).collect::<Vec<_>>();
        assert_eq!(faults(1), faults(1));
        assert_ne!(faults(1), faults(2));
        let ends_first =
            |fault: &Fault| matches!(fault, Fault::Kill { node: 0 } | Fault::Leave { node: 0 });
        assert!(!faults(3).iter().any(ends_first));
        for wanted in [Fault::Kill { node: 4 }, Fault::Leave { node: 1 }] {
            assert!(faults(4).contains(&wanted));
        }
    }
}
