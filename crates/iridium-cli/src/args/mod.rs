//! The command line. Flags about programs are in `program`, about running nodes in `client`,
//! about the log in `log`; addresses are parsed in `address`.

mod address;
mod client;
mod log;
mod number;
mod program;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use iridium_net::{Endpoint, Host};
use iridium_proto::{DEFAULT_PORT, NodeAlias};

use number::number;

pub(crate) use address::{Advertise, ListenAt};
pub(crate) use client::{AttachArgs, CallArgs, ClientFlags, KillArgs, SendArgs, SpawnArgs};
pub(crate) use log::LogFlags;
pub(crate) use program::{
    Argument, ExecutionFlags, LimitFlags, NodeLimitFlags, PermissionFlags, RunFlags, StartFlags,
    describe_grant,
};

/// The default port for control clients only, beside [`DEFAULT_PORT`] for everything.
const CONTROL_PORT: u16 = 2244;

/// Iridium: run programs, or nodes that form a cluster. Without a command: the REPL.
#[derive(Debug, Parser)]
#[command(name = "iridium", version, args_conflicts_with_subcommands = true,
          color = crate::output::help_colours())]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// A program to run: short for `iridium run FILE`
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) node: NodeFlags,
    /// Run a node without the REPL, as `iridium node` does
    #[arg(long)]
    pub(crate) daemon_mode: bool,
    /// With --daemon-mode: join the cluster of this node; may be repeated
    #[arg(long, value_name = "HOST:PORT", requires = "daemon_mode")]
    pub(crate) join: Vec<Endpoint>,
    // Last, because their heading in the help holds for all that follow.
    #[command(flatten)]
    pub(crate) execution: ExecutionFlags,
    #[command(flatten)]
    pub(crate) start: StartFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
    #[command(flatten)]
    pub(crate) permissions: PermissionFlags,
    #[command(flatten)]
    pub(crate) limits: LimitFlags,
    #[command(flatten)]
    pub(crate) node_limits: NodeLimitFlags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a program: a source or a module; - for stdin
    Run {
        /// The program
        #[arg(required_unless_present = "app")]
        file: Option<PathBuf>,
        /// Run the supervised programs of an app file, or of a program with an app, until Ctrl-C or
        /// all are idle
        #[arg(long, value_name = "FILE", conflicts_with_all = [
            "file", "arguments", "entry", "json", "registers", "wait_all", "fuel", "save",
            "heap_limit", "stack_limit", "call_depth_limit", "message_limit",
            "message_bytes_limit", "fuel_limit",
        ])]
        app: Option<PathBuf>,
        #[command(flatten)]
        execution: ExecutionFlags,
        #[command(flatten)]
        start: StartFlags,
        #[command(flatten)]
        run: RunFlags,
        #[command(flatten)]
        permissions: PermissionFlags,
        #[command(flatten)]
        limits: LimitFlags,
        #[command(flatten)]
        node_limits: NodeLimitFlags,
    },
    /// Resume a program that was saved with --save
    Resume {
        /// The file written by --save
        #[arg(value_name = "STATE")]
        file: PathBuf,
        #[command(flatten)]
        execution: ExecutionFlags,
        #[command(flatten)]
        run: RunFlags,
        #[command(flatten)]
        permissions: PermissionFlags,
    },
    /// Make a module file from a source
    Asm {
        /// The source; - for stdin
        file: PathBuf,
        /// The module file [default: FILE with the ending .irb]
        #[arg(short, long, value_name = "OUT.irb")]
        output: Option<PathBuf>,
        /// Leave out line numbers and labels, which traps are reported with
        #[arg(long)]
        strip: bool,
        /// Make no module file; print the instructions, with the lines of the sources beside them
        #[arg(long, conflicts_with_all = ["output", "strip"])]
        listing: bool,
    },
    /// Disassemble a module, to source that assembles to the same module
    Disasm {
        /// The module, or a source; - for stdin
        file: PathBuf,
        /// Print the native code of its functions instead, in the assembly language of this machine
        #[arg(long)]
        native: bool,
    },
    /// Run the tests in Palladium sources
    Test {
        /// The files, and folders with such files [default: this folder]
        #[arg(value_name = "FILE", default_value = ".", hide_default_value = true)]
        files: Vec<PathBuf>,
        /// Run the tests that have this text in their names
        #[arg(long, value_name = "TEXT")]
        filter: Option<String>,
        /// Print the outcomes as one line of JSON, after what the tests print
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        permissions: PermissionFlags,
    },
    /// Put Palladium sources into their one style
    Fmt {
        /// The files, and folders with such files; - for stdin
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Change nothing; say which files are not in the style, and fail if any is not
        #[arg(long)]
        check: bool,
    },
    /// Print what Palladium sources offer, from their comments with ##, as Markdown
    Doc {
        /// The files, folders with such files, or std.NAME and std for the library [default: this
        /// folder]
        #[arg(value_name = "FILE", default_value = ".", hide_default_value = true)]
        files: Vec<PathBuf>,
        /// Write pages of HTML to this folder instead
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Look for errors and probable mistakes in sources and modules
    Check {
        /// The files; - for stdin
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Tell also where a value of a Palladium program is copied, since it is shared and changed
        #[arg(long, conflicts_with = "against")]
        copies: bool,
        /// Tell also what the programs need to be allowed, and where they use it
        #[arg(long, conflicts_with = "against")]
        permissions: bool,
        /// Compare the messages of one program with those of an older source or module of it; fail
        /// if what the older one sends is not understood
        #[arg(long, value_name = "OLD")]
        against: Option<PathBuf>,
        /// Print the comparison as one line of JSON
        #[arg(long, requires = "against")]
        json: bool,
    },
    /// Make a folder with a Palladium program to begin with
    New {
        /// The name of the folder: a letter, then letters, digits, - and _
        name: String,
        /// What to begin with
        #[arg(long, value_enum, default_value_t)]
        template: Template,
    },
    /// Answer what an editor asks of Palladium, over stdin and stdout; editors start it
    Lsp,
    /// Run a node until Ctrl-C or iridium leave
    Node {
        #[command(flatten)]
        flags: NodeFlags,
        #[command(flatten)]
        tasks: TaskFlags,
        #[command(flatten)]
        execution: ExecutionFlags,
        #[command(flatten)]
        permissions: PermissionFlags,
        #[command(flatten)]
        limits: LimitFlags,
        #[command(flatten)]
        node_limits: NodeLimitFlags,
    },
    /// List the members that a running node sees
    Members {
        #[command(flatten)]
        client: ClientFlags,
        /// Print one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// List the processes of a running node, or of its whole cluster
    Ps {
        #[command(flatten)]
        client: ClientFlags,
        /// List the processes of all nodes
        #[arg(short, long)]
        all: bool,
        /// Print one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Watch the load of all nodes of a cluster; q or Ctrl-C ends
    Top {
        #[command(flatten)]
        client: ClientFlags,
        /// Print one line of JSON, and end
        #[arg(long)]
        json: bool,
    },
    /// Start a process on a running node, and print its pid
    Spawn(SpawnArgs),
    /// Send a message to a process
    Send(SendArgs),
    /// Call a process, and print what it answers
    Call(CallArgs),
    /// End a process, or send it another exit signal
    Kill(KillArgs),
    /// List the apps of a running node, with their supervised processes
    Apps {
        #[command(flatten)]
        client: ClientFlags,
        /// Print one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Print events of a running node: members, failures, restarts
    Events {
        #[command(flatten)]
        client: ClientFlags,
        /// Go on until Ctrl-C [default: for one second]
        #[arg(short, long)]
        follow: bool,
        /// Print each event as a line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Start a REPL that acts as a process of a running node
    Attach(AttachArgs),
    /// Forget a member that is down or has left, at all nodes
    Forget {
        /// The alias of the member
        alias: NodeAlias,
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Make a running node leave the cluster and end
    Leave {
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Make or find the secret that all nodes of a cluster share
    #[command(subcommand)]
    Secret(SecretTask),
    /// Print the command line completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page (view it with: iridium man | man -l -)
    Man,
}

/// What a new project begins with.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Template {
    /// A program of two files
    #[default]
    Program,
    /// An actor, supervised by an app
    Actor,
    /// A service with a worker on each node
    Cluster,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretTask {
    /// Write a new secret to a file that only you can read; never overwrites one
    New {
        /// The file [default: where nodes look for it]
        path: Option<PathBuf>,
    },
    /// Print where nodes look for the secret by default
    ShowPath,
}

/// What a node without a REPL does.
#[derive(Debug, Default, Args)]
pub(crate) struct TaskFlags {
    /// Join the cluster of this node, or of any behind this name, retrying until it answers; may
    /// be repeated, and name this node itself
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) join: Vec<Endpoint>,
    /// Start the supervised programs of an app file, or of a program with an app; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) app: Vec<PathBuf>,
    /// Start a program, and its app if it has one; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) run: Vec<PathBuf>,
    /// Serve metrics at http://HOST:PORT/metrics, and for probes /live and /ready; port 0 takes any
    /// free one
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) metrics: Option<ListenAt>,
}

/// How a node is configured, with or without a REPL.
#[derive(Debug, Args)]
pub(crate) struct NodeFlags {
    /// Name of the node, unique in the cluster [default: a UUID, kept for the next start]
    #[arg(long, value_name = "ALIAS")]
    pub(crate) node_alias: Option<NodeAlias>,
    /// Port to listen on; 0 takes any free one
    #[arg(short = 'P', long, value_name = "PORT", default_value_t = DEFAULT_PORT,
          value_parser = number(0..=u16::MAX))]
    pub(crate) server_bind_port: u16,
    /// Address to listen on; 0.0.0.0 for all
    #[arg(short = 'H', long, value_name = "HOST", default_value = "127.0.0.1")]
    pub(crate) server_bind_host: Host,
    /// Address at which other nodes can reach this one [default: where it listens]
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) advertise: Option<Advertise>,
    /// Also listen at --bind-host and --bind-port, for control clients only
    #[arg(short = 'r', long)]
    pub(crate) enable_remote_access: bool,
    /// With -r: port for control clients; 0 takes any free one
    #[arg(short = 'p', long, value_name = "PORT", default_value_t = CONTROL_PORT,
          requires = "enable_remote_access", value_parser = number(0..=u16::MAX))]
    pub(crate) bind_port: u16,
    /// With -r: address for control clients; 0.0.0.0 for all
    #[arg(
        long,
        value_name = "HOST",
        default_value = "127.0.0.1",
        requires = "enable_remote_access"
    )]
    pub(crate) bind_host: Host,
    /// Folder for the data of nodes [default: iridium in your data folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_root_dir: Option<PathBuf>,
    /// File with the cluster secret [default: $IRIDIUM_SECRET_FILE, or see iridium secret show-path]
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// No secret and no encryption, on a loopback address; with =force on any address
    #[arg(long, value_name = "force", num_args = 0..=1, require_equals = true,
          default_missing_value = "loopback", hide_possible_values = true)]
    pub(crate) insecure: Option<Insecure>,
    /// Time-outs that suit the distance between the nodes
    #[arg(long, value_enum, default_value_t = Preset::Lan)]
    pub(crate) preset: Preset,
    #[command(flatten)]
    pub(crate) log: LogFlags,
}

