//! What an editor is told of programs, whole and broken ones. `‸` in a source is the cursor.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;

use iridium_isa::FileId;
use palladium::analysis::{Analysis, Candidate, Kind, Symbol};
use palladium::diag::Place;
use palladium::names::{LoadError, Loaded, Loader};

/// The files of a program, by their paths.
struct Files<'s>(&'s [(&'s str, &'s str)]);

impl Loader for Files<'_> {
    fn load(&mut self, path: &str) -> Result<Loaded, LoadError> {
        let (path, text) =
            self.0.iter().find(|(name, _)| *name == path).ok_or(LoadError::NotFound)?;
        Ok(Loaded { name: (*path).into(), text: (*text).into() })
    }
}

const SHAPES: &str = "## Shapes and their sizes.

## A circle or a square.
pub enum Shape {
    ## Round.
    Circle(r: Int)
    Square(Int)
}

## What is inside.
pub fn area(self: Shape, scale: Int = 1) -> Int {
    match self {
        Circle(r) => r * r * 3 * scale
        Square(side) => side * side * scale
    }
}

pub const limit = 10
fn hidden() {}
";

/// A program with a cursor, and what it imports.
fn at(source: &str) -> (Analysis, u32) {
    let offset = source.find('‸').unwrap_or_else(|| panic!("no cursor in {source}"));
    let text = source.replace('‸', "");
    let files = [("main.pd", text.as_str()), ("shapes.pd", SHAPES)];
    (Analysis::of("main.pd", &mut Files(&files)).unwrap(), offset as u32)
}

const MAIN: FileId = FileId(0);

/// The texts that may be written at the cursor.
fn offered(source: &str) -> BTreeSet<String> {
    candidates(source).into_iter().map(|candidate| candidate.text).collect()
}

fn candidates(source: &str) -> Vec<Candidate> {
    let (mut analysis, offset) = at(source);
    analysis.complete(MAIN, offset).candidates
}

#[track_caller]
fn offers(source: &str, wanted: &[&str], unwanted: &[&str]) {
    let offered = offered(source);
    for wanted in wanted {
        assert!(offered.contains(*wanted), "{wanted} is not in {offered:?} for {source}");
    }
    for unwanted in unwanted {
        assert!(!offered.contains(*unwanted), "{unwanted} is in {offered:?} for {source}");
    }
}

/// The line and the text of a place.
fn shown(analysis: &Analysis, place: &Place) -> String {
    let file = &analysis.files()[place.file.0 as usize];
    let line = file.text[..place.span.start as usize].lines().count();
    let line = if file.text[..place.span.start as usize].ends_with('\n') { line + 1 } else { line };
    format!("{}:{}:{}", file.name, line.max(1), analysis.text_at(place))
}

/// Where what stands at the cursor is declared, and all of its places.
fn declared(source: &str) -> (String, Vec<String>) {
    let (mut analysis, offset) = at(source);
    let named = analysis.name_at(MAIN, offset).unwrap_or_else(|| panic!("nothing in {source}"));
    let places = analysis.places_of(&named.declared);
    let places = places.iter().map(|place| shown(&analysis, place)).collect();
    (shown(&analysis, &named.declared), places)
}

/// What is said of what stands at the cursor.
fn hovered(source: &str) -> (Kind, String, String) {
    let (mut analysis, offset) = at(source);
    let named = analysis.name_at(MAIN, offset).unwrap_or_else(|| panic!("nothing in {source}"));
    let declared = analysis.declared(&named.declared).unwrap();
    (declared.kind, declared.signature, declared.doc)
}

