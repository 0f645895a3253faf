//! Flags about the log.

use std::path::PathBuf;

use clap::Args;

/// How much is logged, and where to beside stderr.
#[derive(Debug, Default, Args)]
pub(crate) struct LogFlags {
    /// Also append the log to this file; at SIGHUP a node opens it again, instead of ending
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,
    /// Log more; may be repeated
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Log less; may be repeated
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "verbose")]
    pub(crate) quiet: u8,
}
