//! Whether members can be dialled at the addresses that they publish: a node whose address leads
//! nowhere can still dial the others, so nobody would notice until it cannot.

use iridium_proto::{IridiumMessage, NodeAlias, NodeInfo};

use crate::error::HandshakeError;
use crate::event::Event;
use crate::ids::DialId;

use super::conn::DialPurpose;
use super::core::Membership;
use super::interface::{Action, DialFailure, Time};
use super::member::Member;

impl Membership {
    /// Dials a member that has dialled this node, so that it can be told when it cannot be dialled
    /// at its address.
    pub(super) fn check_dialable(&mut self, info: NodeInfo, now: Time) {
        if let Some(other) = self.other_at(&info) {
            let failure = DialFailure::Handshake(HandshakeError::OtherNode(other));
            return self.on_check_failed(&info, &failure, now);
        }
        let dial = DialId(self.next_number());
        let to = info.addr();
        self.dials.insert(dial, DialPurpose::Check(info));
        self.push(Action::Dial { dial, to });
    }

    /// Another node, this one or one that is linked, that publishes the same address.
    fn other_at(&self, info: &NodeInfo) -> Option<NodeAlias> {
        let (me, own) = self.me();
        if own.addr() == info.addr() {
            return Some(me.alias);
        }
        let other = |m: &&Member| {
            m.id.alias != info.alias && m.link.is_some() && m.info.addr() == info.addr()
        };
        self.members.values().find(other).map(|m| m.id.alias.clone())
    }

    /// A member could not be dialled at its address. Without a link it may just have ended.
    pub(super) fn on_check_failed(&mut self, info: &NodeInfo, failure: &DialFailure, now: Time) {
        let member = self.members.get(&info.alias).filter(|m| m.info == *info);
        let Some(link) = member.and_then(|m| m.link) else { return };
        self.warn_once(info, failure, now);
        self.send(link, IridiumMessage::NotDialable(info.clone()));
    }

    /// Others reach a member that this node could not dial, if it could not.
    pub(super) fn warn_of_address(&mut self, alias: &NodeAlias, now: Time) {
        let Some(member) = self.members.get(alias) else { return };
        if let Some(failure) = member.failure.clone() {
            let info = member.info.clone();
            self.warn_once(&info, &failure, now);
        }
    }

    /// Warns of an address once, until a node was reached there.
    fn warn_once(&mut self, info: &NodeInfo, failure: &DialFailure, now: Time) {
        let known = |addr| self.members.values().any(|m| m.info.addr() == addr);
        let stale: Vec<_> = self.undialable.iter().copied().filter(|addr| !known(*addr)).collect();
        for addr in stale {
            self.undialable.remove(&addr);
        }
        if self.undialable.insert(info.addr())
            && let Some(left_out) = self.log_limits.admit("undialable", now)
        {
            log::warn!(
                "cannot dial node={} at {}, the address that it publishes, though it is alive: \
                 {failure}{left_out}",
                info.alias,
                info.addr()
            );
        }
    }

    /// Another node could not dial this one. It is told once, until one could; where others see
    /// different addresses of it, now and then.
    pub(super) fn on_not_dialable(&mut self, info: NodeInfo, now: Time) {
        let own = &self.me.info;
        let elsewhere = !own.ip.is_unspecified() && own.ip != info.ip;
        if info.alias != own.alias || info.port != own.port || elsewhere {
            return;
        }
        let addr = info.addr();
        let known = |(told, at)| told == addr || now < at + self.timing.redial_max;
        if !self.own_undialable.is_some_and(known)
            && let Some(left_out) = self.log_limits.admit("not dialable", now)
        {
            self.own_undialable = Some((addr, now));
            log::error!(
                "other nodes cannot dial this node at {addr}, the address that it publishes{left_out}"
            );
            self.push(Action::Emit(Event::NotDialable { info }));
        }
    }
}
