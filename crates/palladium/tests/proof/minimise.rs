//! Makes a program smaller, while something of it stays.

/// A program without the lines that it does not need to be as it is.
pub(crate) fn minimise(text: &str, is: impl Fn(&str) -> bool) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut is_smaller = true;
    while is_smaller {
        is_smaller = false;
        let mut at = 0;
        while at < lines.len() {
            let smaller = without(&lines, at).into_iter().find(|lines| is(&lines.join("\n")));
            match smaller {
                Some(smaller) => {
                    lines = smaller;
                    is_smaller = true;
                }
                None => at += 1,
            }
        }
    }
    lines.join("\n")
}

/// The lines without the one at `at`: with all up to where its block ends, or with only that end.
fn without<'t>(lines: &[&'t str], at: usize) -> Vec<Vec<&'t str>> {
    let drop = |range: std::ops::RangeInclusive<usize>| {
        let kept = lines.iter().enumerate().filter(|(n, _)| !range.contains(n));
        kept.map(|(_, line)| *line).collect::<Vec<_>>()
    };
    let mut ways = Vec::new();
    if let Some(end) = end_of_block(lines, at) {
        ways.push(drop(at..=end));
        let inside = lines.iter().enumerate().filter(|(n, _)| *n != at && *n != end);
        ways.push(inside.map(|(_, line)| *line).collect());
    }
    ways.push(drop(at..=at));
    ways
}

/// The line where the brackets that a line opens are closed.
fn end_of_block(lines: &[&str], at: usize) -> Option<usize> {
    let mut open = 0_i32;
    for (n, line) in lines.iter().enumerate().skip(at) {
        for char in line.chars() {
            match char {
                '{' | '(' | '[' => open += 1,
                '}' | ')' | ']' => open -= 1,
                _ => {}
            }
        }
        if open <= 0 {
            return (n > at).then_some(n);
        }
    }
    None
}
