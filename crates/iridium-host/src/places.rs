//! Hosts and ports that are allowed, and names of hosts as addresses.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock};

use crate::outside::LOOKUPS;
use crate::refusal::Refusal;
use crate::waiting_work::WaitingWork;

/// Names that are looked up: at a time as many as there are threads for that.
static LOOKED_UP: LazyLock<WaitingWork> = LazyLock::new(|| WaitingWork::new(LOOKUPS));

/// Hosts and ports that may be reached, or listened at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(Arc<[Place]>);

/// A host with one or all of its ports.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    host: Host,
    /// `None`: all.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Any,
    Address(IpAddr),
    /// In lower case, without a dot at the end.
    Name(String),
}

impl Places {
    /// Everywhere.
    pub(crate) fn all() -> Self {
        Self([Place { host: Host::Any, port: None }].into())
    }

    /// Allows `HOST`, `HOST:PORT`, `*` or `*:PORT`; an IPv6 address with a port is in brackets.
    /// Returns why the text is no such thing.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), &'static str> {
        let place = Place::read(text)?;
        self.0 = self.0.iter().cloned().chain([place]).collect();
        Ok(())
    }

    /// The addresses of a host that are allowed. What is to be reached is one of these, and not the
    /// host by its name again, which might lead elsewhere then.
    ///
    /// An allowed name allows all addresses that it has when it is asked for by itself. As a number, or
    /// as `localhost`, an address is allowed if it is an allowed one or one of an allowed name's now.
    pub(crate) async fn addresses(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, Refusal> {
        let places: Vec<&Place> = self.0.iter().filter(|place| place.has_port(port)).collect();
        if places.is_empty() {
            return Err(Refusal::NotAllowed);
        }
        let host = Host::read(host).ok_or(Refusal::Invalid)?;
        let is_named = places.iter().any(|place| place.host == Host::Any || place.host == host);
        // To look up a name tells others of it, so that is done of allowed names only.
        if !is_named && matches!(&host, Host::Name(name) if name != "localhost") {
            return Err(Refusal::NotAllowed);
        }
        let found = host.addresses().await?;
        if is_named {
            return Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect());
        }
        let mut allowed = BTreeSet::new();
        for place in places {
            // An allowed name that is not known allows nothing.
            allowed.extend(place.host.addresses().await.unwrap_or_default());
        }
        let found = found.into_iter().filter(|ip| allowed.contains(ip));
        let found: Vec<_> = found.map(|ip| SocketAddr::new(ip, port)).collect();
        if found.is_empty() { Err(Refusal::NotAllowed) } else { Ok(found) }
    }
}

impl Place {
    fn read(text: &str) -> Result<Self, &'static str> {
        let (host, port) = split(text).ok_or("it is no HOST:PORT")?;
        let port = match port {
            None => None,
            Some(port) => Some(port.parse().map_err(|_| "its port is no number up to 65535")?),
        };
        let host = if host == "*" { Some(Host::Any) } else { Host::read(host) };
        Ok(Self { host: host.ok_or("it names no host")?, port })
    }

    fn has_port(&self, port: u16) -> bool {
        self.port.is_none_or(|own| own == port)
    }
}

impl Host {
    /// A name or an address; `None` when no host can have that name.
    fn read(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_name = !name.is_empty()
            && name.len() <= 253
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        is_name.then(|| Self::Name(name.to_ascii_lowercase()))
    }

    /// Its addresses, without those that stand for another kind. Each once, in the order in which they
    /// are to be tried.
    async fn addresses(&self) -> Result<Vec<IpAddr>, Refusal> {
        let name = match self {
            Self::Any => return Ok(Vec::new()),
            Self::Address(address) => return Ok(vec![*address]),
            Self::Name(name) => name.clone(),
        };
        let looked_up = LOOKED_UP.run(move || (name.as_str(), 0).to_socket_addrs()).await;
        let found = looked_up.ok().and_then(Result::ok).ok_or(Refusal::NoHost)?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found.map(|address| address.ip().to_canonical()) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() { Err(Refusal::NoHost) } else { Ok(addresses) }
    }
}

