//! Who is a member, as a state machine without I/O.
//!
//! [`Membership`] touches no socket, thread, clock or random source of its own.
//! The [`Manager`](crate::Manager) drives it with real connections, the tests
//! with simulated ones in virtual time. The driver's part of the contract:
//!
//! 1. Call [`handle`](Membership::handle) for each thing that happens,
//!    [`handle_timeout`](Membership::handle_timeout) when
//!    [`poll_timeout`](Membership::poll_timeout) has come, and
//!    [`join`](Membership::join) or [`leave`](Membership::leave) when asked to.
//! 2. After each of these take every [`Action`] from
//!    [`poll_action`](Membership::poll_action), in order, and carry it out.
//! 3. Then ask `poll_timeout` again.
//!
//! `now` never goes back. Connections and dials have numbers that are never
//! used twice. After [`Action::Close`] the core does not know a connection any
//! more: what still comes from it is ignored. After [`Input::Closed`] neither
//! does the driver. [`stranded`](Membership::stranded) says what breaks the rule that
//! each entry has a way to its end.
//!
//! The protocol has two rules. *Gossip makes a node dial or probe, nothing
//! more*: a member is alive only through a link of this node's own, so outdated
//! gossip cannot bring back a member that is down. *A second connection (claim)
//! for a taken alias is held until the existing one (incumbent) has been
//! pinged*: it is admitted only when that does not answer, so that crossing
//! dials, restarts and duplicate aliases are all decided in the same way.
//! Failure detection with suspicion, indirect probes and refutation follows SWIM
//! (Das, Gupta, Motivala, 2002); unlike SWIM each node finds out itself whether another is down,
//! because the mesh is full: a few watch it all the time, and have all others ask it too when it
//! is silent.

mod admission;
mod conn;
mod core;
mod detect;
mod dial;
mod dialable;
mod forget;
mod gossip;
mod interface;
mod invariant;
mod join;
mod join_attempt;
mod join_end;
mod member;
mod plausible;
mod probe;
mod rng;
mod timer;
mod timing;
mod watch;

pub use self::core::Membership;
pub use crate::ids::{ConnId, DialId, JoinId};
pub use interface::{Action, DialFailure, Input, Start, Time};
pub use timing::Timing;
