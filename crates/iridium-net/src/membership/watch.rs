//! Who sends heartbeats to whom. In the order of their aliases the nodes are a ring, and each watches
//! its neighbours; all others it asks in turn, one at each heartbeat. So the cost of a node at rest does
//! not grow with the cluster. Who finds a member silent tells all, and they ask it too; so all notice
//! its end at the same time. What they believe is its silence to themselves.

use iridium_proto::{IridiumMessage, MemberRecord, Members, NodeAlias, RecordState};

use crate::ids::ConnId;

use super::conn::{Conn, Stage};
use super::core::Membership;
use super::interface::Time;
use super::member::Member;
use super::timer::Timer;

/// So many neighbours on each side of a node are watched.
const NEIGHBOURS: usize = 4;
/// Of how many heartbeats one is sent where others are not needed: by the end of a watched link that
/// only answers, and to a member that is not a neighbour.
const SELDOM: u32 = 20;

impl Membership {
    pub(super) fn on_heartbeat(&mut self, now: Time) {
        self.save_changed_peers(now);
        self.tell_silent(now);
        let (watched, others) = self.ring();
        for (conn, leads) in watched {
            if self.is_to_ping(conn, leads, now) {
                // It should have been heard of at each heartbeat.
                self.watch_silence(conn, now.saturating_sub(self.timing.heartbeat * 2));
                self.ping(conn, now);
            }
        }
        let mut next: Option<(Time, ConnId)> = None;
        for conn in others {
            let Some(state) = self.conns.get(&conn) else { continue };
            let heard = (state.last_heard, conn);
            if state.silent_since.is_some() || !self.is_confirmed(conn) {
                self.ping(conn, now);
            } else if now > heard.0 + self.timing.heartbeat * SELDOM
                && next.is_none_or(|first| heard < first)
            {
                next = Some(heard);
            }
        }
        if let Some((_, conn)) = next {
            self.ping(conn, now);
        }
        self.await_heartbeat(now);
    }

    pub(super) fn await_heartbeat(&mut self, now: Time) {
        self.heartbeat_at = now + self.timing.heartbeat;
        self.timers.set(self.heartbeat_at, Timer::Heartbeat);
    }

    /// When this node is late with a heartbeat, it has not listened for that long; and others on the
    /// same machine are most likely late with their answers, too. No silence counts for it, unless it is
    /// the little that is usual. But most of each heartbeat counts: a node that is late with every one
    /// must still notice an end.
    pub(super) fn forgive_own_delay(&mut self, now: Time) {
        let Some(delay) = now.checked_sub(self.heartbeat_at) else { return };
        let late = delay.saturating_sub(self.timing.heartbeat / 8);
        let forgiven = late + late.min(self.timing.heartbeat / 4);
        self.late = late.max(self.late * 3 / 4);
        for state in self.conns.values_mut() {
            state.silent_since = state.silent_since.map(|since| now.min(since + forgiven));
        }
        if delay > self.timing.starved_after {
            self.on_starved(delay, forgiven, now);
        }
    }

    /// How long a link may be silent before its member is suspect. A node that was late itself lately is
    /// slow to suspect others, as by the local health of [Lifeguard](https://arxiv.org/abs/1707.00788):
    /// an answer waits for several threads here and there, each of which is as late. How long a member
    /// that is not heard of stays is the same for all.
    pub(super) fn suspect_after(&self) -> Time {
        self.timing.suspect_after + (self.late * 8).min(self.timing.probe_round())
    }

    /// The links to the neighbours, each with whether this end is the one that sends heartbeats, and all
    /// others. One end is enough, since the answer is a sign of life of the other: it is the one that
    /// comes before the other in the ring or, where all are neighbours, has the lesser alias.
    fn ring(&self) -> (Vec<(ConnId, bool)>, Vec<ConnId>) {
        let me = &self.me.id.alias;
        let after = self.members.range(me.clone()..);
        let before = self.members.range(..me.clone());
        let link = |(alias, member): (&NodeAlias, &Member)| Some((member.link?, me < alias));
        let mut links: Vec<(ConnId, bool)> = after.chain(before).filter_map(link).collect();
        if links.len() <= 2 * NEIGHBOURS {
            return (links, Vec::new());
        }
        // Those before this node are at the end.
        links.rotate_right(NEIGHBOURS);
        let others = links.split_off(2 * NEIGHBOURS);
        for (place, (_, leads)) in links.iter_mut().enumerate() {
            *leads = place >= NEIGHBOURS;
        }
        (links, others.into_iter().map(|(conn, _)| conn).collect())
    }

