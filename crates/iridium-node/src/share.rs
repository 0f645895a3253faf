//! What is kept here for other nodes has a bound for each of them and one for all together: whoever holds the
//! secret can be many members.

use std::collections::HashMap;

/// How much may be kept for others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// For one of them, also when others have all the rest.
    pub(crate) of_each: usize,
    /// For one of them at most.
    pub(crate) of_one: usize,
    /// For all together, beside the first of each.
    pub(crate) of_all: usize,
}

impl Bounds {
    /// Whether one for which so much is kept may have more kept, where that is what is kept for all. It may
    /// have twice what it leaves to the others, so that those who want very much have alike.
    pub(crate) fn allow_more(self, own: usize, all: usize) -> bool {
        let left = 2 * self.of_all.saturating_sub(all);
        own < self.of_each || own < self.of_one.min(left)
    }
}

/// How much is kept for each node, and for all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    of: HashMap<u32, usize>,
    all: usize,
}

impl Shares {
    /// Whether more may be kept for a node.
    pub(crate) fn have_room_for(&self, node: u32, bounds: Bounds) -> bool {
        bounds.allow_more(self.of.get(&node).copied().unwrap_or(0), self.all)
    }

    pub(crate) fn take(&mut self, node: u32, amount: usize) {
        *self.of.entry(node).or_default() += amount;
        self.all += amount;
    }

    /// Of what was taken for that node.
    pub(crate) fn give_back(&mut self, node: u32, amount: usize) {
        if let Some(own) = self.of.get_mut(&node) {
            *own -= amount;
            if *own == 0 {
                self.of.remove(&node);
            }
        }
        self.all -= amount;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_has_its_part_and_however_many_come_the_next_has_some() {
        let bounds = Bounds { of_each: 5, of_one: 2000, of_all: 3000 };
        let (mut all, mut of_each) = (0, Vec::new());
        for _ in 0..100 {
            let mut own = 0;
            while bounds.allow_more(own, all) {
                (own, all) = (own + 1, all + 1);
            }
            of_each.push(own);
        }
        assert_eq!(of_each[0], bounds.of_one);
        assert!(all <= bounds.of_all + 100 * bounds.of_each, "{of_each:?}");
        assert!(of_each.iter().all(|own| *own >= bounds.of_each), "{of_each:?}");
        // Those that come at the same time have the same.
        let (mut all, mut each) = (0, 0);
        while bounds.allow_more(each, all) {
            (each, all) = (each + 1, all + 24);
        }
        assert!(all <= bounds.of_all && each > 3000 / 30, "{each} of {all}");
    }
}
