//! A compiled program that reads and writes values that are kept.

use std::sync::{Arc, Mutex};

use iridium_isa::protocol::{Protocol, Shape};
use iridium_vm::{Hosts, Interpreter, Limits, Process, Program, Stop};
use palladium::rc::Mode;

use super::{FUEL, HEAP, forms, module};

/// The program, and what it is given.
pub(super) struct Kept {
    program: Program,
    /// The number of the type and the bytes.
    given: Arc<Mutex<[Vec<u8>; 2]>>,
}

impl Kept {
    pub(super) fn new(mode: Mode, protocol: &Protocol, shapes: &[Shape]) -> Self {
        let source = forms::kept(protocol, shapes);
        let given: Arc<Mutex<[Vec<u8>; 2]>> = Arc::default();
        let program = Program::new(module(&source, mode), &hosts(&given)).unwrap();
        Self { program, given }
    }

    /// What the program writes of the value of this type that it has read, if it has.
    pub(super) fn read(
        &self,
        protocol: &Protocol,
        shape: &Shape,
        (number, payload): (usize, &[u8]),
    ) -> Result<Option<Vec<u8>>, String> {
        let fingerprint = protocol.fingerprint(shape).to_le_bytes();
        let found = self.run(number, &[&fingerprint, payload].concat())?;
        match found {
            None => Ok(None),
            Some(bytes) => match bytes.strip_prefix(&fingerprint) {
                Some(payload) => Ok(Some(payload.to_vec())),
                None => Err(format!("{bytes:02x?} has another fingerprint")),
            },
        }
    }

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
