//! Long messages of which a part has come, on all links together. Each link has a bound of its own; a
//! member that opens many links, and ends no message, must not take the memory of all.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use crate::ids::ConnId;
use crate::threads::lock;

/// Bytes that they may take together: the longest messages of eight others at the same time.
const MOST: usize = 128 * 1024 * 1024;

/// What each link holds of unfinished messages. `L` is a handle of a link and of what it holds.
pub(super) struct Unfinished<L>(Mutex<HashMap<ConnId, Held<L>>>);

struct Held<L> {
    link: L,
    bytes: usize,
    /// When the first piece of its oldest came.
    since: Instant,
}

impl<L> Default for Unfinished<L> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<L: Clone> Unfinished<L> {
    /// Notes what a link holds now, and since when; `None` when it holds nothing. When all hold too
    /// much, gives the link that is to be closed: that of the oldest, since honest ones are soon
    /// complete.
    pub(super) fn note(
        &self,
        conn: ConnId,
        link: &L,
        bytes: usize,
        since: Option<Instant>,
    ) -> Option<L> {
        let mut all = lock(&self.0);
        let Some(since) = since else {
            all.remove(&conn);
            return None;
        };
        all.insert(conn, Held { link: link.clone(), bytes, since });
        if all.values().map(|held| held.bytes).sum::<usize>() <= MOST {
            return None;
        }
        let oldest = all.iter().min_by_key(|(_, held)| held.since).map(|(conn, _)| *conn)?;
        all.remove(&oldest).map(|held| held.link)
    }

    /// A link has ended.
    pub(super) fn forget(&self, conn: ConnId) {
        lock(&self.0).remove(&conn);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn when_all_hold_too_much_the_one_that_waits_longest_goes() {
        let unfinished = Unfinished::default();
        let long = MOST / 4;
        let now = Instant::now();
        let at = |second| Some(now + Duration::from_secs(second));
        let note = |link: u64, bytes, since| unfinished.note(ConnId(link), &link, bytes, since);
        for (link, second) in [(1, 9), (2, 5), (3, 7), (4, 8)] {
            assert_eq!(note(link, long, at(second)), None);
        }
        // One is complete, so there is room again.
        assert_eq!(note(3, 0, None), None);
        assert_eq!(note(5, long, at(10)), None);
        assert_eq!(note(6, 1, at(11)), Some(2));
        unfinished.forget(ConnId(1));
        assert_eq!(note(6, long, at(11)), None);
        assert_eq!(note(7, long, at(12)), None);
        assert_eq!(note(7, long + 1, at(12)), Some(4));
    }
}
