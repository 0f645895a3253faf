//! Asking a server, and following it where it points to.

use std::borrow::Cow;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST,
    HeaderMap, HeaderValue, LOCATION, PROXY_AUTHORIZATION, USER_AGENT,
};
use hyper::{Method, Request, Response, StatusCode, Uri};
use tokio::time::{Instant, timeout_at};

use super::pool::{Connection, Origin, Pool};
use crate::dial::{dial, dial_tls};
use crate::places::Places;
use crate::refusal::Refusal;
use crate::stream::Stream;

/// Answers that point elsewhere, at most, before the one that does not.
const MAX_REDIRECTS: usize = 10;
/// How this client calls itself.
const AGENT: &str = concat!("iridium/", env!("CARGO_PKG_VERSION"));

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Bytes,
}

/// Where: an absolute `http` or `https` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    uri: Uri,
    host: String,
    port: u16,
    is_secure: bool,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// Where the answer came from in the end.
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The host that is named, with its port, is not reached.
    Host(String, Refusal),
    /// It points to what is no URL, or no one of HTTP.
    Url(String),
    /// It points from one place to the next too often; to this one at last.
    Redirects(String),
    /// The body is longer than it may be.
    TooLarge,
    /// What it says is no HTTP, or ends too early.
    Http(String),
}

/// Asks, and follows up to 10 redirects. The address of each is one of the allowed ones.
pub(crate) async fn fetch(
    pool: &Pool,
    allowed: &Places,
    question: Question,
    deadline: Instant,
    most: usize,
) -> Result<Fetched, Fault> {
    let mut question = question;
    for _ in 0..=MAX_REDIRECTS {
        let timed_out = |_| Fault::Host(question.url.place(), Refusal::TimedOut);
        let asked = timeout_at(deadline, ask(pool, allowed, &question, deadline)).await;
        let (response, connection) = asked.map_err(timed_out)??;
        if let Some(target) = target(&response) {
            question = question.redirected(response.status(), &target)?;
            continue;
        }
        let (parts, body) = response.into_parts();
        let body = timeout_at(deadline, read(body, most)).await.map_err(timed_out)??;
        pool.put(question.url.origin(), connection);
        let (status, fields) = (parts.status, parts.headers);
        return Ok(Fetched { url: question.url, status, fields, body });
    }
    Err(Fault::Redirects(question.url.uri.to_string()))
}

/// Asks over a connection that is there, or else a new one, which is closed when it is dropped.
async fn ask(
    pool: &Pool,
    allowed: &Places,
    question: &Question,
    deadline: Instant,
) -> Result<(Response<Incoming>, Connection), Fault> {
    while let Some(mut connection) = pool.take(&question.url.origin()) {
        // The server may have closed it meanwhile, or while the request was on its way.
        if connection.ready().await.is_err() {
            continue;
        }
        match connection.ask(question.request()?).await {
            Err(error) if error.is_canceled() || question.method.is_idempotent() => {}
            asked => return Ok((asked?, connection)),
        }
    }
    let url = &question.url;
    let dialled = url.dial(allowed, deadline).await;
    let stream = dialled.map_err(|refusal| Fault::Host(url.place(), refusal))?;
    let mut connection = Connection::begin(stream).await?;
    let response = connection.ask(question.request()?).await?;
    Ok((response, connection))
}

/// All of a body, of so many bytes at most.
async fn read(mut body: Incoming, most: usize) -> Result<Vec<u8>, Fault> {
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        // What is no data comes behind it.
        let Ok(data) = frame?.into_data() else { continue };
        if data.len() > most - all.len() {
            return Err(Fault::TooLarge);
        }
        all.extend_from_slice(&data);
    }
    Ok(all)
}

/// Where an answer points to, if it is one that does.
fn target(response: &Response<Incoming>) -> Option<String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

impl Question {
    pub(crate) fn request(&self) -> Result<Request<Full<Bytes>>, Fault> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        let path = self.url.uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(|_| Fault::Url(self.url.uri.to_string()))?;
        let fields = request.headers_mut();
        *fields = self.fields.clone();
        fields.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        fields.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let host = self.url.uri.authority().map_or("", |authority| authority.as_str());
        let host = HeaderValue::from_str(host).map_err(|_| Fault::Url(host.to_owned()))?;
        fields.insert(HOST, host);
        Ok(request)
    }

    /// What is to be asked next, as RFC 9110, 15.4, and browsers have it.
    fn redirected(mut self, status: StatusCode, target: &str) -> Result<Self, Fault> {
        let url = self.url.join(target)?;
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = Bytes::new();
            for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE] {
                self.fields.remove(name);
            }
        }
        // What was meant for one server is not told to another one.
        if url.origin() != self.url.origin() {
            for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
                self.fields.remove(name);
            }
        }
        self.url = url;
        Ok(self)
    }
}

