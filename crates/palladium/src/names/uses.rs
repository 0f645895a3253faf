//! What an editor asks about names: where each stands, and where that is declared.

use crate::core::Type;
use crate::diag::Place;

/// What is noted while a program is checked.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// Names, each with the place of the name in the declaration of what it stands for. A module is
    /// declared at the beginning of its file.
    pub(crate) names: Vec<(Place, Place)>,
    /// Values before a dot, with their types as far as they are known there.
    pub(crate) receivers: Vec<(Place, Type)>,
}
