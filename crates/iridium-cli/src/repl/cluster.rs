//! The commands about the cluster.

use iridium_net::{Endpoint, EndpointError, Event, Manager};

use super::Session;
use super::command::{Flow, misused};
use crate::failure::Failure;
use crate::{config, event, output};

/// `!start_cluster`
pub(super) fn start(session: &mut Session<'_>, _: &[&str]) -> Result<Flow, Failure> {
    let manager = match session.running() {
        Ok(manager) => manager,
        Err(_) => session.start()?,
    };
    output::line(&event::listens(&manager))?;
    Ok(Flow::Continue)
}

/// `!join_cluster`
pub(super) fn join(session: &mut Session<'_>, arguments: &[&str]) -> Result<Flow, Failure> {
    let to = endpoint(arguments)?;
    let manager = match session.running() {
        Ok(manager) => manager,
        Err(_) => {
            let manager = session.start()?;
            output::line(&event::listens(&manager))?;
            manager
        }
    };
    let outcome = manager.join(to);
    session.pass_over(outcome.is_err());
    output::line(&event::joined(&outcome?))?;
    Ok(Flow::Continue)
}

/// `!cluster_members`
pub(super) fn members(session: &mut Session<'_>, _: &[&str]) -> Result<Flow, Failure> {
    let mut members = session.running()?.members();
    members.sort_by(|a, b| a.info.alias.cmp(&b.info.alias));
    output::line(&output::members(&members))?;
    Ok(Flow::Continue)
}

/// `!leave_cluster`
pub(super) fn leave(session: &mut Session<'_>, _: &[&str]) -> Result<Flow, Failure> {
    session.running()?;
    session.leave();
    output::line("left the cluster")?;
    Ok(Flow::Continue)
}

impl Session<'_> {
    /// The node, if it runs.
    fn running(&self) -> Result<Manager, Failure> {
        // One that has stopped by itself lists nobody, not even itself.
        self.cluster.clone().filter(|manager| !manager.members().is_empty()).ok_or_else(|| {
            Failure::failed("this node is in no cluster; !start_cluster or !join_cluster first")
        })
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

    fn start(&mut self) -> Result<Manager, Failure> {
        let manager = Manager::start(config::of_node(self.flags, &[])?)?;
        self.events = manager.events();
        self.cluster = Some(manager.clone());
        Ok(manager)
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
