//! The thread that accepts connections and waits for all that have not authenticated yet, without
//! a thread for each. Whoever has sent a first message, which takes the secret, gets one.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use iridium_proto::IridiumMessage;
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use super::guest::{Gone, Guest, Progress};
use super::places::Places;
use crate::handshake::HandshakeFailure;
use crate::log_limit::ClockedLogLimits;
use crate::secret::Security;
use crate::session::Session;
use crate::threads::Threads;

const LISTENER: Token = Token(0);
const STOP: Token = Token(1);
const FIRST_GUEST: usize = 2;
/// Connections that are accepted before those that wait are looked at again.
const AT_ONCE: usize = 64;
/// How long nobody is accepted when the system has run out of something, most likely file
/// descriptors, and no place can be given back: another attempt at once would fail too.
const PAUSE: Duration = Duration::from_millis(100);

/// Called with each authenticated connection, its address and its first message, on a thread of
/// its own.
pub(crate) type OnSession = dyn Fn(Session, SocketAddr, IridiumMessage) + Send + Sync;

/// A listening socket before anyone is accepted.
pub(crate) struct Door {
    poll: Poll,
    listener: TcpListener,
    /// What is closed before it was noticed wakes nobody, so the thread has it too.
    waker: Arc<Waker>,
}

impl Door {
    /// What wakes the thread that waits at it.
    pub(crate) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }
}

/// Prepares a listening socket.
///
/// # Errors
/// The system has no room for it.
pub(crate) fn open(listener: std::net::TcpListener) -> io::Result<Door> {
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let waker = Arc::new(Waker::new(poll.registry(), STOP)?);
    Ok(Door { poll, listener, waker })
}

/// Receives those who come through a door.
pub(crate) struct Greeter {
    stopping: Arc<AtomicBool>,
    security: Security,
    threads: Threads,
    on_session: Arc<OnSession>,
    door: Door,
    places: Places<Guest>,
    /// When to accept; `None` when a new connection is waited for.
    accept_at: Option<Instant>,
    log_limits: ClockedLogLimits,
}

impl Greeter {
    pub(crate) fn new(
        door: Door,
        stopping: Arc<AtomicBool>,
        security: Security,
        threads: Threads,
        on_session: Arc<OnSession>,
    ) -> Self {
        Self {
            stopping,
            security,
            threads,
            on_session,
            door,
            places: Places::from(FIRST_GUEST),
            accept_at: None,
            log_limits: ClockedLogLimits::default(),
        }
    }

    /// Receives connections until it is to stop.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(AT_ONCE * 4);
        loop {
            match self.door.poll.poll(&mut events, self.timeout()) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    log::error!("cannot wait for connections any more: {error}");
                    return;
                }
            }
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            events.iter().for_each(|event| self.handle(event));
            if self.accept_at.is_some_and(|at| at <= Instant::now()) {
                self.accept();
            }
            while let Some(guest) = self.places.expire(Instant::now()) {
                self.warn(guest.remote, &HandshakeFailure::TimedOut);
            }
        }
    }

    fn timeout(&self) -> Option<Duration> {
        let next = [self.accept_at, self.places.first_end()].into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn handle(&mut self, event: &Event) {
        match event.token() {
            LISTENER => self.accept_at = Some(Instant::now()),
            STOP => {}
            Token(number) => self.proceed(number),
        }
    }

    /// Accepts some of the connections that wait.
    fn accept(&mut self) {
        for _ in 0..AT_ONCE {
            if let Some(at) = self.places.free_at().filter(|at| *at > Instant::now()) {
                self.accept_at = Some(at);
                return;
            }
            match self.door.listener.accept() {
                Ok((stream, remote)) => self.admit(stream, remote),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.accept_at = None;
                    return;
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    if let Some(left_out) = self.log_limits.admit("not accepted") {
                        log::error!("cannot accept connections for now: {error}{left_out}");
                    }
                    if self.places.shed().is_none() {
                        self.accept_at = Some(Instant::now() + PAUSE);
                        return;
                    }
                }
            }
        }
    }

    fn admit(&mut self, mut stream: TcpStream, remote: SocketAddr) {
        let token = Token(self.places.next());
        // Heartbeats and small messages must not wait for more to come.
        let prepared = stream.set_nodelay(true).and_then(|()| {
            self.door.poll.registry().register(&mut stream, token, Interest::READABLE)
        });
        if let Err(error) = prepared {
            return self.warn(remote, &HandshakeFailure::from(error));
        }
        let lost = self.places.take(Guest::new(stream, remote), remote.ip(), Instant::now());
        if let Some(lost) = lost
            && let Some(left_out) = self.log_limits.admit("given up")
        {
            log::warn!("closed a connection from {}: others took its place{left_out}", lost.remote);
        }
    }

    fn proceed(&mut self, number: usize) {
        let Some(guest) = self.places.holder(number) else { return };
        match guest.proceed(&self.security) {
            Ok(Progress::None) => {}
            Ok(Progress::Step) => {
                let stage = guest.stage();
                self.places.proceeds(number, stage, Instant::now());
            }
            Ok(Progress::Done(first)) => {
                if let Some(guest) = self.places.leave(number) {
                    self.receive(guest, first);
                }
            }
            Err(gone) => {
                let Some(guest) = self.places.leave(number) else { return };
                match gone {
                    Gone::Silent => log::debug!("{} connected and sent nothing", guest.remote),
                    Gone::Refused(why) => self.warn(guest.remote, &why),
                    Gone::Broken(why) => self.warn(guest.remote, &why),
                }
            }
        }
    }

    /// Gives the session and its first message to a thread of its own.
    fn receive(&self, mut guest: Guest, first: IridiumMessage) {
        let remote = guest.remote;
        let deregistered = self.door.poll.registry().deregister(&mut guest.stream);
        let session = match deregistered.and_then(|()| guest.into_session()) {
            Ok(session) => session,
            Err(error) => return self.warn(remote, &error),
        };
        let on_session = Arc::clone(&self.on_session);
        if let Err(error) = self.threads.run(move || on_session(session, remote, first)) {
            self.warn(remote, &format!("no thread for it: {error}"));
        }
    }

    fn warn(&self, remote: SocketAddr, why: &dyn std::fmt::Display) {
        if let Some(left_out) = self.log_limits.admit("refused") {
            log::warn!("refused a connection from {remote}: {why}{left_out}");
        }
    }
}

/// Whether an error of `accept` concerns only a connection that has ended already.
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Interrupted | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}
