//! A target, and whether it is met.

use std::fmt;

use serde_json::{Value, json};

/// A target: the measured figure must not exceed the limit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pub(super) what: String,
    pub(super) figure: f64,
    pub(super) limit: f64,
}

impl Verdict {
    pub(super) fn new(what: impl Into<String>, figure: f64, limit: f64) -> Self {
        Self { what: what.into(), figure, limit }
    }

    pub(super) fn met(&self) -> bool {
        self.figure <= self.limit
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "what": self.what,
            "figure": self.figure,
            "at_most": self.limit,
            "met": self.met(),
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.met() { "met   " } else { "missed" };
        write!(f, "{word} {:>7.3} (at most {}) {}", self.figure, self.limit, self.what)
    }
}
