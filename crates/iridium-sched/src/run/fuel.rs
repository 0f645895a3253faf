//! Fuel that all processes share, where that is limited.

use std::sync::atomic::Ordering;

use super::context::Context;
use crate::process::entry::ProcessEntry;
use crate::sync::lock;

impl Context<'_> {
    /// Takes fuel for a turn, at most as much as is wanted.
    pub(crate) fn take_fuel(&self, wanted: u64) -> u64 {
        let Some(fuel) = &self.shared.fuel else { return wanted };
        let wanted = wanted as i64;
        let take = |left: i64| (left > 0).then(|| left - left.min(wanted));
        let before = fuel.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        before.map_or(0, |left| left.min(wanted) as u64)
    }

    /// Gives back what was not spent in a turn, with which others can go on that wait for fuel.
    pub(crate) fn return_fuel(&self, left: u64) {
        let Some(fuel) = &self.shared.fuel else { return };
        if fuel.fetch_add(left as i64, Ordering::SeqCst) + left as i64 > 0 {
            self.resume_out_of_fuel();
        }
    }

    /// Takes what a process has spent beyond what it had taken, as instructions may whose price
    /// depends on their operands. It may be more than there is.
    pub(crate) fn overdraw_fuel(&self, spent: u64) {
        if let Some(fuel) = &self.shared.fuel {
            fuel.fetch_sub(i64::try_from(spent).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// Lets a process wait until there is fuel.
    pub(crate) fn suspend_without_fuel(&self, entry: Box<ProcessEntry>) {
        lock(&self.shared.out_of_fuel).push(entry);
        // Some may have been returned since it got none, before it was in the list.
        if self.shared.fuel.as_ref().is_some_and(|fuel| fuel.load(Ordering::SeqCst) > 0) {
            self.resume_out_of_fuel();
        }
    }

    fn resume_out_of_fuel(&self) {
        for entry in std::mem::take(&mut *lock(&self.shared.out_of_fuel)) {
            self.schedule(entry);
        }
    }
}
