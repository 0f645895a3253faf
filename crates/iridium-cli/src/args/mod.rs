//! The command line. What there is to say about programs is in `program`.

mod program;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use iridium_net::Endpoint;
use iridium_proto::{DEFAULT_PORT, NodeAlias, NodePort};

pub(crate) use program::{Argument, LimitFlags, NodeLimitFlags, RunFlags, StartFlags, ThreadFlags};

/// The usual port for control clients alone, beside [`DEFAULT_PORT`] for everything.
const CONTROL_PORT: u16 = 2244;

/// Iridium: programs, and nodes that become one mesh. Without a command: the REPL.
#[derive(Debug, Parser)]
#[command(name = "iridium", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// A program to run; short for `iridium run FILE`
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) node: NodeFlags,
    /// Run a node without the REPL, as `iridium node` does
    #[arg(long)]
    pub(crate) daemon_mode: bool,
    /// With --daemon-mode: join through this member; may be repeated
    #[arg(long, value_name = "HOST:PORT", requires = "daemon_mode")]
    pub(crate) join: Vec<Endpoint>,
    // Last, because their heading in the help holds for all that follow.
    #[command(flatten)]
    pub(crate) threads: ThreadFlags,
    #[command(flatten)]
    pub(crate) start: StartFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
    #[command(flatten)]
    pub(crate) limits: LimitFlags,
    #[command(flatten)]
    pub(crate) node_limits: NodeLimitFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a program: assembly source or a module; - is stdin
    Run {
        /// The program
        #[arg(required_unless_present = "app")]
        file: Option<PathBuf>,
        /// Run the tree of programs that an app file describes, until Ctrl-C
        #[arg(long, value_name = "FILE.toml", conflicts_with_all = [
            "file", "arguments", "entry", "json", "registers", "wait_all", "fuel", "save",
            "heap_limit", "stack_limit", "call_depth_limit", "message_limit",
            "message_bytes_limit", "fuel_limit",
        ])]
        app: Option<PathBuf>,
        #[command(flatten)]
        threads: ThreadFlags,
        #[command(flatten)]
        start: StartFlags,
        #[command(flatten)]
        run: RunFlags,
        #[command(flatten)]
        limits: LimitFlags,
        #[command(flatten)]
        node_limits: NodeLimitFlags,
    },
    /// Go on with a program that --save has written
    Resume {
        /// The file that --save has written
        #[arg(value_name = "STATE")]
        file: PathBuf,
        #[command(flatten)]
        threads: ThreadFlags,
        #[command(flatten)]
        run: RunFlags,
    },
    /// Assemble a source to a module file
    Asm {
        /// The source; - is stdin
        file: PathBuf,
        /// The module file [default: FILE with the ending .irb]
        #[arg(short, long, value_name = "OUT.irb")]
        output: Option<PathBuf>,
        /// Leave out line numbers and labels, which traps are explained with
        #[arg(long)]
        strip: bool,
    },
    /// Print a module as source that assembles to the same module
    Disasm {
        /// The module, or a source; - is stdin
        file: PathBuf,
    },
    /// Look for errors and probable mistakes in sources and modules
    Check {
        /// The files; - is stdin
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Run a node until it is told to leave
    Node {
        #[command(flatten)]
        flags: NodeFlags,
        /// Join through this member, tried until it answers; may be repeated
        #[arg(long, value_name = "HOST:PORT")]
        join: Vec<Endpoint>,
    },
    /// List the members that a running node sees
    Members {
        #[command(flatten)]
        client: ClientFlags,
        /// Print one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a running node leave the cluster and end
    Leave {
        #[command(flatten)]
        client: ClientFlags,
    },
    /// The secret that all nodes of a cluster share
    #[command(subcommand)]
    Secret(SecretTask),
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page (view it with: iridium man | man -l -)
    Man,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretTask {
    /// Write a new secret to a file that only you can read; never overwrites
    New {
        /// The file [default: the one that nodes look for]
        path: Option<PathBuf>,
    },
    /// Print the path of the file that nodes look for
    ShowPath,
}

/// What a node is told, whether it runs alone or in the REPL.
#[derive(Debug, Args)]
pub(crate) struct NodeFlags {
    /// Name of the node, unique in the cluster [default: a UUID that is kept]
    #[arg(long, value_name = "ALIAS")]
    pub(crate) node_alias: Option<NodeAlias>,
    /// Port to listen on; 0 takes any free one
    #[arg(short = 'P', long, value_name = "PORT", default_value_t = DEFAULT_PORT)]
    pub(crate) server_bind_port: u16,
    /// Address to listen on; 0.0.0.0 for all
    #[arg(short = 'H', long, value_name = "HOST", default_value = "127.0.0.1")]
    pub(crate) server_bind_host: Host,
    /// Where others are to dial this node [default: where it listens]
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) advertise: Option<Advertise>,
    /// Also listen at --bind-host and --bind-port, for control clients alone
    #[arg(short = 'r', long)]
    pub(crate) enable_remote_access: bool,
    /// With -r: port for control clients; 0 takes any free one
    #[arg(short = 'p', long, value_name = "PORT", default_value_t = CONTROL_PORT,
          requires = "enable_remote_access")]
    pub(crate) bind_port: u16,
    /// With -r: address for control clients; 0.0.0.0 for all
    #[arg(
        long,
        value_name = "HOST",
        default_value = "127.0.0.1",
        requires = "enable_remote_access"
    )]
    pub(crate) bind_host: Host,
    /// Folder for what nodes keep [default: iridium in your data folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_root_dir: Option<PathBuf>,
    /// File with the cluster secret [default: iridium secret show-path]
    #[arg(long, value_name = "FILE", env = "IRIDIUM_SECRET_FILE", hide_env_values = true)]
    pub(crate) secret_file: Option<PathBuf>,
    /// No secret, no encryption; on a loopback address, or with =force on any
    #[arg(long, value_name = "force", num_args = 0..=1, require_equals = true,
          default_missing_value = "loopback", hide_possible_values = true)]
    pub(crate) insecure: Option<Insecure>,
    /// How far apart the nodes are, and so how patient with each other
    #[arg(long, value_enum, default_value_t = Preset::Lan)]
    pub(crate) preset: Preset,
    #[command(flatten)]
    pub(crate) log: LogFlags,
}

