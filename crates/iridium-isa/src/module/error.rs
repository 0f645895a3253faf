//! Why a file is not a usable module.

use super::verify::InvalidModule;

/// The format of module files that this version writes. It reads version 1 as well.
pub const FORMAT_VERSION: u16 = 2;

/// Why a file is not a usable module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It does not begin with the magic.
    #[error("not an Iridium module: it does not begin with `EPIE`")]
    Foreign,
    /// A program of the original Iridium, whose binary format had no version.
    #[error("a program of the original Iridium; assemble it again from its source")]
    Original,
    /// Written by a later version.
    #[error(
        "module format {found} is newer than this version of Iridium, which reads up to \
         {FORMAT_VERSION}"
    )]
    Future {
        /// The version in the file.
        found: u16,
    },
    /// It has a section that must be understood, and that only a later version knows.
    #[error("module needs its section {id}, which this version of Iridium does not know")]
    UnknownSection {
        /// The section's number.
        id: u32,
    },
    /// The file ends too early.
    #[error("module is cut off: {found} bytes of {needed}")]
    Truncated {
        /// Bytes that the header speaks of.
        needed: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// There is more than the header speaks of.
    #[error("module is damaged: {extra} bytes after its end")]
    Trailing {
        /// How many bytes too many.
        extra: u64,
    },
    /// A checksum is wrong or a section makes no sense.
    #[error("module is damaged: bad {section}")]
    Damaged {
        /// Which part.
        section: &'static str,
    },
    /// It has more of something than is read here.
    #[error("module has {found} {what}, more than the {most} that are taken in here")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much it has.
        found: usize,
        /// How much is read.
        most: usize,
    },
    /// It is intact but breaks a rule of the verifier.
    #[error("invalid module: {0}")]
    Invalid(#[from] InvalidModule),
}
