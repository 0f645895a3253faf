//! What programs mean: which operators bind how strongly, where statements end, and what literals
//! stand for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use iridium_isa::FileId;
use palladium::syntax::ast::{
    Arg, Expr, ExprKind, FormatPart, ItemKind, Stmt, StmtKind, TypeKind, UnaryOp,
};
use palladium::syntax::{parse, parse_entry};

/// The statements of a text, each as it is understood: an operator, then its operands.
fn understood(text: &str) -> Vec<String> {
    let entry = parse_entry(FileId(0), text);
    assert_eq!(entry.problems, [], "{text}");
    entry.stmts.iter().map(stmt).collect()
}

fn stmt(stmt: &Stmt) -> String {
    match &stmt.kind {
        StmtKind::Expr(value) => expr(value),
        StmtKind::Let { value, .. } => format!("(let {})", expr(value)),
        StmtKind::Assign { place, op, value, .. } => match op {
            Some(op) => format!("({op:?}= {} {})", expr(place), expr(value)),
            None => format!("(= {} {})", expr(place), expr(value)),
        },
        other => format!("{other:?}"),
    }
}

fn expr(value: &Expr) -> String {
    let list = |values: &[Expr]| values.iter().map(expr).collect::<Vec<_>>().join(" ");
    let args = |args: &[Arg]| args.iter().map(arg).collect::<Vec<_>>().join(" ");
    match &value.kind {
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => format!("{value:?}"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Char(value) => format!("{value:?}"),
        ExprKind::String(value) => format!("{value:?}"),
        ExprKind::Bytes(value) => format!("{value:?}"),
        ExprKind::Name(name) | ExprKind::TypeName(name) => name.text.to_string(),
        ExprKind::Member { base, name } => format!("{}.{}", expr(base), name.text),
        ExprKind::Call { callee, args: all } => format!("(call {} {})", expr(callee), args(all)),
        ExprKind::Index { base, args: all } => format!("(at {} {})", expr(base), args(all)),
        ExprKind::Try(value) => format!("{}?", expr(value)),
        ExprKind::Unwrap(value) => format!("{}!", expr(value)),
        ExprKind::Unary { op: UnaryOp::Neg, operand } => format!("(- {})", expr(operand)),
        ExprKind::Unary { op: UnaryOp::Not, operand } => format!("(not {})", expr(operand)),
        ExprKind::Binary { op, left, right, .. } => {
            format!("({op:?} {} {})", expr(left), expr(right))
        }
        ExprKind::Range { start, end, inclusive } => {
            format!("({} {} {})", if *inclusive { "..=" } else { ".." }, expr(start), expr(end))
        }
        ExprKind::Is { value, .. } => format!("(is {})", expr(value)),
        ExprKind::Tuple(values) => format!("(tuple {})", list(values)),
        ExprKind::List(values) => format!("[{}]", list(values)),
        ExprKind::Within { call, time } => format!("(within {} {})", expr(call), expr(time)),
        ExprKind::Timer { call, time, repeated } => {
            format!("({} {} {})", if *repeated { "every" } else { "after" }, expr(call), expr(time))
        }
        ExprKind::Spawn { call, node } => {
            let node = node.as_ref().map(|node| format!(" on {}", expr(node)));
            format!("(spawn {}{})", expr(call), node.unwrap_or_default())
        }
        ExprKind::Closure { body, .. } => format!("(fn {})", expr(body)),
        ExprKind::Return(value) => match value {
            Some(value) => format!("(return {})", expr(value)),
            None => "return".into(),
        },
        ExprKind::Stmt(inner) => stmt(inner),
        ExprKind::Format(parts) => {
            let parts = parts.iter().map(|part| match part {
                FormatPart::Text(text) => format!("{text:?}"),
                FormatPart::Value { value, format } => {
                    let width = format.as_ref().map(|format| format!(":{}", format.width));
                    format!("{{{}{}}}", expr(value), width.unwrap_or_default())
                }
            });
            format!("(f {})", parts.collect::<Vec<_>>().join(" "))
        }
        other => format!("{other:?}"),
    }
}

fn arg(arg: &Arg) -> String {
    let label = arg.label.as_ref().map(|label| format!("{}: ", label.text)).unwrap_or_default();
    format!("{label}{}{}", if arg.inout { "&" } else { "" }, expr(&arg.value))
}

fn check(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(understood(text), *expected, "{text}");
    }
}

