//! The little Markdown that comments are written in: paragraphs, lists, code, and what stands out
//! in a line.

/// A piece of a comment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Paragraph(String),
    List(Vec<String>),
    Code(String),
}

/// What a line consists of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Span<'t> {
    Plain(&'t str),
    Code(&'t str),
    Strong(&'t str),
    Emphasis(&'t str),
    /// The text, and where it leads.
    Link(&'t str, &'t str),
}

/// The pieces of a comment.
pub(super) fn pieces(doc: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut lines = doc.lines().peekable();
    let mut open = false;
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            let mut code = String::new();
            for line in lines.by_ref().take_while(|line| !line.trim().starts_with("```")) {
                code.push_str(line);
                code.push('\n');
            }
            pieces.push(Piece::Code(code));
            open = false;
        } else if trimmed.is_empty() {
            open = false;
        } else if let Some(item) = trimmed.strip_prefix("* ").or(trimmed.strip_prefix("- ")) {
            match pieces.last_mut() {
                Some(Piece::List(items)) => items.push(item.to_owned()),
                _ => pieces.push(Piece::List(vec![item.to_owned()])),
            }
            open = true;
        } else {
            let text = match pieces.last_mut().filter(|_| open) {
                Some(Piece::Paragraph(text)) => Some(text),
                Some(Piece::List(items)) => items.last_mut(),
                _ => None,
            };
            match text {
                Some(text) => {
                    text.push(' ');
                    text.push_str(trimmed);
                }
                None => pieces.push(Piece::Paragraph(trimmed.to_owned())),
            }
            open = true;
        }
    }
    pieces
}

/// What stands out in a line.
pub(super) fn spans(line: &str) -> Vec<Span<'_>> {
    let mut spans = Vec::new();
    let mut rest = line;
    let mut plain = 0;
    while let Some(c) = rest[plain..].chars().next() {
        match special(&rest[plain..]) {
            Some((span, length)) => {
                if plain > 0 {
                    spans.push(Span::Plain(&rest[..plain]));
                }
                spans.push(span);
                rest = &rest[plain + length..];
                plain = 0;
            }
            None => plain += c.len_utf8(),
        }
    }
    if !rest.is_empty() {
        spans.push(Span::Plain(rest));
    }
    spans
}

/// What a text begins with, and how long that is.
fn special(text: &str) -> Option<(Span<'_>, usize)> {
    let between = |mark: &str| {
        let inner = text.strip_prefix(mark)?;
        let end = inner.find(mark).filter(|end| *end > 0)?;
        Some((&inner[..end], end + 2 * mark.len()))
    };
    if let Some((inner, length)) = between("`") {
        return Some((Span::Code(inner), length));
    }
    let is_word = |inner: &str| !inner.starts_with(' ') && !inner.ends_with(' ');
    if let Some((inner, length)) = between("**").filter(|(inner, _)| is_word(inner)) {
        return Some((Span::Strong(inner), length));
    }
    if let Some((inner, length)) = between("*").filter(|(inner, _)| is_word(inner)) {
        return Some((Span::Emphasis(inner), length));
    }
    let (label, after) = text.strip_prefix('[')?.split_once("](")?;
    let (target, _) = after.split_once(')')?;
    let length = label.len() + target.len() + 4;
    (!label.contains(['[', ']'])).then_some((Span::Link(label, target), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_cut_into_pieces() {
        let doc = "One\ntwo.\n* a\n  b\n* c\n\nThree.\n```\nx\n\ny\n```";
        let expected = [
            Piece::Paragraph("One two.".into()),
            Piece::List(vec!["a b".into(), "c".into()]),
            Piece::Paragraph("Three.".into()),
            Piece::Code("x\n\ny\n".into()),
        ];
        assert_eq!(pieces(doc), expected);
        assert_eq!(pieces("```\nopen"), [Piece::Code("open\n".into())]);
    }

    #[test]
    fn what_stands_out_in_a_line_is_found() {
        let line = "a `b*c` *d* **e** [f](g) 2 * 3 * 4 [h]";
        let expected = [
            Span::Plain("a "),
            Span::Code("b*c"),
            Span::Plain(" "),
            Span::Emphasis("d"),
            Span::Plain(" "),
            Span::Strong("e"),
            Span::Plain(" "),
            Span::Link("f", "g"),
            Span::Plain(" 2 * 3 * 4 [h]"),
        ];
        assert_eq!(spans(line), expected);
        assert_eq!(spans("`open"), [Span::Plain("`open")]);
    }
}