#[test]
fn names_lead_to_their_declarations() {
    for (source, expected) in [
        ("fn f(a: Int) -> Int { ‸a + 1 }", "main.pd:1:a"),
        ("fn f() {\n let x = 1\n print(x‸)\n}", "main.pd:2:x"),
        ("fn f() {\n var x = 1\n x‸ += 1\n}", "main.pd:2:x"),
        ("fn f() {\n let x = 1\n let g = fn() => ‸x\n g()\n}", "main.pd:2:x"),
        ("fn f() {\n let x = 1\n print(f\"é {‸x}\")\n}", "main.pd:2:x"),
        ("fn f() { g‸() }\nfn g() {}", "main.pd:2:g"),
        ("fn f() {\n fn inner() {}\n ‸inner()\n}", "main.pd:2:inner"),
        ("fn f() { print(‸top) }\nconst top = 3", "main.pd:2:top"),
        ("record P { x: Int }\nfn f(p: ‸P) {}", "main.pd:1:P"),
        ("record P {\n x: Int\n}\nfn f(p: P) { print(p.‸x) }", "main.pd:2:x"),
        ("record P {\n x: Int\n}\nfn f() { print(P(‸x: 1)) }", "main.pd:2:x"),
        ("fn g(by: Int) {}\nfn f() { g(b‸y: 1) }", "main.pd:1:by"),
        ("fn g[T](x: ‸T) {}", "main.pd:1:T"),
        ("alias A = Int\nfn f(a: A‸) {}", "main.pd:1:A"),
        ("fn f(n: Int) {\n match n {\n 1 | 2 => ()\n m => print(‸m)\n }\n}", "main.pd:4:m"),
        ("import shapes\nfn f() { print(Circ‸le(1)) }", "shapes.pd:6:Circle"),
        ("import shapes\nfn f() { print(shapes.Circle(‸r: 1)) }", "shapes.pd:6:r"),
        ("import shapes\nfn f(s: Shape) { print(s.‸area()) }", "shapes.pd:11:area"),
        ("import shapes\nfn f(s: Shape) { print(s.area(sc‸ale: 2)) }", "shapes.pd:11:scale"),
        ("import shapes\nfn f(s: shapes.‸Shape) {}", "shapes.pd:4:Shape"),
        ("import shapes\nfn f(s: Shape) { if s is Circle(‸r: q) { print(q) } }", "shapes.pd:6:r"),
        ("import shapes\nfn f() { print(shapes.lim‸it) }", "shapes.pd:18:limit"),
        ("import shapes\nfn f() { print(‸shapes.limit) }", "shapes.pd:1:"),
        ("import sh‸apes", "shapes.pd:1:"),
        ("import shapes as s\nfn f() { print(‸s.limit) }", "shapes.pd:1:"),
        ("fn f(‸a: Int) {}", "main.pd:1:a"),
        ("fn f‸() {}", "main.pd:1:f"),
        ("fn f() { let ‸x = 1 }", "main.pd:1:x"),
    ] {
        assert_eq!(declared(source).0, expected, "{source}");
    }
}

#[test]
fn names_lead_into_the_library() {
    let (mut analysis, offset) = at("fn f(xs: List[Int]) { xs.so‸rted() }");
    let declared = analysis.name_at(MAIN, offset).unwrap().declared;
    assert_eq!(analysis.library_module(declared.file), Some("list"));
    assert_eq!(analysis.text_at(&declared), "sorted");
    let mut library = Analysis::of_library("list").unwrap();
    let list = library.files().iter().position(|file| &*file.name == "std/list.pd").unwrap();
    let file = FileId(list as u32);
    let text = &library.files()[list].text;
    let offset = text.find("self.len()").unwrap() + 5;
    let named = library.name_at(file, offset as u32).unwrap();
    assert_eq!(library.text_at(&named.declared), "len");
    assert!(Analysis::of_library("nothing").is_none());
}

#[test]
fn all_places_of_a_name_are_found() {
    let source = "import shapes\nfn twice(x: Int) -> Int { x * 2 }\n\
                  fn f(s: Shape) { print(tw‸ice(s.area())) }\ntest \"t\" { assert twice(1) == 2 }";
    let expected = ["main.pd:2:twice", "main.pd:3:twice", "main.pd:4:twice"];
    assert_eq!(declared(source).1, expected);
    let source = "import shapes\nfn f(s: Shape) -> Int { s.are‸a() + shapes.area(s) }";
    let expected = ["main.pd:2:area", "main.pd:2:area", "shapes.pd:11:area"];
    assert_eq!(declared(source).1, expected);
    let source = "fn f() {\n let x = 1\n let x = ‸x + 1\n print(x)\n}";
    assert_eq!(declared(source).1, ["main.pd:2:x", "main.pd:3:x"]);
}

