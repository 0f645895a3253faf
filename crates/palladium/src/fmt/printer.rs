//! What is to be printed, and how it is laid out in lines: after Wadler's "A prettier printer".
//!
//! A document is a row of steps. A group is printed in one line when that fits, and else all lines
//! in it are broken.

/// How wide a line may be, in characters.
const WIDTH: usize = 100;

/// How far a level is indented.
const INDENT: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step<'t> {
    /// What has no newline, or is a string over several lines, which is kept as it is.
    Text(&'t str),
    /// A comment at the end of a line.
    Trailing(&'t str),
    /// A new line, after an empty one if so.
    Hard {
        empty: bool,
    },
    /// In a group that is broken a new line, else a space or nothing.
    Line {
        space: bool,
    },
    /// In a group that is broken a new line when what follows does not fit, else a space.
    Fill,
    /// What is printed only in a group that is broken, or only in one that is not.
    IfBroken(&'t str),
    IfFlat(&'t str),
    /// In a group that is broken lines are indented from here on, or not any more.
    Indent,
    Dedent,
    Begin(Group),
    End,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Group {
    /// It is one line, or broken.
    Fit,
    /// The same, but lines that are broken anyway at its end do not break it.
    Hug,
    /// It is always broken.
    Broken,
}

pub(super) fn print(steps: &[Step<'_>]) -> String {
    let (groups, text) = (vec![true], String::new());
    let mut printer = Printer { steps, groups, text, indent: 0, column: 0 };
    for at in 0..steps.len() {
        printer.step(at);
    }
    printer.text
}

struct Printer<'t> {
    steps: &'t [Step<'t>],
    /// For each group that is open, whether it is broken.
    groups: Vec<bool>,
    text: String,
    indent: usize,
    column: usize,
}

impl Printer<'_> {
    fn step(&mut self, at: usize) {
        let broken = self.groups.last().copied().unwrap_or(true);
        match self.steps[at] {
            Step::Text(text) => self.put(text),
            Step::Trailing(comment) => {
                self.put("  ");
                self.put(comment);
            }
            Step::Hard { empty } => self.newline(empty),
            Step::Line { .. } if broken => self.newline(false),
            Step::Fill if broken && !self.fits(at + 1, None, 1) => self.newline(false),
            Step::Line { space: true } | Step::Fill => self.put(" "),
            Step::Line { space: false } => {}
            Step::IfBroken(text) => self.put(if broken { text } else { "" }),
            Step::IfFlat(text) => self.put(if broken { "" } else { text }),
            Step::Indent => self.indent += if broken { INDENT } else { 0 },
            Step::Dedent => self.indent -= if broken { INDENT } else { 0 },
            Step::Begin(Group::Broken) => self.groups.push(true),
            Step::Begin(group) => {
                let fits = !broken || self.fits(at + 1, Some(group), 0);
                self.groups.push(!fits);
            }
            Step::End => {
                self.groups.pop();
            }
        }
    }

    fn put(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.column == 0 && text != " " {
            self.text.extend(std::iter::repeat_n(' ', self.indent));
            self.column = self.indent;
        }
        self.text.push_str(text);
        for byte in text.bytes() {
            match byte {
                // What ends with a newline goes on in its line.
                b'\n' => self.column = 0,
                byte => self.column += usize::from(begins_char(byte)),
            }
        }
        self.column = self.column.max(1);
    }

    fn newline(&mut self, empty: bool) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        if !self.text.is_empty() {
            self.text.push_str(if empty { "\n\n" } else { "\n" });
        }
        self.column = 0;
    }

    /// Whether what follows fits into the line behind so many characters: a group from its
    /// first step on and what stands behind it up to the next place for a break, or only that.
    fn fits(&self, from: usize, group: Option<Group>, taken: usize) -> bool {
        let mut depth = usize::from(group.is_some());
        let mut behind = group.is_none();
        let mut in_block = false;
        let mut width = self.column.max(self.indent) + taken;
        for step in &self.steps[from..] {
            match step {
                Step::Text(text) => {
                    for byte in text.bytes() {
                        if byte == b'\n' {
                            return width <= WIDTH;
                        }
                        width += usize::from(begins_char(byte));
                    }
                }
                Step::IfFlat(text) if !behind => width += text.chars().count(),
                Step::Trailing(_) => return behind || group == Some(Group::Hug) && in_block,
                Step::Hard { .. } => return behind || group == Some(Group::Hug),
                Step::Line { .. } | Step::Fill if behind => return true,
                Step::Line { space: true } | Step::Fill => width += 1,
                Step::Begin(inner) => {
                    depth += 1;
                    in_block |= *inner == Group::Broken;
                }
                Step::End => {
                    depth = depth.saturating_sub(1);
                    behind |= depth == 0;
                }
                _ => {}
            }
            if width > WIDTH {
                return false;
            }
        }
        true
    }
}

/// Whether a byte of UTF-8 is the first one of its character.
fn begins_char(byte: u8) -> bool {
    !(0x80..0xc0).contains(&byte)
}
