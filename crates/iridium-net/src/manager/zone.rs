//! The zone of link-local IPv6 addresses, which says in which of its networks a machine is to look
//! for one (RFC 4007). Each machine numbers its own, so nodes do not tell each other zones: an
//! address that others have told is completed by the one who dials it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::dialer::needs_zone;

/// The zone in which this node last met others at link-local addresses; 0 when there is none.
/// (A cluster whose link-local addresses are in several networks of a machine needs other addresses.)
pub(super) struct Zone(AtomicU32);

impl Zone {
    /// Begins with that of the address at which the node listens.
    pub(super) fn of(listens: SocketAddr) -> Self {
        Self(AtomicU32::new(scope(listens)))
    }

    /// Another node was met at this address.
    pub(super) fn note(&self, addr: SocketAddr) {
        if scope(addr) != 0 {
            self.0.store(scope(addr), Ordering::Relaxed);
        }
    }

    /// The address with its zone, if it needs one.
    pub(super) fn complete(&self, mut addr: SocketAddr) -> SocketAddr {
        if needs_zone(addr)
            && let SocketAddr::V6(addr) = &mut addr
        {
            addr.set_scope_id(self.0.load(Ordering::Relaxed));
        }
        addr
    }
}

fn scope(addr: SocketAddr) -> u32 {
    match addr {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(addr) => addr.scope_id(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_local_address_gets_the_zone_of_those_that_were_met() {
        let told: SocketAddr = "[fe80::7]:1".parse().unwrap();
        let zone = Zone::of("[::]:1".parse().unwrap());
        assert_eq!(zone.complete(told), told);
        zone.note("[fe80::9%3]:5000".parse().unwrap());
        zone.note("[fd00::9]:5000".parse().unwrap());
        assert_eq!(zone.complete(told), "[fe80::7%3]:1".parse().unwrap());
        for other in ["[fe80::7%4]:1", "[fd00::7]:1", "127.0.0.1:1"] {
            let other: SocketAddr = other.parse().unwrap();
            assert_eq!(zone.complete(other), other);
        }
    }
}
