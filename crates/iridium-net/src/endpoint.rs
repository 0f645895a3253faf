//! Where to dial: an address, or a name that is looked up at each dial.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use iridium_proto::DEFAULT_PORT;
use thiserror::Error;

use crate::cause::Cause;
use crate::resolve;

/// Longest name of a host, in bytes, as in the system of domain names.
const MAX_NAME: usize = 253;

/// An address to dial, written `HOST:PORT`, `HOST`, `IP:PORT` or `[IPV6]:PORT`. Without a port it
/// is [`DEFAULT_PORT`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// An address.
    Addr(SocketAddr),
    /// A host name, or a link-local IPv6 address with its zone, and a port.
    Name {
        /// The name, looked up at each dial.
        host: String,
        /// The port.
        port: u16,
    },
}

/// A machine, by its address or by a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An address.
    Ip(IpAddr),
    /// A host name; or a link-local IPv6 address with the zone that it is in, `fe80::1%eth0`: what
    /// a zone is called is known to the system alone, as what a name stands for.
    Name(String),
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is no address: {why}")]
pub struct EndpointError {
    text: String,
    why: &'static str,
}

impl Endpoint {
    /// The addresses behind it: at least one, and at most 16 of a name. Blocks for `timeout` at
    /// most.
    ///
    /// # Errors
    /// When the name cannot be looked up in time or has no address.
    pub fn resolve(&self, timeout: Duration) -> Result<Vec<SocketAddr>, Cause> {
        let addrs = match self {
            Self::Addr(addr) => vec![*addr],
            Self::Name { host, port } => resolve::look_up_within(host, *port, timeout)?,
        };
        if addrs.is_empty() { Err("the name has no address".into()) } else { Ok(addrs) }
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
        match Host::parse_with_port(text)? {
            (_, Some(0)) => Err(bad(text, "nobody can be dialled at port 0")),
            (host, port) => Ok(host.with_port(port.unwrap_or(DEFAULT_PORT))),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => addr.fmt(f),
            Self::Name { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

impl Host {
    /// Reads `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`. The colons of an IPv6 address without
    /// brackets all belong to it.
    ///
    /// # Errors
    /// When the text is none of these.
    pub fn parse_with_port(text: &str) -> Result<(Self, Option<u16>), EndpointError> {
        parse(text).map_err(|why| bad(text, why))
    }

    /// The host and a port.
    #[must_use]
    pub fn with_port(self, port: u16) -> Endpoint {
        match self {
            Self::Ip(ip) => Endpoint::Addr(SocketAddr::new(ip, port)),
            Self::Name(host) => Endpoint::Name { host, port },
        }
    }
}

/// Without a port.
impl FromStr for Host {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        match Self::parse_with_port(text)? {
            (host, None) => Ok(host),
            (_, Some(_)) => Err(bad(text, "a host is wanted here, without a port")),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

fn bad(text: &str, why: &'static str) -> EndpointError {
    EndpointError { text: text.to_string(), why }
}

fn parse(text: &str) -> Result<(Host, Option<u16>), &'static str> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, behind) = rest.split_once(']').ok_or("there is a [ without its ]")?;
        let host = ipv6(inside).ok_or("between [ and ] stands an IPv6 address")??;
        return match behind.strip_prefix(':') {
            Some(digits) => Ok((host, Some(port(digits)?))),
            None if behind.is_empty() => Ok((host, None)),
            None => Err("after ] comes nothing, or a colon and a port"),
        };
    }
    if let Some(host) = ipv6(text) {
        return Ok((host?, None));
    }
    if text.matches(':').count() > 1 {
        return Err("it is neither HOST:PORT nor an IPv6 address, \
                    which stands in [ and ] if a port follows");
    }
    match text.split_once(':') {
        Some((host, digits)) => Ok((named(host)?, Some(port(digits)?))),
        None => Ok((named(text)?, None)),
    }
}

/// An IPv6 address, if it is one but for its zone perhaps. A zone says something only of a
/// link-local address; any other is the same in all.
fn ipv6(text: &str) -> Option<Result<Host, &'static str>> {
    let Some((ip, zone)) = text.split_once('%') else {
        return text.parse::<Ipv6Addr>().ok().map(|ip| Ok(Host::Ip(ip.into())));
    };
    let ip: Ipv6Addr = ip.parse().ok()?;
    Some(if zone.is_empty() || !zone.chars().all(is_allowed) {
        Err("after % comes a zone: the name or number of a network interface")
    } else if ip.is_unicast_link_local() {
        Ok(Host::Name(text.to_string()))
    } else {
        Ok(Host::Ip(ip.into()))
    })
}

fn named(text: &str) -> Result<Host, &'static str> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(Host::Ip(ip));
    }
    match text {
        "" => Err("there is no host"),
        _ if text.contains('%') => Err("only an IPv6 address has a zone"),
        _ if text.len() > MAX_NAME => Err("a host name has 253 bytes at most"),
        _ if !text.chars().all(is_allowed) => {
            Err("a host name has only the characters A-Z a-z 0-9 . - _")
        }
        _ => Ok(Host::Name(text.to_string())),
    }
}

