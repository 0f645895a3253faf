//! The names of documents, and the paths of files.

use std::path::{Path, PathBuf};

/// The path of a document. One that is no file has its name as a relative path.
pub(crate) fn path_of(uri: &str) -> PathBuf {
    let Some(rest) = uri.strip_prefix("file://") else { return PathBuf::from(uri) };
    let path = rest.find('/').map_or(rest, |slash| &rest[slash..]);
    let decoded = decoded(path);
    // file:///C:/x is C:/x
    let drive = decoded.as_bytes().get(2) == Some(&b':');
    PathBuf::from(if drive { decoded[1..].to_owned() } else { decoded })
}

/// The name of the document at a path.
pub(crate) fn uri_of(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    if !path.is_absolute() {
        return text;
    }
    let mut uri = String::from(if text.starts_with('/') { "file://" } else { "file:///" });
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names_of_documents_go_both_ways() {
        for (uri, path) in [
            ("file:///home/a/b.pd", "/home/a/b.pd"),
            ("file:///a%20b/%C3%A9.pd", "/a b/é.pd"),
            ("untitled:Untitled-1", "untitled:Untitled-1"),
        ] {
            assert_eq!(path_of(uri), PathBuf::from(path));
            assert_eq!(uri_of(Path::new(path)), uri);
        }
        assert_eq!(path_of("file://localhost/a%zz"), PathBuf::from("/a%zz"));
    }
}