#[test]
fn operators_bind_by_their_strength() {
    check(&[
        ("1 + 2 * 3 - 4", &["(Sub (Add 1 (Mul 2 3)) 4)"]),
        ("a | b ^ c & d << 1 + 2", &["(BitOr a (BitXor b (BitAnd c (Shl d (Add 1 2)))))"]),
        ("a +% b *% c", &["(AddWrap a (MulWrap b c))"]),
        ("a or b and not c == d", &["(Or a (And b (not (Eq c d))))"]),
        ("not a is B and c", &["(And (not (is a)) c)"]),
        ("a ?? b ?? c or d", &["(OrElse a (OrElse b (Or c d)))"]),
        ("0..n + 1", &["(.. 0 (Add n 1))"]),
        ("x in 1..=9", &["(In x (..= 1 9))"]),
        ("-x.abs() * 2", &["(Mul (- (call x.abs )) 2)"]),
        ("-2 - -3", &["(Sub (- 2) (- 3))"]),
        ("a = b ?? -1", &["(= a (OrElse b (- 1)))"]),
        ("x <<= 1 + 1", &["(Shl= x (Add 1 1))"]),
        ("(a + b) * c", &["(Mul (Add a b) c)"]),
        ("fn(x) => x + 1", &["(fn (Add x 1))"]),
        ("f(fn(x) => n += x, 2)", &["(call f (fn (Add= n x)) 2)"]),
    ]);
}

#[test]
fn processes_have_their_operators() {
    check(&[
        ("c.get() within 200.ms", &["(within (call c.get ) 200.ms)"]),
        ("c.get() within 1.s ?? 0", &["(OrElse (within (call c.get ) 1.s) 0)"]),
        ("c.get() within 1.s is Ok(n) and a", &["(And (is (within (call c.get ) 1.s)) a)"]),
        ("c.tick() every 2 * t", &["(every (call c.tick ) (Mul 2 t))"]),
        ("spawn A(1).b on nodes()[0]", &["(spawn (call A 1).b on (at (call nodes ) 0))"]),
        ("c.get()??", &["(call c.get )??"]),
        ("f(c.get()??, a ?? b)", &["(call f (call c.get )?? (OrElse a b))"]),
        ("a???b", &["(OrElse a? b)"]),
        ("a! != b", &["(Ne a! b)"]),
        ("c.get()??.x", &["(call c.get )??.x"]),
    ]);
}

#[test]
fn statements_end_where_lines_do() {
    check(&[
        ("a\n-b", &["a", "(- b)"]),
        ("a -\nb", &["(Sub a b)"]),
        ("a\n+ b\nand c", &["(And (Add a b) c)"]),
        ("xs\n  .f()\n  .g()", &["(call (call xs.f ).g )"]),
        ("f\n(a)", &["f", "a"]),
        ("f\n[a]", &["f", "[a]"]),
        ("f(\n-a\n,\nb\n)", &["(call f (- a) b)"]),
        ("(a\n-b)", &["(Sub a b)"]),
        ("return\na", &["return", "a"]),
        ("return a", &["(return a)"]),
        ("a ?? # no end\nb", &["a??", "b"]),
        ("a\n?? b", &["(OrElse a b)"]),
        ("a\nwithin 1.s", &["(within a 1.s)"]),
        ("a # comment\n# another\n.b", &["a.b"]),
        ("f(fn() {\na\n-b\n}, c)\nd", &[&understood("f(fn() {\na\n-b\n}, c)")[0], "d"]),
    ]);
}

