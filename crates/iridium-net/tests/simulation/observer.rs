//! What one node reports, checked as it comes: members come and go
//! exactly once, and messages arrive in order.

use std::collections::BTreeMap;

use iridium_net::Event;
use iridium_net::membership::Time;
use iridium_proto::NodeId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reported {
    Up,
    Suspect,
    Down,
    Left,
}

#[derive(Default)]
pub struct Observer {
    pub events: Vec<(Time, Event)>,
    announced: BTreeMap<NodeId, Reported>,
    /// The last message of each sender: which epoch of its link, which number.
    last: BTreeMap<NodeId, (u64, u64)>,
}

impl Observer {
    /// A new process on the same machine has announced nothing yet.
    pub fn restart(&mut self) {
        self.announced.clear();
        self.last.clear();
    }

    /// Where somebody lies it is not expected that those who have left are gone for good: leave may have been
    /// taken in the name of another.
    pub fn take(&mut self, now: Time, event: Event, lies: bool) {
        let before = |id: &NodeId| self.announced.get(id).copied();
        match &event {
            Event::Up { id, .. } => {
                let was_gone = matches!(before(id), None | Some(Reported::Down));
                let returns = lies && before(id) == Some(Reported::Left);
                assert!(was_gone || returns, "{id} came up twice");
                self.announced.insert(id.clone(), Reported::Up);
            }
            Event::Suspect { id } => {
                assert_eq!(before(id), Some(Reported::Up), "{id} became suspect");
                self.announced.insert(id.clone(), Reported::Suspect);
            }
            Event::Recovered { id, reconnected, .. } => {
                let fits = before(id) == Some(Reported::Suspect)
                    || (*reconnected && before(id) == Some(Reported::Up));
                assert!(fits, "{id} recovered from nothing");
                self.announced.insert(id.clone(), Reported::Up);
            }
            Event::Down { id } | Event::Left { id } => {
                let was_up = matches!(before(id), Some(Reported::Up | Reported::Suspect));
                assert!(was_up, "{id} went without having come: {event:?}");
                let left = matches!(event, Event::Left { .. });
                self.announced
                    .insert(id.clone(), if left { Reported::Left } else { Reported::Down });
            }
            _ => {}
        }
        self.events.push((now, event));
    }

    /// Who is there, by what was announced.
    pub fn present(&self) -> Vec<NodeId> {
        let up = self.announced.iter().filter(|(_, announced)| **announced == Reported::Up);
        up.map(|(id, _)| id.clone()).collect()
    }

    /// A message came in: within one epoch of the sender's link none is missing.
    pub fn data(&mut self, from: &NodeId, epoch: u64, number: u64) {
        let expected = match self.last.get(from) {
            Some(&(e, n)) if e == epoch => n + 1,
            Some(&(e, _)) => {
                assert!(epoch > e, "{from}: a message of an earlier link after a later one");
                0
            }
            None => 0,
        };
        assert_eq!(number, expected, "{from}: messages lost or out of order");
        self.last.insert(from.clone(), (epoch, number));
    }
}
