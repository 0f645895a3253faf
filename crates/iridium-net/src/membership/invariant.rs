//! What must hold after every step: each entry has a timer, or something under way outside, that
//! will end it. Without one it would stay for ever.

use std::collections::HashSet;

use iridium_proto::NodeAlias;

use crate::ids::{ConnId, DialId};

use super::conn::{DialPurpose, Stage};
use super::core::Membership;
use super::member::{Attempt, Member, State};
use super::timer::Timer;

/// The timers that are set.
struct Set<'a>(HashSet<&'a Timer>);

impl Set<'_> {
    fn has(&self, timer: &Timer) -> bool {
        self.0.contains(timer)
    }

    fn missing(&self, timer: &Timer) -> Option<String> {
        (!self.has(timer)).then(|| format!("without its timer {timer:?}"))
    }
}

impl Membership {
    /// The connections that the core knows: those that it has been told of, and neither closed nor
    /// seen closed.
    pub fn open_connections(&self) -> impl Iterator<Item = ConnId> {
        self.conns.keys().copied()
    }

    /// The dials that have neither become a connection nor failed, and whose outcome matters.
    pub fn open_dials(&self) -> impl Iterator<Item = DialId> {
        self.dials.keys().copied()
    }

    /// The first entry that nothing would ever end, if there is one: that is a bug of the core.
    #[must_use]
    pub fn stranded(&self) -> Option<String> {
        if self.leaving {
            let left = self.conns.len() + self.dials.len() + self.joins.len();
            return (left > 0).then(|| format!("{left} entries after the node has left"));
        }
        let set = &Set(self.timers.all().collect());
        self.stranded_conn(set)
            .or_else(|| self.members.iter().find_map(|(a, m)| self.stranded_member(a, m, set)))
            .or_else(|| self.stranded_join(set))
            .or_else(|| self.stranded_relay(set))
            .or_else(|| [Timer::Heartbeat, Timer::Heal].iter().find_map(|t| set.missing(t)))
    }

    fn stranded_conn(&self, set: &Set) -> Option<String> {
        self.conns.iter().find_map(|(&conn, state)| {
            let flaw = match &state.stage {
                Stage::Greeting(_) => set.missing(&Timer::Greet(conn)),
                Stage::Candidate { intro, .. } => {
                    self.stranded_candidate(conn, &intro.id.alias, set)
                }
                Stage::Linked { alias, confirmed } => {
                    let link = self.members.get(alias).and_then(|m| m.link);
                    let unused = || (link != Some(conn)).then(|| "not the member's link".into());
                    let asked = state.silent_since.is_some();
                    let timer = match confirmed {
                        true => asked.then_some(Timer::Silence(conn)),
                        false => Some(Timer::Greet(conn)),
                    };
                    timer.and_then(|timer| set.missing(&timer)).or_else(unused)
                }
            };
            flaw.map(|flaw| format!("connection {} ({:?}): {flaw}", conn.0, state.stage))
        })
    }

    /// A candidate waits for the incumbent, or for the answer to this node's own greeting.
    fn stranded_candidate(&self, conn: ConnId, alias: &NodeAlias, set: &Set) -> Option<String> {
        let member = self.members.get(alias);
        let claim = member.and_then(|m| m.claim.as_ref()).filter(|c| c.candidate == conn);
        let Some(claim) = claim else { return Some("without its claim".into()) };
        match claim.ping {
            Some(token) => set.missing(&Timer::Incumbent(alias.clone(), token)),
            None => match member.and_then(|m| m.attempt) {
                Some(Attempt::Greeting(_)) => None,
                other => Some(format!("waits for a greeting, but there is {other:?}")),
            },
        }
    }

    fn stranded_member(&self, alias: &NodeAlias, member: &Member, set: &Set) -> Option<String> {
        let flaw = self
            .stranded_state(alias, member, set)
            .or_else(|| self.stranded_attempt(member))
            .or_else(|| self.stranded_suspicion(alias, member, set))
            .or_else(|| {
                let claim = member.claim.as_ref()?;
                let gone = !self.conns.contains_key(&claim.candidate);
                gone.then(|| "a claim without its connection".into())
            });
        flaw.map(|flaw| format!("member {} ({:?}): {flaw}", member.id, member.state))
    }

    fn stranded_state(&self, alias: &NodeAlias, member: &Member, set: &Set) -> Option<String> {
        if !member.is_present() {
            return set.missing(&Timer::Forget(alias.clone()));
        }
        match member.link {
            Some(conn) if self.conns.contains_key(&conn) => None,
            Some(_) => Some("a link without its connection".into()),
            // `stranded_suspicion` looks for its timers.
            None if member.suspicion.is_some() => None,
            None if member.state == State::Alive => Some("alive without a link".into()),
            None => set.missing(&Timer::Unmet(alias.clone(), member.id.incarnation)),
        }
    }

    fn stranded_attempt(&self, member: &Member) -> Option<String> {
        match member.attempt? {
            Attempt::Connecting(dial) if !self.dials.contains_key(&dial) => {
                Some("an attempt without its dial".into())
            }
            Attempt::Greeting(conn)
                if !matches!(self.conns.get(&conn).map(|c| &c.stage), Some(Stage::Greeting(_))) =>
            {
                Some("an attempt without its greeting".into())
            }
            _ => None,
        }
    }

    fn stranded_suspicion(&self, alias: &NodeAlias, member: &Member, set: &Set) -> Option<String> {
        let suspicion = member.suspicion.as_ref()?;
        let over = Timer::SuspicionOver(alias.clone(), suspicion.token);
        let probe = Timer::ProbeOver(alias.clone(), suspicion.token);
        set.missing(&over)
            .or_else(|| if suspicion.asked.is_empty() { None } else { set.missing(&probe) })
    }

    fn stranded_join(&self, set: &Set) -> Option<String> {
        self.joins.iter().find_map(|(&join, attempt)| {
            let is_tried = |&addr| {
                let purpose = DialPurpose::Join(join, addr);
                let greets = |stage: &Stage| matches!(stage, Stage::Greeting(p) if *p == purpose);
                self.dials.values().any(|p| *p == purpose)
                    || self.conns.values().any(|c| greets(&c.stage))
            };
            // The system answers in the end when a name is looked up.
            let goes_on = attempt.looking_up
                || !attempt.open.is_empty()
                || set.has(&Timer::Join(join, attempt.token))
                || set.has(&Timer::JoinOver(join));
            (!goes_on || !attempt.open.iter().all(is_tried))
                .then(|| format!("the join of {} does not go on", attempt.endpoint))
        })
    }

    fn stranded_relay(&self, set: &Set) -> Option<String> {
        self.relays.keys().find_map(|&(target, asker)| {
            let flaw = set.missing(&Timer::RelayOver(asker, target))?;
            Some(format!("relay {} to {}: {flaw}", asker.0, target.0))
        })
    }
}
