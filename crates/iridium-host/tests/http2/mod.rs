//! HTTP/2 as a client speaks it, frame by frame: RFC 9113.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

pub(crate) const HEADERS: u8 = 1;
pub(crate) const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
const PING: u8 = 6;

/// What a client says first, before its settings.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame: RFC 9113, 4.1.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A GET that has no body.
pub(crate) fn get(stream: u32, path: &str) -> Vec<u8> {
    let length = u8::try_from(path.len()).unwrap();
    // Of the static table of HPACK: GET, `http`, and the names of path and authority.
    let fields = [&[0x82, 0x86, 0x04, length], path.as_bytes(), &[0x01, 1, b'a']].concat();
    frame(HEADERS, 0x5, stream, &fields)
}

/// Gives a stream up.
pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RESET, 0, stream, &8_u32.to_be_bytes())
}

/// The kind, the stream and the length of the next frame.
pub(crate) fn next(stream: &mut TcpStream) -> (u8, u32, u32) {
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    let number = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all << 8 | u32::from(*byte));
    let (length, of) = (number(&head[..3]), number(&head[5..]));
    stream.read_exact(&mut vec![0; length as usize]).unwrap();
    (head[3], of, length)
}

/// Waits until all that was sent has been read.
pub(crate) fn settle(stream: &mut TcpStream) {
    stream.write_all(&frame(PING, 0, 0, &[0; 8])).unwrap();
    while next(stream).0 != PING {}
}
