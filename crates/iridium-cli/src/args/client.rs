//! Flags and arguments of commands that talk to running nodes.

use std::path::PathBuf;

use clap::Args;

use iridium_net::Endpoint;
use iridium_node::control::Target;
use iridium_proto::{DEFAULT_PORT, NodeAlias};

use super::number::number;
use super::{LimitFlags, LogFlags, StartFlags};

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
    /// The program: assembly source or a module; - for stdin
    pub(crate) file: PathBuf,
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
    pub(crate) start: StartFlags,
    #[command(flatten)]
    pub(crate) limits: LimitFlags,
}

/// `iridium send`
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The process: its pid, a name on the asked node, or NAME@ALIAS
    #[arg(value_name = "PID|NAME[@ALIAS]")]
    pub(crate) to: Target,
    /// The tag of the message, 0 or more
    // Negative ones are refused as such, not as unknown flags.
    #[arg(allow_negative_numbers = true, value_parser = number(i64::MIN..=i64::MAX))]
    pub(crate) tag: i64,
    /// The content: text, or a number such as '#5' (quoted for the shell)
    #[arg(required = true, value_name = "TEXT|#N")]
    pub(crate) content: Vec<String>,
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
