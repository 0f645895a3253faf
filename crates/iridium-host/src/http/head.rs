//! Heads of requests and answers, as programs have them.
//!
//! The fields of a head are one text: a line for each, `name: value`, with the name in lower case, and
//! a line break before the first one, so that a field is found by its name with line break and colon.

use std::fmt::Write as _;
use std::net::SocketAddr;

use hyper::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode, Version};

/// The head of a request: a text with method, path, query, the address of the client and the fields,
/// and how long the first are, in bytes.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) text: String,
    pub(crate) method: usize,
    pub(crate) path: usize,
    pub(crate) query: usize,
}

impl Head {
    pub(crate) fn of(parts: &Parts, peer: SocketAddr) -> Self {
        let mut text = String::with_capacity(256);
        text.push_str(parts.method.as_str());
        let method = text.len();
        text.push_str(parts.uri.path());
        let path = text.len() - method;
        text.push_str(parts.uri.query().unwrap_or_default());
        let query = text.len() - method - path;
        // Writing to a string cannot fail.
        let _ = write!(text, "{peer}");
        // HTTP/2 has it apart.
        if let Some(host) = parts.uri.authority()
            && !parts.headers.contains_key(HOST)
        {
            let _ = write!(text, "\nhost: {host}");
        }
        text.push_str(&lines(&parts.headers));
        Self { text, method, path, query }
    }
}

/// Why a request is answered without a program, if it is: what HTTP demands beyond its syntax.
pub(crate) fn refusal(parts: &Parts, most: usize) -> Option<StatusCode> {
    if parts.method == Method::CONNECT {
        return Some(StatusCode::NOT_IMPLEMENTED);
    }
    if parts.version == Version::HTTP_11 {
        let mut hosts = parts.headers.get_all(HOST).iter();
        let is_valid = hosts.next().is_some_and(is_host) && hosts.next().is_none();
        if !is_valid {
            return Some(StatusCode::BAD_REQUEST);
        }
    }
    if let Some(status) = coding_refusal(parts) {
        return Some(status);
    }
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length = length.and_then(|length| length.parse::<u64>().ok()).unwrap_or(0);
    (length > most as u64).then_some(StatusCode::PAYLOAD_TOO_LARGE)
}

/// Bodies come in chunks at most, and in chunks once.
fn coding_refusal(parts: &Parts) -> Option<StatusCode> {
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    match (codings.next(), codings.next()) {
        (None, _) => None,
        (Some(only), None) if is_chunked(only) => None,
        (Some(several), None)
            if several.as_bytes().to_ascii_lowercase().starts_with(b"chunked") =>
        {
            Some(StatusCode::BAD_REQUEST)
        }
        (Some(_), None) => Some(StatusCode::NOT_IMPLEMENTED),
        (Some(_), Some(_)) => Some(StatusCode::BAD_REQUEST),
    }
}

/// Whether the connection is to end with the answer. A body in chunks may have come with a length too,
/// which hyper does not tell: RFC 9112, 6.1, has the connection end then, since whoever is in front may
/// have seen another request.
pub(crate) fn ends_connection(parts: &Parts) -> bool {
    parts.version <= Version::HTTP_11 && parts.headers.contains_key(TRANSFER_ENCODING)
}

/// Whether it can be a host, with a port perhaps. An empty one is allowed.
fn is_host(value: &HeaderValue) -> bool {
    let is_of_host =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]%".contains(byte);
    value.as_bytes().iter().all(is_of_host)
}

/// The head of an answer from a status and lines of fields. `None` when they are none.
pub(crate) fn response(status: i64, fields: &[u8]) -> Option<Response<()>> {
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let mut response = Response::new(());
    *response.status_mut() = status.filter(|status| !status.is_informational())?;
    *response.headers_mut() = self::fields(fields)?;
    Some(response)
}

/// Fields as lines, with a line break before the first one and behind the last one.
pub(crate) fn lines(fields: &HeaderMap) -> String {
    let mut text = String::with_capacity(256);
    for (name, value) in fields {
        text.push('\n');
        text.push_str(name.as_str());
        text.push_str(": ");
        text.push_str(&String::from_utf8_lossy(value.as_bytes()));
    }
    text.push('\n');
    text
}

/// Fields from lines. `None` when they are none.
pub(crate) fn fields(lines: &[u8]) -> Option<HeaderMap> {
    let mut fields = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let at = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(at)?;
        let name = HeaderName::from_bytes(name).ok()?;
        // How long the body is, and how it is sent, is known better than by the program.
        if name == CONTENT_LENGTH || name == TRANSFER_ENCODING {
            continue;
        }
        let value = HeaderValue::from_bytes(value.get(1..)?.trim_ascii()).ok()?;
        fields.append(name, value);
    }
    Some(fields)
}