#[test]
fn what_is_declared_is_told_with_its_type_and_comment() {
    for (source, kind, signature, doc) in [
        ("fn f(xs: List[Int]) {\n let y = xs.first()\n print(‸y)\n}", Kind::Local, "y: Int?", ""),
        ("fn f[T](xs: List[T]) { let ‸y = xs.first() }", Kind::Local, "y: T?", ""),
        ("fn f(‸a: Int = 3) {}", Kind::Local, "a: Int = 3", ""),
        (
            "import shapes\nfn f(s: Shape) { s.‸area() }",
            Kind::Method,
            "fn area(self: Shape, scale: Int = 1) -> Int",
            "What is inside.",
        ),
        (
            "import shapes\nfn f() { print(Circl‸e(1)) }",
            Kind::Variant,
            "Shape.Circle(r: Int)",
            "Round.",
        ),
        ("import ‸shapes", Kind::Module, "module shapes", "Shapes and their sizes."),
        (
            "record P {\n ## Left.\n x: Int = 0\n}\nfn f(p: P) { p.‸x }",
            Kind::Field,
            "P.x: Int = 0",
            "Left.",
        ),
        (
            "fn f() {\n fn in‸ner(a: Int) -> Int { a }\n}",
            Kind::Function,
            "fn inner(a: Int) -> Int",
            "",
        ),
    ] {
        assert_eq!(hovered(source), (kind, signature.to_owned(), doc.to_owned()), "{source}");
    }
    let (kind, signature, doc) = hovered("fn f(xs: List[Int]) { xs.pu‸sh(1) }");
    assert_eq!((kind, &*signature), (Kind::Method, "fn push[T](var self: List[T], x: T)"));
    assert!(!doc.is_empty());
}

#[test]
fn members_are_offered_after_a_dot() {
    let list = ["push", "first", "sorted"];
    offers("fn f(xs: List[Int]) {\n xs.‸\n}", &list, &["derive_show", "print", "xs"]);
    offers("fn f(xs: List[Int]) {\n xs.‸\n print(1)\n}", &list, &["print"]);
    offers("fn f(xs: List[Int]) { print(xs.‸) }", &list, &[]);
    offers("fn f(xs: List[Int]) { if xs.‸ }", &list, &[]);
    offers("fn f(xs: List[Int]) { for x in xs.‸ }", &list, &[]);
    offers("fn f(xs: List[Int]) { xs.map(fn(x) => x + xs.‸ }", &list, &[]);
    offers("fn f(xs: List[Int]) { print(f\"{xs.‸}\") }", &list, &[]);
    offers("fn f(xs: List[Int]) { let y = xs.‸", &list, &[]);
    offers("fn f(xs: List[Int]) { (xs).‸ }", &list, &[]);
    offers("fn f(xs: List[Int]) { xs.first()!.‸ }", &["abs", "pow"], &["push"]);
    offers("fn f(xs: List[Int]) { xs.so‸ }", &["sort", "sorted"], &["push"]);
    offers("record P { wide: Int }\nfn f(p: P) { p.‸ }", &["wide"], &["push"]);
    offers("import shapes\nfn f(s: Shape) { s.‸ }", &["area"], &["hidden", "limit"]);
    offers("import shapes\nfn f() { shapes.‸ }", &["limit", "Shape"], &["hidden", "area"]);
    offers("import std.json\nfn f() { json.‸ }", &["encode", "decode"], &[]);
    offers("enum E { Low, High(Int) }\nfn f() { let x = E.‸ }", &["Low", "High"], &["push"]);
    offers("fn f() { let x = Int.‸ }", &["max", "parse"], &["abs"]);
    offers("fn f() { unknown.‸ }", &[], &["push", "print"]);
}