#[test]
fn literals_have_their_values() {
    check(&[
        ("1_000", &["1000"]),
        ("0xff_ff", &["65535"]),
        ("0b101", &["5"]),
        ("0o17", &["15"]),
        ("0xffff_ffff_ffff_ffff", &["-1"]),
        ("9223372036854775807", &["9223372036854775807"]),
        ("-9223372036854775808", &["-9223372036854775808"]),
        ("-9_223_372_036_854_775_808 + 1", &["(Add -9223372036854775808 1)"]),
        ("1.5e-3", &["0.0015"]),
        ("1e9", &["1000000000.0"]),
        ("1.s", &["1.s"]),
        ("1.5.s", &["1.5.s"]),
        ("1..2", &["(.. 1 2)"]),
        ("t.0.1", &["t.0.1"]),
        ("'\\u{41}'", &["'A'"]),
        ("'\\''", &["'\\''"]),
        (r#""a\n\x41\"b""#, &[r#""a\nA\"b""#]),
        (r#"r"a\n""#, &[r#""a\\n""#]),
        (r#"b"a\xff""#, &["[97, 255]"]),
        ("\"\"\"\n    a\n      b\n    \"\"\"", &["\"a\\n  b\\n\""]),
        ("\"\"\"\n    a\n\n  b\"\"\"", &["\"  a\\n\\nb\""]),
        ("\"\"\"a \"quoted\" b\"\"\"", &["\"a \\\"quoted\\\" b\""]),
        ("f\"{x}\"", &["(f {x})"]),
        ("f\"a{x:>8}b{{}}\"", &["(f \"a\" {x:8} \"b{}\")"]),
        ("f\"{m[\"k\"]}{f\"{y}\"}\"", &["(f {(at m \"k\")} {(f {y})})"]),
        ("f\"\"\"\n  {x}\n    b\n  \"\"\"", &["(f {x} \"\\n  b\\n\")"]),
        ("f\"\"\"\n  a\n  {x}\n  \"\"\"", &["(f \"a\\n\" {x} \"\\n\")"]),
    ]);
}

#[test]
fn types_take_the_longer_reading() {
    let text = "fn f(a: fn() -> T?, b: (fn() -> T)?, c: Int??, d: fn() receives M) {}";
    let parsed = parse(FileId(0), text);
    assert_eq!(parsed.problems, []);
    let ItemKind::Fn(function) = &parsed.file.items[0].kind else { panic!() };
    let types: Vec<_> =
        function.params.iter().map(|param| &param.ty.as_ref().unwrap().kind).collect();
    let option = |kind: &TypeKind| matches!(kind, TypeKind::Option(_));
    assert!(matches!(types[0], TypeKind::Fn { result: Some(result), .. } if option(&result.kind)));
    assert!(
        matches!(types[1], TypeKind::Option(inner) if matches!(inner.kind, TypeKind::Fn { .. }))
    );
    assert!(matches!(types[2], TypeKind::Option(inner) if option(&inner.kind)));
    assert!(matches!(types[3], TypeKind::Fn { receives: Some(_), result: None, .. }));
}

#[test]
fn comments_with_two_signs_document() {
    let doc = |text: &str| {
        let file = parse(FileId(0), text).file;
        let item = file.items.first().and_then(|item| item.doc.clone());
        (file.doc.as_deref().map(str::to_owned), item.as_deref().map(str::to_owned))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(doc("## a\n## b\nfn f() {}"), (None, some("a\nb")));
    assert_eq!(doc("## a\n\n## b\nfn f() {}"), (some("a"), some("b")));
    assert_eq!(doc("## a\nimport x\n## b\npub fn f() {}"), (some("a"), some("b")));
    assert_eq!(doc("## a\n\nfn f() {}"), (some("a"), None));
    assert_eq!(doc("import x ## no\nfn f() {}"), (None, None));
    let file = parse(FileId(0), "record A {\n    ## a\n    x: Int ## no\n    y: Int\n}").file;
    let ItemKind::Record(record) = &file.items[0].kind else { panic!() };
    let docs: Vec<_> = record.fields.iter().map(|field| field.doc.as_deref()).collect();
    assert_eq!(docs, [Some("a"), None]);
}
