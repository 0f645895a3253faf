//! The dialler: connects and authenticates.
//!
//! One address gets one attempt, which ends with a session or not at all: somebody who accepts
//! connections and then says nothing is no better than nobody. Of an endpoint with several
//! addresses the first that authenticates wins. Their attempts start one after the other, without
//! waiting for the ends of those before (RFC 8305), so that no address takes the time of the others.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, unbounded};
use iridium_proto::MAX_FRAME_ADMITTED;

use crate::cause::Cause;
use crate::endpoint::Endpoint;
use crate::handshake::{self, HandshakeFailure};
use crate::membership::DialFailure;
use crate::secret::Security;
use crate::session::Session;
use crate::threads::lock;

/// The longest pause between the starts of two attempts (RFC 8305, section 5).
const PAUSE: Duration = Duration::from_millis(250);
/// How long the first connection to an address may take to come about before another is begun. Each
/// after that has half as much again, so that one to far away comes about too.
const FIRST: Duration = Duration::from_millis(100);

/// How often somebody who has closed the connection is dialled again, and after which pause.
const AGAIN: u32 = 2;
const PAUSE_AGAIN: Duration = Duration::from_millis(50);

/// Connects to the first address of `to` that authenticates; blocks for `timeout` at most.
///
/// # Errors
/// The failure that tells most, when there are several addresses.
pub(crate) fn dial_any(
    to: &Endpoint,
    security: &Security,
    timeout: Duration,
) -> Result<Session, DialFailure> {
    let deadline = Instant::now() + timeout;
    match to.resolve(timeout).map_err(DialFailure::Unreachable)?.as_slice() {
        [addr] => dial_again(*addr, security, deadline),
        addrs => race(addrs, security, deadline),
    }
}

/// As [`dial`]; whoever closes the connection during the handshake is dialled again, a few times. Where
/// many strangers wait at the door of a node, the slowest give way, and on a busy machine that may be
/// this one.
fn dial_again(
    to: SocketAddr,
    security: &Security,
    deadline: Instant,
) -> Result<Session, DialFailure> {
    let mut closed = 0;
    loop {
        match handshake::dial(connect(to, deadline)?, security, deadline) {
            Err(HandshakeFailure::Closed) if closed < AGAIN => closed += 1,
            outcome => return introduced(outcome),
        }
        thread::sleep(PAUSE_AGAIN);
    }
}

/// Connects to one address and authenticates; blocks until `deadline` at most.
pub(crate) fn dial(
    to: SocketAddr,
    security: &Security,
    deadline: Instant,
) -> Result<Session, DialFailure> {
    authenticate(connect(to, deadline)?, security, deadline)
}

fn connect(to: SocketAddr, deadline: Instant) -> Result<TcpStream, DialFailure> {
    if needs_zone(to) {
        let why = format!("a link-local address needs the zone of its network: {}%ZONE", to.ip());
        return Err(DialFailure::Unreachable(why.into()));
    }
    let stream = connect_again(to, deadline).map_err(explain)?;
    stream.set_nodelay(true).map_err(explain)?;
    Ok(stream)
}

/// A system whose queue is full drops who comes, and the one here would ask again after a whole
/// second: by then there may have been room for long.
fn connect_again(to: SocketAddr, deadline: Instant) -> io::Result<TcpStream> {
    let mut patience = FIRST;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&to, patience.min(left)) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => patience = patience * 3 / 2,
            outcome => return outcome,
        }
    }
}

/// Whether the system could not know which network an address is in.
pub(crate) fn needs_zone(addr: SocketAddr) -> bool {
    matches!(addr, SocketAddr::V6(addr)
        if addr.ip().is_unicast_link_local() && addr.scope_id() == 0)
}

fn authenticate(
    stream: TcpStream,
    security: &Security,
    deadline: Instant,
) -> Result<Session, DialFailure> {
    introduced(handshake::dial(stream, security, deadline))
}

fn introduced(outcome: Result<Session, HandshakeFailure>) -> Result<Session, DialFailure> {
    let mut session = outcome.map_err(explain_handshake)?;
    // This node has chosen whom it dials, so long frames are accepted at once.
    session.reader.decoder.set_cap(MAX_FRAME_ADMITTED);
    Ok(session)
}

fn explain(error: io::Error) -> DialFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => DialFailure::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            DialFailure::Unreachable("no answer in time".into())
        }
        _ => DialFailure::Unreachable(Cause::new(error)),
    }
}

/// A node that is busy, stopping or cut off may be reached later; one with another
/// secret or protocol will not.
fn explain_handshake(failure: HandshakeFailure) -> DialFailure {
    match failure {
        HandshakeFailure::Refused(error) => DialFailure::Handshake(error),
        failure => DialFailure::Unreachable(Cause::new(failure)),
    }
}

/// The connections of a race that are not authenticated yet; `None` when it is over.
type Connected = Mutex<Option<Vec<(SocketAddr, TcpStream)>>>;

