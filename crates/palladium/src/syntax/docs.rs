//! Comments that document: lines that begin with `##`.

use std::sync::Arc;

/// What a file says of itself: the `##` comments at its beginning, when an empty line follows them,
/// or an import. `gap` is what stands before its first token.
pub(super) fn of_file(gap: &str, import: bool) -> Option<Arc<str>> {
    let mut blocks = blocks(gap);
    let first = blocks.next()?;
    let separate =
        import || blocks.next().is_some() || gap.trim_end_matches([' ', '\t']).ends_with("\n\n");
    separate.then(|| first.into())
}

/// What stands about an item in the gap before it. The first comment of a file (`first`) belongs
/// to the file, when an empty line follows.
pub(super) fn of_item(gap: &str, first: bool) -> Option<Arc<str>> {
    if !gap.contains("##") {
        return None;
    }
    // What stands on the line of the token before is not about the next one.
    let gap = if first { gap } else { &gap[gap.find('\n')?..] };
    let last = blocks(gap).last()?;
    (!first || of_file(gap, false).as_deref() != Some(last.as_str())).then(|| last.into())
}

/// The texts of the comments with `##`, one for each run of lines.
fn blocks(gap: &str) -> impl Iterator<Item = String> {
    let mut lines = gap.lines().map(str::trim).peekable();
    std::iter::from_fn(move || {
        while lines.next_if(|line| !line.starts_with("##")).is_some() {}
        let mut text = lines.next().map(content)?.to_owned();
        while let Some(line) = lines.next_if(|line| line.starts_with("##")) {
            text.push('\n');
            text.push_str(content(line));
        }
        Some(text)
    })
}

fn content(line: &str) -> &str {
    let text = line.trim_start_matches('#');
    text.strip_prefix(' ').unwrap_or(text)
}
