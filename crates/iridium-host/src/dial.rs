//! Reaching a host that is allowed.

use tokio::net::TcpStream;
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
