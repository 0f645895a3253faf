//! The host functions that this command offers to programs.
//!
//! | name | arguments | results |
//! | --- | --- | --- |
//! | `eprint` | address, length: text for stderr | – |
//! | `log` | level (1: error, to 5: trace), address, length: text for the log | – |
//! | `env.arg_count` | – | how many words the program was given |
//! | `env.arg_len` | number of a word, from 0 | its length in bytes |
//! | `env.arg_copy` | number of a word, address, room in bytes | how many bytes were copied |
//! | `stdin.read_line` | address, room in bytes | how many bytes were copied: all of the next line, with its end, or none; how long the line is |
//! | `stdin.read` | address, room in bytes | how many bytes were copied; the same again |
//!
//! In place of the last result of the two that read: -1 at the end, -2 for a line that does not fit
//! in the heap, -3 where programs have no input, -1000 - N for an error that the system calls N.

use std::sync::Arc;

use iridium_vm::{Caller, HostError, HostResult, Hosts};

use super::stdin::{self, Input};
use crate::output;

/// The functions, for programs that are given these words and this input.
pub(crate) fn hosts(words: &[String], input: Input) -> Hosts {
    let words: Arc<[String]> = words.into();
    let mut hosts = Hosts::new();
    stdin::add(&mut hosts, input);
    // Whoever reads stderr may take their time.
    hosts.add_blocking("eprint", |caller| {
        let [address, length, ..] = *caller.registers;
        let text = caller.bytes(address.int, length.int).ok_or_else(outside)?;
        output::print_stderr(&String::from_utf8_lossy(text));
        Ok(())
    });
    hosts.add("log", |caller| {
        let [level, address, length, ..] = *caller.registers;
        let text = caller.bytes(address.int, length.int).ok_or_else(outside)?;
        log::log!(level_of(level.int), "{}", String::from_utf8_lossy(text));
        Ok(())
    });
    let all = Arc::clone(&words);
    hosts.add("env.arg_count", move |caller| answer(caller, all.len()));
    let all = Arc::clone(&words);
    hosts.add("env.arg_len", move |caller| {
        let length = word(&all, caller)?.len();
        answer(caller, length)
    });
    hosts.add("env.arg_copy", move |caller| {
        let word = word(&words, caller)?.as_bytes();
        let [_, address, room, ..] = *caller.registers;
        let length = word.len().min(usize::try_from(room.int).unwrap_or(0));
        let (address, word) = (address.int, word.get(..length).unwrap_or_default());
        let to = caller.bytes_mut(address, length as i64).ok_or_else(outside)?;
        to.copy_from_slice(word);
        answer(caller, length)
    });
    hosts
}

fn word<'w>(words: &'w [String], caller: &Caller<'_>) -> Result<&'w str, HostError> {
    let [number, ..] = *caller.registers;
    let found = usize::try_from(number.int).ok().and_then(|number| words.get(number));
    found.map(String::as_str).ok_or_else(|| HostError(format!("there is no word {}", number.int)))
}

fn level_of(number: i64) -> log::Level {
    match number {
        ..=1 => log::Level::Error,
        2 => log::Level::Warn,
        3 => log::Level::Info,
        4 => log::Level::Debug,
        5.. => log::Level::Trace,
    }
}

fn outside() -> HostError {
    HostError("an address outside of the heap".into())
}

fn answer(caller: &mut Caller<'_>, number: usize) -> HostResult {
    let [first, ..] = caller.registers;
    first.int = number as i64;
    Ok(())
}

#[cfg(test)]
mod tests {
    use iridium_asm::Assembler;
    use iridium_vm::{Limits, Process, Program, Stop};

    use super::*;

    fn run(source: &str, words: &[&str]) -> (Stop, Vec<u8>) {
        let module = Assembler::new("t.iasm").assemble(source).unwrap().module;
        let words: Vec<_> = words.iter().map(ToString::to_string).collect();
        let program = Program::new(module, &hosts(&words, Input::None)).unwrap();
        let mut output = Vec::new();
        let stop = Process::new(&program, Limits::default()).run(&program, 1_000, &mut output);
        (stop.unwrap(), output)
    }

    #[test]
    fn a_program_reads_its_words() {
        let source = "
            .import env.arg_count
            .import env.arg_len
            .import env.arg_copy
            main: load $0 #64
                  aloc $0
                  load $8 #1
                  host @env.arg_len $8
                  mov $8 $3
                  load $8 #1
                  load $9 #16
                  load $10 #64
                  host @env.arg_copy $8
                  load $9 #16
                  prtm $9 $8
                  load $10 #3
                  load $9 #16
                  load $8 #0
                  host @env.arg_copy $8
                  mov $8 $4
                  host @env.arg_count $0
                  add $0 $3 $0
                  add $0 $4 $0
                  hlt";
        let (stop, output) = run(source, &["abcdef", "zwei"]);
        assert_eq!((stop, output), (Stop::Halted(2 + 4 + 3), b"zwei".to_vec()));
    }

    #[test]
    fn a_word_that_is_not_there_is_an_error_of_the_host() {
        for (source, why) in [
            (".import env.arg_len\nhost @env.arg_len $0\nhlt", "there is no word 0"),
            (
                ".import env.arg_copy\nload $1 #-5\nload $2 #9\nhost @env.arg_copy $0\nhlt",
                "an address outside of the heap",
            ),
        ] {
            let words: &[&str] = if why.starts_with("an") { &["a"] } else { &[] };
            let (Stop::Trapped(trap), _) = run(source, words) else { panic!("{source}") };
            assert_eq!(trap.message.as_deref(), Some(why));
        }
    }
}
