//! Requests that become a WebSocket.

use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use tungstenite::handshake::server::create_response_with_body;
use tungstenite::protocol::Role;

use super::limits::HttpLimits;
use crate::refusal::Refusal;
use crate::websocket::{Manner, Upgrading};

/// A request for a WebSocket, as RFC 6455, 4.1, has it.
#[derive(Debug)]
pub(crate) struct Upgrade {
    response: Response<()>,
    stream: OnUpgrade,
    pub(crate) manner: Manner,
    /// A page of another site asks. The browser sends the cookies of its user along.
    pub(crate) is_foreign: bool,
}

impl Upgrade {
    /// `None` when the request asks for something else, or in another way.
    pub(crate) fn of(request: &mut Request<Incoming>, limits: &HttpLimits) -> Option<Self> {
        // A body would stand before the first frame.
        if !request.body().is_end_stream() {
            return None;
        }
        let response = create_response_with_body(request, || ()).ok()?;
        let is_foreign = is_foreign(request.headers());
        let stream = request.extensions_mut().remove()?;
        let manner = Manner { role: Role::Server, most: limits.body_bytes, idle: limits.idle_time };
        Some(Self { response, stream, manner, is_foreign })
    }

    /// The answer, which has these fields, too, and the connection behind it.
    pub(crate) fn answered(self, fields: HeaderMap) -> (Response<()>, Upgrading) {
        let Self { mut response, stream, .. } = self;
        let own = std::mem::replace(response.headers_mut(), fields);
        for (name, value) in &own {
            response.headers_mut().insert(name, value.clone());
        }
        let stream = async { stream.await.map_err(|_| Refusal::Closed) };
        (response, Box::pin(stream))
    }
}

/// Whether a browser says that the page is not from this host. Others say nothing of that.
fn is_foreign(fields: &HeaderMap) -> bool {
    let Some(origin) = fields.get(ORIGIN) else { return false };
    let place = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    let host = fields.get(HOST).and_then(|host| host.to_str().ok());
    match (place, host) {
        (Some((_, place)), Some(host)) => !place.eq_ignore_ascii_case(host),
        _ => true,
    }
}

/// Why a request does not become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoWebSocket {
    /// It does not ask for one.
    NotAsked,
    /// A page of another site asks for it.
    Foreign,
    /// The server is about to end, and would close it at once.
    Ending,
}

/// What a client is told that gets none.
pub(crate) fn refused(why: NoWebSocket) -> (Response<()>, &'static [u8]) {
    let (status, text): (_, &[u8]) = match why {
        NoWebSocket::NotAsked => {
            (StatusCode::UPGRADE_REQUIRED, b"only for WebSocket, version 13\n")
        }
        NoWebSocket::Foreign => {
            (StatusCode::FORBIDDEN, b"pages of other sites get no WebSocket here\n")
        }
        NoWebSocket::Ending => (StatusCode::SERVICE_UNAVAILABLE, b"the server ends\n"),
    };
    let mut response = Response::new(());
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if why == NoWebSocket::NotAsked {
        fields.insert(UPGRADE, HeaderValue::from_static("websocket"));
        fields.insert("sec-websocket-version", HeaderValue::from_static("13"));
    }
    if why == NoWebSocket::Ending {
        fields.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    (response, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_site_is_foreign() {
        for (origin, host, expected) in [
            (None, "a:80", false),
            (Some("http://a:81"), "a:81", false),
            (Some("https://A.example"), "a.example", false),
            (Some("http://a"), "a:81", true),
            (Some("http://b:81"), "a:81", true),
            (Some("null"), "a:81", true),
            (Some(""), "a:81", true),
        ] {
            let mut fields = HeaderMap::new();
            fields.insert(HOST, HeaderValue::from_static(host));
            fields.extend(origin.map(|origin| (ORIGIN, HeaderValue::from_static(origin))));
            assert_eq!(is_foreign(&fields), expected, "{origin:?} at {host}");
        }
    }
}
