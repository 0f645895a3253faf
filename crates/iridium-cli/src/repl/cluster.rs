//! The commands about the cluster.

use std::sync::Arc;

use iridium_net::{Endpoint, EndpointError, Event};
use iridium_node::Node;
use iridium_proto::{MemberView, NodeAlias, ViewState};

use super::backend::Backend;
use super::command::{Arguments, Flow};
use super::session::ReplSession;
use crate::commands;
use crate::failure::Failure;
use crate::program::needs;
use crate::{config, mesh_events, output};

/// `!start_cluster`
pub(super) fn start(session: &mut ReplSession, _: &Arguments<'_>) -> Result<Flow, Failure> {
    session.machine.driver.backend.require_local()?;
    let node = match session.running() {
        Ok(node) => node,
        Err(_) => session.start()?,
    };
    output::print_line(&mesh_events::listens(node.manager()))?;
    Ok(Flow::Continue)
}

/// `!join_cluster`
pub(super) fn join(session: &mut ReplSession, arguments: &Arguments<'_>) -> Result<Flow, Failure> {
    session.machine.driver.backend.require_local()?;
    let to = endpoint(arguments.words()).ok_or_else(|| arguments.misused())?;
    let to = to.map_err(|error| Failure::usage(error.to_string()))?;
    let node = match session.running() {
        Ok(node) => node,
        Err(_) => {
            let node = session.start()?;
            output::print_line(&mesh_events::listens(node.manager()))?;
            node
        }
    };
    let outcome = node.join(to);
    session.skip_join_events(outcome.is_err());
    output::print_line(&mesh_events::joined(&outcome?))?;
    Ok(Flow::Continue)
}

/// `!cluster_members`
pub(super) fn members(session: &mut ReplSession, _: &Arguments<'_>) -> Result<Flow, Failure> {
    let members = session.members()?;
    output::print_table(&output::members(&members))?;
    Ok(Flow::Continue)
}

/// `!nodes`
pub(super) fn nodes(session: &mut ReplSession, _: &Arguments<'_>) -> Result<Flow, Failure> {
    let backend = &session.machine.driver.backend;
    if matches!(backend, Backend::Local(_)) && session.running().is_err() {
        let number = backend.pid().node().to_string();
        let rows = vec![["-".into(), number, "this node, in no cluster".into()]];
        output::print_table(&output::numbers(rows))?;
        return Ok(Flow::Continue);
    }
    let rows = session.members()?.into_iter().map(|member| {
        let state = match member.state {
            ViewState::Myself => "this node",
            state => state.as_str(),
        };
        [member.info.alias.to_string(), member.id.number.number().to_string(), state.into()]
    });
    output::print_table(&output::numbers(rows.collect()))?;
    Ok(Flow::Continue)
}

/// `!forget`
pub(super) fn forget(
    session: &mut ReplSession,
    arguments: &Arguments<'_>,
) -> Result<Flow, Failure> {
    let [alias] = arguments.words() else { return Err(arguments.misused()) };
    let alias = NodeAlias::new(*alias).map_err(|error| Failure::usage(error.to_string()))?;
    session.forget(&alias)?;
    output::print_line(&commands::forget::forgotten(&alias))?;
    Ok(Flow::Continue)
}

/// `!leave_cluster`
pub(super) fn leave(session: &mut ReplSession, _: &Arguments<'_>) -> Result<Flow, Failure> {
    session.machine.driver.backend.require_local()?;
    let _ = session.running()?;
    session.leave();
    output::print_line("left the cluster")?;
    Ok(Flow::Continue)
}

impl ReplSession {
    /// The node, if it runs.
    fn running(&self) -> Result<Node, Failure> {
        // A node that has stopped by itself lists no members, not even itself.
        self.cluster.clone().filter(|node| !node.members().is_empty()).ok_or_else(|| {
            Failure::failed("this node is in no cluster; !start_cluster or !join_cluster first")
        })
    }

    /// The members by alias, as this node sees them or the one that the REPL is
    /// attached to.
    fn members(&self) -> Result<Vec<MemberView>, Failure> {
        if let Backend::Remote(remote) = &self.machine.driver.backend {
            return commands::members(&mut remote.connect()?, &remote.access().at);
        }
        let mut members = self.running()?.members();
        members.sort_by(|a, b| a.info.alias.cmp(&b.info.alias));
        Ok(members)
    }

    /// As [`members`](Self::members), for a member to forget.
    fn forget(&self, alias: &NodeAlias) -> Result<(), Failure> {
        if let Backend::Remote(remote) = &self.machine.driver.backend {
            let at = &remote.access().at;
            return commands::forget_member(&mut remote.connect()?, at, alias);
        }
        let forgotten = self.running()?.manager().forget(alias);
        forgotten.map_err(|error| Failure::failed(error.to_string()))
    }

    /// Drops the events that the outcome of a join sums up: members that came up and, if it
    /// failed, the refusal.
    fn skip_join_events(&mut self, failed: bool) {
        while let Ok(event) = self.events.try_recv() {
            match event {
                Event::Up { .. } => {}
                Event::Refused { .. } if failed => {}
                event => self.on_event(&event),
            }
        }
    }

    /// Starts a node with the processes of this REPL: they keep their pids, and other nodes
    /// can reach them from now on.
    fn start(&mut self) -> Result<Node, Failure> {
        // Cleans up after a node that has stopped by itself.
        self.leave();
        let output = Arc::new(self.machine.driver.stream());
        let local = self.machine.driver.backend.require_local_mut()?;
        let mesh = config::of_node(&self.flags, &[])?;
        let mut config = iridium_node::Config::new(mesh, output);
        config.hosts = self.machine.driver.hosts.clone();
        config.refusal = needs::refusal_of_node;
        config.scheduler = Some(local.environment.local.clone());
        let node = Node::start(config)?;
        local.is_clustered = true;
        self.events = node.manager().events();
        self.cluster = Some(node.clone());
        Ok(node)
    }
}

/// `HOST PORT`, as in the original, or `HOST:PORT`; `None` when there are more or fewer words.
fn endpoint(words: &[&str]) -> Option<Result<Endpoint, EndpointError>> {
    let text = match words {
        [endpoint] => (*endpoint).to_string(),
        [host, port] if host.contains(':') && !host.starts_with('[') => format!("[{host}]:{port}"),
        [host, port] => format!("{host}:{port}"),
        _ => return None,
    };
    Some(text.parse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_named_by_one_word_or_two() {
        for (words, address) in [
            (&["127.0.0.1", "2255"][..], "127.0.0.1:2255"),
            (&["127.0.0.1:2255"], "127.0.0.1:2255"),
            (&["::1", "2255"], "[::1]:2255"),
            (&["[::1]:2255"], "[::1]:2255"),
            (&["db.example"], "db.example:2254"),
        ] {
            assert_eq!(endpoint(words).unwrap().unwrap().to_string(), address);
        }
        for words in [&["a", "b"], &["a", "0"]] {
            assert!(endpoint(words).unwrap().is_err(), "{words:?}");
        }
        for words in [&[][..], &["a", "1", "2"]] {
            assert!(endpoint(words).is_none(), "{words:?}");
        }
    }
}
