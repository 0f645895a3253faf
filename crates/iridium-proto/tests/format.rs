//! The format by which nodes of different builds understand each other: golden frames of every
//! message, and what becomes of messages of a later build.
#![allow(clippy::unwrap_used)]

mod samples;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use iridium_proto::*;

use samples::{node, samples};

/// The frames of protocol version 1.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1")
}

fn to_hex(bytes: &[u8]) -> String {
    let line = |part: &[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    bytes.chunks(32).map(|part| line(part) + "\n").collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn fixture(name: &str) -> Option<Vec<u8>> {
    fs::read_to_string(folder().join(format!("{name}.hex"))).ok().map(|text| from_hex(&text))
}

fn frame(message: &IridiumMessage) -> Vec<u8> {
    let mut wire = Vec::new();
    encode_frame(message, &mut wire).unwrap();
    wire
}

/// A frame of any kind.
fn raw_frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(1 + body.len()).unwrap().to_le_bytes();
    [&len[..], &[kind], body].concat()
}

fn decode_all(mut wire: &[u8]) -> Vec<IridiumMessage> {
    let mut decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
    std::iter::from_fn(|| decoder.next_message(&mut wire).unwrap()).collect()
}

#[test]
fn every_message_has_the_bytes_of_version_1() {
    for (name, message) in samples() {
        let now = frame(&message);
        let Some(golden) = fixture(name) else {
            panic!(
                "{name} has no fixture. If it is a new message, save this as \
                 tests/fixtures/v1/{name}.hex:\n{}",
                to_hex(&now)
            );
        };
        let at = now.iter().zip(&golden).take_while(|(a, b)| a == b).count();
        assert!(
            now == golden,
            "the bytes of {name} are no longer those of protocol version 1; they differ from byte \
             {at} on. A field of {} was added, removed, moved, or changed its type, or a number \
             was given to another variant. Nodes of other builds would misread it: undo that, or \
             put what is new in a message with a number of its own.\nversion 1:\n{}this build:\n{}",
            message.name(),
            to_hex(&golden),
            to_hex(&now)
        );
    }
}

#[test]
fn every_frame_of_version_1_is_read() {
    for (name, message) in samples() {
        let golden = fixture(name).unwrap_or_default();
        assert_eq!(decode_all(&golden), [message], "tests/fixtures/v1/{name}.hex");
    }
}

#[test]
fn every_kind_has_a_sample_and_every_fixture_a_message() {
    let kinds: BTreeSet<u8> = samples().iter().map(|(_, message)| message.kind()).collect();
    let known = |kind: &u8| {
        let mut decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
        let _ = decoder.next_message(&mut &raw_frame(*kind, &[])[..]);
        decoder.take_unknown().is_empty()
    };
    assert_eq!(kinds, (0..=u8::MAX).filter(known).collect());
    let names: BTreeSet<String> = samples().iter().map(|(name, _)| format!("{name}.hex")).collect();
    let files = fs::read_dir(folder()).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, names);
}

#[test]
fn a_message_of_a_later_build_is_skipped_and_the_others_are_read() {
    let (before, after) = (IridiumMessage::Leave, IridiumMessage::Credit(3));
    let later = raw_frame(u8::MAX, b"whatever a later build has to say");
    let wire = [frame(&before), later, frame(&after)].concat();
    assert_eq!(decode_all(&wire), [before, after]);
}

#[test]
fn a_variant_of_a_later_build_is_known_as_such_whatever_its_body() {
    let body = [&99u32.to_le_bytes()[..], b"more"].concat();
    let (reject, request, reply) = (4, 15, 16);
    let wire =
        [raw_frame(reject, &body), raw_frame(request, &body), raw_frame(reply, &body)].concat();
    let unknown = [
        IridiumMessage::Reject(RejectReason::Unknown(99)),
        IridiumMessage::ControlRequest(ControlRequest::Unknown(99)),
        IridiumMessage::ControlReply(ControlReply::Unknown(99)),
    ];
    assert_eq!(decode_all(&wire), unknown);
    for message in unknown {
        // Without its body the other end would misread it.
        let refused = encode_frame(&message, &mut Vec::new());
        assert!(matches!(refused, Err(ProtoError::Unknown { number: 99, .. })), "{message:?}");
    }
}

#[test]
fn a_state_of_a_later_build_leaves_the_rest_of_its_message_readable() {
    let (info, id) = node("a");
    let record = |state| MemberRecord { info: info.clone(), id: id.clone(), refutation: 0, state };
    let nodes = vec![record(RecordState::Unknown(40)), record(RecordState::Alive)];
    let members = IridiumMessage::Members(Members { nodes, answer: false });
    assert_eq!(decode_all(&frame(&members)), [members]);
    assert_eq!(RecordState::from(3), RecordState::Left);
    assert_eq!(ViewState::from(4), ViewState::Left);
    assert_eq!(ViewState::from(5).as_str(), "unknown");
}
