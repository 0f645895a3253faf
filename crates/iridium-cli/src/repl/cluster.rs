//! The commands about the cluster.

use std::sync::Arc;

use iridium_net::{Endpoint, EndpointError, Event};
use iridium_node::Node;
use iridium_proto::{MemberView, ViewState};

use super::Session;
use super::command::{Flow, misused};
use super::place::Place;
use crate::commands;
use crate::failure::Failure;
use crate::{config, event, output};

/// `!start_cluster`
pub(super) fn start(session: &mut Session, _: &[&str]) -> Result<Flow, Failure> {
    session.machine.driver.place.own()?;
    let node = match session.running() {
        Ok(node) => node,
        Err(_) => session.start()?,
    };
    output::line(&event::listens(node.manager()))?;
    Ok(Flow::Continue)
}

/// `!join_cluster`
pub(super) fn join(session: &mut Session, arguments: &[&str]) -> Result<Flow, Failure> {
    session.machine.driver.place.own()?;
    let to = endpoint(arguments)?;
    let node = match session.running() {
        Ok(node) => node,
        Err(_) => {
            let node = session.start()?;
            output::line(&event::listens(node.manager()))?;
            node
        }
    };
    let outcome = node.join(to);
    session.pass_over(outcome.is_err());
    output::line(&event::joined(&outcome?))?;
    Ok(Flow::Continue)
}

/// `!cluster_members`
pub(super) fn members(session: &mut Session, _: &[&str]) -> Result<Flow, Failure> {
    let members = session.members()?;
    output::line(&output::members(&members))?;
    Ok(Flow::Continue)
}

/// `!nodes`
pub(super) fn nodes(session: &mut Session, _: &[&str]) -> Result<Flow, Failure> {
    let place = &session.machine.driver.place;
    if matches!(place, Place::Here(_)) && session.running().is_err() {
        let number = place.pid().node().to_string();
        let rows = vec![["-".into(), number, "this node, in no cluster".into()]];
        output::line(&output::numbers(rows))?;
        return Ok(Flow::Continue);
    }
    let rows = session.members()?.into_iter().map(|member| {
        let state = match member.state {
            ViewState::Myself => "this node",
            state => state.as_str(),
        };
        [member.info.alias.to_string(), member.id.number.number().to_string(), state.into()]
    });
    output::line(&output::numbers(rows.collect()))?;
    Ok(Flow::Continue)
}

/// `!leave_cluster`
pub(super) fn leave(session: &mut Session, _: &[&str]) -> Result<Flow, Failure> {
    session.machine.driver.place.own()?;
    let _ = session.running()?;
    session.leave();
    output::line("left the cluster")?;
    Ok(Flow::Continue)
}

impl Session {
    /// The node, if it runs.
    fn running(&self) -> Result<Node, Failure> {
        // One that has stopped by itself lists nobody, not even itself.
        self.cluster.clone().filter(|node| !node.members().is_empty()).ok_or_else(|| {
            Failure::failed("this node is in no cluster; !start_cluster or !join_cluster first")
        })
    }

    /// The members by alias, as this node sees them or the one that the REPL is
    /// attached to.
    fn members(&self) -> Result<Vec<MemberView>, Failure> {
        if let Place::There(there) = &self.machine.driver.place {
            return commands::members(&mut there.connect()?, &there.access().at);
        }
        let mut members = self.running()?.members();
        members.sort_by(|a, b| a.info.alias.cmp(&b.info.alias));
        Ok(members)
    }

    /// Passes over what the outcome of a join tells: the members that came up
    /// and, if it failed, the refusal.
    fn pass_over(&mut self, failed: bool) {
        while let Ok(event) = self.events.try_recv() {
            match event {
                Event::Up { .. } => {}
                Event::Refused { .. } if failed => {}
                event => self.on_event(&event),
            }
        }
    }

    /// Starts a node for the processes that are here: they keep their pids, and
    /// other nodes can reach them from now on.
    fn start(&mut self) -> Result<Node, Failure> {
        // One that has stopped by itself.
        self.leave();
        let output = Arc::new(self.machine.driver.stream());
        let here = self.machine.driver.place.own_mut()?;
        let mesh = config::of_node(&self.flags, &[])?;
        let mut config = iridium_node::Config::new(mesh, output);
        config.scheduler = Some(here.world.solo.clone());
        let node = Node::start(config)?;
        here.is_clustered = true;
        self.events = node.manager().events();
        self.cluster = Some(node.clone());
        Ok(node)
    }
}

/// `HOST PORT`, as in the original, or `HOST:PORT`.
fn endpoint(arguments: &[&str]) -> Result<Endpoint, Failure> {
    let text = match arguments {
        [place] => (*place).to_string(),
        [host, port] if host.contains(':') && !host.starts_with('[') => format!("[{host}]:{port}"),
        [host, port] => format!("{host}:{port}"),
        _ => return Err(misused("join_cluster")),
    };
    text.parse().map_err(|error: EndpointError| Failure::usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_named_by_one_word_or_two() {
        for (words, place) in [
            (&["127.0.0.1", "2255"][..], "127.0.0.1:2255"),
            (&["127.0.0.1:2255"], "127.0.0.1:2255"),
            (&["::1", "2255"], "[::1]:2255"),
            (&["[::1]:2255"], "[::1]:2255"),
            (&["db.example"], "db.example:2254"),
        ] {
            assert_eq!(endpoint(words).unwrap().to_string(), place);
        }
        for words in [&[][..], &["a", "b"], &["a", "1", "2"], &["a", "0"]] {
            assert!(endpoint(words).is_err(), "{words:?}");
        }
    }
}
