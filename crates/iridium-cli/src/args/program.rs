//! Flags about programs: how one starts, how far it runs, and its limits.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use iridium_host::{Group, InvalidGrant, Policy};
use iridium_vm::Limits;

use super::number::number;
use crate::failure::Failure;
use crate::io_error::describe;
use crate::program::EngineChoice;
use crate::program::environment::MAX_PROCESSES;

/// How a program starts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running a program")]
pub(crate) struct StartFlags {
    /// Set $0, then $1, …; a number with a point sets the float of the register
    #[arg(long = "arg", value_name = "N", allow_hyphen_values = true, requires = "file")]
    pub(crate) arguments: Vec<Argument>,
    /// Start at this label [default: that of .entry, or else the first instruction]
    #[arg(long, value_name = "LABEL", requires = "file")]
    pub(crate) entry: Option<String>,
    /// Words for the program, behind --; in Palladium std.env.args() gives them
    #[arg(last = true, value_name = "WORD", requires = "file")]
    pub(crate) words: Vec<String>,
}

/// How far a program runs, and what is reported of the end of its first process.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running a program")]
pub(crate) struct RunFlags {
    /// Print how it ended as one line of JSON, after its output
    #[arg(long, requires = "file")]
    pub(crate) json: bool,
    /// Print the registers that are not 0, after the output
    #[arg(long, requires = "file")]
    pub(crate) registers: bool,
    /// Print what became native code, on stderr, at the end
    #[arg(long)]
    pub(crate) stats: bool,
    /// Wait for all processes, not only for the first and those linked to it
    #[arg(long, requires = "file")]
    pub(crate) wait_all: bool,
    /// Stop when all processes together have used this much fuel
    #[arg(long, value_name = "N", requires = "file", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    pub(crate) fuel: Option<u64>,
    /// When the run stops, save all processes to this file, for `iridium resume`
    #[arg(long, value_name = "STATE", requires = "file")]
    pub(crate) save: Option<PathBuf>,
}

/// What programs may do beyond computing, sending messages and printing.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What programs may do")]
pub(crate) struct PermissionFlags {
    /// Allow programs fs.read, fs.write, env, net.connect or net.listen, as a whole or in part:
    /// fs.read=PATH, env=NAME, net.connect=HOST:PORT, net.listen=ADDRESS:PORT; may be repeated;
    /// stdin always is allowed
    #[arg(long, value_name = "GROUP[=PART]")]
    pub(crate) allow: Vec<String>,
    /// Allow programs everything
    #[arg(short = 'A', long, conflicts_with = "allow")]
    pub(crate) allow_all: bool,
}

impl PermissionFlags {
    /// What is allowed. The standard input always is: who has none is told so when it is read.
    pub(crate) fn policy(&self) -> Result<Policy, Failure> {
        let unreadable = |error| Failure::failed(format!("cannot open /: {}", describe(&error)));
        if self.allow_all {
            return Policy::all().map_err(unreadable);
        }
        let mut policy = Policy::default();
        policy.allow_group(Group::Stdin).map_err(unreadable)?;
        for grant in &self.allow {
            policy.allow(grant).map_err(|error| Failure::usage(refused(&error)))?;
        }
        Ok(policy)
    }
}

fn refused(error: &InvalidGrant) -> String {
    match error {
        InvalidGrant::Path { .. } => format!("--allow {}", describe_grant(error)),
        error => format!("--allow: {error}"),
    }
}

/// What is wrong with a grant, for a person.
pub(crate) fn describe_grant(error: &InvalidGrant) -> String {
    match error {
        InvalidGrant::Path { group, path, error } => format!("{group}={path}: {}", describe(error)),
        error => error.to_string(),
    }
}

/// What runs programs.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Running a program")]
pub(crate) struct ExecutionFlags {
    /// Threads that run processes [default: one for each core]
    #[arg(short, long, value_name = "N", allow_negative_numbers = true,
          value_parser = number(1..=1024_usize))]
    pub(crate) threads: Option<usize>,
    /// What executes instructions; results are the same
    #[arg(long, value_name = "ENGINE", default_value = "auto")]
    pub(crate) engine: EngineChoice,
}

/// The limits of each process.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits of each process")]
pub(crate) struct LimitFlags {
    /// Size of the heap [default: 67108864]
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    heap_limit: Option<u64>,
    /// Size of the data stack [default: 1048576]
    #[arg(long, value_name = "CELLS", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    stack_limit: Option<u64>,
    /// Depth of nested calls [default: 100000]
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    call_depth_limit: Option<u64>,
    /// Messages in the mailbox [default: 1048576]
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    message_limit: Option<u64>,
    /// Memory of the messages in the mailbox [default: 67108864]
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    message_bytes_limit: Option<u64>,
    /// Fuel from start to end [default: no limit]
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    fuel_limit: Option<u64>,
}

impl LimitFlags {
    /// Whether any limit was given.
    pub(crate) fn is_any(&self) -> bool {
        self.limits() != Limits::default()
    }

    /// The limits, with defaults for those that were not given.
    pub(crate) fn limits(&self) -> Limits {
        let default = Limits::default();
        Limits {
            heap: self.heap_limit.unwrap_or(default.heap),
            stack: self.stack_limit.unwrap_or(default.stack),
            call_depth: self.call_depth_limit.unwrap_or(default.call_depth),
            messages: self.message_limit.unwrap_or(default.messages),
            message_bytes: self.message_bytes_limit.unwrap_or(default.message_bytes),
            fuel: self.fuel_limit.unwrap_or(default.fuel),
            ..default
        }
    }
}

/// The limits of all processes together.
#[derive(Debug, Default, Clone, Copy, Args)]
#[command(next_help_heading = "Limits of all processes together")]
pub(crate) struct NodeLimitFlags {
    /// Processes at a time [default: 1048575]
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = number(1..=MAX_PROCESSES))]
    pub(crate) process_limit: Option<usize>,
    /// Memory [default: no limit]
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    pub(crate) memory_limit: Option<u64>,
}

/// The value of a register when a program starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Argument {
    Int(i64),
    Float(f64),
}

impl FromStr for Argument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text),
        };
        let int = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(digits) if !digits.starts_with(['+', '-']) => {
                i64::from_str_radix(&format!("{sign}{digits}"), 16).ok()
            }
            _ => text.parse().ok(),
        };
        if let Some(int) = int {
            return Ok(Self::Int(int));
        }
        // An integer that is too large must not silently become a float.
        let is_float = digits.contains(['.', 'e', 'E']) || matches!(digits, "inf" | "nan");
        match text.parse() {
            Ok(float) if is_float => Ok(Self::Float(float)),
            _ => Err("neither a 64-bit integer nor a number with a point".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_integers_or_floats_as_they_are_written() {
        for (text, argument) in [
            ("5", Argument::Int(5)),
            ("-9223372036854775808", Argument::Int(i64::MIN)),
            ("0x1F", Argument::Int(31)),
            ("-0x8000000000000000", Argument::Int(i64::MIN)),
            ("5.", Argument::Float(5.0)),
            ("-1.5", Argument::Float(-1.5)),
            ("2e3", Argument::Float(2000.0)),
            ("-inf", Argument::Float(f64::NEG_INFINITY)),
        ] {
            assert_eq!(text.parse(), Ok(argument), "{text}");
        }
        for text in ["", "-", "x", "0x", "0x-1", "9223372036854775808", "1.2.3", "infinity"] {
            assert!(text.parse::<Argument>().is_err(), "{text}");
        }
    }
}
