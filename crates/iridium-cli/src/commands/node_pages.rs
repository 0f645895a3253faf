//! The pages of a node, for scrapers and probes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use iridium_host::{HttpLimits, Page, PageListener, PageServer};
use iridium_node::{Node, WeakNode};

use crate::args::ListenAt;
use crate::failure::Failure;
use crate::{config, io_error};

/// The content type of metrics.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";
/// Clients that are answered at a time.
const CLIENTS: usize = 256;

/// The pages of a node that is about to start: the socket comes first, since it is the likeliest to
/// fail.
pub(crate) struct Listening {
    listener: PageListener,
    addr: SocketAddr,
}

/// The pages of a node: `/metrics` is what it counts, `/live` tells that it runs, and `/ready` whether
/// it has work sent to it: it listens, has joined its seeds if it has any, and is not about to end.
pub(crate) struct NodePages {
    server: PageServer,
    is_ready: Arc<AtomicBool>,
}

impl NodePages {
    /// Listens at an address.
    pub(crate) fn listen(at: &ListenAt) -> Result<Listening, Failure> {
        let addr = config::listen_at(at)?;
        let listener = PageListener::bind(addr).map_err(|error| refused(addr, &error))?;
        Ok(Listening { listener, addr })
    }

    /// Where they are.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Whether work may be sent to the node.
    pub(crate) fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::SeqCst);
    }
}

impl Listening {
    /// Serves the pages of a node that runs.
    pub(crate) fn serve(self, node: &Node, is_ready: bool) -> Result<NodePages, Failure> {
        let ready = Arc::new(AtomicBool::new(is_ready));
        let (node, is_ready) = (node.downgrade(), Arc::clone(&ready));
        let page = move |path: &str| page(path, &node, &ready);
        let limits = HttpLimits { connections: CLIENTS, ..HttpLimits::default() };
        let server =
            self.listener.serve(limits, page).map_err(|error| refused(self.addr, &error))?;
        Ok(NodePages { server, is_ready })
    }
}

fn refused(addr: SocketAddr, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "it is in use by another process; choose another port with --metrics".into()
        }
        _ => io_error::describe(error),
    };
    Failure::failed(format!("cannot listen at {addr} for metrics: {why}"))
}

fn page(path: &str, node: &WeakNode, is_ready: &AtomicBool) -> Option<Page> {
    let plain = |status, text: &str| Page { status, content_type: PLAIN, text: text.to_owned() };
    Some(match path {
        "/metrics" => match node.upgrade() {
            Some(node) => Page { status: 200, content_type: METRICS, text: node.metrics() },
            None => plain(503, "the node is stopping\n"),
        },
        "/live" => plain(200, "the node runs\n"),
        "/ready" if is_ready.load(Ordering::SeqCst) => plain(200, "the node is ready\n"),
        "/ready" => plain(503, "the node has not joined yet, or is about to end\n"),
        _ => return None,
    })
}
