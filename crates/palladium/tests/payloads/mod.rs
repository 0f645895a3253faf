//! Payloads that may be damaged, and what compiled programs make of them: the same as the codec that
//! knows types as data, without a trap, a leak, or a second form of any value.

mod forms;
mod made;

use std::sync::{Arc, Mutex};

use iridium_isa::Module;
use iridium_isa::protocol::{Protocol, Shape};
use iridium_vm::{Hosts, Interpreter, Limits, Process, Program, Stop};
use palladium::rc::Mode;
use palladium::{Target, look_at};

use crate::common::one_file::OneFile;

/// Gives a number at random that is below another, which is not 0.
pub(crate) type Below<'r> = &'r mut dyn FnMut(usize) -> usize;

/// More than any of these payloads needs.
const FUEL: u64 = 1 << 24;
/// What a payload of a few hundred bytes must not fill.
const HEAP: u64 = 1 << 20;

/// A compiled program that reads payloads, and the types that it knows.
pub(crate) struct Payloads {
    program: Program,
    protocol: Protocol,
    shapes: Vec<Shape>,
    /// The number of the type and the payload that the program is given.
    given: Arc<Mutex<[Vec<u8>; 2]>>,
}

impl Payloads {
    /// The types are chosen by `random`.
    pub(crate) fn new(mode: Mode, random: Below<'_>) -> Self {
        let (protocol, shapes) = forms::types(random);
        let source = forms::source(&protocol, &shapes);
        let given: Arc<Mutex<[Vec<u8>; 2]>> = Arc::default();
        let program = Program::new(module(&source, mode), &hosts(&given)).unwrap();
        Self { program, protocol, shapes, given }
    }

    /// A payload of one of the types, which is its first byte: damaged, if `random` wants it.
    pub(crate) fn random(&self, random: Below<'_>) -> Vec<u8> {
        let number = random(self.shapes.len());
        let value = made::value(&self.protocol, &self.shapes[number], 0, random);
        let mut payload = self.protocol.encode(&self.shapes[number], &value).unwrap();
        if random(8) > 0 {
            made::damage(&mut payload, random);
        }
        payload.insert(0, number as u8);
        payload
    }

    /// Whether a payload is read. What must not be is told.
    pub(crate) fn tried(&self, input: &[u8]) -> Result<bool, String> {
        let (number, payload) = input.split_first().unwrap_or((&0, &[]));
        let number = usize::from(*number) % self.shapes.len();
        let shape = &self.shapes[number];
        let expected = match self.protocol.decode(shape, payload) {
            Ok(value) => Some(self.protocol.encode(shape, &value).unwrap()),
            Err(_) => None,
        };
        let found = self.run(number, payload)?;
        if found != expected {
            let text = self.protocol.text_of(shape);
            return Err(format!("{text}: {payload:02x?} is {found:02x?}, not {expected:02x?}"));
        }
        Ok(found.is_some())
    }

    /// What the program writes of the value that it has read.
    fn run(&self, number: usize, payload: &[u8]) -> Result<Option<Vec<u8>>, String> {
        *self.given.lock().unwrap() = [vec![b' '; number], payload.to_vec()];
        let limits = Limits { heap: HEAP, ..Limits::default() };
        let mut process = Process::new(&self.program, limits);
        let mut output = Vec::new();
        let stop = process.run_on(&Interpreter::THREADED, &self.program, FUEL, &mut output);
        match stop {
            Ok(Stop::Exited(0)) if process.live_blocks() == 0 => {}
            Ok(Stop::Halted(0)) => {
                return Err(format!("{} blocks are left", process.live_blocks()));
            }
            other => return Err(format!("it ends with {other:?}")),
        }
        let output = String::from_utf8(output).map_err(|error| error.to_string())?;
        Ok(match output.as_str() {
            "none" => None,
            "same" => Some(payload.to_vec()),
            other => Some(bytes_of_hex(other)?),
        })
    }
}

fn bytes_of_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    };
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(digits).collect();
    bytes.ok_or_else(|| format!("it prints {text}"))
}

fn module(source: &str, mode: Mode) -> Module {
    let checked = look_at("forms.pd", &mut OneFile("forms.pd", source)).unwrap();
    assert!(!checked.has_errors(), "{}", checked.diagnostics().render(false));
    checked.module(Target::Main, mode).unwrap()
}

/// The program takes the payload for an argument.
fn hosts(given: &Arc<Mutex<[Vec<u8>; 2]>>) -> Hosts {
    let mut hosts = Hosts::new();
    hosts.add("env.arg_count", |caller| {
        caller.registers[0].int = 2;
        Ok(())
    });
    let argument = Arc::clone(given);
    hosts.add("env.arg_len", move |caller| {
        let given = argument.lock().unwrap();
        caller.registers[0].int = given[caller.registers[0].int as usize].len() as i64;
        Ok(())
    });
    let argument = Arc::clone(given);
    hosts.add("env.arg_copy", move |caller| {
        let given = argument.lock().unwrap();
        let [nth, address] = [caller.registers[0].int, caller.registers[1].int];
        let bytes = &given[nth as usize];
        caller.bytes_mut(address, bytes.len() as i64).unwrap().copy_from_slice(bytes);
        caller.registers[0].int = bytes.len() as i64;
        Ok(())
    });
    hosts
}
