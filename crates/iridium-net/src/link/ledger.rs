//! Which long messages of other nodes may come: this node has so much memory for all of them together.
//!
//! Who has one asks for room first. Room is given to the links in turn, so that one that asks for much
//! waits for itself, and nobody is passed over, or else a longest message would never have its turn. A
//! message takes its room until the application has it no more.
//!
//! A message that does not come keeps room from others. While somebody waits, whoever takes longer than
//! an honest node on a slow network is to be closed: at any time, for as much as has come. So who sends
//! nothing is closed soon, however long its message would be: after the time for which a member may be silent
//! in this network (`grace`).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use iridium_proto::{MAX_MESSAGE, NO_TRANSFER, PIECE_LEN, Want};

use crate::ids::ConnId;

use super::queue::MAX_TRANSFERS;

/// Bytes that all may take together.
const ROOM: usize = 24 * 1024 * 1024;
/// Bytes that those of one link may take: the longest message.
const SHARE: usize = MAX_MESSAGE;
/// How fast a message is to come, with all others of its link, of which the pieces come in turn.
const BYTES_A_SECOND: u64 = 512 * 1024;
/// How long who sends as slowly as that may keep the longest message from others, beside the grace.
pub(super) const SLOWEST: Duration = Duration::from_secs(SHARE as u64 / BYTES_A_SECOND);

/// The room that is given and asked for.
#[derive(Debug)]
pub(super) struct Ledger {
    /// How long a message may take to come: this, and time by what has come of its link since it was granted,
    /// but no more than by all that a link may have.
    grace: Duration,
    /// Bytes of all grants.
    granted: usize,
    grants: BTreeMap<GrantId, Granted>,
    last: u64,
    links: HashMap<ConnId, Account>,
    /// Links that wait for room, the next first.
    waiting: VecDeque<ConnId>,
}

/// A message that was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GrantId(u64);

#[derive(Debug)]
struct Granted {
    conn: ConnId,
    want: Want,
    state: State,
    /// Since when it is awaited.
    at: Instant,
    /// Bytes that had come of its link before.
    come_before: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No piece has come.
    Awaited,
    Begun,
    /// The application has it.
    Whole,
}

/// What one link has and wants.
#[derive(Debug, Default)]
struct Account {
    granted: usize,
    wants: VecDeque<Want>,
    /// Bytes of pieces that have come.
    come: u64,
}

impl Ledger {
    /// Where so long nothing need come of what was granted.
    pub(super) fn new(grace: Duration) -> Self {
        Self {
            grace,
            granted: 0,
            grants: BTreeMap::new(),
            last: 0,
            links: HashMap::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Notes that a link asks for room.
    ///
    /// # Errors
    /// How the other end broke the protocol.
    pub(super) fn ask(&mut self, conn: ConnId, want: Want) -> Result<(), &'static str> {
        if !(PIECE_LEN + 1..=MAX_MESSAGE).contains(&(want.len as usize)) {
            return Err("it asks for room for a message that is not long, or too long");
        }
        if want.transfer == NO_TRANSFER {
            return Err("it asks for room under the number that no message has");
        }
        let coming = self.grants.values().filter(|grant| grant.is_coming(conn));
        let coming = coming.map(|grant| grant.want.transfer);
        let account = self.links.entry(conn).or_default();
        let open = coming.chain(account.wants.iter().map(|want| want.transfer));
        let open: Vec<u32> = open.collect();
        if open.contains(&want.transfer) {
            return Err("it asks for room for two messages under one number");
        }
        if open.len() >= MAX_TRANSFERS {
            return Err("too many long messages at a time");
        }
        account.wants.push_back(want);
        if account.wants.len() == 1 {
            self.waiting.push_back(conn);
        }
        Ok(())
    }

    /// Gives room to the next, if there is some: the link and the number of the transfer that may come.
    pub(super) fn grant(&mut self, now: Instant) -> Option<(ConnId, u32)> {
        let at = self.waiting.iter().position(|conn| self.is_within_share(*conn))?;
        let conn = self.waiting[at];
        let account = self.links.get_mut(&conn)?;
        let want = *account.wants.front()?;
        let len = want.len as usize;
        if self.granted + len > ROOM {
            return None;
        }
        account.wants.pop_front();
        self.waiting.remove(at);
        if !account.wants.is_empty() {
            self.waiting.push_back(conn);
        }
        account.granted += len;
        self.granted += len;
        let come_before = account.come;
        let granted = Granted { conn, want, state: State::Awaited, at: now, come_before };
        self.last += 1;
        self.grants.insert(GrantId(self.last), granted);
        Some((conn, want.transfer))
    }

    /// The first piece of a message has come. `None` when it was not granted.
    pub(super) fn begin(&mut self, conn: ConnId, transfer: u32) -> Option<(GrantId, usize)> {
        let its = |grant: &Granted| grant.is_awaited(conn) && grant.want.transfer == transfer;
        let (id, grant) = self.grants.iter_mut().find(|(_, grant)| its(grant))?;
        grant.state = State::Begun;
        Some((*id, grant.want.len as usize))
    }

    /// A piece of that length has come of a link.
    pub(super) fn note_piece(&mut self, conn: ConnId, len: usize) {
        if let Some(account) = self.links.get_mut(&conn) {
            account.come += len as u64;
        }
    }

    /// A message is whole.
    pub(super) fn complete(&mut self, id: GrantId) {
        if let Some(grant) = self.grants.get_mut(&id) {
            grant.state = State::Whole;
        }
    }

    /// The room of a message is free again.
    pub(super) fn release(&mut self, id: GrantId) {
        let Some(Granted { conn, want, .. }) = self.grants.remove(&id) else { return };
        self.granted -= want.len as usize;
        if let Some(account) = self.links.get_mut(&conn) {
            account.granted -= want.len as usize;
            if account.granted == 0 && account.wants.is_empty() {
                self.links.remove(&conn);
            }
        }
    }

    /// A link has ended: it wants nothing, and what has not begun does not come.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.waiting.retain(|waiting| *waiting != conn);
        let Some(account) = self.links.get_mut(&conn) else { return };
        account.wants.clear();
        let does_not_come = self.grants.iter().filter(|(_, grant)| grant.is_awaited(conn));
        let grants: Vec<GrantId> = does_not_come.map(|(id, _)| *id).collect();
        if account.granted == 0 {
            self.links.remove(&conn);
        }
        grants.into_iter().for_each(|id| self.release(id));
    }

