//! The error behind an error.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// The error behind another one, of whatever type. Clones share it; two are equal when they read
/// the same.
#[derive(Clone)]
pub struct Cause(Arc<dyn Error + Send + Sync>);

impl Cause {
    pub(crate) fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(error))
    }
}

/// A cause that has no error of its own.
impl From<String> for Cause {
    fn from(text: String) -> Self {
        Self(Arc::from(Box::<dyn Error + Send + Sync>::from(text)))
    }
}

/// A cause that has no error of its own.
impl From<&str> for Cause {
    fn from(text: &str) -> Self {
        Self::from(text.to_string())
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Cause {}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn it_reads_as_what_it_holds_and_keeps_what_is_behind_that() {
        let inner = io::Error::new(io::ErrorKind::NotFound, "nothing there");
        let outer = Cause::new(io::Error::other(inner));
        assert_eq!(outer.to_string(), "nothing there");
        assert_eq!(outer, Cause::from("nothing there"));
        assert!(Cause::new(fmt::Error).source().is_none());
    }
}
