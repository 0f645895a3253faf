//! Reaching a host that is allowed, and listening at one.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::places::Places;
use crate::refusal::Refusal;
use crate::stream::Stream;
use crate::tls;

/// Connects to the first address of a host that answers. Each gets its part of the time.
pub(crate) async fn dial(
    allowed: &Places,
    host: &str,
    port: u16,
    deadline: Instant,
) -> Result<TcpStream, Refusal> {
    let found = timeout_at(deadline, allowed.addresses(host, port)).await;
    let addresses = found.map_err(|_| Refusal::TimedOut)??;
    let mut refused = Refusal::NoHost;
    let mut left = addresses.len() as u32;
    for address in addresses {
        let now = Instant::now();
        let until = now + deadline.saturating_duration_since(now) / left.max(1);
        left = left.saturating_sub(1);
        match timeout_at(until, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => refused = error.into(),
            Err(_) => refused = Refusal::TimedOut,
        }
    }
    Err(refused)
}

/// Listens at the first address of a host that the system lets it; so many connections wait at most
/// until they are accepted.
pub(crate) async fn bind(
    allowed: &Places,
    host: &str,
    port: u16,
    backlog: u32,
) -> Result<TcpListener, Refusal> {
    let mut refused = Refusal::NoHost;
    for address in allowed.addresses(host, port).await? {
        match listen(address, backlog) {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = error.into(),
        }
    }
    Err(refused)
}

fn listen(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

/// As [`dial`], with TLS, and one of these protocols above it: the host has a certificate for its name
/// that the system trusts.
pub(crate) async fn dial_tls(
    allowed: &Places,
    host: &str,
    port: u16,
    protocols: &'static [&'static [u8]],
    deadline: Instant,
) -> Result<Stream, Refusal> {
    let name = tls::name(host).map_err(|error| Refusal::Tls(error.to_string()))?;
    let stream = dial(allowed, host, port, deadline).await?;
    let config = spawn_blocking(|| tls::client(protocols)).await.map_err(|_| Refusal::Closed)?;
    let config = config.map_err(|error| Refusal::Tls(error.to_string()))?;
    let shaken = timeout_at(deadline, TlsConnector::from(config).connect(name, stream)).await;
    let stream = shaken.map_err(|_| Refusal::TimedOut)??;
    Ok(Stream::Tls(Box::new(stream.into())))
}