    /// This node did not run for so long, and took in nothing that had come: that is nobody's fault.
    pub(super) fn forgive(&mut self, late: Duration, now: Instant) {
        self.grants.values_mut().for_each(|grant| grant.at = now.min(grant.at + late));
    }

    /// The links that keep room from others for too long, while some wait.
    pub(super) fn stalled(&self, now: Instant) -> Vec<ConnId> {
        if !self.waiting.iter().any(|conn| self.is_within_share(*conn)) {
            return Vec::new();
        }
        let come = |conn| self.links.get(&conn).map_or(0, |account| account.come);
        let is_late = |grant: &&Granted| {
            let come = come(grant.conn).saturating_sub(grant.come_before);
            grant.state != State::Whole && grant.at + self.grace + time_for(come) <= now
        };
        self.grants.values().filter(is_late).map(|grant| grant.conn).collect()
    }

    /// What is not as it must be after each step, if anything: that would be a bug. `is_open` says which links
    /// have not ended.
    pub(super) fn flaw(&self, is_open: impl Fn(ConnId) -> bool) -> Option<String> {
        let of = |conn| self.grants.values().filter(move |grant| grant.conn == conn);
        let sum = |grants: &mut dyn Iterator<Item = &Granted>| -> usize {
            grants.map(|grant| grant.want.len as usize).sum()
        };
        if self.granted != sum(&mut self.grants.values()) || self.granted > ROOM {
            return Some(format!("{} bytes of room are granted in all", self.granted));
        }
        let unknown = self.grants.values().find(|grant| !self.links.contains_key(&grant.conn));
        let waiting = |conn| self.waiting.iter().filter(|waiting| **waiting == conn).count();
        let stray = self.waiting.iter().find(|conn| !self.links.contains_key(conn));
        let flaw = self.links.iter().find_map(|(conn, account)| {
            let wants = account.wants.len();
            let coming = of(*conn).filter(|grant| grant.state != State::Whole).count();
            let is_flawed = account.granted != sum(&mut of(*conn))
                || account.granted > SHARE
                || waiting(*conn) != usize::from(wants > 0)
                || wants + coming > MAX_TRANSFERS
                || (wants == 0 && account.granted == 0)
                || (!is_open(*conn) && wants + coming > 0);
            is_flawed.then(|| format!("link {}: {account:?}, {coming} under way", conn.0))
        });
        let lost = unknown.map(|grant| grant.conn).or(stray.copied());
        flaw.or(lost.map(|conn| format!("link {} is not known any more", conn.0)))
    }

