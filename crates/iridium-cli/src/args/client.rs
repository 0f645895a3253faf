//! Flags and arguments of commands that talk to running nodes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use iridium_isa::protocol::{Protocol, Shape, Value};
use iridium_net::Endpoint;
use iridium_node::control::Target;
use iridium_proto::{DEFAULT_PORT, NodeAlias};

use super::number::number;
use super::{LimitFlags, LogFlags};

/// How a running node is reached.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClientFlags {
    /// The node to ask
    #[arg(long, value_name = "HOST:PORT", default_value_t = default_node())]
    pub(crate) at: Endpoint,
    /// File with the cluster secret [default: $IRIDIUM_SECRET_FILE, or see iridium secret show-path]
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// For a node that runs with --insecure
    #[arg(long)]
    pub(crate) insecure: bool,
}

/// `iridium spawn`
#[derive(Debug, Args)]
pub(crate) struct SpawnArgs {
    /// The program: a source or a module; - for stdin
    pub(crate) file: PathBuf,
    /// The actor to start, or another function that a process can begin with [default: main]
    pub(crate) actor: Option<String>,
    /// Of an actor, a parameter: NAME=VALUE or just VALUE, as in start=10; without an actor what
    /// $0, then $1, … is set to, at most 8 times
    #[arg(long = "arg", value_name = "[NAME=]VALUE", allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
    /// Start at this label [default: that of .entry, or else the first instruction]
    #[arg(long, value_name = "LABEL", conflicts_with = "actor")]
    pub(crate) entry: Option<String>,
    #[command(flatten)]
    pub(crate) client: ClientFlags,
    /// The node to run it on [default: the one that is asked]
    #[arg(long, value_name = "ALIAS")]
    pub(crate) on: Option<NodeAlias>,
    /// Register the process under this name on its node
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) name: Option<String>,
    /// Link it to the app that the asked node has started last, to end with it
    #[arg(long)]
    pub(crate) link_app: bool,
    #[command(flatten)]
    pub(crate) limits: LimitFlags,
}

/// `iridium send`
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The process: its pid, a name on the asked node, or NAME@ALIAS
    #[arg(value_name = "PID|NAME[@ALIAS]")]
    pub(crate) to: Target,
    /// The message, as the program names it; or the tag of a message, 0 or more
    // Negative ones are refused as such, not as unknown flags.
    #[arg(allow_negative_numbers = true, value_name = "MESSAGE|TAG")]
    pub(crate) message: String,
    /// Its values, as in by=5 or 5; with a tag: text, or a number such as '#5' (quoted for the shell)
    #[arg(value_name = "[NAME=]VALUE|TEXT|#N", allow_negative_numbers = true)]
    pub(crate) content: Vec<String>,
    #[command(flatten)]
    pub(crate) client: ClientFlags,
}

/// `iridium call`
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// The process: its pid, a name on the asked node, or NAME@ALIAS
    #[arg(value_name = "PID|NAME[@ALIAS]")]
    pub(crate) to: Target,
    /// The message, as the program names it
    pub(crate) message: String,
    /// Its values, as in by=5 or 5
    #[arg(value_name = "[NAME=]VALUE", allow_negative_numbers = true)]
    pub(crate) values: Vec<String>,
    /// How long to wait for the answer, as in 200ms or 1.5s
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    pub(crate) timeout: Duration,
    /// Print the answer as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) client: ClientFlags,
}

/// `iridium kill`
#[derive(Debug, Args)]
pub(crate) struct KillArgs {
    /// The process: its pid, a name on the asked node, or NAME@ALIAS
    #[arg(value_name = "PID|NAME[@ALIAS]")]
    pub(crate) to: Target,
    /// The reason of the exit signal; a process cannot trap -1 (killed)
    #[arg(long, value_name = "N", default_value_t = -1, allow_hyphen_values = true,
          value_parser = number(i64::MIN..=i64::MAX))]
    pub(crate) reason: i64,
    #[command(flatten)]
    pub(crate) client: ClientFlags,
}

/// `iridium attach`
#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    /// The node, instead of --at
    #[arg(value_name = "HOST:PORT")]
    pub(crate) node: Option<Endpoint>,
    #[command(flatten)]
    pub(crate) client: ClientFlags,
    #[command(flatten)]
    pub(crate) log: LogFlags,
}

/// A length of time with its unit.
fn time(text: &str) -> Result<Duration, String> {
    let none = "write a time with its unit, as 200ms or 5s";
    match Protocol::default().value("time", &Shape::Duration, text) {
        Ok(Value::Duration(ns)) => u64::try_from(ns).map(Duration::from_nanos).map_err(|_| none),
        _ => Err(none),
    }
    .map_err(str::to_owned)
}

/// A name that cannot be taken for a pid or for a name on another node.
fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 255 || text.contains(char::is_control) {
        return Err("a name must have 1 to 255 bytes and no control characters".into());
    }
    if text.contains('@') || text.parse::<i64>().is_ok() {
        return Err("a name must not contain @, which separates the alias of a node, and not be a number, which would be a pid".into());
    }
    Ok(text.into())
}

fn default_node() -> Endpoint {
    Endpoint::Addr(([127, 0, 0, 1], DEFAULT_PORT).into())
}