#[test]
fn names_that_are_known_are_offered() {
    let source = "const limit = 3\nfn helper(a: Int) {}\nfn f(arg: Int) {\n let local = 1\n ‸\n}";
    offers(source, &["limit", "helper", "f", "arg", "local", "print", "if", "Option", "Some"], &[]);
    offers("fn f() {\n ‸\n let later = 1\n}", &[], &["later"]);
    offers("fn f() {\n if true {\n let inner = 1\n }\n ‸\n}", &[], &["inner"]);
    offers("fn f(x: Int?) {\n if x is Some(n) {\n ‸\n }\n}", &["n", "x"], &[]);
    offers("fn f(x: Int?) {\n if x is Some(n) {\n }\n ‸\n}", &["x"], &["n"]);
    offers("fn f(x: Int?) { match x {\n Some(n) => ‸\n None => 0\n } }", &["n"], &[]);
    offers("fn f(xs: List[Int]) { xs.each(fn(each) { ‸ }) }", &["each", "xs"], &[]);
    offers("fn f(xs: List[Int]) { for item in xs { ite‸ } }", &["item"], &["xs"]);
    offers("import std.json\nfn f() { js‸ }", &["json"], &[]);
    offers("fn f(a: ‸) {}", &["Int", "List", "Map"], &[]);
    offers("fn f(a: St‸) {}", &["String"], &["Int"]);
    offers("fn f() { # ‸\n}", &[], &["print"]);
    offers("fn f() { print(\"‸\") }", &[], &["print"]);
    offers("fn f() { let x = 12‸ }", &[], &["print"]);
    offers("import std.js‸", &["json"], &["math", "print"]);
    offers("import ‸", &["std"], &["print"]);
    offers("fn ‸", &[], &["print"]);
}

#[test]
fn labels_of_arguments_are_offered() {
    let labels = ["by:", "compare:"];
    offers("fn g(by: Int, compare: Int) {}\nfn f() { g(‸) }", &labels, &[]);
    offers("record P { wide: Int }\nfn f() { P(‸) }", &["wide:"], &[]);
    offers("fn f(xs: List[Int]) { xs.sorted(‸) }", &labels, &[]);
    let found = candidates("fn g(by: Int = 3) {}\nfn f() { g(b‸) }");
    assert_eq!((&*found[0].text, &*found[0].signature), ("by:", "by: Int = 3"));
}

#[test]
fn the_call_around_is_told_with_the_argument() {
    let told = |source: &str| {
        let (mut analysis, offset) = at(source);
        analysis.calls_at(MAIN, offset).first().map(|call| {
            let active = call.params.get(call.active);
            let active = active.map_or("", |at| &call.signature[at.clone()]).to_owned();
            (call.signature.clone(), active)
        })
    };
    let both = "g(a: Int, b: String = \"x\") -> Int";
    for (source, signature, active) in [
        ("fn f() { g(‸", both, "a: Int"),
        ("fn f() { g(1, ‸", both, "b: String = \"x\""),
        ("fn f() { g(1, (2, ‸", both, "b: String = \"x\""),
        ("fn f() { g(b: ‸)", both, "b: String = \"x\""),
        ("fn f() { g([1, 2], ‸)", both, "b: String = \"x\""),
        ("fn f() { g(h(1, 2), ‸) }", both, "b: String = \"x\""),
        ("fn f() { print(f\"{g(‸)}\") }", both, "a: Int"),
        ("fn f() { print(P(1, ‸)) }", "P(x: Int, y: Int)", "y: Int"),
        ("fn f(p: P) { p.move(‸) }", "move(by: Int) -> P", "by: Int"),
        (
            "fn f(xs: List[Int]) { xs.sorted(compare: ‸) }",
            "sorted(compare: fn(T, T) -> Ordering) -> List[T]",
            "compare: fn(T, T) -> Ordering",
        ),
        ("fn f() { id[Int](‸) }", "id(x: T) -> T", "x: T"),
    ] {
        let source = format!(
            "{source}\nfn g(a: Int, b: String = \"x\") -> Int {{ a }}\n\
             record P {{ x: Int, y: Int }}\nfn move(self: P, by: Int) -> P {{ self }}\n\
             fn id[T](x: T) -> T {{ x }}\n"
        );
        let expected = Some((signature.to_owned(), active.to_owned()));
        assert_eq!(told(&source), expected, "{source}");
    }
    for source in ["fn f() { ‸ }", "fn f(‸) {}", "fn f() { g(1) ‸ }", "fn f() { g(fn() { ‸ }) }"]
    {
        assert_eq!(told(source), None, "{source}");
    }
}

