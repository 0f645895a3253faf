//! Names that other languages have for what is called or written otherwise here.

const MISSING: &str = "what may be missing has a type `T?`: it is `None` or `Some(…)`";

/// What to write for a value or function of another language.
pub(crate) fn value(name: &str) -> Option<&'static str> {
    Some(match name {
        "null" | "nil" | "none" | "undefined" => MISSING,
        "println" | "printf" | "puts" | "echo" | "console" => {
            "write `print(…)`, or `write(…)` to stay on the line"
        }
        "len" | "length" | "size" => "it is a method: `x.len()`",
        "bool" => "write a comparison, such as `x != 0`",
        "list" | "listOf" | "mutableListOf" | "arrayOf" => "a list is written `[a, b]`",
        "dict" | "mapOf" | "mutableMapOf" => "a map is written `[key: value]`, an empty one `[:]`",
        "set" => "write `Set.from([a, b])`",
        "str" | "tostring" | "string" | "repr" | "format" | "sprintf" => {
            "make a text with an f-string: f\"{x} and {y}\""
        }
        "int" | "tonumber" | "parseInt" => "write `Int.parse(text)`, or `x.to_int()` of a Float",
        "float" => "write `Float.parse(text)`, or `x.to_float()` of an Int",
        "append" => "it is a method that changes the list: `xs.push(x)`",
        "sleep" => "write `time.sleep(1.s)`, and `import std.time` at the top of the file",
        "input" | "readline" => {
            "write `io.read_line()`, and `import std.io` at the top of the file"
        }
        "open" => "write `fs.read_text(path)`, and `import std.fs` at the top of the file",
        "ipairs" | "pairs" => "run over the value itself: `for x in xs`, `for (k, v) in m`",
        "require" => "write `import name` at the top, for the file `name.pd`",
        "send" => "write `pid.message(x)` to an actor, else `pid.send(Message(x))`",
        "isinstance" | "type" | "typeof" => {
            "every type is known without it; `match` takes an enum apart"
        }
        "ord" => "write `c.code()` of a Char",
        "chr" => "write `Char.from(code)`",
        "end" => "a block ends with `}`",
        "todo" => "write `panic(text)`, which fits every type",
        "pass" => "leave it out: a block may be empty",
        "range" => "write `0..n`: `for i in 0..n { … }`",
        "enumerate" | "zip" | "map" | "filter" | "sorted" | "sum" | "any" | "all" | "reversed" => {
            "it is a method of lists: `xs.METHOD(…)`"
        }
        "sqrt" | "floor" | "ceil" | "round" => "it is a method of Float: `x.sqrt()`, `x.round()`",
        "this" => "what a method is called on is its parameter `self`",
        "exit" => "`return` from `main`, or end with `panic(text)`",
        _ => return None,
    })
}

/// What to write for a type, variant or constant of another language.
pub(crate) fn upper(name: &str) -> Option<&'static str> {
    Some(match name {
        "True" => "write `true`",
        "False" => "write `false`",
        "Null" | "NULL" | "Nothing" => MISSING,
        "Nil" => "nothing is `()`, as in `Ok(())`; what may be missing has a type `T?`",
        "Str" | "Text" => "write `String`",
        "Integer" | "Long" | "Number" => "write `Int`",
        "Boolean" => "write `Bool`",
        "Double" => "write `Float`",
        "Array" | "Vec" | "Slice" => "write `List[T]`",
        "Tuple" => "write `(A, B)`",
        "Dict" | "HashMap" | "Dictionary" => "write `Map[K, V]`",
        "HashSet" => "write `Set[T]`",
        "Optional" | "Maybe" => "write `T?`, which is short for `Option[T]`",
        "Unit" | "Void" => "what gives nothing has no `-> TYPE`; its type is `()`",
        "Any" | "Object" => "take a type parameter `[T]`, or an enum of the types that are meant",
        "Error" | "Exception" => {
            "an error has a type of its own, or is a text: `Result[T, String]`"
        }
        "Self" => "write the name of the type",
        _ => return None,
    })
}

/// The names that a method of another language may have here.
pub(crate) fn methods(name: &str) -> &'static [&'static str] {
    match name {
        "add" | "append" | "push_back" => &["push", "extend"],
        "length" | "size" | "count" => &["len"],
        "to_upper" | "to_uppercase" | "uppercase" | "toUpperCase" => &["upper"],
        "to_lower" | "to_lowercase" | "lowercase" | "toLowerCase" => &["lower"],
        "strip" => &["trim"],
        "index" | "indexOf" => &["index_of", "find"],
        "for_each" | "forEach" => &["each"],
        "includes" | "contains_key" | "containsKey" | "has_key" | "contains" => {
            &["contains", "has"]
        }
        "delete" | "erase" => &["remove"],
        "toString" | "to_str" | "str" => &["to_string"],
        "collect" | "toList" => &["to_list"],
        "items" => &["entries"],
        "inject" => &["fold"],
        "sqrt" | "floor" | "ceil" | "round" => &["to_float"],
        _ => &[],
    }
}

/// What to write where another language has a method and there is none here.
pub(crate) fn no_method(name: &str) -> Option<&'static str> {
    Some(match name {
        "unwrap" | "expect" => "write `x!`: it ends the process when there is no value",
        "unwrap_or" | "get_or_else" => "write `x ?? default`",
        "is_some" | "is_none" => "write `x is Some(_)` or `x is None`",
        "is_ok" | "is_err" => "write `x is Ok(_)` or `x is Err(_)`",
        "iter" | "into_iter" => "run over the value itself: `for x in xs`",
        "to_list" | "collect" | "to_vec" | "toList" => {
            "a list needs none; others have `text.chars()`, `map.entries()`"
        }
        "await" => "leave it out: what waits does so without a word",
        "clone" | "copy" => "leave it out: a `var y = x` changes without `x`",
        "substring" | "substr" | "slice" => "write `x[a..b]`",
        "to_string" | "toString" | "str" => "write f\"{x}\"",
        "seconds" | "second" | "sec" | "secs" | "minutes" | "hours" | "milliseconds" | "millis" => {
            "a time is written `5.ms`, `5.s`, `5.min`, `5.h`"
        }
        "put" | "set" | "insert" => "write `m[key] = value`",
        _ => return None,
    })
}