    /// Whether this end of a watched link sends a heartbeat now. The end that only answers sends its own
    /// when it hears none, or is told that others do not, and now and then, to measure the round trip.
    fn is_to_ping(&self, conn: ConnId, leads: bool, now: Time) -> bool {
        let Some(state) = self.conns.get(&conn) else { return false };
        let every = self.timing.heartbeat;
        leads
            || !self.is_confirmed(conn)
            || state.silent_since.is_some()
            || now > state.last_heard + every
            || state.pinged_at.is_none_or(|at| now >= at + every * SELDOM)
    }

    /// A link was asked for a sign of life: its silence counts from `since`, unless it was heard later
    /// or counts already.
    pub(super) fn watch_silence(&mut self, conn: ConnId, since: Time) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        if !matches!(state.stage, Stage::Linked { confirmed: true, .. }) {
            return;
        }
        let since = *state.silent_since.get_or_insert(since.max(state.last_heard));
        if !std::mem::replace(&mut state.silence_timed, true) {
            self.timers.set(since + self.timing.suspect_after, Timer::Silence(conn));
        }
    }

    /// Tells all of those that have not answered a heartbeat until the next, and asks all who were not
    /// heard of since: when a network is cut, many are silent, of whom few are neighbours. Who is late
    /// with an answer is told, too.
    fn tell_silent(&mut self, now: Time) {
        let most = self.timing.heartbeat * 3 / 2;
        let mut silent = Vec::new();
        let mut first = now;
        for member in self.members.values() {
            let Some(state) = member.link.and_then(|conn| self.conns.get_mut(&conn)) else {
                continue;
            };
            let Some(since) = state.silent_since.filter(|since| now >= *since + most) else {
                continue;
            };
            if !std::mem::replace(&mut state.silence_told, true) {
                silent.push(MemberRecord { state: RecordState::Suspect, ..member.record() });
                first = first.min(since);
            }
        }
        if silent.is_empty() {
            return;
        }
        let links: Vec<ConnId> = self.links().map(|(conn, _)| conn).collect();
        for conn in links {
            let Some(&Conn { silent_since, last_heard, .. }) = self.conns.get(&conn) else {
                continue;
            };
            if silent_since.is_some_and(|since| now >= since + most) {
                continue;
            }
            let is_recent = now <= last_heard + self.timing.heartbeat;
            let members = Members { nodes: silent.clone(), answer: false };
            self.send(conn, IridiumMessage::Members(members));
            if silent_since.is_none() && !is_recent {
                self.watch_silence(conn, first);
                self.ping(conn, now);
            }
        }
    }

    /// Another node has not heard from a member, or of a later life of it: this node asks it too. What
    /// is told reaches all within a heartbeat, and was true for that long; also where this node has
    /// asked by itself just before. One that was heard of just now is asked with the next heartbeat: its
    /// last word may have waited here while the other did not hear it.
    pub(super) fn doubt(&mut self, alias: &NodeAlias, now: Time) {
        let Some(conn) = self.members.get(alias).and_then(|m| m.link) else { return };
        let Some(state) = self.conns.get_mut(&conn) else { return };
        let every = self.timing.heartbeat;
        let since = now.saturating_sub(every * 2).max(state.last_heard);
        if state.silent_since.is_some_and(|known| known <= since) {
            return;
        }
        let is_recent = now <= state.last_heard + every;
        state.silence_told = true;
        state.silent_since = None;
        self.watch_silence(conn, since);
        if !is_recent {
            self.ping(conn, now);
        }
    }

    /// Whether a member has a link that is not silent, which is better evidence than gossip.
    pub(super) fn has_fresh_link(&self, alias: &NodeAlias, now: Time) -> bool {
        let link = self.members.get(alias).and_then(|m| m.link);
        let state = link.and_then(|conn| self.conns.get(&conn));
        let is_silent = |since| now >= since + self.timing.suspect_after;
        state.is_some_and(|state| !state.silent_since.is_some_and(is_silent))
    }
}
