//! The lines that were typed on a terminal, kept in a file across runs.
//!
//! The file is text, an entry a line, the oldest first. Its first line says that line feeds and
//! backslashes in entries are escaped.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::input::HISTORY;
use crate::io_error;
use crate::path_text::shown;
use crate::program::file;

/// In the data root, beside the folders of nodes. No node has this name, since an alias
/// has no `@`.
const FILE: &str = "@history";
/// The first line of the file.
const HEADER: &str = "#V2";
/// Bytes of the longest entry that is kept in the file.
const MAX_ENTRY: usize = 1 << 14;
/// What people type is theirs; a file that is there keeps the mode it has.
const MODE: u32 = 0o600;

/// The file.
pub(super) struct History {
    /// `None` when nothing is kept.
    file: Option<PathBuf>,
    last: Option<String>,
}

impl History {
    /// The history in a folder and its entries, or why they cannot be read.
    pub(super) fn load(folder: Option<&Path>) -> (Self, Result<Vec<String>, String>) {
        let file = folder.map(|folder| folder.join(FILE));
        let entries = file.as_deref().map_or(Ok(Vec::new()), entries_of);
        let last = entries.as_ref().ok().and_then(|entries| entries.last().cloned());
        // One that cannot be read is not written either.
        (Self { file: file.filter(|_| entries.is_ok()), last }, entries)
    }

    /// Appends an entry at once, so that it is kept however the REPL ends. Blank lines and
    /// repetitions are left out.
    pub(super) fn append(&mut self, entry: &str) {
        let Some(file) = &self.file else { return };
        if entry.trim().is_empty() || entry.len() > MAX_ENTRY || self.last.as_deref() == Some(entry)
        {
            return;
        }
        if let Err(error) = append(file, entry) {
            let why = io_error::describe(&error);
            log::warn!("cannot keep the history in {}: {why}", shown(file));
            self.file = None;
        }
        self.last = Some(entry.into());
    }
}

/// Reads the entries. A file that has become long, or is of an earlier format, is written again.
fn entries_of(path: &Path) -> Result<Vec<String>, String> {
    let fail = |why: String| format!("cannot read the history {}: {why}", shown(path));
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(io_error::describe(&error))),
        Ok(found) if !found.is_file() => return Err(fail("it is no file".into())),
        Ok(_) => {}
    }
    let bytes = fs::read(path).map_err(|error| fail(io_error::describe(&error)))?;
    let text = String::from_utf8_lossy(&bytes);
    let text = file::without_mark(&text);
    let (escaped, lines) = match text.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('\n'))
    {
        Some(lines) => (true, lines),
        None => (false, text),
    };
    let lines = lines.lines().filter(|line| !line.is_empty());
    let mut entries: Vec<_> =
        lines.map(|line| if escaped { unescape(line) } else { line.into() }).collect();
    let found = entries.len();
    entries.drain(..found.saturating_sub(HISTORY));
    if !entries.is_empty() && (!escaped || found > 2 * HISTORY) {
        let lines = entries.iter().map(|entry| escape(entry) + "\n");
        let text = format!("{HEADER}\n{}", lines.collect::<String>());
        file::write(path, text.as_bytes()).map_err(|failure| failure.message().to_string())?;
    }
    Ok(entries)
}

fn append(path: &Path, entry: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = fs::File::options().create(true).append(true).mode(MODE).open(path)?;
    let header = if file.metadata()?.len() == 0 { format!("{HEADER}\n") } else { String::new() };
    // In one piece: another REPL may write, too.
    file.write_all(format!("{header}{}\n", escape(entry)).as_bytes())
}

fn escape(entry: &str) -> String {
    entry.replace('\\', r"\\").replace('\n', r"\n")
}

fn unescape(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match (c, rest.as_str().chars().next()) {
            ('\\', Some(escaped @ ('n' | '\\'))) => {
                text.push(if escaped == 'n' { '\n' } else { '\\' });
                rest.next();
            }
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn load(folder: &Path) -> Vec<String> {
        History::load(Some(folder)).1.unwrap()
    }

    #[test]
    fn what_was_typed_is_found_by_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let entries = ["inc $0", "a: .ascii 'x\\n'\ndjmp @a", "\\"];
        for entry in entries {
            let (mut history, _) = History::load(Some(folder.path()));
            history.append(entry);
            history.append(entry);
            history.append(" ");
        }
        assert_eq!(load(folder.path()), entries);
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
    }

    #[test]
    fn a_file_that_somebody_has_edited_is_read_and_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        for text in
            [&b"\xef\xbb\xbf#V2\r\ninc $0\r\n"[..], b"inc $0\n", b"\xef\xbb\xbf#V2\ninc $0\n"]
        {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            assert_eq!(load(folder.path()).last().unwrap(), "inc $0");
            let (mut history, _) = History::load(Some(folder.path()));
            history.append("b\nc");
            assert_eq!(load(folder.path()).last().unwrap(), "b\nc");
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        }
        fs::write(&path, b"#V2\n; caf\xe9\ninc $0\n").unwrap();
        assert_eq!(load(folder.path()), ["; caf\u{fffd}", "inc $0"]);
    }

    #[test]
    fn a_file_that_has_become_long_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let lines = (0..=2 * HISTORY).map(|number| format!("; {number}\n"));
        fs::write(&path, format!("{HEADER}\n{}", lines.collect::<String>())).unwrap();
        let entries = load(folder.path());
        assert_eq!((entries.len(), entries[0].as_str()), (HISTORY, "; 1001"));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), HISTORY + 1);
        assert_eq!(load(folder.path()), entries);
    }
}
