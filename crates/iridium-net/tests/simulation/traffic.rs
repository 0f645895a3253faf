//! What the nodes of a simulated network send, by kind: what a join costs, and a mesh at rest.

use std::collections::BTreeMap;

use iridium_proto::{IridiumMessage, encode_frame};

#[derive(Debug, Default, Clone)]
pub struct Traffic {
    pub messages: u64,
    pub bytes: u64,
    pub dials: u64,
    pub by_kind: BTreeMap<&'static str, u64>,
}

impl Traffic {
    pub fn note(&mut self, message: &IridiumMessage) {
        let mut frame = Vec::new();
        encode_frame(message, &mut frame).unwrap();
        self.messages += 1;
        self.bytes += frame.len() as u64;
        *self.by_kind.entry(message.name()).or_default() += 1;
    }

    /// The part of one of so many.
    pub fn share(&self, of: u64) -> Self {
        let by_kind = self.by_kind.iter().map(|(kind, sent)| (*kind, sent / of)).collect();
        Self {
            messages: self.messages / of,
            bytes: self.bytes / of,
            dials: self.dials / of,
            by_kind,
        }
    }
}