/// Dials several addresses. The threads of those that lose end by themselves, at `deadline` at
/// the latest: their connections are closed, and a connect cannot be interrupted.
fn race(
    addrs: &[SocketAddr],
    security: &Security,
    deadline: Instant,
) -> Result<Session, DialFailure> {
    let connected = Arc::new(Mutex::new(Some(Vec::new())));
    let outcome = first_session(addrs, security, deadline, &connected);
    let winner = outcome.as_ref().ok().map(|(addr, _)| *addr);
    for (addr, stream) in lock(&connected).take().unwrap_or_default() {
        if Some(addr) != winner {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
    outcome.map(|(_, session)| session)
}

fn first_session(
    addrs: &[SocketAddr],
    security: &Security,
    deadline: Instant,
    connected: &Arc<Connected>,
) -> Result<(SocketAddr, Session), DialFailure> {
    let pause = pause(addrs.len(), deadline.saturating_duration_since(Instant::now()));
    let (sender, outcomes) = unbounded();
    let mut failure = DialFailure::Unreachable("no answer in time".into());
    let mut failed = 0;
    let mut waiting = addrs.iter();
    let mut next_start = Instant::now();
    loop {
        let now = Instant::now();
        if now >= next_start || failed == addrs.len() - waiting.len() {
            match waiting.next() {
                Some(addr) => start_attempt(*addr, security, deadline, connected, sender.clone()),
                None if failed == addrs.len() => return Err(failure),
                None => {}
            }
            next_start = if waiting.len() == 0 { deadline } else { now + pause };
        }
        match outcomes.recv_deadline(next_start) {
            Ok((addr, Ok(session))) => return Ok((addr, session)),
            Ok((_, Err(other))) => {
                failed += 1;
                if failed == 1 || tells(&other) > tells(&failure) {
                    failure = other;
                }
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            Err(_) => return Err(failure),
        }
    }
}

/// The pause between two starts: short enough for the last address to have half of the time.
fn pause(addrs: usize, timeout: Duration) -> Duration {
    let most = timeout / 2 / u32::try_from(addrs).unwrap_or(u32::MAX).max(1);
    PAUSE.min(most)
}

fn start_attempt(
    addr: SocketAddr,
    security: &Security,
    deadline: Instant,
    connected: &Arc<Connected>,
    outcomes: Sender<(SocketAddr, Result<Session, DialFailure>)>,
) {
    let (security, connected) = (security.clone(), Arc::clone(connected));
    let report = outcomes.clone();
    let run = move || {
        let outcome = attempt(addr, &security, deadline, &connected);
        // Another may have won meanwhile; a session is closed then as it is dropped.
        let _ = report.send((addr, outcome));
    };
    if let Err(error) = thread::Builder::new().name("iridium-dial".into()).spawn(run) {
        let failure = DialFailure::Unreachable(Cause::new(error));
        // The receiver is this thread's own.
        let _ = outcomes.send((addr, Err(failure)));
    }
}

fn attempt(
    addr: SocketAddr,
    security: &Security,
    deadline: Instant,
    connected: &Connected,
) -> Result<Session, DialFailure> {
    let stream = connect(addr, deadline)?;
    let theirs = stream.try_clone().map_err(explain)?;
    match lock(connected).as_mut() {
        Some(streams) => streams.push((addr, theirs)),
        None => return Err(DialFailure::Unreachable("another address has answered".into())),
    }
    authenticate(stream, security, deadline)
}

/// How much a failure says about what is wrong.
fn tells(failure: &DialFailure) -> u8 {
    match failure {
        DialFailure::Refused => 0,
        DialFailure::Unreachable(_) => 1,
        DialFailure::Handshake(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;
    use crate::error::HandshakeError;

    const TIMEOUT: Duration = Duration::from_secs(4);

    /// Accepts as the system does, and says nothing.
    fn silent() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }

    fn addr(listener: &TcpListener) -> SocketAddr {
        listener.local_addr().unwrap()
    }

    /// Answers each connection with these bytes, on threads that end with the test.
    fn says(bytes: &'static [u8]) -> SocketAddr {
        let listener = silent();
        let at = addr(&listener);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.write_all(bytes).unwrap();
                thread::spawn(move || while matches!(stream.read(&mut [0; 64]), Ok(1..)) {});
            }
        });
        at
    }

    /// A node without a secret, as far as the handshake goes.
    fn good() -> SocketAddr {
        says(b"IRDM\0\x03\0\x03\0")
    }

    /// Nobody listens there.
    fn closed() -> SocketAddr {
        addr(&silent())
    }

    fn run(addrs: &[SocketAddr]) -> (Result<SocketAddr, DialFailure>, Duration) {
        let begun = Instant::now();
        let outcome = race(addrs, &Security::Insecure, begun + TIMEOUT);
        (outcome.map(|session| session.stream.peer_addr().unwrap()), begun.elapsed())
    }

    #[test]
    fn one_that_answers_wins_wherever_it_stands_among_those_that_do_not() {
        let mut held = [silent(), silent(), silent()];
        let black_hole = full(&mut held[2]);
        let (quiet, other) = (addr(&held[0]), addr(&held[1]));
        let (http, ssh) = (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), says(b"SSH-2.0-x\r\n"));
        let secret = says(b"IRDM\0\x03\0\x03\x01");
        for place in 0..5 {
            for bad in [
                [quiet, other, black_hole.0, closed()],
                [http, ssh, secret, closed()],
                [black_hole.0, http, quiet, secret],
            ] {
                let (good, mut addrs) = (good(), bad.to_vec());
                addrs.insert(place, good);
                let (outcome, took) = run(&addrs);
                assert_eq!(outcome, Ok(good), "at place {place} among {bad:?}");
                assert!(took < TIMEOUT / 2, "{took:?} at place {place} among {bad:?}");
            }
        }
    }

    /// Fills the queue of a listener, so that the system answers nobody else.
    fn full(listener: &mut TcpListener) -> (SocketAddr, Vec<TcpStream>) {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(0).unwrap();
        *listener = socket.into();
        let at = addr(listener);
        let connect = |_| TcpStream::connect_timeout(&at, Duration::from_millis(100)).ok();
        let streams = (0..4).map_while(connect).collect();
        (at, streams)
    }

    #[test]
    fn who_was_dropped_by_a_full_queue_does_not_wait_for_a_second() {
        let mut listener = silent();
        let (at, held) = full(&mut listener);
        let begun = Instant::now();
        let dialling = thread::spawn(move || connect(at, begun + TIMEOUT).map(|_| begun.elapsed()));
        // Once it has been dropped, there is room again.
        thread::sleep(FIRST / 4);
        held.iter().for_each(|_| drop(listener.accept().unwrap()));
        let took = dialling.join().unwrap().unwrap();
        assert!(took < Duration::from_millis(900), "{took:?}");
    }

    #[test]
    fn who_had_to_give_way_at_the_door_dials_again_and_not_for_ever() {
        for (closed, comes_in) in [(AGAIN, true), (AGAIN + 1, false)] {
            let listener = silent();
            let at = addr(&listener);
            let door = thread::spawn(move || {
                (0..closed).for_each(|_| drop(listener.accept().unwrap()));
                let mut held = listener.accept().unwrap().0;
                held.write_all(b"IRDM\0\x03\0\x03\0").unwrap();
                held
            });
            let outcome = dial_any(&at.into(), &Security::Insecure, TIMEOUT);
            let failure = outcome.as_ref().err().map(ToString::to_string);
            assert_eq!(failure.is_none(), comes_in, "{failure:?}");
            // So that the door is not held open.
            drop(TcpStream::connect(at));
            door.join().unwrap();
        }
    }

    #[test]
    fn the_failure_that_tells_most_is_reported_as_soon_as_all_have_failed() {
        let http = says(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        for addrs in [[closed(), http], [http, closed()]] {
            let (outcome, took) = run(&addrs);
            let began = HandshakeError::NotIridium("HTTP".into());
            assert_eq!(outcome, Err(DialFailure::Handshake(began)));
            assert!(took < PAUSE, "a failure does not have to be waited for: {took:?}");
        }
        assert_eq!(run(&[closed(), closed()]).0, Err(DialFailure::Refused));
    }

    #[test]
    fn nobody_who_answers_is_waited_for_until_the_deadline_at_most() {
        let held = [silent(), silent()];
        let (outcome, took) = run(&[addr(&held[0]), addr(&held[1])]);
        assert!(matches!(outcome, Err(DialFailure::Unreachable(_))), "{outcome:?}");
        assert!(took < TIMEOUT + Duration::from_secs(2), "{took:?}");
    }

    #[test]
    fn the_connections_of_those_that_lose_are_closed() {
        let loser = silent();
        let at = addr(&loser);
        let (outcome, _) = run(&[at, good()]);
        assert!(outcome.is_ok());
        let (mut stream, _) = loser.accept().unwrap();
        stream.set_read_timeout(Some(TIMEOUT / 2)).unwrap();
        let mut said = Vec::new();
        // The preamble, and then the end.
        stream.read_to_end(&mut said).unwrap();
        assert_eq!(said.len(), 9);
    }

    #[test]
    fn many_addresses_share_the_time() {
        assert_eq!(pause(2, Duration::from_secs(5)), PAUSE);
        assert!(pause(16, Duration::from_secs(3)) * 16 <= Duration::from_millis(1500));
    }

    #[test]
    fn a_link_local_address_without_its_zone_says_what_is_missing() {
        let to = "[fe80::1]:2254".parse().unwrap();
        let failure = dial(to, &Security::Insecure, Instant::now() + TIMEOUT).err().unwrap();
        let expected = "a link-local address needs the zone of its network: fe80::1%ZONE";
        assert_eq!(failure.to_string(), expected);
    }
}
