//! The nearest thing that exists.

/// Candidates that are looked at; a source with more labels gets suggestions among the first ones.
const MAX_CANDIDATES: usize = 10_000;
/// Longer names are not compared: the work grows with the square.
const MAX_LENGTH: usize = 64;

/// The candidate that a name was probably meant to be.
pub fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let name: Vec<char> = name.chars().take(MAX_LENGTH + 1).flat_map(char::to_lowercase).collect();
    if name.len() > MAX_LENGTH {
        return None;
    }
    let limit = name.len().div_ceil(3).min(3);
    candidates
        .take(MAX_CANDIDATES)
        .filter_map(|candidate| Some((distance(&name, candidate, limit)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two names, up to a limit
/// (optimal string alignment).
fn distance(name: &[char], candidate: &str, limit: usize) -> Option<usize> {
    let other: Vec<char> =
        candidate.chars().take(MAX_LENGTH).flat_map(char::to_lowercase).collect();
    if name.len().abs_diff(other.len()) > limit {
        return None;
    }
    let width = other.len() + 1;
    let mut before = vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for (row, a) in name.iter().enumerate() {
        let mut line = vec![row + 1; width];
        for (column, b) in other.iter().enumerate() {
            let mut best = (last[column] + usize::from(a != b))
                .min(last[column + 1] + 1)
                .min(line[column] + 1);
            let swapped = row > 0
                && column > 0
                && name.get(row - 1) == Some(b)
                && other.get(column - 1) == Some(a);
            if swapped {
                best = best.min(before[column - 1] + 1);
            }
            line[column + 1] = best;
        }
        before = std::mem::replace(&mut last, line);
    }
    last.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_swaps_and_slips_but_nothing_far() {
        let names = ["load", "loop", "add", "addi"];
        assert_eq!(nearest("laod", names.into_iter()), Some("load"));
        assert_eq!(nearest("LOADD", names.into_iter()), Some("load"));
        assert_eq!(nearest("quit", names.into_iter()), None);
    }
}
