//! What the fuzzer looks at that is no part of the interface. It panics when what must hold does not.

#![allow(clippy::panic, clippy::expect_used)]

use std::path::Path;

use crate::handshake::Answering;
use crate::secret::{Secrets, Security};
use crate::store::{parse_peers, peers_text};

pub use crate::manager::flow;

/// Takes what somebody sends who connects, as the door does: that of a node without a secret, and that
/// of one whose secret is 32 times the byte 7. Returns at how many of them that gets through.
pub fn greeting(bytes: &[u8]) -> usize {
    let mut through = 0;
    let secrets = Secrets::parse(&"07".repeat(32), Path::new("secret"));
    for security in [Security::Insecure, Security::Secret(secrets.expect("this is a key"))] {
        let mut answering = Answering::new();
        let mut rest = bytes;
        while let Some(wanted) = answering.wants() {
            assert!(wanted <= Answering::MOST, "{wanted} bytes");
            let Some((next, later)) = rest.split_at_checked(wanted) else { break };
            rest = later;
            let mut answer = Vec::new();
            let taken = answering.take(next, &security, &mut answer);
            // An answer must fit into what any socket takes at once.
            assert!(answer.len() <= 2 * Answering::MOST, "an answer of {} bytes", answer.len());
            if taken.is_err() {
                break;
            }
        }
        through += usize::from(answering.wants().is_none());
    }
    through
}

/// Reads a file of peers. What was read is written and read as it was.
pub fn peers(text: &str) {
    let Some((peers, _)) = parse_peers(text) else { return };
    let (text, left_out) = peers_text(&peers);
    let again = parse_peers(&text).expect("what was written is no list of peers");
    assert_eq!(again.1, 0, "lines that name no peer");
    assert_eq!(again.0, peers[..peers.len() - left_out]);
}
