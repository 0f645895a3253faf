//! The log: lines with time (UTC) and thread, on stderr and in a file.

use std::fs::File;
use std::io::{self, LineWriter, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use simplelog::{
    ColorChoice, ConfigBuilder, SharedLogger, TermLogger, TerminalMode, ThreadLogMode, WriteLogger,
};
use time::macros::format_description;

use iridium_isa::escape::{escape, excerpt};

use crate::args::LogFlags;
use crate::failure::Failure;
use crate::path_text::shown;
use crate::{io_error, output};

/// The modules that log what happens to members and traps of processes. The REPL reports
/// both itself.
const MEMBERS: &str = "iridium_net::membership";
const TRAPS: &str = "iridium_node::events";

/// The longest text of a line on stderr, in bytes: with time and thread it fits into what a pipe
/// takes at once.
const MAX_TEXT: usize = 3000;

/// Where the log goes, beside the file.
pub(crate) enum LogTarget {
    Stderr,
    /// Also stderr, of a program, or from a REPL whose input is a pipe.
    Pipe,
    /// A terminal on which a line is being edited.
    Terminal(Box<dyn Write + Send>),
}

/// The file that the log is also written to. It can be opened again, for whoever has moved it
/// away: it goes on under its name, and not in the file that was moved.
pub(crate) struct LogFile {
    path: PathBuf,
    /// The file to write to from the next line on. Only whoever logs writes to it, so that it is
    /// not locked meanwhile.
    next: Arc<Mutex<Option<File>>>,
}

impl LogFile {
    fn open(path: &Path) -> Result<(Self, LogWriter), Failure> {
        let file = append_to(path).map_err(|why| Failure::failed(cannot_write(path, &why)))?;
        let next = Arc::new(Mutex::new(None));
        let log = Self { path: path.to_path_buf(), next: Arc::clone(&next) };
        Ok((log, LogWriter { file, next }))
    }

    /// Opens it again. If that fails, the log says so and goes on in the old one.
    pub(crate) fn reopen(&self) {
        match append_to(&self.path) {
            Ok(file) => {
                *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
                log::info!("the log file is opened again");
            }
            Err(why) => log::error!("{}", cannot_write(&self.path, &why)),
        }
    }
}

/// Writes to the log file.
struct LogWriter {
    file: File,
    next: Arc<Mutex<Option<File>>>,
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(next) = self.next.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.file = next;
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens a file to append to. A pipe that nobody reads is an error, and no wait.
fn append_to(path: &Path) -> io::Result<File> {
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
    File::options().create(true).append(true).custom_flags(flags).open(path)
}

fn cannot_write(path: &Path, why: &io::Error) -> String {
    format!("cannot write the log file {}: {}", shown(path), io_error::describe(why))
}

/// Starts the log, and returns its file, if it has one. `usual` is the level without `-v` and
/// `-q`.
pub(crate) fn start(
    flags: &LogFlags,
    usual: Level,
    target: LogTarget,
) -> Result<Option<LogFile>, Failure> {
    let level = level(flags, usual);
    let screen: Box<dyn SharedLogger> = match target {
        LogTarget::Stderr | LogTarget::Pipe => {
            let mut layout = layout();
            if matches!(target, LogTarget::Pipe) && flags.verbose == 0 {
                layout.add_filter_ignore_str(TRAPS);
            }
            let coloured = output::is_coloured(&io::stderr());
            // Not left to the logger, which takes an empty `NO_COLOR` for a wish.
            let colours = if coloured { ColorChoice::Always } else { ColorChoice::Never };
            TermLogger::new(level, layout.build(), TerminalMode::Stderr, colours)
        }
        LogTarget::Terminal(writer) => {
            let mut layout = layout();
            if flags.verbose == 0 {
                layout.add_filter_ignore_str(MEMBERS);
                layout.add_filter_ignore_str(TRAPS);
            }
            WriteLogger::new(level, layout.build(), LineWriter::new(writer))
        }
    };
    let mut log_file = None;
    let mut file: Option<Box<dyn Log>> = None;
    if let Some(path) = &flags.log_file {
        let (opened, writer) = LogFile::open(path)?;
        file = Some(WriteLogger::new(level, layout().build(), LineWriter::new(writer)));
        log_file = Some(opened);
    }
    log::set_max_level(level);
    let log = Lines { screen, file, left_out: AtomicU64::new(0) };
    log::set_boxed_logger(Box::new(log)).map_err(|error| Failure::failed(error.to_string()))?;
    Ok(log_file)
}

/// Starts the log of a program that runs by itself, on stderr. What its processes end with is printed
/// beside it.
pub(crate) fn start_of_program() -> Result<(), Failure> {
    start(&LogFlags::default(), Level::Info, LogTarget::Pipe).map(drop)
}

/// The log, whose records are a line each, without anything that a terminal would obey: whatever
/// comes from a program or a peer ends here.
///
/// Whoever logs must not wait, or all would stand still while nobody reads stderr: what it does not
/// take at once is left out there, and counted. The file has it all.
struct Lines {
    screen: Box<dyn SharedLogger>,
    file: Option<Box<dyn Log>>,
    /// Lines that stderr did not take since the last one that it took.
    left_out: AtomicU64,
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.screen.level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = record.args().to_string();
        if let Some(file) = &self.file {
            pass_on(&**file, record, &escape(&text));
        }
        if self.has_told_what_was_left_out(record) && stderr_takes_a_line() {
            pass_on(&*self.screen, record, &excerpt(&text, MAX_TEXT));
        } else {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {
        self.screen.flush();
        if let Some(file) = &self.file {
            file.flush();
        }
    }
}

impl Lines {
    /// Says how many lines were left out before this record, if any were. `false` when stderr does not
    /// take that either.
    fn has_told_what_was_left_out(&self, record: &Record<'_>) -> bool {
        if self.left_out.load(Ordering::Relaxed) == 0 {
            return true;
        }
        if !stderr_takes_a_line() {
            return false;
        }
        let lines = self.left_out.swap(0, Ordering::Relaxed);
        if lines > 0 {
            let text = format!("{lines} lines of the log were left out: nobody has read them");
            pass_on(&*self.screen, record, &text);
        }
        true
    }
}

/// Logs a text with all that is known of a record.
fn pass_on(log: &dyn Log, record: &Record<'_>, text: &str) {
    let mut builder = Record::builder();
    builder.metadata(record.metadata().clone()).module_path(record.module_path());
    log.log(&builder.args(format_args!("{text}")).build());
}

fn stderr_takes_a_line() -> bool {
    takes_a_line(io::stderr().as_fd())
}

/// Whether a file takes a line without a wait. A pipe that says so has room for 4096 bytes, and a
/// terminal that is held says no.
fn takes_a_line(file: BorrowedFd<'_>) -> bool {
    let mut asked = [PollFd::new(file, PollFlags::POLLOUT)];
    // Where that cannot be asked, as of some files, writing does not wait either.
    !matches!(poll(&mut asked, PollTimeout::ZERO), Ok(0))
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
        // RFC 3339, with as many digits each time: lines then sort by their time as text.
        .set_time_format_custom(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z"
        ))
        .set_thread_level(LevelFilter::Error)
        .set_thread_mode(ThreadLogMode::Names)
        // The name of the thread says enough about the origin, except at debug level.
        .set_target_level(LevelFilter::Debug)
        .set_location_level(LevelFilter::Off)
        // Only ours: the line editor, for one, logs every key.
        .add_filter_allow_str("iridium");
    layout
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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

    #[test]
    fn a_pipe_that_nobody_reads_takes_no_line_until_it_is_read() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        let mut written = 0;
        while takes_a_line(writer.as_fd()) {
            assert!(written < 1 << 26, "a pipe is full some time");
            writer.write_all(&[b'x'; 4096]).unwrap();
            written += 4096;
        }
        let mut bytes = vec![0; written];
        io::Read::read_exact(&mut reader, &mut bytes).unwrap();
        assert!(takes_a_line(writer.as_fd()));
        drop(reader);
        assert!(takes_a_line(writer.as_fd()), "a write fails, and does not wait");
    }

    #[test]
    fn a_log_file_that_is_a_pipe_without_a_reader_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(append_to(&path).is_err());
    }

    #[test]
    fn the_modules_that_are_left_out_exist() {
        for module in [MEMBERS, TRAPS] {
            let (name, file) = module.split_once("::").unwrap();
            let package = name.replace('_', "-");
            let path = format!("{}/../{package}/src/{file}", env!("CARGO_MANIFEST_DIR"));
            let exists = [format!("{path}.rs"), format!("{path}/mod.rs")];
            assert!(exists.iter().any(|path| Path::new(path).is_file()), "{module}");
        }
    }
}
