//! What a program of the tests is to do, as it says itself in comments:
//!
//! * `# => text`: a line of output, in the order of the comments;
//! * `# => error NAME at LINE:COLUMN`, `# => warning NAME at LINE:COLUMN`;
//! * `# => trap KIND`, `# => trap KIND: a part of its text`.

/// What a program is to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) output: String,
    /// `error NAME at LINE:COLUMN` and the same of warnings.
    pub(crate) problems: Vec<String>,
    pub(crate) trap: Option<(String, Option<String>)>,
}

const MARK: &str = "# => ";

/// Reads the comments of a program.
pub(crate) fn expected(source: &str) -> Expected {
    let mut expected = Expected::default();
    for line in source.lines() {
        let said = match line.find(MARK) {
            Some(at) => line.get(at + MARK.len()..).unwrap_or_default(),
            // A line of output may be empty, and editors take the blank away.
            None if line.trim_end().ends_with("# =>") => "",
            None => continue,
        };
        if said.starts_with("error ") || said.starts_with("warning ") {
            expected.problems.push(said.to_owned());
        } else if let Some(trap) = said.strip_prefix("trap ") {
            let (kind, text) = match trap.split_once(": ") {
                Some((kind, text)) => (kind, Some(text.to_owned())),
                None => (trap, None),
            };
            expected.trap = Some((kind.to_owned(), text));
        } else {
            expected.output.push_str(said);
            expected.output.push('\n');
        }
    }
    expected
}
