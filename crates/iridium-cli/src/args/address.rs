//! Addresses on the command line.

use std::str::FromStr;

use iridium_net::{EndpointError, Host};
use iridium_proto::NodePort;

/// `HOST` or `HOST:PORT`; without a port it is the one that the node listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advertise {
    pub(crate) host: Host,
    pub(crate) port: Option<NodePort>,
}

impl FromStr for Advertise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = parse(text)?;
        let port = port.map(NodePort::new).transpose().map_err(|error| error.to_string())?;
        Ok(Self { host, port })
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
        let (host, port) = parse(text)?;
        let port = port.ok_or_else(|| {
            format!("{text:?} is not HOST:PORT, for example 127.0.0.1:9100 or [::1]:9100")
        })?;
        Ok(Self { host, port })
    }
}

fn parse(text: &str) -> Result<(Host, Option<u16>), String> {
    Host::parse_with_port(text).map_err(|error: EndpointError| error.to_string())
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
            ("fe80::1%eth0", "fe80::1%eth0", None),
            ("[fe80::1%eth0]:2300", "fe80::1%eth0", Some(2300)),
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
        for (text, host, port) in [
            ("127.0.0.1:0", "127.0.0.1", 0),
            ("[::1]:9100", "::1", 9100),
            ("[fe80::1%lo]:9100", "fe80::1%lo", 9100),
            ("db:80", "db", 80),
        ] {
            let parsed: ListenAt = text.parse().unwrap();
            assert_eq!((parsed.host.to_string().as_str(), parsed.port), (host, port));
        }
        for text in ["", "9100", ":9100", "host", "host:", "host:70000", "a b:1"] {
            assert!(text.parse::<ListenAt>().is_err(), "{text}");
        }
    }
}
