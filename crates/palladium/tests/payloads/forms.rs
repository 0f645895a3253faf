//! Types, and a program that reads and writes values of them.

use std::fmt::Write as _;

use iridium_isa::protocol::{Body, Declared, Field, Protocol, Shape, Variant};

use super::Below;

/// The types: some that are as others would write them, and some at random.
pub(super) fn types(random: Below<'_>) -> (Protocol, Vec<Shape>) {
    let (mut declared, mut shapes) = written();
    let all = declared.len() as u32 + RANDOM;
    for number in declared.len() as u32..all {
        let known = Known { earlier: number, all };
        declared.push(Declared { name: format!("T{number}").into(), body: known.body(random) });
    }
    shapes.extend((0..all).map(Shape::Declared));
    let known = Known { earlier: all, all };
    shapes.extend((0..RANDOM).map(|_| known.shape(3, random)));
    (Protocol::new("Forms", declared), shapes)
}

/// How many types are made.
const RANDOM: u32 = 12;

fn written() -> (Vec<Declared>, Vec<Shape>) {
    use Shape::{Bool, Bytes, Char, Duration, Float, Int, Node, String};
    let list = |of| Shape::List(Box::new(of));
    let option = |of| Shape::Option(Box::new(of));
    let set = |of| Shape::Set(Box::new(of));
    let map = |key, of| Shape::Map(Box::new(key), Box::new(of));
    let [point, wide, role, tree, chain, many, only] = [0, 1, 2, 3, 4, 5, 6].map(Shape::Declared);
    let record = |name: &str, fields: Vec<(&str, Shape)>| Declared {
        name: name.into(),
        body: Body::Record(fields.into_iter().map(|(l, s)| Field::new(l, s)).collect()),
    };
    let variants = |name: &str, variants: Vec<(&str, Vec<Shape>)>| {
        let variant = |(name, shapes): (&str, Vec<Shape>)| Variant {
            name: name.into(),
            fields: shapes.into_iter().map(Field::unnamed).collect(),
        };
        let body = Body::Enum(variants.into_iter().map(variant).collect());
        Declared { name: name.into(), body }
    };
    let declared = vec![
        record("Point", vec![("x", Int), ("y", Int)]),
        record(
            "Wide",
            vec![
                ("a", Int),
                ("b", String),
                ("c", Float),
                ("d", Bool),
                ("e", list(Int)),
                ("f", option(Shape::Tuple(vec![Int, String]))),
                ("g", Char),
            ],
        ),
        variants(
            "Role",
            vec![
                ("Guest", vec![]),
                ("Member", vec![Int]),
                ("Pair", vec![Int, String]),
                ("Key", vec![Bytes]),
                ("At", vec![point.clone(), option(role.clone())]),
            ],
        ),
        variants(
            "Tree",
            vec![("Leaf", vec![]), ("Node", vec![tree.clone(), String, tree.clone()])],
        ),
        record("Chain", vec![("name", String), ("next", option(chain.clone()))]),
        record(
            "Many",
            vec![("all", list(many.clone())), ("by", map(String, option(many.clone())))],
        ),
        variants("Only", vec![("Just", vec![])]),
    ];
    let unit = || Shape::Tuple(Vec::new());
    let shapes = vec![
        Int,
        Float,
        Bool,
        Char,
        String,
        Bytes,
        Duration,
        Node,
        unit(),
        option(option(Int)),
        list(Int),
        list(Float),
        list(Char),
        list(String),
        list(unit()),
        list(only.clone()),
        list(point),
        list(wide),
        list(list(role)),
        option(chain),
        set(Int),
        set(String),
        set(unit()),
        set(option(Shape::Tuple(vec![Bool, Int]))),
        map(String, Int),
        map(Shape::Tuple(vec![Int, only]), list(tree)),
        map(unit(), unit()),
        map(list(String), map(Char, Float)),
        map(many, Bool),
    ];
    (declared, shapes)
}

/// The declared types that others may speak of. A value has one of an earlier type in it, or of any
/// where it may be missing: so each type has values.
struct Known {
    earlier: u32,
    all: u32,
}

impl Known {
    fn body(&self, random: Below<'_>) -> Body {
        if random(2) == 0 {
            return Body::Record(self.fields(7, true, random));
        }
        let count = 1 + random(4);
        let variants = (0..count).map(|n| {
            // Those of the first are there in any case.
            let known = Self { earlier: if n == 0 { self.earlier } else { self.all }, ..*self };
            let labels = random(2) == 0;
            let fields = known.fields(4, labels, random);
            Variant { name: format!("V{n}").into(), fields }
        });
        Body::Enum(variants.collect())
    }

    fn fields(&self, most: usize, labels: bool, random: Below<'_>) -> Vec<Field> {
        let count = random(most);
        let fields = (0..count).map(|n| match labels {
            true => Field::new(format!("f{n}"), self.shape(2, random)),
            false => Field::unnamed(self.shape(2, random)),
        });
        fields.collect()
    }

