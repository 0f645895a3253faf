//! Errors of the operating system, in words.

use std::io;

/// What went wrong with a file or an address, without the number that the system gives it.
pub(crate) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::IsADirectory => "it is a directory".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::NotADirectory => "a part of its path is a file, no directory".into(),
        io::ErrorKind::StorageFull => "there is no space left".into(),
        _ => {
            let text = error.to_string();
            let without_code = error.raw_os_error().and_then(|code| {
                text.strip_suffix(&format!(" (os error {code})")).map(str::to_lowercase)
            });
            without_code.unwrap_or(text)
        }
    }
}
