//! What several tests need.

pub(crate) mod evaluate;
pub(crate) mod machine;
pub(crate) mod trees;