#[derive(Debug, Args)]
pub(crate) struct LogFlags {
    /// Also write the log to the end of this file
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
    /// Log more; may be repeated
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Log less; may be repeated
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "verbose")]
    pub(crate) quiet: u8,
}

/// How a running node is reached.
#[derive(Debug, Args)]
pub(crate) struct ClientFlags {
    /// The node to talk to
    #[arg(long, value_name = "HOST:PORT", default_value_t = default_node())]
    pub(crate) at: Endpoint,
    /// File with the cluster secret [default: iridium secret show-path]
    #[arg(long, value_name = "FILE", env = "IRIDIUM_SECRET_FILE", hide_env_values = true)]
    pub(crate) secret_file: Option<PathBuf>,
    /// The node runs with --insecure
    #[arg(long)]
    pub(crate) insecure: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Insecure {
    /// On a loopback address only.
    Loopback,
    /// On any address.
    Force,
}

/// How far apart the nodes are. (No help of its own for each value: that would
/// stretch all of `--help`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    Local,
    Lan,
    Wan,
}

/// An address, or a name that is looked up once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    Ip(IpAddr),
    Name(String),
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse() {
            return Ok(Self::Ip(ip));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if text.is_empty() || !text.chars().all(allowed) {
            return Err(format!("{text:?} is neither an address nor a host name"));
        }
        Ok(Self::Name(text.to_string()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// `HOST` or `HOST:PORT`, where no port stands for the one listened on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advertise {
    pub(crate) host: Host,
    pub(crate) port: Option<NodePort>,
}

impl FromStr for Advertise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // All of an IPv6 address is the host; else a port follows the last colon.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if text.parse::<IpAddr>().is_err() && !text.ends_with(']') => {
                (host, Some(port))
            }
            _ => (text, None),
        };
        let host: Host = host.parse()?;
        let Some(port) = port else { return Ok(Self { host, port: None }) };
        let number = port.parse().map_err(|_| format!("{port:?} is not a port"))?;
        let port = NodePort::new(number).map_err(|error| error.to_string())?;
        Ok(Self { host, port: Some(port) })
    }
}

