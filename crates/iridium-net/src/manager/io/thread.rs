//! A thread that waits for the sockets of many links, and gives one half of each its turn when there
//! is something to do. A turn is short, and who has more to do has another after all others.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Registry, Token};

use crate::bell::{Bell, Bells};
use crate::ids::ConnId;
use crate::threads::{Threads, lock};

/// The token of the bells. The numbers of connections, which are the other tokens, begin with 1.
const BELLS: Token = Token(0);
/// Sockets that are reported at a time.
const EVENTS: usize = 256;

/// A half of a link, on a socket that does not block.
pub(super) trait Half: Send + 'static {
    /// What the thread lends to each half in its turn.
    type Scratch: Default + Send;

    /// Does what there is to do, up to some bound, and never waits. Called first when the half has
    /// been added, and then whenever its socket may be ready, its bell has rung, or the time has come
    /// that it has named. An error is the reason why it has ended.
    fn turn(&mut self, socket: Socket<'_>, scratch: &mut Self::Scratch) -> Result<Next, String>;

    /// Its socket is not waited for any more.
    fn close(&mut self, registry: &Registry);

    /// The half has ended.
    fn end(self, why: String);
}

/// Where a half has its socket waited for.
#[derive(Clone, Copy)]
pub(super) struct Socket<'a> {
    pub(super) registry: &'a Registry,
    pub(super) token: Token,
}

/// When a half has its next turn.
pub(super) enum Next {
    /// As soon as others had theirs.
    Soon,
    /// When something has happened, or the time has come.
    Later(Option<Instant>),
}

/// The handle of the thread. It ends when this is dropped and all halves have ended.
pub(super) struct IoThread<H> {
    inbox: Arc<Inbox<H>>,
}

/// What has not come to the thread yet.
struct Inbox<H> {
    bells: Arc<Bells>,
    arrivals: Mutex<Arrivals<H>>,
}

struct Arrivals<H> {
    halves: Vec<(ConnId, H)>,
    /// No more will come, or none is taken in any more.
    closed: bool,
}

impl<H: Half> IoThread<H> {
    /// # Errors
    /// The system has no room for it.
    pub(super) fn start(name: &str, threads: &Threads) -> io::Result<Self> {
        let poll = Poll::new()?;
        let bells = Arc::new(Bells::new(poll.registry(), BELLS)?);
        let arrivals = Mutex::new(Arrivals { halves: Vec::new(), closed: false });
        let inbox = Arc::new(Inbox { bells, arrivals });
        let carrier = Carrier {
            poll,
            inbox: Arc::clone(&inbox),
            carried: HashMap::new(),
            ready: Vec::new(),
            times: BTreeSet::new(),
            scratch: H::Scratch::default(),
        };
        threads.spawn(name, move || carrier.run())?;
        Ok(Self { inbox })
    }

    /// The bell that gives the half of that connection a turn.
    pub(super) fn bell(&self, conn: ConnId) -> Bell {
        self.inbox.bells.bell(conn)
    }

    /// Gives the thread another half.
    pub(super) fn add(&self, conn: ConnId, half: H) {
        let mut arrivals = lock(&self.inbox.arrivals);
        if arrivals.closed {
            drop(arrivals);
            return half.end("nobody carries it".into());
        }
        arrivals.halves.push((conn, half));
        drop(arrivals);
        self.inbox.bells.wake();
    }
}

impl<H> Drop for IoThread<H> {
    fn drop(&mut self) {
        lock(&self.inbox.arrivals).closed = true;
        self.inbox.bells.wake();
    }
}

/// What the thread has.
struct Carrier<H: Half> {
    poll: Poll,
    inbox: Arc<Inbox<H>>,
    carried: HashMap<ConnId, Carried<H>>,
    /// Those that have a turn next.
    ready: Vec<ConnId>,
    /// Those that have a turn when their time has come.
    times: BTreeSet<(Instant, ConnId)>,
    scratch: H::Scratch,
}

struct Carried<H> {
    half: H,
    /// Whether it is among the ready.
    ready: bool,
    time: Option<Instant>,
}

impl<H: Half> Carrier<H> {
    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        while self.take_arrivals() {
            match self.poll.poll(&mut events, self.timeout()) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    log::error!("cannot wait for links any more, so all of them end: {error}");
                    return self.end_all(&error);
                }
            }
            for event in events.iter().filter(|event| event.token() != BELLS) {
                self.make_ready(ConnId(event.token().0 as u64));
            }
            for conn in self.inbox.bells.take() {
                self.make_ready(conn);
            }
            self.make_due_ready();
            for conn in std::mem::take(&mut self.ready) {
                self.give_turn(conn);
            }
        }
    }

    /// Takes in the halves that are new. Returns whether there is anything to carry, now or later.
    fn take_arrivals(&mut self) -> bool {
        let mut arrivals = lock(&self.inbox.arrivals);
        let closed = arrivals.closed;
        let halves = std::mem::take(&mut arrivals.halves);
        drop(arrivals);
        for (conn, half) in halves {
            self.carried.insert(conn, Carried { half, ready: true, time: None });
            self.ready.push(conn);
        }
        !(closed && self.carried.is_empty())
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let (first, _) = self.times.first()?;
        Some(first.saturating_duration_since(Instant::now()))
    }

    fn make_ready(&mut self, conn: ConnId) {
        // It may have ended already.
        if let Some(carried) = self.carried.get_mut(&conn)
            && !std::mem::replace(&mut carried.ready, true)
        {
            self.ready.push(conn);
        }
    }

    fn make_due_ready(&mut self) {
        if self.times.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some((time, conn)) = self.times.first().copied()
            && time <= now
        {
            self.times.pop_first();
            self.make_ready(conn);
        }
    }

    fn give_turn(&mut self, conn: ConnId) {
        let Some(carried) = self.carried.get_mut(&conn) else { return };
        carried.ready = false;
        if let Some(time) = carried.time.take() {
            self.times.remove(&(time, conn));
        }
        let socket = Socket { registry: self.poll.registry(), token: Token(conn.0 as usize) };
        let turn = || carried.half.turn(socket, &mut self.scratch);
        // The application is called in it. Its mistake must not end all links.
        let next = catch_unwind(AssertUnwindSafe(turn));
        match next.unwrap_or_else(|_| Err("the application has panicked".into())) {
            Ok(Next::Soon) => self.make_ready(conn),
            Ok(Next::Later(time)) => {
                carried.time = time;
                self.times.extend(time.map(|time| (time, conn)));
            }
            Err(why) => self.end(conn, why),
        }
    }

    fn end(&mut self, conn: ConnId, why: String) {
        if let Some(mut carried) = self.carried.remove(&conn) {
            carried.half.close(self.poll.registry());
            carried.half.end(why);
        }
    }

    fn end_all(mut self, error: &io::Error) {
        lock(&self.inbox.arrivals).closed = true;
        self.take_arrivals();
        for conn in self.carried.keys().copied().collect::<Vec<_>>() {
            self.end(conn, error.to_string());
        }
    }
}
