//! What operators are told takes memory until they have read it, and they may read slowly: whoever holds the
//! secret can be many clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::report::{Inbox, ProcessRow, listed};
use crate::share::Bounds;
use crate::wire::Response;

/// How many bytes the answers of one call may take, and those of all: lists of processes and inboxes. What is
/// left out of a list is counted.
const MOST: Bounds = Bounds { of_each: 64 << 10, of_one: 8 << 20, of_all: 12 << 20 };

/// What the answers of one call take, from when they come until they are sent, or dropped.
#[derive(Debug)]
pub(crate) struct Held {
    own: AtomicUsize,
    /// What those of all calls take.
    all: Arc<AtomicUsize>,
    /// Whether it is called in the process of the node, by somebody who takes all at once: of this node's own
    /// processes nothing is left out.
    is_at_home: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(*self.own.get_mut(), Ordering::Relaxed);
    }
}

impl Held {
    /// Those of one more call, of which there are none yet.
    pub(super) fn new(all: Arc<AtomicUsize>) -> Self {
        Self { own: AtomicUsize::new(0), all, is_at_home: false }
    }

    /// The same in the process of the node.
    pub(super) fn at_home(all: Arc<AtomicUsize>) -> Self {
        Self { own: AtomicUsize::new(0), all, is_at_home: true }
    }

    /// As [`list`](Self::list), of the processes of this node.
    pub(super) fn own_list(
        &self,
        rows: impl IntoIterator<Item = ProcessRow, IntoIter: ExactSizeIterator>,
    ) -> (Vec<ProcessRow>, u64) {
        match self.is_at_home {
            true => (rows.into_iter().collect(), 0),
            false => self.list(rows),
        }
    }

    /// As many rows from the first on as there is room for, and how many more there are.
    fn list(
        &self,
        rows: impl IntoIterator<Item = ProcessRow, IntoIter: ExactSizeIterator>,
    ) -> (Vec<ProcessRow>, u64) {
        listed(rows, |size| self.admit(size))
    }

    /// An inbox, if there is room for it.
    pub(super) fn inbox(&self, inbox: Inbox) -> Result<Inbox, String> {
        let function = inbox.function.as_ref().map_or(0, String::len);
        match self.admit(function + inbox.protocols.len()) {
            true => Ok(inbox),
            false => Err("operators are told too much at the moment; try again later".into()),
        }
    }

    /// What there is room for of the response of another node.
    pub(super) fn response(&self, response: Response) -> Response {
        match response {
            Response::Processes { rows, more } => {
                let (rows, others) = self.list(rows);
                Response::Processes { rows, more: more.saturating_add(others) }
            }
            Response::Understands(inbox) => {
                Response::Understands(inbox.and_then(|inbox| self.inbox(inbox)))
            }
            other => other,
        }
    }

    /// Whether so many more bytes may be held, which are from then on.
    fn admit(&self, bytes: usize) -> bool {
        let all = self.all.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let own = self.own.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let may = MOST.allow_more(own, all);
        if !may {
            self.own.fetch_sub(bytes, Ordering::Relaxed);
            self.all.fetch_sub(bytes, Ordering::Relaxed);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use iridium_vm::Pid;

    use super::*;

    fn rows() -> Vec<ProcessRow> {
        let row = |number| ProcessRow::named(Pid::new(2, number), vec!["x".repeat(1000)]);
        (0..3000).map(row).collect()
    }

    #[test]
    fn of_lists_that_are_too_long_together_the_lengths_are_known_until_others_are_read() {
        let all = Arc::new(AtomicUsize::new(0));
        let crowd: Vec<_> = (0..64).map(|_| Held::new(Arc::clone(&all))).collect();
        let lists: Vec<_> = crowd
            .iter()
            .map(|held| match held.response(Response::Processes { rows: rows(), more: 3 }) {
                Response::Processes { rows, more } => (rows, more),
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(all.load(Ordering::Relaxed) <= MOST.of_all + crowd.len() * MOST.of_each);
        assert_eq!((lists[0].0.len(), lists[0].1), (3000, 3));
        assert!(lists.iter().all(|(rows, more)| rows.len() as u64 + more == 3003));
        assert!(lists.iter().all(|(rows, _)| rows.len() > 40), "each has some");
        drop(crowd);
        assert_eq!(all.load(Ordering::Relaxed), 0);
        assert_eq!(Held::new(all).list(rows()).1, 0);
    }

    /// As many as fit into what a node sends: a list takes more memory than it is long.
    #[test]
    fn one_operator_is_told_of_tens_of_thousands_of_processes() {
        let row = |number: u32| ProcessRow::named(Pid::new(2, number.into()), Vec::new());
        assert_eq!(Held::new(Arc::default()).list((0..25_000).map(row)).1, 0);
    }

    #[test]
    fn an_inbox_for_which_there_is_no_room_is_not_told() {
        let inbox = || Inbox { function: None, protocols: vec![7; 1 << 20].into() };
        let all = Arc::new(AtomicUsize::new(0));
        let crowd: Vec<_> = (0..64).map(|_| Held::new(Arc::clone(&all))).collect();
        let told = crowd.iter().filter(|held| held.inbox(inbox()).is_ok()).count();
        assert!((8..=16).contains(&told), "{told}");
        drop(crowd);
        assert!(Held::new(all).inbox(inbox()).is_ok());
    }
}
