//! Bytes that come over a connection.

use iridium_proto::{FrameDecoder, IridiumMessage, MAX_FRAME_LINK, ProtoError, encode_frame};

/// Bytes are frames or an error, however they are cut; each message is written as it is read.
pub fn frames(input: &[u8]) {
    let whole = decode(input, input.len().max(1));
    let cut = decode(input, 1 + usize::from(input.first().copied().unwrap_or(0)) % 7);
    assert_eq!(whole, cut, "it depends on how the bytes come");
    for message in whole.0 {
        let mut frame = Vec::new();
        match encode_frame(&message, &mut frame) {
            Ok(()) => {}
            // What another build may say is understood as such, and not said by this one.
            Err(ProtoError::Unknown { .. }) => continue,
            Err(error) => panic!("{message:?}: {error}"),
        }
        assert_eq!(decode(&frame, frame.len()), (vec![message], None));
    }
}

/// The messages in bytes that come in so many at a time, and the error after them.
pub(crate) fn decode(bytes: &[u8], at_a_time: usize) -> (Vec<IridiumMessage>, Option<String>) {
    let mut decoder = FrameDecoder::new(MAX_FRAME_LINK);
    let mut messages = Vec::new();
    for mut part in bytes.chunks(at_a_time) {
        loop {
            match decoder.next_message(&mut part) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error.to_string())),
            }
        }
    }
    (messages, None)
}

/// Whatever somebody sends who connects, with and without a secret, the door takes it or refuses it.
pub fn greeting(input: &[u8]) {
    iridium_net::fuzz::greeting(input);
}

/// What another node says of its processes is understood or refused, and what is understood is
/// written as it is read.
pub fn node_messages(input: &[u8]) {
    iridium_node::fuzz::node_message(input);
}

/// The same with what operators ask and are answered.
pub fn control(input: &[u8]) {
    iridium_node::fuzz::control(input);
}
