//! Forgetting a member that is down or has left, when an operator asks for it. A tombstone of its
//! incarnation stays and is told to all, also to those that are linked later, until it is too old
//! to matter.

use iridium_proto::{
    IridiumMessage, MemberRecord, Members, NodeAlias, NodeId, NodeNumber, RecordState,
};

use crate::error::ForgetError;
use crate::event::Event;
use crate::ids::ConnId;

use super::core::Membership;
use super::interface::{Action, Time};
use super::member::{Member, State};

/// Stands for the incarnation, whichever it was, of a peer of which only the alias is remembered.
const ANY_INCARNATION: u64 = 0;

impl Membership {
    /// Forgets a member that is down or has left, here and at all nodes.
    ///
    /// # Errors
    /// [`ForgetError`]; nothing has changed then.
    pub fn forget(&mut self, alias: &NodeAlias, now: Time) -> Result<(), ForgetError> {
        let alias = alias.clone();
        if alias == self.me.id.alias {
            return Err(ForgetError::Yourself { alias });
        }
        match self.members.get(&alias) {
            Some(member) if member.state == State::Forgotten => Err(ForgetError::Unknown { alias }),
            Some(member) if member.is_present() || member.link.is_some() => {
                Err(ForgetError::NotDown { alias })
            }
            Some(_) => {
                self.bury(&alias, true, now);
                self.tell_forgotten(&alias);
                Ok(())
            }
            None => self.forget_remembered(alias, now),
        }
    }

    /// Forgets a peer of an earlier run that has not been met since. Those that know its
    /// incarnation tell it in turn.
    fn forget_remembered(&mut self, alias: NodeAlias, now: Time) -> Result<(), ForgetError> {
        let mut remembered = self.joins.values().filter_map(|join| join.remembered());
        let Some(info) = remembered.find(|peer| peer.alias == alias).cloned() else {
            return Err(ForgetError::Unknown { alias });
        };
        let number = NodeNumber::from_random(self.rng.next());
        let id = NodeId { alias: alias.clone(), incarnation: ANY_INCARNATION, number };
        let record = MemberRecord { info, id, refutation: 0, state: RecordState::Forgotten };
        self.insert_known(record, now);
        if let Some(member) = self.members.get_mut(&alias) {
            member.met = true;
        }
        self.bury(&alias, true, now);
        self.tell_forgotten(&alias);
        Ok(())
    }

    /// Another node has forgotten a member. One that is linked here lives, whatever is said of it; any
    /// other is dialled now and then all the same, in case it does.
    pub(super) fn merge_forgotten(&mut self, record: MemberRecord, now: Time) {
        let alias = record.id.alias.clone();
        let told = record.id.incarnation;
        let known = self.members.get(&alias).is_some_and(Member::is_first_hand);
        match self.members.get(&alias).map(|m| (m.id.incarnation, m.state, m.link)) {
            Some((_, _, Some(_))) => return,
            Some((known, State::Forgotten, _)) if told <= known => return,
            Some((known, ..)) if told < known && told != ANY_INCARNATION => return,
            Some((at, ..)) if told > at && !known => {
                self.replace_known(record, now);
            }
            Some(_) => {}
            None => self.insert_known(record, now),
        }
        self.bury(&alias, false, now);
    }

    /// Leaves a tombstone of a member.
    fn bury(&mut self, alias: &NodeAlias, here: bool, now: Time) {
        if let Some(id) = self.retire_member(alias, State::Forgotten, now) {
            self.push(Action::Emit(Event::Down { id }));
        }
        if let Some(member) = self.members.get_mut(alias) {
            member.forgotten_here |= here;
        }
        // On the word of another, who may lie, what this node remembers is not tried any less: that
        // costs a dial now and then, until the node starts anew.
        if here {
            self.joins.retain(|_, join| join.remembered().is_none_or(|p| p.alias != *alias));
        }
        self.save_peers(now);
        if let Some(member) = self.members.get(alias)
            && let Some(left_out) = self.log_limits.admit("forgot", now)
        {
            log::info!("forgot node={}{left_out}", member.id);
        }
    }

    /// Tells all that a member is forgotten.
    fn tell_forgotten(&mut self, alias: &NodeAlias) {
        let Some(record) = self.members.get(alias).map(Member::record) else { return };
        let links: Vec<ConnId> = self.links().map(|(conn, _)| conn).collect();
        for conn in links {
            let members = Members { nodes: vec![record.clone()], answer: false };
            self.send(conn, IridiumMessage::Members(members));
        }
    }

    /// Tells a node that was not linked when members were forgotten.
    pub(super) fn send_tombstones(&mut self, conn: ConnId) {
        let forgotten =
            self.members.values().filter(|m| m.state == State::Forgotten && m.forgotten_here);
        let nodes: Vec<MemberRecord> = forgotten.map(Member::record).collect();
        if !nodes.is_empty() {
            self.send_list(conn, nodes, false);
        }
    }
}
