//! Numbers that stand for connections, dials and joins, for as long as a node runs.

/// A connection, numbered by the driver of the membership core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// A dial, numbered by the membership core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialId(pub u64);

/// A call of [`Membership::join`](crate::membership::Membership::join).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JoinId(pub u64);

/// A connection to another node. No two connections in the life of this node
/// have the same number, so that what still comes from one that was replaced
/// can be told from what comes from its successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(u64);

impl LinkId {
    pub(crate) fn conn(self) -> ConnId {
        ConnId(self.0)
    }
}

impl From<ConnId> for LinkId {
    fn from(conn: ConnId) -> Self {
        Self(conn.0)
    }
}
