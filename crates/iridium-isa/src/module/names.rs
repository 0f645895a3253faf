//! What labels, exports, imports and source files may be called.

/// The most bytes that a name may have: of a label, an export, an import or a source file.
pub const MAX_NAME: usize = 255;

/// Whether a text can be a label or the name of an import.
pub fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && !text.starts_with('.') && text.chars().all(is_name_char)
}

/// Letters, digits, `_` and `.`.
pub fn is_name_char(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '.'
}
