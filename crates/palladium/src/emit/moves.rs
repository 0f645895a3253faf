//! Moves that happen at the same time.

/// Puts moves (to, from), of which none may overwrite what another still reads, into an order.
/// A circle goes through `spare`, which no move names.
pub(super) fn in_order(moves: &[(u8, u8)], spare: u8) -> Vec<(u8, u8)> {
    let mut rest: Vec<(u8, u8)> = moves.iter().copied().filter(|(to, from)| to != from).collect();
    let mut ordered = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let ready = rest.iter().position(|(to, _)| rest.iter().all(|(_, from)| from != to));
        match ready {
            Some(at) => ordered.push(rest.remove(at)),
            None => {
                // All are parts of circles: one of them is opened.
                let Some((_, first)) = rest.first().copied() else { break };
                ordered.push((spare, first));
                for (_, from) in rest.iter_mut().filter(|(_, from)| *from == first) {
                    *from = spare;
                }
            }
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(moves: &[(u8, u8)]) {
        let mut registers: Vec<u8> = (0..10).collect();
        for (to, from) in in_order(moves, 9) {
            registers[to as usize] = registers[from as usize];
        }
        for (to, from) in moves {
            assert_eq!(registers[*to as usize], *from, "{moves:?}");
        }
    }

    #[test]
    fn nothing_is_overwritten_before_it_is_read() {
        check(&[]);
        check(&[(0, 0)]);
        check(&[(0, 1), (1, 2), (2, 3)]);
        check(&[(2, 1), (1, 0), (3, 0)]);
        check(&[(0, 1), (1, 0)]);
        check(&[(0, 1), (1, 2), (2, 0), (3, 4), (4, 3), (5, 0)]);
    }
}