    /// Whether nothing is granted, and nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.grants.is_empty() && self.links.is_empty()
    }

    /// Whether the next message of a link leaves room for those of others.
    fn is_within_share(&self, conn: ConnId) -> bool {
        let Some(account) = self.links.get(&conn) else { return false };
        account.wants.front().is_some_and(|want| account.granted + want.len as usize <= SHARE)
    }
}

/// How long so many bytes may take to come.
fn time_for(bytes: u64) -> Duration {
    Duration::from_millis(bytes.min(SHARE as u64) * 1000 / BYTES_A_SECOND)
}

impl Granted {
    /// Whether it is of this link and has not begun.
    fn is_awaited(&self, conn: ConnId) -> bool {
        self.conn == conn && self.state == State::Awaited
    }

    /// Whether it is of this link and not whole.
    fn is_coming(&self, conn: ConnId) -> bool {
        self.conn == conn && self.state != State::Whole
    }
}

#[cfg(test)]
impl Ledger {
    /// Has a message granted, whether there is room or not.
    pub(super) fn grant_by_hand(&mut self, conn: ConnId, transfer: u32, len: usize) {
        let want = Want { transfer, len: len as u32 };
        let at = Instant::now();
        self.last += 1;
        self.granted += len;
        self.links.entry(conn).or_default().granted += len;
        let granted = Granted { conn, want, state: State::Awaited, at, come_before: 0 };
        self.grants.insert(GrantId(self.last), granted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(5);
    const A: ConnId = ConnId(1);
    const B: ConnId = ConnId(2);
    const C: ConnId = ConnId(3);
    const LONG: u32 = MAX_MESSAGE as u32;
    const SHORT: u32 = PIECE_LEN as u32 + 1;

    fn ask(ledger: &mut Ledger, conn: ConnId, transfer: u32, len: u32) {
        assert_eq!(ledger.ask(conn, Want { transfer, len }), Ok(()));
    }

    fn granted(ledger: &mut Ledger, now: Instant) -> Vec<(ConnId, u32)> {
        std::iter::from_fn(|| ledger.grant(now)).collect()
    }

    #[test]
    fn links_have_room_in_turn_and_within_what_there_is() {
        let (mut ledger, now) = (Ledger::new(GRACE), Instant::now());
        ask(&mut ledger, A, 1, LONG);
        ask(&mut ledger, A, 2, SHORT);
        ask(&mut ledger, B, 1, SHORT);
        ask(&mut ledger, B, 2, LONG - SHORT);
        ask(&mut ledger, C, 1, SHORT);
        // The first has its whole share. The second waits for room, and nobody passes it.
        assert_eq!(granted(&mut ledger, now), [(A, 1), (B, 1), (C, 1)]);
        assert!(ledger.granted <= ROOM);
        ask(&mut ledger, C, 2, SHORT);
        assert_eq!(granted(&mut ledger, now), []);
        let (id, len) = ledger.begin(A, 1).unwrap();
        assert_eq!(len, MAX_MESSAGE);
        ledger.complete(id);
        assert_eq!(granted(&mut ledger, now), [], "the application still has it");
        ledger.release(id);
        ledger.release(id);
        assert_eq!(granted(&mut ledger, now), [(A, 2), (B, 2), (C, 2)]);
    }

    #[test]
    fn all_room_is_free_when_all_links_have_ended() {
        let (mut ledger, now) = (Ledger::new(GRACE), Instant::now());
        for conn in [A, B, C] {
            (1..=4).for_each(|transfer| ask(&mut ledger, conn, transfer, LONG / 4));
        }
        assert_eq!(granted(&mut ledger, now).len(), ROOM / (MAX_MESSAGE / 4));
        let (begun, _) = ledger.begin(A, 1).unwrap();
        [A, B, C].into_iter().for_each(|conn| ledger.forget(conn));
        assert_eq!(ledger.granted, MAX_MESSAGE / 4, "until its reader drops it");
        ledger.release(begun);
        assert_eq!((ledger.granted, ledger.grants.len(), ledger.links.len()), (0, 0, 0));
        assert!(ledger.waiting.is_empty());
    }

    #[test]
    fn who_keeps_room_while_others_wait_is_named_when_its_time_is_over() {
        let (mut ledger, now) = (Ledger::new(GRACE), Instant::now());
        ask(&mut ledger, A, 1, LONG);
        ask(&mut ledger, B, 1, SHORT);
        assert_eq!(granted(&mut ledger, now).len(), 2);
        let (begun, _) = ledger.begin(B, 1).unwrap();
        let late = now + Duration::from_secs(600);
        assert_eq!(ledger.stalled(late), [], "nobody waits");
        ask(&mut ledger, A, 2, SHORT);
        assert_eq!(ledger.stalled(late), [], "it waits for itself");
        ask(&mut ledger, C, 1, LONG);
        assert_eq!(granted(&mut ledger, now), []);
        let millis = |millis| now + GRACE + Duration::from_millis(millis);
        assert_eq!(ledger.stalled(millis(0)), [A, B], "nothing has come");
        ledger.note_piece(A, PIECE_LEN);
        ledger.note_piece(B, PIECE_LEN / 2);
        assert_eq!(ledger.stalled(millis(0)), []);
        assert_eq!(ledger.stalled(millis(100)), [B]);
        ledger.complete(begun);
        assert_eq!(ledger.stalled(millis(100)), []);
        ledger.note_piece(A, MAX_MESSAGE / 2);
        assert_eq!(ledger.stalled(millis(16_000)), []);
        assert_eq!(ledger.stalled(millis(17_000)), [A]);
        ledger.note_piece(A, MAX_MESSAGE);
        assert_eq!(ledger.stalled(millis(31_000)), []);
        assert_eq!(ledger.stalled(millis(33_000)), [A], "however much has come");
        ledger.forget(A);
        assert_eq!(granted(&mut ledger, now), [(C, 1)]);
    }

    #[test]
    fn messages_that_come_in_turn_have_time_by_all_of_them() {
        let (mut ledger, now) = (Ledger::new(GRACE), Instant::now());
        (1..=16).for_each(|transfer| ask(&mut ledger, A, transfer, LONG / 16));
        assert_eq!(granted(&mut ledger, now).len(), 16);
        ask(&mut ledger, B, 1, LONG);
        assert_eq!(granted(&mut ledger, now), []);
        // A megabyte a second comes, and none of them is whole before the last second.
        for second in 1..16 {
            ledger.note_piece(A, MAX_MESSAGE / 16);
            assert_eq!(ledger.stalled(now + Duration::from_secs(second)), [], "{second} s");
        }
    }

    #[test]
    fn who_may_be_silent_for_longer_may_so_when_it_was_granted_room() {
        let (grace, now) = (3 * GRACE, Instant::now());
        let mut ledger = Ledger::new(grace);
        ask(&mut ledger, A, 1, LONG);
        ask(&mut ledger, B, 1, LONG);
        assert_eq!(granted(&mut ledger, now), [(A, 1)]);
        assert_eq!(ledger.stalled(now + grace - Duration::from_millis(1)), []);
        assert_eq!(ledger.stalled(now + grace), [A]);
    }

    #[test]
    fn what_did_not_come_while_this_node_did_not_run_is_forgiven() {
        let (mut ledger, now) = (Ledger::new(GRACE), Instant::now());
        ask(&mut ledger, A, 1, LONG);
        ask(&mut ledger, B, 1, LONG);
        assert_eq!(granted(&mut ledger, now), [(A, 1)]);
        let (pause, later) = (3 * GRACE, now + 3 * GRACE);
        assert_eq!(ledger.stalled(later), [A]);
        ledger.forgive(pause, later);
        assert_eq!(ledger.stalled(later + GRACE / 2), []);
        ledger.forgive(2 * pause, later);
        assert_eq!(ledger.stalled(later + GRACE), [A], "no more than it was late");
    }

    #[test]
    fn what_nobody_may_ask_for_is_a_fault() {
        let mut ledger = Ledger::new(GRACE);
        for len in [0, PIECE_LEN as u32, LONG + 1, u32::MAX] {
            assert!(ledger.ask(A, Want { transfer: 1, len }).is_err(), "{len}");
        }
        let unnumbered = Want { transfer: NO_TRANSFER, len: SHORT };
        assert!(
            ledger.ask(A, unnumbered).is_err(),
            "`Wait` with that number is of all that lacks credit"
        );
        ask(&mut ledger, A, 1, SHORT);
        let again = Want { transfer: 1, len: SHORT };
        assert!(ledger.ask(A, again).is_err(), "it waits already");
        assert_eq!(granted(&mut ledger, Instant::now()), [(A, 1)]);
        assert!(ledger.ask(A, again).is_err(), "it is granted already");
        let (id, _) = ledger.begin(A, 1).unwrap();
        assert!(ledger.begin(A, 1).is_none());
        assert!(ledger.ask(A, again).is_err(), "it is on its way");
        ledger.complete(id);
        assert_eq!(ledger.ask(A, again), Ok(()), "the number is free");
        let more = (2..).map(|transfer| ledger.ask(A, Want { transfer, len: SHORT }));
        assert_eq!(more.take_while(Result::is_ok).count(), MAX_TRANSFERS - 1);
    }
}