/// A host and, behind a colon, a port. An IPv6 address without brackets is a host alone.
pub(crate) fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

/// The port, of a text that has nothing else: `8080` or `:8080`. A host of digits alone is none.
pub(crate) fn port_alone(text: &str) -> Option<u16> {
    text.strip_prefix(':').unwrap_or(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::runtime::Builder;
    use tokio::time::timeout;

    use super::*;

    fn places(grants: &[&str]) -> Places {
        let mut places = Places::default();
        grants.iter().for_each(|grant| places.add(grant).unwrap());
        places
    }

    fn reach(grants: &[&str], host: &str, port: u16) -> Result<Vec<String>, i64> {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let found = runtime.block_on(places(grants).addresses(host, port));
        let found = found.map_err(|refusal| refusal.code())?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let one = Ok(vec!["127.0.0.1:80".to_owned()]);
        for host in ["127.0.0.1", "::ffff:127.0.0.1", "[::ffff:7f00:1]", "::FFFF:127.0.0.1"] {
            assert_eq!(reach(&["127.0.0.1:80"], host, 80), one, "{host}");
            assert_eq!(reach(&[&format!("[{}]:80", host.trim_matches(['[', ']']))], host, 80), one);
        }
        // An allowed name allows its addresses.
        assert_eq!(reach(&["localhost"], "127.0.0.1", 80), one);
        assert_eq!(reach(&["127.0.0.1"], "localhost", 80), one);
        assert!(reach(&["LOCALHOST:80"], "localhost.", 80).is_ok());
    }

    #[test]
    fn what_is_not_allowed_is_refused() {
        for (grants, host, port) in [
            (&["127.0.0.1:80"][..], "127.0.0.1", 81),
            (&["127.0.0.1:80"], "127.0.0.2", 80),
            (&["127.0.0.1:80"], "0.0.0.0", 80),
            (&["127.0.0.1:80"], "::1", 80),
            (&["127.0.0.1"], "::127.0.0.1", 80),
            (&["10.0.0.1", "[::1]:80"], "::1", 81),
            // Nobody is asked what these are.
            (&["127.0.0.1"], "localhost.example", 80),
            (&["example.org"], "www.example.org", 80),
            (&[], "127.0.0.1", 80),
        ] {
            assert_eq!(reach(grants, host, port), Err(-1), "{host}:{port} with {grants:?}");
        }
        for host in ["", "a b", "a/b", "2130706433 ", "user@host", "h\u{e9}te"] {
            assert_eq!(reach(&["*"], host, 80), Err(-8), "{host}");
        }
        assert!(reach(&["*:80"], "127.0.0.1", 80).is_ok());
        assert_eq!(reach(&["*:80"], "127.0.0.1", 81), Err(-1));
    }

    #[test]
    fn who_gives_up_before_its_turn_leaves_nothing_to_be_looked_up() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let places = places(&["localhost"]);
        runtime.block_on(async {
            let all = LOOKED_UP.occupy(LOOKUPS).await;
            let waiting = places.addresses("localhost", 80);
            assert!(timeout(Duration::from_millis(100), waiting).await.is_err());
            drop(all);
            assert!(places.addresses("localhost", 80).await.is_ok());
        });
    }

    #[test]
    fn a_grant_that_is_none_is_refused() {
        for (grant, why) in [
            ("[::1", "it is no HOST:PORT"),
            ("[::1]x", "it is no HOST:PORT"),
            ("host:", "its port is no number up to 65535"),
            ("host:65536", "its port is no number up to 65535"),
            (":80", "it names no host"),
            ("http://host/", "its port is no number up to 65535"),
            ("a b", "it names no host"),
        ] {
            assert_eq!(Places::default().add(grant), Err(why), "{grant}");
        }
    }
}