    fn shape(&self, depth: usize, random: Below<'_>) -> Shape {
        let anywhere = Self { earlier: self.all, ..*self };
        let inner = |random: Below<'_>| Box::new(anywhere.shape(depth - 1, random));
        match random(if depth == 0 { 8 } else { 16 }) {
            0..4 => scalar(random),
            4 => Shape::Float,
            5..8 if self.earlier > 0 => Shape::Declared(random(self.earlier as usize) as u32),
            5..8 => Shape::Int,
            8 | 9 => {
                // One of a single type is that type.
                let count = [0, 2, 3][random(3)];
                Shape::Tuple((0..count).map(|_| self.shape(depth - 1, random)).collect())
            }
            10 | 11 => Shape::Option(inner(random)),
            12 | 13 => Shape::List(inner(random)),
            14 => Shape::Map(Box::new(key(depth - 1, random)), inner(random)),
            _ => Shape::Set(Box::new(key(depth - 1, random))),
        }
    }
}

fn scalar(random: Below<'_>) -> Shape {
    match random(7) {
        0 | 1 => Shape::Int,
        2 => Shape::Bool,
        3 => Shape::Char,
        4 => Shape::Bytes,
        5 => Shape::Duration,
        _ => Shape::String,
    }
}

/// A type that has hashes.
fn key(depth: usize, random: Below<'_>) -> Shape {
    match random(if depth == 0 { 4 } else { 8 }) {
        0..4 => scalar(random),
        4 => Shape::Tuple((0..[0, 2][random(2)]).map(|_| key(depth - 1, random)).collect()),
        5 => Shape::Option(Box::new(key(depth - 1, random))),
        6 => Shape::List(Box::new(key(depth - 1, random))),
        _ => Shape::Declared(0),
    }
}

/// A program that is given the number of a type, as so many blanks, and a payload. It writes `none`
/// when that is none, `same` when it is what the value is written as, and else the digits of that.
pub(super) fn kept(protocol: &Protocol, shapes: &[Shape]) -> String {
    let mut source = format!("import std.codec\nimport std.env\n{}", declarations(protocol));
    source.push_str(
        "
fn tried[T: Send](payload: Bytes) {
    match codec.decode[T](payload) {
        Err(_) => write(\"none\")
        Ok(x) => {
            let again = codec.encode(x)
            write(if again == payload { \"same\" } else { again.to_hex() })
        }
    }
}

fn main() {
    let args = env.args()
    let payload = args[1].bytes()
    match args[0].len() {
",
    );
    for (number, shape) in shapes.iter().enumerate() {
        let _ = writeln!(source, "        {number} => tried[{}](payload)", protocol.text_of(shape));
    }
    source.push_str("        _ => {}\n    }\n}\n");
    source
}

/// A program that receives messages of these types. Each is a call that is answered with what was in
/// it; those of a single number are also there as messages, which it prints.
pub(super) fn inbox(protocol: &Protocol, shapes: &[Shape], random: Below<'_>) -> String {
    let (mut variants, mut arms) = (String::new(), String::new());
    let mut add = |name: String, shapes: &[&Shape], reply_at: usize| {
        let types: Vec<String> = shapes.iter().map(|shape| protocol.text_of(shape)).collect();
        let names: Vec<String> = (0..types.len()).map(|n| format!("x{n}")).collect();
        let mut fields: Vec<String> =
            names.iter().zip(&types).map(|(name, ty)| format!("{name}: {ty}")).collect();
        let mut given = names.clone();
        let value = |parts: &[String]| match parts {
            [only] => only.clone(),
            all => format!("({})", all.join(", ")),
        };
        let done = if reply_at <= fields.len() {
            fields.insert(reply_at, format!("answer: Reply[{}]", value(&types)));
            given.insert(reply_at, "answer".to_owned());
            format!("answer.send({})", value(&names))
        } else {
            format!("print({})", value(&names))
        };
        let _ = writeln!(variants, "    {name}({})", fields.join(", "));
        let _ = writeln!(arms, "            {name}({}) => {done}", given.join(", "));
    };
    for (number, shape) in shapes.iter().enumerate() {
        add(format!("One{number}"), &[shape], 1);
    }
    for (number, shape) in shapes.iter().enumerate() {
        if is_number(shape) {
            add(format!("Sent{number}"), &[shape], usize::MAX);
        }
    }
    for number in 0..SEVERAL {
        let mut one = || &shapes[random(shapes.len())];
        let several = [one(), one(), one()];
        add(format!("Several{number}"), &several, random(4));
    }
    let numbers: Vec<&Shape> = shapes.iter().filter(|shape| is_number(shape)).collect();
    add("Numbers".to_owned(), &numbers, 2);
    let declarations = declarations(protocol);
    format!(
        "{declarations}
enum Inbox {{
{variants}}}

fn main() receives Inbox {{
    loop {{
        receive {{
{arms}        }}
    }}
}}
"
    )
}

/// How many messages have several fields.
const SEVERAL: usize = 12;

fn is_number(shape: &Shape) -> bool {
    use Shape::{Bool, Char, Duration, Float, Int};
    matches!(shape, Int | Float | Bool | Char | Duration)
}

fn declarations(protocol: &Protocol) -> String {
    let declared = protocol.types.iter();
    declared.map(|declared| protocol.declaration(declared) + "\n").collect()
}
