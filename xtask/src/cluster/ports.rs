//! Ports that nobody uses.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, Result};

/// The first of `n` consecutive ports that nobody listens on now.
pub(crate) fn free_ports(n: u16) -> Result<u16> {
    // Below the range that systems use for outgoing connections. The offset depends on the
    // process, so that simultaneous runs rarely collide.
    let offset = u16::try_from(std::process::id() % 1000).unwrap_or(0);
    (0..100)
        .map(|i| 20_000 + (offset + i * 10) % 10_000)
        .find(|&base| (base..base + n).all(is_free))
        .context("found no free ports from 20000 to 30000")
}

/// Whether nobody listens there now.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}
