//! The words that a program is given, and variables of the environment.
//!
//! | name | arguments | results |
//! | --- | --- | --- |
//! | `env.arg_count` | – | how many words the program was given |
//! | `env.arg_len` | number of a word, from 0 | its length in bytes |
//! | `env.arg_copy` | number of a word, address, room in bytes | how many bytes were copied |
//! | `env.var` | address, length: a name; address, room | how many bytes of its value were copied: all or none; how long the value is, -1 when there is none, -2 when the name is not allowed |

use std::env;
use std::sync::Arc;

use iridium_vm::{Caller, HostError, Hosts};

use crate::arguments::{answer, copy_whole, int, room, text};
use crate::policy::Names;

/// There is no such variable.
const MISSING: i64 = -1;
/// The policy does not allow it.
const NOT_ALLOWED: i64 = -2;

pub(crate) fn add_words(hosts: &mut Hosts, words: &[String]) {
    let words: Arc<[String]> = words.into();
    let all = Arc::clone(&words);
    hosts.add("env.arg_count", move |caller| answer(caller, [all.len() as i64]));
    let all = Arc::clone(&words);
    hosts.add("env.arg_len", move |caller| {
        let length = word(&all, caller)?.len();
        answer(caller, [length as i64])
    });
    hosts.add("env.arg_copy", move |caller| {
        let word = word(&words, caller)?.as_bytes();
        let to = room(caller, 1)?;
        let copied = copy_whole(word.get(..to.len()).unwrap_or(word), to);
        answer(caller, [copied as i64])
    });
}

pub(crate) fn add_variables(hosts: &mut Hosts, names: &Names) {
    let names = names.clone();
    hosts.add("env.var", move |caller| {
        let name = text(caller, 0)?;
        if !names.contains(&name) {
            return answer(caller, [0, NOT_ALLOWED]);
        }
        // No variable has such a name, and the system would not look for it.
        let is_possible = !name.is_empty() && !name.contains(['=', '\0']);
        let Some(value) = is_possible.then(|| env::var_os(&name)).flatten() else {
            return answer(caller, [0, MISSING]);
        };
        let value = value.as_encoded_bytes();
        let copied = copy_whole(value, room(caller, 2)?);
        answer(caller, [copied as i64, value.len() as i64])
    });
}

fn word<'w>(words: &'w [String], caller: &Caller<'_>) -> Result<&'w str, HostError> {
    let number = int(caller, 0);
    let found = usize::try_from(number).ok().and_then(|number| words.get(number));
    found.map(String::as_str).ok_or_else(|| HostError(format!("there is no word {number}")))
}
