//! Connections to servers, which are kept for a while when they were answered: whoever asks the same
//! server next need not connect again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use crate::stream::Stream;

/// How long a connection is kept that nobody uses. Servers keep theirs for 5 s and more, so that hardly
/// ever a request meets one that is just being closed.
const IDLE: Duration = Duration::from_secs(4);
/// Connections that are kept, of all servers. With more the oldest is closed.
const MAX_IDLE: usize = 64;
/// The longest head of an answer, in bytes.
pub(crate) const MAX_HEAD: usize = 65_536;

/// Whom a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// In lower case.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_secure: bool,
}

/// A connection. It is closed when this is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// What drives it, and what ends it when nobody uses it.
    tasks: JoinSet<()>,
}

/// Connections that are kept, the oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    all: VecDeque<Idle>,
}

#[derive(Debug)]
struct Idle {
    number: u64,
    to: Origin,
    connection: Connection,
    /// What ends it.
    expiry: AbortHandle,
}

impl Connection {
    pub(crate) async fn begin(stream: Stream) -> hyper::Result<Self> {
        let mut http = http1::Builder::new();
        http.max_buf_size(MAX_HEAD);
        let (sender, driven) = http.handshake(TokioIo::new(stream)).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // Whoever waits for an answer is told.
            let _ = driven.await;
        });
        Ok(Self { sender, tasks })
    }

    /// Waits until it is free to be asked something, which is when the answer before was read.
    pub(crate) async fn ready(&mut self) -> hyper::Result<()> {
        self.sender.ready().await
    }

    pub(crate) async fn ask(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        self.sender.send_request(request).await
    }
}

impl Pool {
    /// A connection that leads there, the last one that was used.
    pub(crate) fn take(&self, to: &Origin) -> Option<Connection> {
        let mut kept = self.lock();
        kept.all.retain(|idle| !idle.connection.sender.is_closed());
        let found = kept.all.iter().rposition(|idle| idle.to == *to)?;
        let idle = kept.all.remove(found)?;
        idle.expiry.abort();
        Some(idle.connection)
    }

    /// Keeps a connection whose last answer was read to its end.
    pub(crate) fn put(&self, to: Origin, mut connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        let mut kept = self.lock();
        kept.last += 1;
        let (number, all) = (kept.last, Arc::downgrade(&self.0));
        let expiry = connection.tasks.spawn(async move {
            sleep(IDLE).await;
            if let Some(all) = all.upgrade() {
                Self(all).remove(number);
            }
        });
        kept.all.push_back(Idle { number, to, connection, expiry });
        let oldest = if kept.all.len() > MAX_IDLE { kept.all.pop_front() } else { None };
        drop(kept);
        drop(oldest);
    }

    fn remove(&self, number: u64) {
        let mut kept = self.lock();
        let found = kept.all.iter().position(|idle| idle.number == number);
        let idle = found.and_then(|found| kept.all.remove(found));
        drop(kept);
        drop(idle);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
