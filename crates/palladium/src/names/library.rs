//! The standard library: its texts, and which of its modules need no import.

/// The modules whose types, variants and methods are known everywhere.
pub(crate) const PRELUDE: &[&str] = &[
    "prelude", "int", "float", "char", "bool", "string", "list", "range", "map", "set", "option",
    "result", "ordering", "bytes", "duration", "io", "fmt",
];

/// The modules of the prelude whose functions without `self` are known everywhere.
pub(crate) const OPEN: &[&str] = &["prelude", "io"];

/// Every module, by the name that follows `std.`.
const MODULES: &[(&str, &str)] = &[];

/// The text of a module.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    MODULES.iter().find(|(module, _)| *module == name).map(|(_, text)| *text)
}

/// The names of all modules.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name)
}

/// The module of the prelude that declares a type or a variant of everyday use. Of others only a
/// look into all of them tells.
pub(crate) fn home(name: &str) -> Option<&'static str> {
    Some(match name {
        "Option" | "Some" | "None" => "option",
        "Result" | "Ok" | "Err" => "result",
        "Ordering" | "Less" | "Equal" | "Greater" => "ordering",
        "Map" => "map",
        "Set" => "set",
        "Range" => "range",
        _ => return None,
    })
}
