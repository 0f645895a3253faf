//! Fuel on the slow path. The fast path pays in
//! [`Machine::pay`](crate::interp::machine::Machine::pay),
//! an entry hook in [`EntryState::pay`](crate::EntryState::pay).

use iridium_isa::{Fuel, Module};

use super::interruption::Interruption;
use crate::interp::machine::Run;
use crate::process::Process;
use crate::trap::TrapKind;

impl Run<'_> {
    /// Pays, unless no fuel is left.
    pub(super) fn pay(&mut self, cost: u64) -> Result<(), Interruption> {
        if self.fuel <= 0 {
            return Err(Interruption::OutOfFuel);
        }
        self.fuel -= cost as i64;
        Ok(())
    }

    /// Pays for as many bytes as the instruction turns out to move; for one that traps, 1.
    pub(super) fn pay_bulk(
        &mut self,
        bytes: impl FnOnce(&mut Process, &Module) -> Result<usize, TrapKind>,
    ) -> Result<(), Interruption> {
        self.pay(1)?;
        let bytes = bytes(self.process, self.module)?;
        self.fuel -= Fuel::bulk(bytes as u64) as i64 - 1;
        Ok(())
    }
}
