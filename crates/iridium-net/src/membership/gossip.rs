//! Gossip: what nodes tell each other about third ones. It makes a node dial a
//! member or note that it has left; it makes no member alive or down.

use iridium_proto::{
    IridiumMessage, MemberRecord, Members, NodeAlias, NodeId, NodeIp, RecordState,
};

use crate::ids::ConnId;

use super::conn::{Conn, Stage};
use super::core::Membership;
use super::interface::Time;
use super::member::{Member, State};
use super::timer::Timer;
use super::timing::Timing;

/// So many members that were never met one other may have named: as many as a cluster may have. And all
/// others together, so that one who makes up names takes no room from the rest.
const MOST_UNMET_OF_ONE: usize = 1024;
const MOST_UNMET: usize = 4 * MOST_UNMET_OF_ONE;
/// So many records are sent in one message. With the longest of names they take less than three quarters of
/// the longest frame of a link.
const MOST_IN_LIST: usize = 1000;

/// A node compares its list with that of some other, while it changes, and sends it if need be, so many
/// times in [`exchange_every`](Timing::exchange_every).
const GOSSIP_EVERY: u32 = 10;

/// 64-bit FNV-1a (Fowler, Noll, Vo), which is the same on every machine.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    fn write_id(&mut self, id: &NodeId) {
        self.write(id.alias.as_str().as_bytes());
        self.write(&[0]);
        self.write(&id.incarnation.to_le_bytes());
    }
}

/// Who tells of members.
pub(super) struct Teller {
    pub(super) alias: NodeAlias,
    /// Where it is seen, which stands for an address that is left out.
    pub(super) ip: NodeIp,
    /// Whether this is its answer to this node, which joins by it.
    pub(super) is_seed: bool,
}

impl Membership {
    /// A digest of the members that are present and that this node knows itself, with this node: where
    /// all are linked, it is equal at every node. Addresses are left out, since they may differ
    /// between networks, and so are suspicion, which passes, and what was said against it.
    pub(super) fn digest(&mut self) -> u64 {
        if let Some(digest) = self.digest {
            return digest;
        }
        let known = |m: &&Member| m.is_present() && m.is_first_hand();
        // By alias, and this node where it belongs.
        let (before, after) =
            (self.members.range(..&self.me.id.alias), self.members.range(&self.me.id.alias..));
        let mut fnv = Fnv::new();
        before.map(|(_, m)| m).filter(known).for_each(|m| fnv.write_id(&m.id));
        fnv.write_id(&self.me.id);
        after.map(|(_, m)| m).filter(known).for_each(|m| fnv.write_id(&m.id));
        self.digest = Some(fnv.0);
        fnv.0
    }

    /// Sends the whole list when the other end's digest differs: at most every
    /// [`exchange_every`](super::timing::Timing::exchange_every) on one link, and ten times as often
    /// on all of them together, since all digests differ when many join, and each list is as long as the
    /// cluster. Where one end cannot reach a member that the other does, the digests stay as they are:
    /// then the lists are sent more rarely. Who has just come may know others already of whom it has
    /// not told yet.
    pub(super) fn compare_digest(&mut self, conn: ConnId, theirs: u64, now: Time) {
        let digests = [self.digest(), theirs];
        if digests[0] == theirs {
            return;
        }
        let Timing { exchange_every, redial_max, .. } = self.timing;
        let pause = exchange_every / GOSSIP_EVERY;
        let Some(state) = self.conns.get_mut(&conn) else { return };
        let too_soon =
            |(at, earlier)| now < at + if earlier == digests { redial_max } else { exchange_every };
        if now < state.since + pause / 2
            || self.exchanged.is_some_and(|at| now < at + pause)
            || state.exchanged.is_some_and(too_soon)
        {
            return;
        }
        state.exchanged = Some((now, digests));
        self.exchanged = Some(now);
        let nodes = self.all_records();
        self.send_list(conn, nodes, true);
    }

    /// The list of this node has changed, so that it may differ from those of others: one of them is
    /// soon sent its digest.
    pub(super) fn gossip_soon(&mut self, now: Time) {
        if !std::mem::replace(&mut self.gossips, true) {
            self.timers.set(now + self.timing.exchange_every / GOSSIP_EVERY, Timer::Gossip);
        }
    }

    pub(super) fn on_gossip(&mut self, now: Time) {
        self.gossips = false;
        let links: Vec<ConnId> = self.links().map(|(conn, _)| conn).collect();
        if !links.is_empty() {
            let conn = links[self.rng.below(links.len())];
            self.ping(conn, now);
        }
    }

