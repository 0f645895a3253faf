//! Every message survives the wire in any cut, and no bytes from a peer can do
//! more than be refused.
#![allow(clippy::unwrap_used)]

mod samples;

use iridium_proto::*;
use proptest::prelude::*;

use samples::{node, samples};

fn messages() -> Vec<IridiumMessage> {
    samples().into_iter().map(|(_, message)| message).collect()
}

fn encoded(messages: &[IridiumMessage]) -> Vec<u8> {
    let mut wire = Vec::new();
    for message in messages {
        encode_frame(message, &mut wire).unwrap();
    }
    wire
}

fn decode_all(
    decoder: &mut FrameDecoder,
    mut bytes: &[u8],
) -> Result<Vec<IridiumMessage>, ProtoError> {
    let mut messages = Vec::new();
    while let Some(message) = decoder.next_message(&mut bytes)? {
        messages.push(message);
    }
    Ok(messages)
}

#[test]
fn an_incomplete_frame_is_not_an_error() {
    for message in messages() {
        let wire = encoded(std::slice::from_ref(&message));
        for cut in 0..wire.len() {
            let mut decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
            assert_eq!(
                decoder.next_message(&mut &wire[..cut]),
                Ok(None),
                "{} cut at {cut}",
                message.name()
            );
        }
    }
}

#[test]
fn bytes_left_over_in_a_body_are_refused() {
    for message in messages() {
        let opaque = matches!(
            message,
            IridiumMessage::Deliver(_) | IridiumMessage::Signal(_) | IridiumMessage::ControlData(_)
        );
        let mut wire = encoded(std::slice::from_ref(&message));
        wire.push(0);
        let len = u32::try_from(wire.len() - HEADER_LEN).unwrap();
        wire[..HEADER_LEN].copy_from_slice(&len.to_le_bytes());
        let mut decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
        let refused = matches!(decoder.next_message(&mut &wire[..]), Err(ProtoError::Body { .. }));
        assert_eq!(refused, !opaque, "{}", message.name());
    }
}

#[test]
fn declared_lengths_are_capped_before_anything_is_kept() {
    for (declared, cap) in [(u32::MAX, MAX_FRAME_ADMITTED), (65_537, MAX_FRAME_UNADMITTED)] {
        let mut decoder = FrameDecoder::new(cap);
        let error = ProtoError::FrameTooLong { declared: declared.into(), cap };
        assert_eq!(decoder.next_message(&mut &declared.to_le_bytes()[..]), Err(error));
    }
    let mut decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
    assert_eq!(decoder.next_message(&mut &[0; HEADER_LEN][..]), Err(ProtoError::FrameEmpty));
}

#[test]
fn a_vector_length_inside_a_body_reserves_nothing() {
    // A Members body that claims 2^60 records.
    let mut wire = vec![0; HEADER_LEN];
    wire.push(7);
    wire.extend_from_slice(&(1u64 << 60).to_le_bytes());
    let len = u32::try_from(wire.len() - HEADER_LEN).unwrap();
    wire[..HEADER_LEN].copy_from_slice(&len.to_le_bytes());
    let mut decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
    let refused = decoder.next_message(&mut &wire[..]);
    assert!(matches!(refused, Err(ProtoError::Body { kind: "Members", .. })));
}

#[test]
fn unknown_kinds_are_skipped_and_reported_once() {
    let mut wire = encoded(&[IridiumMessage::Leave]);
    for _ in 0..2 {
        wire.extend_from_slice(&[3, 0, 0, 0, 200, 1, 2]);
    }
    wire.extend(encoded(&[IridiumMessage::Credit(1)]));
    let mut decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
    assert_eq!(
        decode_all(&mut decoder, &wire),
        Ok(vec![IridiumMessage::Leave, IridiumMessage::Credit(1)])
    );
    assert_eq!(decoder.take_unknown(), [200]);
    assert_eq!(decoder.take_unknown(), []);
}

#[test]
fn a_message_over_the_cap_is_refused_at_the_sender_and_leaves_no_trace() {
    let mut out = vec![1];
    let big = IridiumMessage::Deliver(vec![0; MAX_FRAME_ADMITTED]);
    assert!(matches!(encode_frame(&big, &mut out), Err(ProtoError::MessageTooLong { .. })));
    assert_eq!(out, [1]);
}

#[test]
fn names_are_checked_when_they_come_from_the_wire() {
    let (info, _) = node("good");
    let wire = encoded(&[IridiumMessage::NotDialable(info)]);
    let bad = String::from_utf8_lossy(&wire).replace("good", "g/od").into_bytes();
    let mut decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
    assert!(matches!(decoder.next_message(&mut &bad[..]), Err(ProtoError::Body { .. })));
}

#[test]
fn bodies_of_others_are_bounded_and_taken_whole() {
    let value = (7u32, "seven".to_string(), vec![Some(1u64), None]);
    let bytes = to_bytes(&value).unwrap();
    assert_eq!(from_bytes(&bytes), Ok(value));
    type Value = (u32, String, Vec<Option<u64>>);
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(from_bytes::<Value>(&longer), Err(ProtoError::Body { .. })));
    for cut in 0..bytes.len() {
        assert!(from_bytes::<Value>(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let absurd = (1u64 << 60).to_le_bytes();
    assert!(from_bytes::<Vec<u64>>(&absurd).is_err());
    assert!(from_bytes::<String>(&absurd).is_err());
    assert!(to_bytes(&"x".repeat(MAX_MESSAGE)).is_err());
    let too_long = vec![0; MAX_MESSAGE + 1];
    assert!(matches!(from_bytes::<String>(&too_long), Err(ProtoError::MessageTooLong { .. })));
}

proptest! {
    #[test]
    fn messages_survive_any_cut(cuts in prop::collection::vec(1usize..400, 1..200)) {
        let messages = messages();
        let wire = encoded(&messages);
        let mut decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
        let mut got = Vec::new();
        let mut rest = &wire[..];
        let mut cuts = cuts.iter().cycle();
        while !rest.is_empty() {
            let (now, later) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            got.extend(decode_all(&mut decoder, now)?);
            rest = later;
        }
        prop_assert_eq!(got, messages);
    }

    #[test]
    fn mutated_frames_are_refused_or_read_but_never_worse(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut wire = encoded(&messages());
        for (at, byte) in flips {
            let at = at.index(wire.len());
            wire[at] = byte;
        }
        let mut decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
        let _ = decode_all(&mut decoder, &wire);
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let mut decoder = FrameDecoder::new(MAX_FRAME_UNADMITTED);
        let _ = decode_all(&mut decoder, &bytes);
    }
}
