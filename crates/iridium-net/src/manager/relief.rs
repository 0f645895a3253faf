//! What the owner of the mesh does for those who wait: it closes the links that keep room from others, and has
//! those wait whose messages an application does not take.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::application::Application;
use crate::ids::ConnId;
use crate::link::{ClusterClient, Stalled};

use super::shared::Shared;

/// How often what waits on all links is looked at, at most; at least with each heartbeat.
const RELIEVE_EVERY: Duration = Duration::from_millis(100);
/// And how often what the application still has: oftener than anybody loses patience.
const EXCUSE_EVERY: Duration = Duration::from_secs(1);

/// When it was last looked at.
pub(super) struct Relief {
    /// At what waits on all links.
    relieved: Instant,
    /// At what the application has of all links.
    excused: Instant,
}

impl Relief {
    pub(super) fn new(now: Instant) -> Self {
        Self { relieved: now, excused: now }
    }

    /// Looks at everything that is due. When this node is so late that it has not run for a while, nobody is to
    /// blame for it: then that time is `unrun`.
    pub(super) fn turn(
        &mut self,
        links: &HashMap<ConnId, Arc<ClusterClient>>,
        shared: &Shared,
        application: &dyn Application,
        unrun: Option<Duration>,
        now: Instant,
    ) {
        if let Some(late) = unrun {
            shared.room.forgive(late, now);
        }
        close_stalled(shared, now);
        if now >= self.relieved + RELIEVE_EVERY {
            self.relieved = now;
            relieve_backlog(links, shared, application, now);
        }
        if now >= self.excused + EXCUSE_EVERY {
            self.excused = now;
            links.values().for_each(|link| link.excuse_application());
        }
    }
}

/// Closes links whose long messages do not come, and keep others from sending theirs.
fn close_stalled(shared: &Shared, now: Instant) {
    for link in shared.room.take_stalled(now) {
        if let Some(left_out) = shared.log_limits.admit("stalled") {
            log::warn!(
                "closed the link to {}: its long messages do not come, and others wait for \
                 room{left_out}",
                link.remote()
            );
        }
        link.abort();
    }
}

/// Closes links that take nothing of what waits for them, the fullest first, while others want its
/// room; and tells those of another chance whose queue is empty, so that their writer does not.
fn relieve_backlog(
    links: &HashMap<ConnId, Arc<ClusterClient>>,
    shared: &Shared,
    application: &dyn Application,
    now: Instant,
) {
    let Some(mut excess) = shared.backlog.take_shortage() else { return };
    let stalled = |link: &Arc<ClusterClient>| Some((link.outbox().stalled(now)?, link.clone()));
    let mut stalled: Vec<_> = links.values().filter_map(stalled).collect();
    stalled.sort_by_key(|(stalled, _)| Reverse(*stalled));
    for (Stalled { bytes, .. }, link) in stalled {
        if excess == 0 {
            break;
        }
        if let Some(left_out) = shared.log_limits.admit("backlog") {
            log::warn!(
                "closed the link to {}: it takes too little of the {bytes} bytes that wait for \
                 it, and others want the room{left_out}",
                link.remote()
            );
        }
        link.abort();
        excess = excess.saturating_sub(bytes);
    }
    let refused = |link: &&Arc<ClusterClient>| link.outbox().take_refused();
    let peers = links.values().filter(refused).filter_map(|link| link.peer());
    peers.for_each(|id| application.writable(&id.alias));
}