#[test]
fn a_file_has_an_outline() {
    let shown = |symbols: &[Symbol]| {
        let line = |symbol: &Symbol| {
            let children: Vec<&str> = symbol.children.iter().map(|c| c.name.as_str()).collect();
            format!("{:?} {} [{}]", symbol.kind, symbol.name, children.join(" "))
        };
        symbols.iter().map(line).collect::<Vec<_>>()
    };
    let source = "record P { x: Int, y: Int }\nenum E { Low, High(Int) }\nfn f() {}\n\
                  fn m(self: P) {}\nconst c = 1\ntest \"it works\" {}\n\
                  actor A { var n = 0\n on add(by: Int) { n += by }\n fn help() {} }";
    let expected = [
        "Record P [x y]",
        "Enum E [Low High]",
        "Function f []",
        "Method m []",
        "Constant c []",
        "Test it works []",
        "Actor A [n add help]",
    ];
    let outline = |source: &str| shown(&at(&format!("{source}‸")).0.outline(MAIN));
    assert_eq!(outline(source), expected);
    assert_eq!(outline("fn f( {\nrecord P { x: Int }"), ["Function f []", "Record P [x]"]);
}

/// Every beginning of a program is asked everything at its end: nothing panics.
#[test]
fn half_written_programs_can_be_asked() {
    let source = "import std.json\nrecord P { x: Int }\nfn f(p: P) -> Int {\n    \
                  if p.x is 1 { return [p.x, 2].map(fn(y) => y + p.x).sum() }\n    json.encode(f\"é{p}\").len()\n}\n";
    for end in (0..source.len()).filter(|end| source.is_char_boundary(*end)) {
        let text = &source[..end];
        let files = [("main.pd", text)];
        let mut analysis = Analysis::of("main.pd", &mut Files(&files)).unwrap();
        for offset in [end / 2, end.saturating_sub(1), end] {
            let offset = offset as u32;
            if let Some(named) = analysis.name_at(MAIN, offset) {
                analysis.declared(&named.declared);
                analysis.places_of(&named.declared);
            }
            analysis.complete(MAIN, offset);
            analysis.calls_at(MAIN, offset);
        }
        analysis.outline(MAIN);
    }
}

/// What is wrong with a program, in the order of its places.
fn problems(analysis: &mut Analysis) -> Vec<String> {
    let problems = analysis.problems().to_vec();
    let told =
        problems.iter().map(|it| format!("{} {}", shown(analysis, &it.primary.0), it.message));
    let mut told: Vec<String> = told.collect();
    told.sort();
    told
}

/// What is told of a name at an offset, and where it stands.
fn told(analysis: &mut Analysis, offset: u32) -> Option<String> {
    let named = analysis.name_at(MAIN, offset)?;
    let places = analysis.places_of(&named.declared);
    let own = places.iter().filter(|place| analysis.library_module(place.file).is_none());
    let places: Vec<String> = own.map(|place| shown(analysis, place)).collect();
    let declared = analysis.declared(&named.declared);
    Some(format!("{} {declared:?} {places:?}", shown(analysis, &named.name)))
}

