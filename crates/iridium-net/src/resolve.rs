//! Looking up names. The system's call for it blocks, for half a minute perhaps, and cannot be
//! interrupted. So it gets a thread of its own that nobody waits for: not whoever needs the
//! addresses beyond a deadline, and not a node that stops.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;

use crate::cause::Cause;

/// Addresses of one name that are used. A name that stands for all members of a large cluster has
/// more: some of them are enough to find the others.
const MAX_ADDRESSES: usize = 16;

/// The addresses of a name, or why there are none.
pub(crate) type LookedUp = Result<Vec<SocketAddr>, Cause>;

/// Looks up a name, and calls `then` with its addresses. IPv6 and IPv4 take turns, beginning with
/// what the system prefers (RFC 8305, section 4).
///
/// # Errors
/// When the system has no thread for it.
pub(crate) fn look_up(
    host: String,
    port: u16,
    then: impl FnOnce(LookedUp) + Send + 'static,
) -> io::Result<()> {
    spawn(move || then(addresses(&host, port)))
}

/// As [`look_up`], but waits for the addresses.
pub(crate) fn look_up_within(host: &str, port: u16, timeout: Duration) -> LookedUp {
    let host = host.to_string();
    wait(timeout, move || addresses(&host, port))
}

fn wait(timeout: Duration, work: impl FnOnce() -> LookedUp + Send + 'static) -> LookedUp {
    let (sender, answer) = bounded(1);
    // Whoever waited may have gone.
    spawn(move || drop(sender.send(work()))).map_err(Cause::new)?;
    answer.recv_timeout(timeout).unwrap_or_else(|_| {
        Err(format!("the name was not looked up within {} s", timeout.as_secs_f32()).into())
    })
}

fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("iridium-lookup".into()).spawn(work).map(drop)
}

fn addresses(host: &str, port: u16) -> LookedUp {
    match (host, port).to_socket_addrs() {
        Ok(addrs) => Ok(in_turns(addrs)),
        Err(error) => Err(explain(host, &error)),
    }
}

fn explain(host: &str, error: &io::Error) -> Cause {
    if let Some((_, zone)) = host.split_once('%') {
        return format!("this machine has no network interface {zone}").into();
    }
    let text = error.to_string();
    // The standard library puts these words before what the system says.
    let why = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
    format!("the name cannot be looked up: {why}").into()
}

fn in_turns(addrs: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addrs = addrs.peekable();
    let begins_with_v6 = addrs.peek().is_some_and(SocketAddr::is_ipv6);
    let (mut preferred, mut other): (VecDeque<_>, VecDeque<_>) =
        addrs.partition(|addr| addr.is_ipv6() == begins_with_v6);
    let mut ordered = Vec::new();
    while ordered.len() < MAX_ADDRESSES
        && let Some(addr) = preferred.pop_front().or_else(|| other.pop_front())
    {
        if !ordered.contains(&addr) {
            ordered.push(addr);
        }
        std::mem::swap(&mut preferred, &mut other);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_name_that_is_not_looked_up_in_time_is_not_waited_for() {
        let (release, held) = bounded::<()>(0);
        let begun = Instant::now();
        let outcome = wait(Duration::from_millis(20), move || {
            let _ = held.recv();
            Ok(Vec::new())
        });
        assert!(begun.elapsed() < Duration::from_secs(5));
        let error = outcome.unwrap_err().to_string();
        assert_eq!(error, "the name was not looked up within 0.02 s");
        drop(release);
    }

    #[test]
    fn the_two_families_take_turns_and_there_is_an_end() {
        let addrs = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        for (system, ours) in [
            (&["[::1]:1", "[::2]:1", "1.1.1.1:1"][..], &["[::1]:1", "1.1.1.1:1", "[::2]:1"][..]),
            (&["1.1.1.1:1", "1.1.1.1:1", "[::1]:1"], &["1.1.1.1:1", "[::1]:1"]),
            (&["1.1.1.1:1", "2.2.2.2:1"], &["1.1.1.1:1", "2.2.2.2:1"]),
            (&[], &[]),
        ] {
            assert_eq!(in_turns(addrs(system).into_iter()), addrs(ours));
        }
        let many = (0..100).map(|i| SocketAddr::from(([10, 0, 0, i], 1)));
        assert_eq!(in_turns(many).len(), MAX_ADDRESSES);
    }

    #[test]
    fn names_that_mean_nothing_say_why() {
        let error = addresses("no.such.host.invalid", 1).unwrap_err().to_string();
        assert!(error.starts_with("the name cannot be looked up: "), "{error}");
        let error = addresses("fe80::1%nowhere", 1).unwrap_err().to_string();
        assert_eq!(error, "this machine has no network interface nowhere");
    }
}
