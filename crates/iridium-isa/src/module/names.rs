//! What labels, exports and imports may be called.

/// Whether a text can be a label or the name of an import.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('.') && text.chars().all(is_name_char)
}

/// Letters, digits, `_` and `.`.
pub fn is_name_char(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '.'
}
