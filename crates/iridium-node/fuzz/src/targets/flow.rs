//! The flow control of links.

/// Whatever others say on the links of a node, and its application sends, takes or keeps: bounds hold, honest
/// members keep their links and have every message once and in order, and when links have ended nothing is left.
pub fn flow(input: &[u8]) {
    iridium_net::fuzz::flow(input);
}