    pub(super) fn on_members(&mut self, conn: ConnId, members: Members, now: Time) {
        let Some(Conn { stage: Stage::Linked { alias, .. }, remote, .. }) = self.conns.get(&conn)
        else {
            return;
        };
        let teller = Teller { alias: alias.clone(), ip: *remote, is_seed: false };
        let refuted = self.me.refutation;
        self.merge_all(&teller, members.nodes, now);
        if self.me.refutation != refuted {
            let nodes = vec![self.own_record()];
            self.send(conn, IridiumMessage::Members(Members { nodes, answer: false }));
        }
        // Twice as often as an honest node asks, whose clock may be fast.
        let every = self.timing.exchange_every / 2;
        let Some(state) = self.conns.get_mut(&conn).filter(|_| members.answer) else { return };
        if state.answered.is_none_or(|at| now >= at + every) {
            state.answered = Some(now);
            let nodes = self.all_records();
            self.send_list(conn, nodes, false);
        }
    }

    /// Sends a list in as many messages as it takes, of which the last asks for an answer.
    pub(super) fn send_list(&mut self, conn: ConnId, mut nodes: Vec<MemberRecord>, answer: bool) {
        while nodes.len() > MOST_IN_LIST {
            let later = nodes.split_off(MOST_IN_LIST);
            self.send(conn, IridiumMessage::Members(Members { nodes, answer: false }));
            nodes = later;
        }
        self.send(conn, IridiumMessage::Members(Members { nodes, answer }));
    }

    /// This node and all members that it knows itself, also those that are down or left, so that
    /// outdated gossip about them is corrected. What it has only heard is not passed on: a rumour would
    /// go round for ever.
    fn all_records(&self) -> Vec<MemberRecord> {
        let known = self.members.values().filter(|m| m.is_first_hand());
        std::iter::once(self.own_record()).chain(known.map(Member::record)).collect()
    }

    fn own_record(&self) -> MemberRecord {
        MemberRecord {
            info: self.me.info.clone(),
            id: self.me.id.clone(),
            refutation: self.me.refutation,
            state: RecordState::Alive,
        }
    }

    /// All members that are present and that this node knows itself, but the one that asks: those for
    /// the answer to it, and those that do not fit into that.
    pub(super) fn present_records(
        &self,
        asks: &NodeAlias,
    ) -> (Vec<MemberRecord>, Vec<MemberRecord>) {
        let wanted = |m: &&Member| m.is_present() && m.is_first_hand() && m.id.alias != *asks;
        let mut first: Vec<_> = self.members.values().filter(wanted).map(Member::record).collect();
        let others = first.split_off(first.len().min(MOST_IN_LIST));
        (first, others)
    }

    /// Merges a list from another node. Returns the members on it that are being dialled.
    pub(super) fn merge_all(
        &mut self,
        teller: &Teller,
        nodes: Vec<MemberRecord>,
        now: Time,
    ) -> Vec<NodeAlias> {
        let mut dialled = Vec::new();
        if nodes.is_empty() {
            return dialled;
        }
        let mut room = self.room_for_unmet(&teller.alias);
        for mut record in nodes {
            if let RecordState::Unknown(state) = record.state {
                log::debug!("skipped a record of node={}: unknown state {state}", record.id);
                continue;
            }
            if record.id.alias == self.me.id.alias {
                self.refute(&record, now);
                continue;
            }
            if record.info.alias != record.id.alias || !self.is_plausible_record(&record) {
                log::debug!("skipped a record that cannot be true: node={}", record.id);
                continue;
            }
            if record.info.ip.is_unspecified() {
                record.info.ip = teller.ip;
            }
            let alias = record.id.alias.clone();
            let is_new = !self.members.contains_key(&alias);
            let is_forgotten = record.state == RecordState::Forgotten;
            if is_forgotten {
                if !is_new || room > 0 {
                    self.merge_forgotten(record, now);
                }
            } else if self.merge(record, room > 0, now) {
                self.dial_named(&alias, is_new && !teller.is_seed, now);
            }
            if is_new && let Some(member) = self.members.get_mut(&alias) {
                room -= 1;
                member.told_by = Some(teller.alias.clone());
            }
            let is_dialled = |m: &Member| m.should_dial() && m.attempt.is_some();
            if !is_forgotten && self.members.get(&alias).is_some_and(is_dialled) {
                dialled.push(alias);
            }
        }
        dialled
    }

    /// Dials a member that others have named. One that is new here and has started later than this node
    /// was most likely told of this node too and is about to dial it, so it is given time: of two
    /// connections one would be thrown away.
    fn dial_named(&mut self, alias: &NodeAlias, is_new: bool, now: Time) {
        let token = self.next_number();
        let Some(member) = self.members.get_mut(alias) else { return };
        let order = |id: &NodeId| (id.incarnation, id.alias.clone());
        if is_new && order(&member.id) > order(&self.me.id) {
            member.token = token;
            let dial_at = now + self.timing.heartbeat;
            self.timers.set(dial_at, Timer::Redial(alias.clone(), token));
        } else {
            self.dial_member(alias, now);
        }
    }