impl NodeFlags {
    /// For a REPL that starts no node.
    pub(crate) fn attached(log: LogFlags) -> Self {
        Self {
            node_alias: None,
            server_bind_port: DEFAULT_PORT,
            server_bind_host: Host::Ip([127, 0, 0, 1].into()),
            advertise: None,
            enable_remote_access: false,
            bind_port: CONTROL_PORT,
            bind_host: Host::Ip([127, 0, 0, 1].into()),
            data_root_dir: None,
            secret_file: None,
            insecure: None,
            preset: Preset::Lan,
            log,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Insecure {
    /// On a loopback address only.
    Loopback,
    /// On any address.
    Force,
}

/// How far apart the nodes are. (The values have no help texts: those would make all of
/// `--help` much longer.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    Local,
    Lan,
    Wan,
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
    fn insecure_off_the_loopback_must_be_forced() {
        let parse = |args: &[&str]| Cli::try_parse_from(args).map(|cli| cli.node.insecure);
        assert_eq!(parse(&["iridium"]).unwrap(), None);
        assert_eq!(parse(&["iridium", "--insecure"]).unwrap(), Some(Insecure::Loopback));
        assert_eq!(parse(&["iridium", "--insecure=force"]).unwrap(), Some(Insecure::Force));
        assert!(parse(&["iridium", "--insecure=maybe"]).is_err());
    }

    #[test]
    fn the_second_address_is_listened_at_on_request_only() {
        let parse = |args: &[&str]| Cli::try_parse_from(args).map(|cli| cli.node);
        let closed = parse(&["iridium"]).unwrap();
        assert_eq!((closed.enable_remote_access, closed.bind_port), (false, 2244));
        let open = parse(&["iridium", "-r", "-p", "2300", "--bind-host", "0.0.0.0"]).unwrap();
        assert_eq!((open.enable_remote_access, open.bind_port), (true, 2300));
        assert!(parse(&["iridium", "-p", "2300"]).is_err(), "without -r nothing listens there");
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
        // A word after flags is taken for a file here, and explained later.
        assert!(parse(&["iridium", "-P", "1", "members"]).unwrap().file.is_some());
    }
}
