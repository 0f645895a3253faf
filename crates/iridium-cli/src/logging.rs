//! The log: sentences with time (UTC) and thread, to stderr and to a file.

use std::fs::File;
use std::io::{self, LineWriter, Write};

use log::{Level, LevelFilter};
use simplelog::{
    ColorChoice, CombinedLogger, ConfigBuilder, SharedLogger, TermLogger, TerminalMode,
    ThreadLogMode, WriteLogger,
};

use crate::args::LogFlags;
use crate::failure::Failure;
use crate::output;
use crate::program::load::reason;

/// Where the log goes beside the file.
pub(crate) enum Sink {
    Stderr,
    /// Also stderr, from a REPL whose input is a pipe.
    Pipe,
    /// A terminal on which a line is being edited.
    Terminal(Box<dyn Write + Send>),
}

/// Starts the log. `usual` is the level without `-v` and `-q`.
pub(crate) fn start(flags: &LogFlags, usual: Level, sink: Sink) -> Result<(), Failure> {
    let level = level(flags, usual);
    let mut logs: Vec<Box<dyn SharedLogger>> = vec![match sink {
        Sink::Stderr | Sink::Pipe => {
            let mut layout = layout();
            if matches!(sink, Sink::Pipe) && flags.verbose == 0 {
                // The REPL tells of traps itself.
                layout.add_filter_ignore_str("iridium_node::events");
            }
            let coloured = output::is_coloured(&io::stderr());
            let colours = if coloured { ColorChoice::Auto } else { ColorChoice::Never };
            TermLogger::new(level, layout.build(), TerminalMode::Stderr, colours)
        }
        Sink::Terminal(writer) => {
            let mut layout = layout();
            if flags.verbose == 0 {
                // The REPL tells the person at the terminal in its own words.
                layout.add_filter_ignore_str("iridium_net::membership");
                layout.add_filter_ignore_str("iridium_node::events");
            }
            WriteLogger::new(level, layout.build(), LineWriter::new(writer))
        }
    }];
    if let Some(path) = &flags.log_file {
        let file = File::options().create(true).append(true).open(path).map_err(|error| {
            let why = reason(&error);
            Failure::failed(format!("cannot write the log file {}: {why}", path.display()))
        })?;
        logs.push(WriteLogger::new(level, layout().build(), LineWriter::new(file)));
    }
    CombinedLogger::init(logs).map_err(|error| Failure::failed(error.to_string()))
}

fn level(flags: &LogFlags, usual: Level) -> LevelFilter {
    let levels = [
        LevelFilter::Off,
        LevelFilter::Error,
        LevelFilter::Warn,
        LevelFilter::Info,
        LevelFilter::Debug,
        LevelFilter::Trace,
    ];
    let wanted = (usual as usize + usize::from(flags.verbose))
        .saturating_sub(usize::from(flags.quiet))
        .min(levels.len() - 1);
    levels[wanted]
}

fn layout() -> ConfigBuilder {
    let mut layout = ConfigBuilder::new();
    layout
        .set_time_format_rfc3339()
        .set_thread_level(LevelFilter::Error)
        .set_thread_mode(ThreadLogMode::Names)
        // Who logs is said by the thread, except where details are looked for.
        .set_target_level(LevelFilter::Debug)
        .set_location_level(LevelFilter::Off)
        // Ours; the line editor, for one, logs every key.
        .add_filter_allow_str("iridium");
    layout
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_move_the_level_within_its_bounds() {
        let level =
            |verbose, quiet, usual| level(&LogFlags { log_file: None, verbose, quiet }, usual);
        assert_eq!(level(0, 0, Level::Warn), LevelFilter::Warn);
        assert_eq!(level(1, 0, Level::Info), LevelFilter::Debug);
        assert_eq!(level(9, 0, Level::Info), LevelFilter::Trace);
        assert_eq!(level(0, 1, Level::Info), LevelFilter::Warn);
        assert_eq!(level(0, 9, Level::Info), LevelFilter::Off);
    }
}
