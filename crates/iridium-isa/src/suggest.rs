//! The nearest thing that exists.

/// Candidates that are looked at. Of more it is not known whether one was meant.
const MAX_CANDIDATES: usize = 10_000;
/// Longer names are not compared: the work grows with the square.
const MAX_LENGTH: usize = 64;

/// The candidate that a name was probably meant to be; the first by their letters of several.
///
/// It takes up to a few milliseconds, so whoever has many names looks for a bounded number of them.
pub fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let name: Vec<char> = name.chars().take(MAX_LENGTH + 1).flat_map(char::to_lowercase).collect();
    if name.len() > MAX_LENGTH {
        return None;
    }
    // Of one letter, nothing tells which other one was meant.
    let limit = if name.len() == 1 { 0 } else { name.len().div_ceil(3).min(3) };
    candidates
        .take(MAX_CANDIDATES)
        .filter_map(|candidate| Some((distance(&name, candidate, limit)?, candidate)))
        .min()
        .map(|(_, candidate)| candidate)
}

/// The only candidate that a name may be short for: it begins with the same letter, and has the others
/// in this order.
pub fn abbreviated<'c>(
    name: &str,
    mut candidates: impl Iterator<Item = &'c str>,
) -> Option<&'c str> {
    let is_meant = |candidate: &&str| {
        let mut letters = candidate.chars();
        let begins = name.chars().next() == candidate.chars().next();
        begins && name.chars().all(|letter| letters.any(|other| other == letter))
    };
    let found = candidates.find(is_meant).filter(|_| name.chars().count() > 1);
    found.filter(|_| candidates.find(is_meant).is_none())
}

/// Insertions, deletions, replacements and swaps of neighbours between two names, up to a limit
/// (optimal string alignment).
fn distance(name: &[char], candidate: &str, limit: usize) -> Option<usize> {
    // A character has at most four bytes.
    if candidate.len() > 4 * (name.len() + limit) {
        return None;
    }
    let other: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
    if name.len().abs_diff(other.len()) > limit {
        return None;
    }
    let width = other.len() + 1;
    let far = limit + 1;
    let mut before = vec![far; width];
    let mut last: Vec<usize> = (0..width).collect();
    let mut line = vec![far; width];
    for (row, a) in name.iter().enumerate() {
        line.fill(far);
        line[0] = row + 1;
        // What is further from the diagonal is further apart than the limit.
        let near = row.saturating_sub(limit)..(row + limit + 1).min(other.len());
        for column in near {
            let b = &other[column];
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
        // A swap of neighbours looks two rows back.
        if line.iter().chain(&last).all(|distance| *distance > limit) {
            return None;
        }
        std::mem::swap(&mut before, &mut last);
        std::mem::swap(&mut last, &mut line);
    }
    last.last().copied().filter(|distance| *distance <= limit)
}

#[cfg(test)]
mod tests {
    use super::{abbreviated, nearest};

    #[test]
    fn finds_swaps_and_slips_but_nothing_far() {
        let names = ["load", "loop", "add", "addi"];
        assert_eq!(nearest("laod", names.into_iter()), Some("load"));
        assert_eq!(nearest("LOADD", names.into_iter()), Some("load"));
        assert_eq!(nearest("quit", names.into_iter()), None);
        let long = "a_name_of_some_length_that_is_written_in_several_ways";
        for meant in [
            "_name_of_some_length_that_is_written_in_several_wayss",
            "a_nmae_of_some_lenght_that_is_written_in_several_ways",
        ] {
            assert_eq!(nearest(meant, [long].into_iter()), Some(long), "{meant}");
        }
        assert_eq!(nearest(&long.replace("some", "others"), [long].into_iter()), None);
    }

    #[test]
    fn what_a_name_is_short_for_is_found_when_there_is_one() {
        let names = ["square", "cube", "close"];
        assert_eq!(abbreviated("sqr", names.into_iter()), Some("square"));
        assert_eq!(abbreviated("cb", names.into_iter()), Some("cube"));
        assert_eq!(abbreviated("ce", names.into_iter()), None);
        assert_eq!(abbreviated("qu", names.into_iter()), None);
        assert_eq!(abbreviated("s", names.into_iter()), None);
    }

    #[test]
    fn of_names_that_are_as_near_the_first_is_taken_in_whatever_order_they_come() {
        assert_eq!(nearest("lab", ["lac", "laa"].into_iter()), Some("laa"));
        assert_eq!(nearest("lab", ["laa", "lac"].into_iter()), Some("laa"));
    }
}
