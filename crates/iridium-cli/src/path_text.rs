//! Names of files as text: for messages, and for commands that a person may copy.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use iridium_isa::escape::{escape, is_hidden};

/// A path for a message. Bytes that are no UTF-8, and hidden characters, are escaped.
pub(crate) fn shown(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        text.push_str(&escape(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// A path as a word of a shell command, which the command takes for a file and not for a flag or
/// stdin.
pub(crate) fn shell_word(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let folder = if bytes.starts_with(b"-") { "./" } else { "" };
    let is_bare = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(byte);
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.is_empty() && bytes.iter().all(is_bare) => format!("{folder}{text}"),
        Ok(text) if !text.contains(is_hidden) => {
            format!("'{folder}{}'", text.replace('\'', r"'\''"))
        }
        // Every shell that people type into has this form.
        _ => {
            let mut word = format!("$'{folder}");
            for byte in bytes {
                let _ = match byte {
                    b'\'' | b'\\' => write!(word, "\\{}", char::from(*byte)),
                    b' '..=b'~' => write!(word, "{}", char::from(*byte)),
                    // Three octal digits: a digit that follows is none of them.
                    _ => write!(word, "\\{byte:03o}"),
                };
            }
            word + "'"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::process::Command;

    use super::*;

    #[test]
    fn names_are_shown_without_what_a_terminal_would_act_on() {
        for (name, text) in [
            (&b"a b.iasm"[..], "a b.iasm"),
            (b"caf\xc3\xa9", "caf\u{e9}"),
            (b"caf\xe9", r"caf\xe9"),
            (b"\x1b[2J\n", r"\x1b[2J\n"),
        ] {
            assert_eq!(shown(Path::new(OsStr::from_bytes(name))), text);
        }
    }

    #[test]
    fn a_shell_reads_the_word_as_it_is_meant() {
        for name in [
            &b"st"[..],
            b"-",
            b"--help",
            b"a b",
            b"it's",
            b"$HOME",
            b"a\\b",
            b"caf\xe9",
            b"\n7'",
            b"caf\xc3\xa9",
            b"a*?[b]",
            b"~",
            b"#",
            b"!x",
        ] {
            let word = shell_word(Path::new(OsStr::from_bytes(name)));
            let output = Command::new("bash").args(["-c", &format!("printf %s {word}")]).output();
            let output = output.unwrap().stdout;
            let expected = if name[0] == b'-' { [b"./", name].concat() } else { name.to_vec() };
            assert_eq!(output, expected, "{word}");
        }
        assert_eq!(shell_word(Path::new("/tmp/st-1.state")), "/tmp/st-1.state");
    }
}
