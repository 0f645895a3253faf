//! Sending, and receiving what is there or waiting for it. What cannot be sent at once, and long
//! messages, are left to the slow path.
//!
//! What has a message in its hands is a function of its own, which gives no more than a machine register
//! holds: a handler with something on the stack cannot go on by a jump, and the stack would grow with
//! each instruction.

use crate::effect::{Effect, Pending};
use crate::interp::arithmetic::bits;
use crate::interp::machine::{Machine, Run, Step};
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
    if send_bytes(m.run(), to, tag, address, length) { paid(m, length) } else { Step::SlowPath }
}

#[inline(always)]
pub(in crate::interp) fn sendi<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let word = m.int(2);
    send_one(m, word)
}

#[inline(always)]
pub(in crate::interp) fn sendf64<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let word = bits(m.float(2)) as i64;
    send_one(m, word)
}

#[inline(always)]
fn send_one<const F: usize>(m: &mut Machine<'_, F>, word: i64) -> Step {
    let (to, tag) = (m.int(0), m.int(1));
    if !m.has_fuel() {
        return Step::OutOfFuel;
    }
    if !send_word(m.run(), to, tag, word) {
        return Step::SlowPath;
    }
    m.pay();
    Step::Next
}

/// Sends a word at once, if that can be.
#[inline(never)]
fn send_word(run: &mut Run<'_>, to: i64, tag: i64, word: i64) -> bool {
    run.environment.send(to, tag, Payload::Word(word.to_le_bytes())).is_ok()
}

/// Sends bytes from memory at once, if that can be.
#[inline(never)]
fn send_bytes(run: &mut Run<'_>, to: i64, tag: i64, address: i64, length: usize) -> bool {
    let payload = run.bytes(address, length).map(|bytes| Payload::Bytes(bytes.into()));
    payload.is_some_and(|payload| run.environment.send(to, tag, payload).is_ok())
}

#[inline(always)]
pub(in crate::interp) fn recv<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let done = recv_if_there(m);
    if done == Step::SlowPath {
        let ([tag, timeout], number) = (m.int_pair(0), m.number(1));
        wait(m.run(), tag, timeout, number);
        return Step::Waits;
    }
    done
}

/// Receives a message that is there. When none is, it is [`Step::SlowPath`], and paid for.
#[inline(always)]
pub(in crate::interp) fn recv_if_there<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let [tag, _] = m.int_pair(0);
    if !m.pay() {
        return Step::OutOfFuel;
    }
    if !receive(m.run(), tag) {
        return Step::SlowPath;
    }
    let told = m.run().received;
    m.set_three(1, told);
    Step::Next
}

/// Takes a message with this tag, if one is there, and notes what there is to tell of it.
#[inline(never)]
fn receive(run: &mut Run<'_>, tag: i64) -> bool {
    let Some(message) = run.environment.receive(tag) else { return false };
    run.received = message.words();
    run.flag = true;
    run.process.message = Some(message.payload);
    true
}

#[inline(never)]
fn wait(run: &mut Run<'_>, tag: i64, timeout: i64, number: u8) {
    run.process.wait(Pending::Received(number));
    run.stop = Some(Stop::Effect(Effect::Receive { tag, timeout }));
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
