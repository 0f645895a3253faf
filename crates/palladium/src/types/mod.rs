//! From syntax trees to the typed tree.

pub mod exhaustive;
