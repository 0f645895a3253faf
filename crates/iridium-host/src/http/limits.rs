//! What a server lets its clients take.

use std::time::Duration;

/// What a server lets its clients take: memory, time and places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Connections at a time. More wait until another one ends. Also requests that programs are at work on,
    /// with those whose clients have gone: more are answered 503.
    pub connections: usize,
    /// The longest head of a request, in bytes; 8,192 at least. A longer one is answered 431.
    pub head_bytes: usize,
    /// The longest body of a request, in bytes. A longer one is answered 413. Also the longest message of a
    /// WebSocket.
    pub body_bytes: usize,
    /// How long a client may take from the first byte of a request to the end of its head, and, once
    /// connected, to the first byte.
    pub head_time: Duration,
    /// How long a connection may be open without a request, or a WebSocket without a sign of life, which
    /// it is asked for at half of that.
    pub idle_time: Duration,
    /// How long a client may take to send the next part of a body, or to read what is sent to it.
    pub stall_time: Duration,
    /// How long it may take until a request is answered. Then the answer is 503. A process at work for a
    /// client that has gone may take as long again until it is told so.
    pub answer_time: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 16_384,
            head_bytes: 16_384,
            body_bytes: 1 << 20,
            head_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(60),
            stall_time: Duration::from_secs(20),
            answer_time: Duration::from_secs(30),
        }
    }
}
