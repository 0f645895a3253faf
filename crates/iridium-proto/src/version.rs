//! What two builds agree on: the protocol version, before they talk, and the features of a link,
//! while they do.

use std::fmt;
use std::ops::BitAnd;

use serde::{Deserialize, Serialize};

/// Lowest wire protocol version that this build can speak. Since version 3 a long message is asked for
/// before it is sent; whoever can speak an earlier one only could take the memory of a node.
pub const MIN_VERSION: u16 = 3;
/// Highest wire protocol version that this build can speak.
pub const MAX_VERSION: u16 = 3;

/// A set of features, one bit each. Each end of a link names those it knows, and a feature is used
/// only when both do: the features of a link are the intersection of the two sets.
///
/// The lower 32 bits are the mesh's, the upper 32 the application's. A bit is never used again for
/// another feature. The mesh has none yet.
///
/// ```
/// use iridium_proto::Features;
/// const COMPRESSED: Features = Features(1 << 32);
/// const BATCHED: Features = Features(1 << 33);
/// let (ours, theirs) = (Features(COMPRESSED.0 | BATCHED.0), COMPRESSED);
/// assert!((ours & theirs).contains(COMPRESSED));
/// assert!(!(ours & theirs).contains(BATCHED));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[must_use]
pub struct Features(pub u64);

impl Features {
    /// No feature at all: what an end that names none has.
    pub const NONE: Self = Self(0);

    /// Whether all of `features` are in this set.
    #[must_use]
    pub const fn contains(self, features: Self) -> bool {
        self.0 & features.0 == features.0
    }

    /// Whether there is no feature in this set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitAnd for Features {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
