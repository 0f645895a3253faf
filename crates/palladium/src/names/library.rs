//! The standard library: its texts, and which of its modules need no import.

/// The modules whose types, variants and methods are known everywhere.
pub(crate) const PRELUDE: &[&str] = &[
    "prelude", "int", "float", "char", "bool", "string", "list", "range", "map", "set", "option",
    "result", "ordering", "bytes", "duration", "io", "fmt",
];

/// The modules of the prelude whose functions without `self` are known everywhere.
pub(crate) const OPEN: &[&str] = &["prelude", "io"];

/// Every module, by the name that follows `std.`.
const MODULES: &[(&str, &str)] = &[
    ("arena", include_str!("../std/arena.pd")),
    ("base64", include_str!("../std/base64.pd")),
    ("bool", include_str!("../std/bool.pd")),
    ("bytes", include_str!("../std/bytes.pd")),
    ("char", include_str!("../std/char.pd")),
    ("cluster", include_str!("../std/cluster.pd")),
    ("codec", include_str!("../std/codec.pd")),
    ("duration", include_str!("../std/duration.pd")),
    ("each_char", include_str!("../std/each_char.pd")),
    ("each_line", include_str!("../std/each_line.pd")),
    ("each_numbered", include_str!("../std/each_numbered.pd")),
    ("each_part", include_str!("../std/each_part.pd")),
    ("each_step", include_str!("../std/each_step.pd")),
    ("each_word", include_str!("../std/each_word.pd")),
    ("each_zipped", include_str!("../std/each_zipped.pd")),
    ("env", include_str!("../std/env.pd")),
    ("float", include_str!("../std/float.pd")),
    ("fmt", include_str!("../std/fmt.pd")),
    ("fs", include_str!("../std/fs.pd")),
    ("grapheme_tables", include_str!("../std/grapheme_tables.pd")),
    ("group", include_str!("../std/group.pd")),
    ("hash", include_str!("../std/hash.pd")),
    ("http", include_str!("../std/http.pd")),
    ("http_file", include_str!("../std/http_file.pd")),
    ("int", include_str!("../std/int.pd")),
    ("io", include_str!("../std/io.pd")),
    ("json", include_str!("../std/json.pd")),
    ("json_decode", include_str!("../std/json_decode.pd")),
    ("json_encode", include_str!("../std/json_encode.pd")),
    ("json_reader", include_str!("../std/json_reader.pd")),
    ("list", include_str!("../std/list.pd")),
    ("log", include_str!("../std/log.pd")),
    ("map", include_str!("../std/map.pd")),
    ("math", include_str!("../std/math.pd")),
    ("math_angle", include_str!("../std/math_angle.pd")),
    ("math_pow", include_str!("../std/math_pow.pd")),
    ("net", include_str!("../std/net.pd")),
    ("option", include_str!("../std/option.pd")),
    ("ordering", include_str!("../std/ordering.pd")),
    ("prelude", include_str!("../std/prelude.pd")),
    ("process", include_str!("../std/process.pd")),
    ("random", include_str!("../std/random.pd")),
    ("range", include_str!("../std/range.pd")),
    ("result", include_str!("../std/result.pd")),
    ("scalar", include_str!("../std/scalar.pd")),
    ("scalar_tables", include_str!("../std/scalar_tables.pd")),
    ("set", include_str!("../std/set.pd")),
    ("sorting", include_str!("../std/sorting.pd")),
    ("string", include_str!("../std/string.pd")),
    ("supervisor", include_str!("../std/supervisor.pd")),
    ("table", include_str!("../std/table.pd")),
    ("time", include_str!("../std/time.pd")),
    ("unicode", include_str!("../std/unicode.pd")),
    ("wire", include_str!("../std/wire.pd")),
    ("ws", include_str!("../std/ws.pd")),
];

/// The text of a module.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    MODULES.iter().find(|(module, _)| *module == name).map(|(_, text)| *text)
}

/// The names of all modules.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name)
}

/// The texts of all modules.
pub(crate) fn texts() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(_, text)| *text)
}

/// The names of those that are there to be imported.
pub(crate) fn importable() -> impl Iterator<Item = &'static str> {
    let has_public = |text: &str| text.starts_with("pub ") || text.contains("\npub ");
    let public = MODULES.iter().filter(move |(_, text)| has_public(text));
    public.map(|(name, _)| *name).filter(|name| !PRELUDE.contains(name))
}

/// The functions for processes that are known everywhere. Their module is only read for them.
pub(crate) const OF_PROCESSES: &[&str] = &[
    "ask",
    "monitor",
    "demonitor",
    "link",
    "unlink",
    "node",
    "nodes",
    "monitor_nodes",
    "task",
    "parallel_map",
];

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
        "Reason" | "Normal" | "Code" | "Killed" | "NoProcess" | "NodeLost" | "Shutdown"
        | "GaveUp" | "TrapKind" | "CallError" | "Timeout" | "Down" | "NotUnderstood"
        | "SpawnError" | "Unreachable" | "Refused" | "Exit" | "NodeUp" | "NodeDown" | "Monitor"
        | "Timer" | "Task" => "process",
        _ => return None,
    })
}
