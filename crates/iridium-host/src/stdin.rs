//! The standard input, as programs read it.
//!
//! A process that waits for input waits as data. One thread reads, and only while somebody waits, so
//! that what this command has not asked for is left to whoever reads the same input next. The thread
//! is not waited for at the end: a read from a terminal cannot be broken off, and it holds nothing.
//!
//! | name | arguments | results |
//! | --- | --- | --- |
//! | `stdin.read_line` | address, room in bytes | how many bytes were copied: all of the next line, with its end, or none; how long the line is |
//! | `stdin.read` | address, room in bytes | how many bytes were copied; the same again |
//!
//! In place of the last result: -1 at the end, -2 for a line that does not fit in the heap, -3 where
//! programs have no input, -1000 - N for an error that the system calls N.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use iridium_vm::{Caller, Hosts, Reply};

use crate::arguments::{answer, put};

/// How much is read at a time, in bytes.
const CHUNK: usize = 1 << 16;

/// Where the input of programs comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The standard input of this operating system process.
    Standard,
    /// From nowhere: it belongs to a prompt, or to a node on which many programs run.
    None,
}

/// What a call wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// A whole line, with its end.
    Line,
    /// Whatever is there next.
    Some,
}

/// Why a call gets no bytes, by the numbers that programs see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    End,
    TooLong,
    Unavailable,
    /// The number that the system gives the error.
    Failed(i32),
}

impl Refusal {
    fn code(self) -> i64 {
        match self {
            Refusal::End => -1,
            Refusal::TooLong => -2,
            Refusal::Unavailable => -3,
            Refusal::Failed(number) => -1000 - i64::from(number),
        }
    }
}

/// What a call is answered.
#[derive(Debug, PartialEq, Eq)]
enum Given {
    Bytes(Vec<u8>),
    /// The line has so many bytes, and there is no room for them. It stays where it is.
    Needs(usize),
    Refused(Refusal),
}

/// Adds the functions that read.
pub(crate) fn add(hosts: &mut Hosts, input: Input) {
    let stdin = match input {
        Input::Standard => Stdin::new(Box::new(io::stdin())),
        Input::None => Stdin::over(Refusal::Unavailable),
    };
    for (name, want) in [("stdin.read_line", Want::Line), ("stdin.read", Want::Some)] {
        let stdin = Arc::clone(&stdin);
        hosts.add_deferred(name, move |caller, reply| stdin.call(want, caller, reply));
    }
}

/// A call that is not answered yet.
struct Call {
    want: Want,
    room: usize,
    /// A line may not be longer: it would not fit in the heap.
    longest: usize,
    address: i64,
    reply: Reply,
}

struct Stdin {
    state: Mutex<State>,
    /// Notified when somebody waits for what is not there.
    wanted: Condvar,
}

#[derive(Default)]
struct State {
    /// What has been read; what is before `taken` has been given away.
    read: Vec<u8>,
    taken: usize,
    /// No line ends before this place of `read`.
    searched: usize,
    over: Option<Refusal>,
    calls: VecDeque<Call>,
    /// What the thread will read from, until it has been started.
    source: Option<Box<dyn Read + Send>>,
}

impl Stdin {
    fn new(source: Box<dyn Read + Send>) -> Arc<Self> {
        let state = State { source: Some(source), ..State::default() };
        Arc::new(Self { state: Mutex::new(state), wanted: Condvar::new() })
    }