    /// Refutes that this node is suspect, down or left, unless it has just done so: what is told may be a
    /// lie, and the counter must never come to its end.
    fn refute(&mut self, record: &MemberRecord, now: Time) {
        let same_incarnation = record.id.incarnation == self.me.id.incarnation;
        let answered = record.refutation < self.me.refutation
            || self.refuted.is_some_and(|at| now < at + self.timing.heartbeat);
        if same_incarnation && record.state != RecordState::Alive && !answered {
            self.me.refutation = self.me.refutation.saturating_add(1);
            self.refuted = Some(now);
            if let Some(left_out) = self.log_limits.admit("refuting", now) {
                log::info!("refuting that this node is {:?}{left_out}", record.state);
            }
        } else if record.id.incarnation > self.me.id.incarnation {
            log::debug!("another node has the alias of this one: {}", record.id);
        }
    }

    /// Merges the record of another node, one that is new to this node if there is room for such.
    /// Returns whether to dial it now.
    fn merge(&mut self, record: MemberRecord, has_room: bool, now: Time) -> bool {
        let present = matches!(record.state, RecordState::Alive | RecordState::Suspect);
        let alias = record.id.alias.clone();
        let fresh = self.has_fresh_link(&alias, now);
        let Some(member) = self.members.get_mut(&alias) else {
            let wanted = present && has_room;
            if wanted {
                self.insert_known(record, now);
            }
            return wanted;
        };
        let (known, told) = (member.id.incarnation, record.id.incarnation);
        if told < known && member.met {
            return false;
        }
        if present && member.link.is_none() && record.info.addr() != member.info.addr() {
            member.elsewhere = Some(record.info.addr());
        }
        if told == known {
            return self.merge_same_incarnation(&alias, record.state, now);
        }
        // A link that is not silent is better evidence than gossip.
        if fresh {
            self.doubt(&alias, now);
            return false;
        }
        if present && told > known && member.is_final() {
            self.replace_known(record, now);
            return true;
        }
        // Whether there is another life of it will be seen when it is dialled.
        present && self.is_rested(&alias, now)
    }

    /// Whether a member that others have named may be dialled at once.
    fn is_rested(&self, alias: &NodeAlias, now: Time) -> bool {
        let Some(member) = self.members.get(alias) else { return false };
        let every = self.timing.suspect_after;
        let rested = member.dialled.map_or(member.token == 0, |at| now >= at + every);
        member.should_dial() && rested
    }

    fn merge_same_incarnation(&mut self, alias: &NodeAlias, told: RecordState, now: Time) -> bool {
        let fresh = self.has_fresh_link(alias, now);
        let Some(member) = self.members.get(alias) else { return false };
        if member.is_final() {
            return false;
        }
        match told {
            // Who leaves says so on each of its links. Who lives will be heard of when it is dialled.
            RecordState::Left => {
                if !fresh && member.state != State::Left {
                    self.on_left(alias, false, now);
                }
                false
            }
            // Never linked, and a node that was has marked it down.
            RecordState::Down if member.state == State::Known && member.link.is_none() => {
                self.retire_member(alias, State::Down, now);
                self.schedule_redial(alias, now);
                false
            }
            RecordState::Suspect | RecordState::Down => {
                self.doubt(alias, now);
                false
            }
            RecordState::Alive => self.is_rested(alias, now),
            RecordState::Forgotten | RecordState::Unknown(_) => false,
        }
    }

    /// How many more members this node may know of by that one to which it has never been linked: anybody
    /// can make up names.
    fn room_for_unmet(&self, teller: &NodeAlias) -> usize {
        let unmet = || self.members.values().filter(|m| !m.met);
        let of_one = unmet().filter(|m| m.told_by.as_ref() == Some(teller)).count();
        let room = MOST_UNMET.saturating_sub(unmet().count());
        room.min(MOST_UNMET_OF_ONE.saturating_sub(of_one))
    }

    /// Puts what is told of a later life of a member in its place. What is known first hand of how the
    /// earlier has ended stays known.
    pub(super) fn replace_known(&mut self, record: MemberRecord, now: Time) {
        let alias = record.id.alias.clone();
        let left = self.members.get(&alias).and_then(|m| m.left.clone());
        self.remove_member(&alias, now);
        self.insert_known(record, now);
        if let Some(member) = self.members.get_mut(&alias) {
            member.left = left;
        }
    }

    pub(super) fn insert_known(&mut self, record: MemberRecord, now: Time) {
        self.digest = None;
        let member = Member::new(record.info, record.id.clone(), record.refutation, now);
        let alias = record.id.alias;
        self.members.insert(alias.clone(), member);
        self.await_link(&alias, now);
    }
}
