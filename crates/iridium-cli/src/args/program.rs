//! What may be typed about programs: how one starts, how far it runs, what it
//! may use.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use iridium_vm::Limits;

use super::number::number;

/// How a program starts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running a program")]
pub(crate) struct StartFlags {
    /// Fill $0, then $1, …; a number with a point goes to the float lane
    #[arg(long = "arg", value_name = "N", allow_hyphen_values = true, requires = "file")]
    pub(crate) arguments: Vec<Argument>,
    /// Start at this label [default: what .entry names, else the first instruction]
    #[arg(long, value_name = "LABEL", requires = "file")]
    pub(crate) entry: Option<String>,
}

/// How far a program runs and what is told of its end: that of its first
/// process.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running a program")]
pub(crate) struct RunFlags {
    /// Print how it ended as one line of JSON, after its output
    #[arg(long, requires = "file")]
    pub(crate) json: bool,
    /// Print the registers that are not 0, after the output
    #[arg(long, requires = "file")]
    pub(crate) registers: bool,
    /// Wait for all processes, not only the first and those linked to it
    #[arg(long, requires = "file")]
    pub(crate) wait_all: bool,
    /// Stop when all processes together have spent this much fuel
    #[arg(long, value_name = "N", requires = "file", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    pub(crate) fuel: Option<u64>,
    /// Write all processes here as they were left, for `iridium resume`
    #[arg(long, value_name = "STATE", requires = "file")]
    pub(crate) save: Option<PathBuf>,
}

/// On how many threads programs run.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Running a program")]
pub(crate) struct ThreadFlags {
    /// Threads that run processes [default: the cores]
    #[arg(short, long, value_name = "N", allow_negative_numbers = true,
          value_parser = number(1..=1024_usize))]
    pub(crate) threads: Option<usize>,
}

/// What each process of a program may use.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits of each process")]
pub(crate) struct LimitFlags {
    /// Heap [default: 67108864]
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    heap_limit: Option<u64>,
    /// Data stack [default: 1048576]
    #[arg(long, value_name = "CELLS", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    stack_limit: Option<u64>,
    /// Calls that have not returned [default: 100000]
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    call_depth_limit: Option<u64>,
    /// Messages that wait to be received [default: 1048576]
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    message_limit: Option<u64>,
    /// Memory that waiting messages take [default: 67108864]
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    message_bytes_limit: Option<u64>,
    /// Fuel from start to end [default: none]
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    fuel_limit: Option<u64>,
}

impl LimitFlags {
    /// Whether any was said.
    pub(crate) fn is_any(&self) -> bool {
        self.limits() != Limits::default()
    }

    /// The limits, with the defaults of what was not said.
    pub(crate) fn limits(&self) -> Limits {
        let usual = Limits::default();
        Limits {
            heap: self.heap_limit.unwrap_or(usual.heap),
            stack: self.stack_limit.unwrap_or(usual.stack),
            call_depth: self.call_depth_limit.unwrap_or(usual.call_depth),
            messages: self.message_limit.unwrap_or(usual.messages),
            message_bytes: self.message_bytes_limit.unwrap_or(usual.message_bytes),
            fuel: self.fuel_limit.unwrap_or(usual.fuel),
            ..usual
        }
    }
}

/// What all processes together may use.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Limits of all processes together")]
pub(crate) struct NodeLimitFlags {
    /// Processes that may live at a time [default: 1048575]
    #[arg(long, value_name = "N", allow_negative_numbers = true,
          value_parser = number(1..=1_usize << 24))]
    pub(crate) process_limit: Option<usize>,
    /// Memory [default: none]
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true,
          value_parser = number(0..=u64::MAX))]
    pub(crate) memory_limit: Option<u64>,
}

/// What a program finds in a register when it starts.
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
        // An integer that is too large is not to become a float unnoticed.
        let is_float = digits.contains(['.', 'e', 'E']) || matches!(digits, "inf" | "nan");
        match text.parse() {
            Ok(float) if is_float => Ok(Self::Float(float)),
            _ => Err("neither an integer of 64 bits nor a number with a point".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_go_to_the_lane_that_they_are_written_for() {
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
