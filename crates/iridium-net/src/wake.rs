//! Waking a thread that waits for connections.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Makes `accept` return for the thread that listens at `addr`, by connecting to it, so that it can
/// find out that it is to stop. Waits for 1 s at most. If nobody listens there, nothing happens.
pub fn wake_listener(mut addr: SocketAddr) {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    // If it cannot be reached, it has ended already.
    let _ = TcpStream::connect_timeout(&addr, Duration::from_secs(1));
}