fn port(digits: &str) -> Result<u16, &'static str> {
    // Only digits: `parse` takes a sign as well.
    match digits.parse() {
        Ok(port) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        _ => Err("after the colon comes a port, a number up to 65535"),
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')
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
            ("::ffff:127.0.0.1", "[::ffff:127.0.0.1]:2254"),
            ("db.example:80", "db.example:80"),
            ("db", "db:2254"),
            ("fe80::1%eth0", "[fe80::1%eth0]:2254"),
            ("[fe80::1%eth0]", "[fe80::1%eth0]:2254"),
            ("[fe80::1%eth0]:9", "[fe80::1%eth0]:9"),
            ("[fe80::1%3]:9", "[fe80::1%3]:9"),
            ("[::1%lo]:9", "[::1]:9"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), shown, "{text}");
            assert_eq!(shown.parse(), Ok(endpoint), "what is shown can be typed");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_told_apart() {
        let long = "x".repeat(254);
        for (text, why) in [
            ("", "there is no host"),
            (":80", "there is no host"),
            ("a:b", "a port, a number up to 65535"),
            ("a:", "a port"),
            ("a:70000", "a port"),
            ("a:+80", "a port"),
            ("[::1]:", "a port"),
            ("a:0", "port 0"),
            ("127.0.0.1:0", "port 0"),
            ("a b", "only the characters"),
            ("\u{1b}[31m", "only the characters"),
            ("http://x:80", "neither HOST:PORT nor an IPv6 address"),
            ("1::2::3", "neither HOST:PORT nor an IPv6 address"),
            ("[::1", "a [ without its ]"),
            ("[::1]9", "after ] comes nothing"),
            ("[db]:80", "an IPv6 address"),
            ("[127.0.0.1]:80", "an IPv6 address"),
            ("fe80::1%", "after % comes a zone"),
            ("[fe80::1%]:80", "after % comes a zone"),
            ("fe80::1%eth0:80", "after % comes a zone"),
            ("10.0.0.1%eth0", "only an IPv6 address has a zone"),
            ("db%eth0:80", "only an IPv6 address has a zone"),
            (&long, "253 bytes"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(why), "{text:?}: {error}");
            assert!(!error.contains(char::is_control), "{error:?}");
        }
        assert!("db:80".parse::<Host>().is_err());
    }

    #[test]
    fn a_zone_is_looked_up_in_this_machine() {
        let endpoint: Endpoint = "[fe80::1%1]:9".parse().unwrap();
        let addrs = endpoint.resolve(Duration::from_secs(20)).unwrap();
        assert_eq!(addrs, ["[fe80::1%1]:9".parse().unwrap()]);
        let nowhere: Endpoint = "fe80::1%nowhere".parse().unwrap();
        let error = nowhere.resolve(Duration::from_secs(20)).unwrap_err();
        assert_eq!(error.to_string(), "this machine has no network interface nowhere");
    }
}