/// A part of a program that is asked before the rest is checked is told as it is in the end, and a
/// program that is read again is as one that is read.
#[test]
fn it_does_not_matter_what_is_asked_first() {
    let folders = ["tests/processes", "tests/programs", "tests/check", "examples"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = files.map(|file| file.unwrap().path());
    for path in paths.filter(|path| path.extension().is_some_and(|ending| ending == "pd")) {
        let source = fs::read_to_string(&path).unwrap();
        let shorter = &source[..source.rfind("\n}").unwrap_or_default()];
        let files = [("main.pd", source.as_str()), ("shapes.pd", SHAPES)];
        let before = [("main.pd", shorter), ("shapes.pd", SHAPES)];
        let mut whole = Analysis::of("main.pd", &mut Files(&files)).unwrap();
        let expected = problems(&mut whole);
        let mut before = Analysis::of("main.pd", &mut Files(&before)).unwrap();
        before.problems();
        let mut again = before.again("main.pd", &mut Files(&files)).unwrap();
        let mut begun = Analysis::of("main.pd", &mut Files(&files)).unwrap();
        let ends = (0..source.len()).filter(|end| source.is_char_boundary(*end));
        for offset in ends.step_by(101).map(|offset| offset as u32) {
            let mut first = Analysis::of("main.pd", &mut Files(&files)).unwrap();
            let expected = told(&mut whole, offset);
            for analysis in [&mut first, &mut again, &mut begun] {
                assert_eq!(told(analysis, offset), expected, "{path:?} {offset}");
            }
            begun.check_next();
        }
        assert_eq!(problems(&mut again), expected, "{path:?}");
        assert_eq!(problems(&mut begun), expected, "{path:?}");
    }
}

/// All that says how it is mended does so when only its place is asked about.
#[test]
fn what_can_be_mended_is_found_at_its_place() {
    let sources = ["mistakes.txt", "typical.txt"].map(|name| {
        let path = format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(path).unwrap()
    });
    let programs = fs::read_dir("tests/check").unwrap().map(|file| file.unwrap().path());
    let programs =
        programs.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap());
    let parts = sources.iter().flat_map(|all| all.split("=== program\n"));
    let mistakes = parts.map(|part| part.split("=== ").next().unwrap_or_default().to_owned());
    let more = [
        "actor A(start: Int) {\n    var n = strat\n    on add(by: Intt) { m += by }\n}\n",
        "import std.jsno\nfn f() { json.encode(1) }\n",
        "const first = 1\nconst second = frist\n",
        "actor A { on go() {} }\napp P {\n    child a = B()\n    child b = A()\n}\n",
        "test \"it works\" {\n    let count = 1\n    assert coutn == 1\n}\n",
    ];
    let mut found = 0;
    for source in programs.chain(mistakes).chain(more.map(str::to_owned)) {
        let files = [("main.pd", source.as_str()), ("shapes.pd", SHAPES)];
        let mut whole = Analysis::of("main.pd", &mut Files(&files)).unwrap();
        let problems = whole.problems().to_vec();
        for problem in problems.iter().filter(|problem| problem.fix.is_some()) {
            let (place, _) = &problem.primary;
            let mut part = Analysis::of("main.pd", &mut Files(&files)).unwrap();
            let fixable = part.fixable(place.file, &place.span);
            assert!(fixable.contains(problem), "{problem:?} of\n{source}");
            assert_eq!(part.problems().len(), problems.len(), "{source}");
            found += 1;
        }
    }
    assert!(found > 20, "only {found} were found");
}

/// A program of an actor and an app, whose function `f` ends as given.
fn with_actor(rest: &str) -> String {
    format!(
        "actor Counter(start: Int) {{
    var n = start

    ## Adds a number.
    on add(by: Int) {{ n += by }}
    on get() -> Int {{ now() }}

    fn now() -> Int {{ n }}
}}
app Shop {{
    child counter = Counter(1)
}}
{rest}"
    )
}

#[test]
fn actors_handlers_and_children_lead_to_their_declarations() {
    for (rest, expected) in [
        ("fn f(c: Pid[‸Counter]) {}", "main.pd:1:Counter"),
        ("fn f() { spawn Coun‸ter(1) }", "main.pd:1:Counter"),
        ("fn f() { spawn Counter(sta‸rt: 1) }", "main.pd:1:start"),
        ("fn f(c: Pid[Counter]) { c.a‸dd(1) }", "main.pd:5:add"),
        ("fn f(c: Pid[Counter]) { c.add(‸by: 1) }", "main.pd:5:by"),
        ("fn f(c: Pid[Counter]) { print(c.‸get() within 1.s) }", "main.pd:6:get"),
        ("fn f(c: Pid[Counter]) { c.‸add(1) after 1.s }", "main.pd:5:add"),
        ("fn f() { ‸Shop.counter.add(1) }", "main.pd:10:Shop"),
        ("fn f() { Shop.coun‸ter.add(1) }", "main.pd:11:counter"),
        ("fn f() { Shop.counter.‸add(1) }", "main.pd:5:add"),
    ] {
        assert_eq!(declared(&with_actor(rest)).0, expected, "{rest}");
    }
    for (from, to, expected) in [
        ("n += by", "‸n += by", "main.pd:2:n"),
        ("+= by", "+= ‸by", "main.pd:5:by"),
        ("= start", "= ‸start", "main.pd:1:start"),
        ("now() }", "‸now() }", "main.pd:8:now"),
        ("counter = C", "‸counter = C", "main.pd:11:counter"),
        ("on add", "on ‸add", "main.pd:5:add"),
        ("app Shop", "app ‸Shop", "main.pd:10:Shop"),
        ("= Counter(1)", "= ‸Counter(1)", "main.pd:1:Counter"),
    ] {
        let source = with_actor("").replacen(from, to, 1);
        assert_eq!(declared(&source).0, expected, "{source}");
    }
}