    fn over(refusal: Refusal) -> Arc<Self> {
        let state = State { over: Some(refusal), ..State::default() };
        Arc::new(Self { state: Mutex::new(state), wanted: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(self: &Arc<Self>, want: Want, caller: &Caller<'_>, reply: Reply) {
        let [address, room, ..] = *caller.registers;
        let room = usize::try_from(room.int).unwrap_or(0);
        let longest = usize::try_from(caller.limits.heap).unwrap_or(usize::MAX);
        let mut state = self.lock();
        state.calls.push_back(Call { want, room, longest, address: address.int, reply });
        let answers = state.answers();
        let source = if state.wants_more() { state.source.take() } else { None };
        drop(state);
        if let Some(source) = source {
            self.start(source);
        }
        self.wanted.notify_one();
        give(answers);
    }

    fn start(self: &Arc<Self>, source: Box<dyn Read + Send>) {
        let stdin = Arc::clone(self);
        let started = thread::Builder::new()
            .name("stdin".into())
            .spawn(move || stdin.read_from(source))
            .map(drop);
        if let Err(error) = started {
            log::warn!("no thread for the standard input: {error}");
            self.note(Err(error));
        }
    }

    fn read_from(&self, mut source: Box<dyn Read + Send>) {
        let mut chunk = vec![0; CHUNK];
        while self.wait_until_wanted() {
            let read = source.read(&mut chunk);
            self.note(read.map(|length| chunk.get(..length).unwrap_or_default()));
        }
    }

    /// Whether there will ever be more to read.
    fn wait_until_wanted(&self) -> bool {
        let mut state = self.lock();
        while state.over.is_none() && !state.wants_more() {
            state = self.wanted.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.over.is_none()
    }

    fn note(&self, read: io::Result<&[u8]>) {
        let mut state = self.lock();
        state.note(read);
        let answers = state.answers();
        drop(state);
        give(answers);
    }
}

impl State {
    /// Whether somebody still waits for what is not there.
    fn wants_more(&self) -> bool {
        self.over.is_none() && self.calls.iter().any(|call| call.reply.is_wanted())
    }

    fn note(&mut self, read: io::Result<&[u8]>) {
        match read {
            Ok([]) => self.over = Some(Refusal::End),
            Ok(bytes) => {
                self.read.drain(..self.taken);
                self.searched -= self.taken;
                self.taken = 0;
                self.read.extend_from_slice(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => self.over = Some(Refusal::Failed(error.raw_os_error().unwrap_or(0))),
        }
    }

    /// The calls that can be answered, in their order.
    fn answers(&mut self) -> Vec<(Call, Given)> {
        let mut answers = Vec::new();
        while let Some(call) = self.calls.pop_front() {
            if !call.reply.is_wanted() {
                continue;
            }
            let Some(given) = self.answer(call.want, call.room, call.longest) else {
                self.calls.push_front(call);
                break;
            };
            answers.push((call, given));
        }
        answers
    }

    /// What a call is answered, if that is known.
    fn answer(&mut self, want: Want, room: usize, longest: usize) -> Option<Given> {
        let there = self.read.len() - self.taken;
        let length = match want {
            Want::Some => there.min(room),
            Want::Line => match self.line() {
                Some(length) => length,
                None if there >= longest => there,
                None if self.over.is_some() => there,
                None => return None,
            },
        };
        if length >= longest {
            self.take(length);
            return Some(Given::Refused(Refusal::TooLong));
        }
        match length {
            0 => self.over.map(Given::Refused),
            _ if length > room => Some(Given::Needs(length)),
            _ => Some(Given::Bytes(self.take(length))),
        }
    }

    /// The length of the next line, if its end is there.
    fn line(&mut self) -> Option<usize> {
        let found = self.read.get(self.searched..)?.iter().position(|byte| *byte == b'\n');
        match found {
            Some(after) => {
                self.searched += after;
                Some(self.searched + 1 - self.taken)
            }
            None => {
                self.searched = self.read.len();
                None
            }
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let bytes = self.read.get(self.taken..self.taken + length).unwrap_or_default().to_vec();
        self.taken += length;
        self.searched = self.searched.max(self.taken);
        bytes
    }
}

fn give(answers: Vec<(Call, Given)>) {
    for (Call { address, reply, .. }, given) in answers {
        reply.answer(move |caller| {
            let (copied, code) = match &given {
                Given::Bytes(bytes) => {
                    put(caller, address, bytes)?;
                    (bytes.len(), bytes.len() as i64)
                }
                Given::Needs(length) => (0, *length as i64),
                Given::Refused(refusal) => (0, refusal.code()),
            };
            answer(caller, [copied as i64, code])
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(bytes: &[u8]) -> State {
        let mut state = State::default();
        state.note(Ok(bytes));
        state
    }

    fn bytes(bytes: &[u8]) -> Option<Given> {
        Some(Given::Bytes(bytes.to_vec()))
    }

    #[test]
    fn a_line_is_given_when_it_is_whole_or_the_input_is_over() {
        let mut state = with(b"one\ntw");
        assert_eq!(state.answer(Want::Line, 9, 100), bytes(b"one\n"));
        assert_eq!(state.answer(Want::Line, 9, 100), None);
        state.note(Ok(b"o\nthree"));
        assert_eq!(state.answer(Want::Line, 9, 100), bytes(b"two\n"));
        assert_eq!(state.answer(Want::Line, 9, 100), None);
        state.note(Ok(b""));
        assert_eq!(state.answer(Want::Line, 9, 100), bytes(b"three"));
        let end = Some(Given::Refused(Refusal::End));
        assert_eq!(state.answer(Want::Line, 9, 100), end);
        assert_eq!(state.answer(Want::Some, 9, 100), end);
    }

    #[test]
    fn a_line_without_room_stays_and_says_how_much_it_needs() {
        let mut state = with(b"a long line\nx\n");
        assert_eq!(state.answer(Want::Line, 4, 100), Some(Given::Needs(12)));
        assert_eq!(state.answer(Want::Line, 12, 100), bytes(b"a long line\n"));
        assert_eq!(state.answer(Want::Line, 12, 100), bytes(b"x\n"));
    }

    #[test]
    fn what_is_there_is_given_in_parts() {
        let mut state = with(b"one\ntwo");
        assert_eq!(state.answer(Want::Some, 5, 100), bytes(b"one\nt"));
        assert_eq!(state.answer(Want::Some, 5, 100), bytes(b"wo"));
        assert_eq!(state.answer(Want::Some, 5, 100), None);
    }

    #[test]
    fn a_line_that_fits_in_no_heap_is_refused_before_it_ends() {
        let mut state = with(&[b'a'; 64]);
        assert_eq!(state.answer(Want::Line, 8, 64), Some(Given::Refused(Refusal::TooLong)));
        state.note(Ok(b"b\n"));
        assert_eq!(state.answer(Want::Line, 8, 64), bytes(b"b\n"));
    }

    #[test]
    fn an_error_is_told_by_its_number_and_an_interruption_is_none() {
        let mut state = State::default();
        state.note(Err(io::ErrorKind::Interrupted.into()));
        assert_eq!(state.answer(Want::Line, 8, 64), None);
        state.note(Err(io::Error::from_raw_os_error(5)));
        assert_eq!(state.answer(Want::Line, 8, 64), Some(Given::Refused(Refusal::Failed(5))));
        assert_eq!(Refusal::Failed(5).code(), -1005);
    }
}
