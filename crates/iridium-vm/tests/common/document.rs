//! Documents whose programs say in `; =>` comments how they end.

use std::fs;
use std::path::Path;

use iridium_vm::Stop;

use super::Ran;

/// The programs of a document, each with the heading it stands under.
pub(crate) fn programs(path: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let mut heading = String::new();
    let mut program: Option<String> = None;
    let mut found = Vec::new();
    for line in text.lines() {
        match (&mut program, line) {
            (None, "```iasm") => program = Some(String::new()),
            (Some(source), "```") => {
                found.push((heading.clone(), std::mem::take(source)));
                program = None;
            }
            (Some(source), _) => {
                source.push_str(line);
                source.push('\n');
            }
            (None, _) => {
                if let Some(title) = line.strip_prefix("## ") {
                    heading = title.trim_matches('`').to_owned();
                }
            }
        }
    }
    found
}

/// Compares how a program ended with its `; =>` comments.
pub(crate) fn compare(source: &str, ran: &Ran) {
    let expectations = source.lines().filter_map(|line| line.strip_prefix("; => "));
    for expectation in expectations {
        let holds = match expectation.split_once(' ').unwrap() {
            ("output", text) => ran.output == text,
            ("trap", name) => ran.trap() == Some(name),
            ("exit", code) => ran.stop == Stop::Exited(code.parse().unwrap()),
            ("flag", value) => format!("= {}", ran.process.flag()) == value,
            (register, value) => {
                let (lane, number) = register.split_at(1);
                let number = number.parse().unwrap();
                let found = match lane {
                    "$" => ran.int(number).to_string(),
                    _ => format!("{:?}", ran.float(number)),
                };
                format!("= {found}") == value
            }
        };
        assert!(holds, "{expectation}: {:?} {:?}\n{source}", ran.stop, ran.output);
    }
}
