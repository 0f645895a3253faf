//! Where to dial: an address, or a name that is looked up at each dial.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

use thiserror::Error;

use iridium_proto::DEFAULT_PORT;

/// An address to dial, written `HOST:PORT`, `HOST`, `IP:PORT` or `[IPV6]:PORT`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// An address.
    Addr(SocketAddr),
    /// A host name and a port.
    Name {
        /// The name, looked up at each dial.
        host: String,
        /// The port.
        port: u16,
    },
}

/// Why a text is not an [`Endpoint`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not HOST:PORT, for example 192.0.2.7:2254")]
pub struct EndpointError(pub String);

impl Endpoint {
    /// The addresses behind it, of which there is at least one.
    ///
    /// # Errors
    /// When the name cannot be looked up or has no address.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let addrs: Vec<SocketAddr> = match self {
            Self::Addr(addr) => vec![*addr],
            Self::Name { host, port } => (host.as_str(), *port).to_socket_addrs()?.collect(),
        };
        if addrs.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(addrs)
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(addr: SocketAddr) -> Self {
        Self::Addr(addr)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let bad = || EndpointError(text.to_string());
        if let Ok(addr) = text.parse::<SocketAddr>() {
            return if addr.port() == 0 { Err(bad()) } else { Ok(Self::Addr(addr)) };
        }
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self::Addr(SocketAddr::new(ip, DEFAULT_PORT)));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| bad())?),
            None => (text, DEFAULT_PORT),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if host.is_empty() || port == 0 || !host.chars().all(allowed) {
            return Err(bad());
        }
        Ok(Self::Name { host: host.to_string(), port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => addr.fmt(f),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_people_write_them() {
        for (text, shown) in [
            ("127.0.0.1:2255", "127.0.0.1:2255"),
            ("127.0.0.1", "127.0.0.1:2254"),
            ("[::1]:9", "[::1]:9"),
            ("::1", "[::1]:2254"),
            ("[::1]", "[::1]:2254"),
            ("db.example:80", "db.example:80"),
            ("db", "db:2254"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), shown, "{text}");
        }
        for text in ["", ":80", "a:b", "a:0", "127.0.0.1:0", "a:70000", "a b", "http://x:80"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
