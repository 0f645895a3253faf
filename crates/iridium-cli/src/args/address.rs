//! Addresses on the command line.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use iridium_proto::NodePort;

/// An IP address, or a host name that is looked up once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    Ip(IpAddr),
    Name(String),
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse() {
            return Ok(Self::Ip(ip));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if text.is_empty() || !text.chars().all(allowed) {
            return Err(format!("{text:?} is neither an address nor a host name"));
        }
        Ok(Self::Name(text.to_string()))
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

/// `HOST` or `HOST:PORT`; without a port it is the one that the node listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advertise {
    pub(crate) host: Host,
    pub(crate) port: Option<NodePort>,
}

impl FromStr for Advertise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The colons of a bare IPv6 address belong to the host; otherwise the port follows the
        // last one.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if text.parse::<IpAddr>().is_err() && !text.ends_with(']') => {
                (host, Some(port))
            }
            _ => (text, None),
        };
        let host: Host = host.parse()?;
        let Some(port) = port else { return Ok(Self { host, port: None }) };
        let number = port.parse().map_err(|_| format!("{port:?} is not a port"))?;
        let port = NodePort::new(number).map_err(|error| error.to_string())?;
        Ok(Self { host, port: Some(port) })
    }
}

/// `HOST:PORT` to listen at; port 0 takes any free one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenAt {
    pub(crate) host: Host,
    pub(crate) port: u16,
}

impl FromStr for ListenAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is not HOST:PORT, for example 127.0.0.1:9100");
        let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
        Ok(Self { host: host.parse().map_err(|_| bad())?, port: port.parse().map_err(|_| bad())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advertised_address_may_have_a_port() {
        for (text, host, port) in [
            ("192.0.2.7", "192.0.2.7", None),
            ("192.0.2.7:2300", "192.0.2.7", Some(2300)),
            ("fe80::1", "fe80::1", None),
            ("[fe80::1]", "fe80::1", None),
            ("[fe80::1]:2300", "fe80::1", Some(2300)),
            ("db.example", "db.example", None),
            ("db.example:80", "db.example", Some(80)),
        ] {
            let parsed: Advertise = text.parse().unwrap();
            assert_eq!(parsed.host.to_string(), host, "{text}");
            assert_eq!(parsed.port.map(NodePort::number), port, "{text}");
        }
        for text in ["", ":80", "host:", "host:0", "host:70000", "two words", "http://x"] {
            assert!(text.parse::<Advertise>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_to_listen_at_has_a_host_and_a_port() {
        for (text, host, port) in
            [("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:9100", "::1", 9100), ("db:80", "db", 80)]
        {
            let parsed: ListenAt = text.parse().unwrap();
            assert_eq!((parsed.host.to_string().as_str(), parsed.port), (host, port));
        }
        for text in ["", "9100", ":9100", "host", "host:", "host:70000", "a b:1"] {
            assert!(text.parse::<ListenAt>().is_err(), "{text}");
        }
    }
}
