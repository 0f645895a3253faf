//! Names and addresses of nodes. Each type can only hold a valid value, also
//! when it comes from the wire.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The port a node listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 2254;

/// Why a name, port or number of a node was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// The alias is empty or longer than [`NodeAlias::MAX_LEN`].
    #[error("an alias has 1 to 64 characters; this one has {0}")]
    AliasLength(usize),
    /// The alias has a character outside `A-Za-z0-9_.-`.
    #[error("an alias has only the characters A-Z a-z 0-9 _ . -, not {0:?}")]
    AliasCharacter(char),
    /// `.` and `..` would leave the data directory when used as a folder name.
    #[error("an alias cannot be {0:?}")]
    AliasReserved(&'static str),
    /// A port that nobody can dial.
    #[error("port 0 cannot be dialled")]
    PortZero,
    /// A node number outside 1 to 2^23 - 1.
    #[error("a node number is from 1 to {max}, not {0}", max = NodeNumber::MAX)]
    Number(u32),
}

/// The name an operator gives a node: 1 to 64 of `A-Za-z0-9_.-`, unique among
/// the live nodes of a cluster. It is also the name of the node's folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeAlias(String);

impl NodeAlias {
    /// Longest alias, in bytes (which are characters, since all are ASCII).
    pub const MAX_LEN: usize = 64;

    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`NameError`] when the length or a character is not allowed.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if let Some(bad) = name.chars().find(|&c| !allowed(c)) {
            return Err(NameError::AliasCharacter(bad));
        }
        if name.is_empty() || name.len() > Self::MAX_LEN {
            return Err(NameError::AliasLength(name.len()));
        }
        match name.as_str() {
            "." => Err(NameError::AliasReserved(".")),
            ".." => Err(NameError::AliasReserved("..")),
            _ => Ok(Self(name)),
        }
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NodeAlias {
    type Error = NameError;
    fn try_from(name: String) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl From<NodeAlias> for String {
    fn from(alias: NodeAlias) -> Self {
        alias.0
    }
}

impl FromStr for NodeAlias {
    type Err = NameError;
    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl fmt::Display for NodeAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The address under which other nodes dial a node. The unspecified address
/// (`0.0.0.0` or `::`) in an introduction stands for the one that the receiver sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeIp(pub IpAddr);

impl NodeIp {
    /// Whether the receiver is to fill in the address that it sees.
    #[must_use]
    pub fn is_unspecified(self) -> bool {
        self.0.is_unspecified()
    }
}

impl fmt::Display for NodeIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The port on which a node listens; never the ephemeral port of a connection,
/// and never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct NodePort(u16);

impl NodePort {
    /// Checks and takes a port.
    ///
    /// # Errors
    /// [`NameError::PortZero`].
    pub fn new(port: u16) -> Result<Self, NameError> {
        if port == 0 { Err(NameError::PortZero) } else { Ok(Self(port)) }
    }

    /// The port number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for NodePort {
    type Error = NameError;
    fn try_from(port: u16) -> Result<Self, NameError> {
        Self::new(port)
    }
}

impl From<NodePort> for u16 {
    fn from(port: NodePort) -> Self {
        port.0
    }
}

impl fmt::Display for NodePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What others need to find a node: its name, and the address it listens on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeInfo {
    /// The operator's name for the node.
    pub alias: NodeAlias,
    /// The address at which others dial the node.
    pub ip: NodeIp,
    /// The port that the node listens on.
    pub port: NodePort,
}

impl NodeInfo {
    /// The address to dial.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.ip.0, self.port.number())
    }
}

impl fmt::Display for NodeInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.alias, self.addr())
    }
}

/// The number that stands for a node in pids: 23 bits, not 0, drawn when the
/// node starts and unique among the live nodes of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct NodeNumber(u32);

impl NodeNumber {
    /// The largest node number: 2^23 - 1.
    pub const MAX: u32 = (1 << 23) - 1;

    /// Checks and takes a number.
    ///
    /// # Errors
    /// [`NameError::Number`] when it is 0 or over [`NodeNumber::MAX`].
    pub fn new(number: u32) -> Result<Self, NameError> {
        if (1..=Self::MAX).contains(&number) {
            Ok(Self(number))
        } else {
            Err(NameError::Number(number))
        }
    }

    /// A number made of random bits; the same bits give the same number.
    #[must_use]
    pub fn from_random(bits: u64) -> Self {
        // The remainder is at most MAX - 1, so the sum fits and is never 0.
        Self((bits % u64::from(Self::MAX)) as u32 + 1)
    }

    /// The number itself.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for NodeNumber {
    type Error = NameError;
    fn try_from(number: u32) -> Result<Self, NameError> {
        Self::new(number)
    }
}

impl From<NodeNumber> for u32 {
    fn from(number: NodeNumber) -> Self {
        number.0
    }
}

impl fmt::Display for NodeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One incarnation of a node: alias and incarnation tell it from every other. They are ordered by alias, then incarnation; the order decides
/// which of two crossing connections survives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId {
    /// The operator's name for the node.
    pub alias: NodeAlias,
    /// Larger at every start of that alias, also when the clock went back.
    pub incarnation: u64,
    /// The number of the node in pids.
    pub number: NodeNumber,
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.alias, self.incarnation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_checked() {
        for good in ["a", "node1", "A.b-c_9", &"x".repeat(64)] {
            assert_eq!(NodeAlias::new(good).map(String::from), Ok(good.to_string()));
        }
        assert_eq!(NodeAlias::new(""), Err(NameError::AliasLength(0)));
        assert_eq!(NodeAlias::new("x".repeat(65)), Err(NameError::AliasLength(65)));
        assert_eq!(NodeAlias::new("a/b"), Err(NameError::AliasCharacter('/')));
        assert_eq!(NodeAlias::new("ä"), Err(NameError::AliasCharacter('ä')));
        assert_eq!(NodeAlias::new(".."), Err(NameError::AliasReserved("..")));
    }

    #[test]
    fn numbers_fit_in_23_bits_and_are_never_zero() {
        assert_eq!(NodeNumber::new(0), Err(NameError::Number(0)));
        assert_eq!(NodeNumber::new(1 << 23), Err(NameError::Number(1 << 23)));
        for bits in [0, 1, u64::from(NodeNumber::MAX), u64::MAX] {
            let number = NodeNumber::from_random(bits).number();
            assert!(NodeNumber::new(number).is_ok());
        }
    }

    #[test]
    fn port_zero_is_refused() {
        assert_eq!(NodePort::new(0), Err(NameError::PortZero));
        assert_eq!(NodePort::new(2254).map(NodePort::number), Ok(2254));
    }
}
