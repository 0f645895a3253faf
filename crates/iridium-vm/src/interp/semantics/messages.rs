//! Sending, and receiving what is there or waiting for it. What cannot be sent at once, and long
//! messages, are left to the slow path.

use crate::effect::{Effect, Pending};
use crate::interp::arithmetic::bits;
use crate::interp::machine::{Machine, Step};
use crate::message::Payload;
use crate::stop::Stop;

use super::bulk::{few, paid};

#[inline(always)]
pub(in crate::interp) fn send<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let (to, tag, [address, length]) = (m.int(0), m.int(1), m.int_pair(2));
    let Some(length) = few(m, length) else { return Step::SlowPath };
    if !m.has_fuel() {
        return Step::OutOfFuel;
    }
    let Some(bytes) = m.run().bytes(address, length) else { return Step::SlowPath };
    let payload = Payload::Bytes(bytes.into());
    if m.run().environment.send(to, tag, payload).is_err() {
        return Step::SlowPath;
    }
    paid(m, length)
}

#[inline(always)]
pub(in crate::interp) fn sendi<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let word = m.int(2).to_le_bytes();
    send_word(m, word)
}

#[inline(always)]
pub(in crate::interp) fn sendf64<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let word = bits(m.float(2)).to_le_bytes();
    send_word(m, word)
}

#[inline(always)]
fn send_word<const F: usize>(m: &mut Machine<'_, F>, word: [u8; 8]) -> Step {
    let (to, tag) = (m.int(0), m.int(1));
    if !m.has_fuel() {
        return Step::OutOfFuel;
    }
    if m.run().environment.send(to, tag, Payload::Word(word)).is_err() {
        return Step::SlowPath;
    }
    m.pay();
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn recv<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let [tag, timeout] = m.int_pair(0);
    if !m.pay() {
        return Step::OutOfFuel;
    }
    let Some(message) = m.run().environment.receive(tag) else {
        let pending = Pending::Received(m.number(1));
        let run = m.run();
        run.process.wait(pending);
        run.stop = Some(Stop::Effect(Effect::Receive { tag, timeout }));
        return Step::Waits;
    };
    m.set_three(1, message.words());
    let run = m.run();
    run.flag = true;
    run.process.message = Some(message.payload);
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn msgm<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let address = m.int(0);
    let length = m.run().process.message.as_ref().map(|message| message.bytes().len() as i64);
    let Some(length) = length.and_then(|length| few(m, length)) else { return Step::SlowPath };
    if !m.has_fuel() {
        return Step::OutOfFuel;
    }
    match m.run().copy_message(address) {
        Some(()) => {
            m.set_int(1, length as i64);
            paid(m, length)
        }
        None => Step::SlowPath,
    }
}

/// The current message when it is a word; what else it may be is left to the slow path.
#[inline(always)]
fn message_word<const F: usize>(m: &mut Machine<'_, F>) -> Result<[u8; 8], Step> {
    let Some(Payload::Word(word)) = m.run().process.message else { return Err(Step::SlowPath) };
    if m.pay() { Ok(word) } else { Err(Step::OutOfFuel) }
}

#[inline(always)]
pub(in crate::interp) fn msgi<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    match message_word(m) {
        Ok(word) => {
            m.set_int(0, i64::from_le_bytes(word));
            Step::Next
        }
        Err(step) => step,
    }
}

#[inline(always)]
pub(in crate::interp) fn msgf64<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    match message_word(m) {
        Ok(word) => {
            m.set_float(0, f64::from_le_bytes(word));
            Step::Next
        }
        Err(step) => step,
    }
}