impl Url {
    /// Reads one. What stands behind `#` is left out.
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        let fault = || Fault::Url(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| fault())?;
        let is_secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(fault()),
        };
        let authority = uri.authority().ok_or_else(fault)?;
        // A name and a password there are a way to be mistaken about the host.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(fault());
        }
        let default = if is_secure { 443 } else { 80 };
        let behind = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let port = match behind.strip_prefix(':') {
            None | Some("") => default,
            Some(port) => port.parse().map_err(|_| fault())?,
        };
        let host = authority.host().to_owned();
        Ok(Self { uri, host, port, is_secure })
    }

    /// Connects to the host, for HTTP/1.1.
    pub(crate) async fn dial(
        &self,
        allowed: &Places,
        deadline: Instant,
    ) -> Result<Stream, Refusal> {
        if self.is_secure {
            dial_tls(allowed, &self.host, self.port, &[b"http/1.1"], deadline).await
        } else {
            dial(allowed, &self.host, self.port, deadline).await.map(Stream::Plain)
        }
    }

    /// The host with its port, as it is granted.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(crate) fn text(&self) -> String {
        self.uri.to_string()
    }

    fn origin(&self) -> Origin {
        let host = self.host.to_ascii_lowercase();
        Origin { host, port: self.port, is_secure: self.is_secure }
    }

    /// What a reference means that stands here: RFC 3986, 5.2.
    fn join(&self, reference: &str) -> Result<Self, Fault> {
        let reference = reference.split('#').next().unwrap_or_default().trim();
        let scheme = if self.is_secure { "https" } else { "http" };
        let before = reference.split(['/', '?']).next().unwrap_or_default();
        if before.contains(':') {
            return Self::read(reference);
        }
        if reference.starts_with("//") {
            return Self::read(&format!("{scheme}:{reference}"));
        }
        let (path, query) = match reference.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (reference, None),
        };
        let path = if path.is_empty() {
            Cow::Borrowed(self.uri.path())
        } else if path.starts_with('/') {
            Cow::Owned(without_dots(path))
        } else {
            let (folder, _) = self.uri.path().rsplit_once('/').unwrap_or_default();
            Cow::Owned(without_dots(&format!("{folder}/{path}")))
        };
        let query = if reference.is_empty() { self.uri.query() } else { query };
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        Self::read(&format!("{scheme}://{authority}{path}{query}"))
    }
}

/// A path without its `.` and `..`.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_in_folder = false;
    for part in path.split('/').skip(1) {
        ends_in_folder = matches!(part, "." | "..");
        match part {
            "." => {}
            ".." => drop(kept.pop()),
            part => kept.push(part),
        }
    }
    if ends_in_folder {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

impl From<hyper::Error> for Fault {
    fn from(error: hyper::Error) -> Self {
        Self::Http(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_as_rfc_3986_has_it() {
        let base = Url::read("http://a:81/b/c/d?q#f").unwrap();
        for (reference, url) in [
            ("g", "http://a:81/b/c/g"),
            ("./g/", "http://a:81/b/c/g/"),
            ("/g", "http://a:81/g"),
            ("//g:5", "http://g:5/"),
            ("?y", "http://a:81/b/c/d?y"),
            ("g?y#s", "http://a:81/b/c/g?y"),
            ("g?u=http://x/", "http://a:81/b/c/g?u=http://x/"),
            ("", "http://a:81/b/c/d?q"),
            (".", "http://a:81/b/c/"),
            ("../g", "http://a:81/b/g"),
            ("../../../g", "http://a:81/g"),
            ("/./g/../h", "http://a:81/h"),
            ("https://h/x", "https://h/x"),
        ] {
            assert_eq!(base.join(reference).unwrap().text(), url, "{reference}");
        }
        for wrong in ["ftp://h/", "file:///etc/passwd", "http://u:p@h/", "http:///x", "http://h:x/"]
        {
            assert!(base.join(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_meant_for_one_server_is_not_told_to_another() {
        let question = || {
            let mut fields = HeaderMap::new();
            for name in [AUTHORIZATION, COOKIE, CONTENT_TYPE] {
                fields.insert(name, HeaderValue::from_static("x"));
            }
            let url = Url::read("http://a/").unwrap();
            Question { method: Method::POST, url, fields, body: Bytes::from_static(b"x") }
        };
        let same = question().redirected(StatusCode::TEMPORARY_REDIRECT, "http://A:80/b").unwrap();
        assert_eq!((same.fields.len(), same.method, same.body.len()), (3, Method::POST, 1));
        for other in ["https://a/", "http://a:81/", "//b/"] {
            let other = question().redirected(StatusCode::PERMANENT_REDIRECT, other).unwrap();
            assert_eq!(other.fields.keys().collect::<Vec<_>>(), [CONTENT_TYPE]);
        }
        let next = question().redirected(StatusCode::FOUND, "/b").unwrap();
        assert_eq!((next.fields.len(), next.method, next.body.len()), (2, Method::GET, 0));
    }
}