#[test]
fn handlers_and_variables_of_actors_are_found_wherever_they_stand() {
    let places = |rest: &str| declared(&with_actor(rest)).1;
    let use_all = "fn f(c: Pid[Counter]) {\n    c.‸add(1)\n    Shop.counter.add(by: 2)\n}";
    assert_eq!(places(use_all), ["main.pd:5:add", "main.pd:14:add", "main.pd:15:add"]);
    let children = "fn f() {\n    Shop.‸counter.add(1)\n    Shop.counter.add(2)\n}";
    let expected = ["main.pd:11:counter", "main.pd:14:counter", "main.pd:15:counter"];
    assert_eq!(places(children), expected);
    let variable = with_actor("").replacen("n += by", "‸n += by", 1);
    assert_eq!(declared(&variable).1, ["main.pd:2:n", "main.pd:5:n", "main.pd:8:n"]);
    let parameter = with_actor("").replacen("n = start", "n = ‸start", 1);
    assert_eq!(declared(&parameter).1, ["main.pd:1:start", "main.pd:2:start"]);
}

#[test]
fn actors_handlers_and_children_are_described() {
    let hovered = |rest: &str| hovered(&with_actor(rest));
    for (rest, kind, signature, doc) in [
        (
            "fn f(c: Pid[Counter]) { c.‸add(1) }",
            Kind::Handler,
            "Counter.add(by: Int)",
            "Adds a number.",
        ),
        ("fn f(c: Pid[Counter]) { c.‸get() }", Kind::Handler, "Counter.get() -> Int", ""),
        ("fn f() { Shop.‸counter.get() }", Kind::Child, "Shop.counter = Counter(1)", ""),
        ("fn f() { ‸Shop.counter.get() }", Kind::App, "app Shop", ""),
        ("fn f() { spawn ‸Counter(1) }", Kind::Actor, "actor Counter(start: Int)", ""),
    ] {
        assert_eq!(hovered(rest), (kind, signature.into(), doc.into()), "{rest}");
    }
    let (_, signature, _) = hovered_inside("now() }", "‸now() }");
    assert_eq!(signature, "fn now() -> Int");
    let (_, signature, _) = hovered_inside("n += by", "‸n += by");
    assert_eq!(signature, "var n: Int");
}

#[test]
fn what_stands_in_an_actor_or_a_block_has_its_comments() {
    let source = "actor A {\n    ## How many.\n    var n = 0\n\n    ## Both.\n    on all() -> Int { twice() }\n\n    \
                  ## Two times.\n    fn twice() -> Int { n * 2 }\n}\n\n\
                  fn f() {\n    ## Nothing.\n    fn inner() {}\n    inner()\n}\n";
    for (at, doc) in [
        ("twice() }", "Two times."),
        ("n * 2", "How many."),
        ("all()", "Both."),
        ("inner()\n}", "Nothing."),
    ] {
        let source = source.replacen(at, &format!("‸{at}"), 1);
        assert_eq!(hovered(&source).2, doc, "{source}");
    }
}

/// What is said of a place in the program of an actor.
fn hovered_inside(from: &str, to: &str) -> (Kind, String, String) {
    hovered(&with_actor("").replacen(from, to, 1))
}

#[test]
fn handlers_and_children_are_offered() {
    offers(&with_actor("fn f(c: Pid[Counter]) { c.‸ }"), &["add", "get"], &["now", "n"]);
    offers(&with_actor("fn f() { Shop.‸ }"), &["counter"], &["add"]);
    offers(&with_actor("fn f() { Shop.counter.‸ }"), &["add", "get"], &["now"]);
    offers(&with_actor("fn f(c: Pid[‸]) {}"), &["Counter"], &[]);
    let inside = with_actor("").replacen("now() }", "‸ }", 1);
    offers(&inside, &["n", "now", "start"], &["by"]);
}
