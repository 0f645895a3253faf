//! Every time span of the membership protocol, and presets for three networks.

use std::time::Duration;

/// The time spans of the membership protocol. All nodes of a cluster should
/// use the same, though they need not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// How often a heartbeat is sent over a link, by one end, which the other end answers.
    pub heartbeat: Duration,
    /// After this long without a message a member is suspect.
    pub suspect_after: Duration,
    /// After this long without a message, to this node or to one that was asked, a
    /// member is down.
    /// So long, but from 5 to 25 s, it may also send nothing of a long message that was granted room while
    /// others wait for room, and take nothing of what waits for it while others want that room.
    pub down_after: Duration,
    /// How long others may take to answer whether they reach a member.
    pub probe_timeout: Duration,
    /// How long the incumbent of an alias may take to answer when another connection
    /// claims its place.
    pub incumbent_probe: Duration,
    /// How long a dialled node may take to answer `Hello` or `Join`. Longer
    /// than `incumbent_probe`, which may run meanwhile at the other end.
    pub greet_timeout: Duration,
    /// How long a TCP connection and its handshake may take.
    pub dial_timeout: Duration,
    /// The first pause before a member that could not be dialled is dialled again.
    pub redial_min: Duration,
    /// The longest such pause.
    pub redial_max: Duration,
    /// How often one of the unreachable members is dialled, however many there are and
    /// however long the pauses have grown, so that two halves of a cluster find each
    /// other again soon.
    pub heal: Duration,
    /// The least time between two exchanges of member lists on one link.
    pub exchange_every: Duration,
    /// When a timer fires later than this, the node itself did not run for a while, so
    /// the silence of others is ignored.
    pub starved_after: Duration,
    /// How many others are asked whether they reach a silent member.
    pub probes: usize,
    /// How long a member that is down or left is remembered.
    pub forget_after: Duration,
}

impl Timing {
    /// For nodes of one machine.
    #[must_use]
    pub fn local() -> Self {
        Self {
            probe_timeout: Duration::from_millis(500),
            dial_timeout: Duration::from_secs(2),
            ..Self::lan()
        }
    }

    /// For nodes of one network. The default.
    #[must_use]
    pub fn lan() -> Self {
        Self {
            heartbeat: Duration::from_millis(500),
            suspect_after: Duration::from_secs(2),
            // So that all of a large mesh have said so 5 s after its last sign of life.
            down_after: Duration::from_millis(4500),
            probe_timeout: Duration::from_millis(700),
            incumbent_probe: Duration::from_secs(1),
            greet_timeout: Duration::from_secs(3),
            dial_timeout: Duration::from_secs(3),
            redial_min: Duration::from_millis(100),
            redial_max: Duration::from_secs(30),
            heal: Duration::from_secs(4),
            exchange_every: Duration::from_secs(1),
            starved_after: Duration::from_secs(1),
            probes: 3,
            forget_after: Duration::from_secs(24 * 60 * 60),
        }
    }

    /// For nodes of several sites: patient, at the price of slower detection.
    #[must_use]
    pub fn wan() -> Self {
        Self {
            heartbeat: Duration::from_secs(1),
            suspect_after: Duration::from_secs(5),
            down_after: Duration::from_secs(15),
            probe_timeout: Duration::from_secs(3),
            incumbent_probe: Duration::from_secs(3),
            greet_timeout: Duration::from_secs(8),
            dial_timeout: Duration::from_secs(8),
            redial_min: Duration::from_millis(500),
            heal: Duration::from_secs(8),
            ..Self::lan()
        }
    }

    /// How long a round of probes of a suspect member lasts: there is time for two, and in each for
    /// the answers.
    pub(super) fn probe_round(&self) -> Duration {
        (self.down_after.saturating_sub(self.suspect_after) / 2).max(self.probe_timeout)
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self::lan()
    }
}