fn default_node() -> Endpoint {
    Endpoint::Addr(([127, 0, 0, 1], DEFAULT_PORT).into())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_advertised_address_may_have_a_port() {
        for (text, host, port) in [
            ("192.0.2.7", "192.0.2.7", None),
            ("192.0.2.7:2300", "192.0.2.7", Some(2300)),
            ("fe80::1", "fe80::1", None),
            ("[fe80::1]", "fe80::1", None),
            ("[fe80::1]:2300", "fe80::1", Some(2300)),
            ("db.example", "db.example", None),
            ("db.example:80", "db.example", Some(80)),
        ] {
            let parsed: Advertise = text.parse().unwrap();
            assert_eq!(parsed.host.to_string(), host, "{text}");
            assert_eq!(parsed.port.map(NodePort::number), port, "{text}");
        }
        for text in ["", ":80", "host:", "host:0", "host:70000", "two words", "http://x"] {
            assert!(text.parse::<Advertise>().is_err(), "{text}");
        }
    }

    #[test]
    fn insecure_off_the_loopback_must_be_forced() {
        let parse = |args: &[&str]| Cli::try_parse_from(args).map(|cli| cli.node.insecure);
        assert_eq!(parse(&["iridium"]).unwrap(), None);
        assert_eq!(parse(&["iridium", "--insecure"]).unwrap(), Some(Insecure::Loopback));
        assert_eq!(parse(&["iridium", "--insecure=force"]).unwrap(), Some(Insecure::Force));
        assert!(parse(&["iridium", "--insecure=maybe"]).is_err());
    }

    #[test]
    fn the_second_door_is_opened_on_request_only() {
        let parse = |args: &[&str]| Cli::try_parse_from(args).map(|cli| cli.node);
        let closed = parse(&["iridium"]).unwrap();
        assert_eq!((closed.enable_remote_access, closed.bind_port), (false, 2244));
        let open = parse(&["iridium", "-r", "-p", "2300", "--bind-host", "0.0.0.0"]).unwrap();
        assert_eq!((open.enable_remote_access, open.bind_port), (true, 2300));
        assert!(parse(&["iridium", "-p", "2300"]).is_err(), "it would not be listened at");
    }

    #[test]
    fn a_file_is_short_for_run() {
        let parse = |args: &[&str]| Cli::try_parse_from(args);
        let cli = parse(&["iridium", "a.iasm", "--arg", "-5", "--json"]).unwrap();
        assert_eq!(cli.file, Some("a.iasm".into()));
        assert_eq!(cli.start.arguments, [Argument::Int(-5)]);
        assert!(cli.run.json);
        assert!(parse(&["iridium", "--json"]).is_err(), "there is nothing to run");
        assert!(parse(&["iridium", "check"]).is_err());
    }

    #[test]
    fn joining_is_for_nodes() {
        let parse = |args: &[&str]| Cli::try_parse_from(args);
        assert!(parse(&["iridium", "--join", "a:1"]).is_err());
        let cli = parse(&["iridium", "--daemon-mode", "--join", "a:1", "--join", "b:2"]).unwrap();
        assert_eq!(cli.join.len(), 2);
        assert!(parse(&["iridium", "node", "--join", "a:1"]).is_ok());
        // A word after flags is a file; that it is a command is told later.
        assert!(parse(&["iridium", "-P", "1", "members"]).unwrap().file.is_some());
    }
}
