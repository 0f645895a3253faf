//! Waking a thread that waits for many sockets at once, for one of the links that it carries.

use std::io;
use std::sync::{Arc, Mutex};

use mio::{Registry, Token, Waker};

use crate::ids::ConnId;
use crate::threads::lock;

/// The links that a thread is to look at although their sockets are as they were, and what wakes it.
#[derive(Debug)]
pub(crate) struct Bells {
    rung: Mutex<Vec<ConnId>>,
    waker: Waker,
}

impl Bells {
    /// For the thread that waits at this registry; it is woken with that token.
    ///
    /// # Errors
    /// The system has no room for it.
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        Ok(Self { rung: Mutex::default(), waker: Waker::new(registry, token)? })
    }

    /// The bell of one link.
    pub(crate) fn bell(self: &Arc<Self>, conn: ConnId) -> Bell {
        Bell { bells: Arc::clone(self), conn }
    }

    /// The links whose bells were rung since the last call.
    pub(crate) fn take(&self) -> Vec<ConnId> {
        std::mem::take(&mut lock(&self.rung))
    }

    /// Wakes the thread.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            log::error!("cannot wake the thread that waits for many links: {error}");
        }
    }
}

/// Wakes the thread that carries a link.
#[derive(Debug)]
pub(crate) struct Bell {
    bells: Arc<Bells>,
    conn: ConnId,
}

impl Bell {
    pub(crate) fn ring(&self) {
        let mut rung = lock(&self.bells.rung);
        rung.push(self.conn);
        let first = rung.len() == 1;
        drop(rung);
        // Otherwise it is awake, or about to be.
        if first {
            self.bells.wake();
        }
    }
}
