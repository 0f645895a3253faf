//! Circles between the files of a crate: none of them can be understood without
//! all the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use super::edges::{Edges, edges};
use super::modules::{Files, read};

/// A crate's circles in words, one for each set of files that all use each
/// other, directly or through others. `root` is the file that the crate's
/// modules begin in.
pub(crate) fn circles(root: &Path, files: &Files) -> Vec<String> {
    let edges = edges(&read(root, files));
    components(&edges).iter().map(|component| description(component, &edges)).collect()
}

/// Strongly connected files.
type Component<'a> = BTreeSet<&'a PathBuf>;

/// The components of more than one file, by Tarjan's algorithm.
fn components(edges: &Edges) -> Vec<Component<'_>> {
    let mut search =
        Search { edges, visited: BTreeMap::new(), path: Vec::new(), found: Vec::new() };
    for file in edges.keys() {
        if !search.visited.contains_key(file) {
            search.visit(file);
        }
    }
    search.found.sort();
    search.found
}

struct Search<'a> {
    edges: &'a Edges,
    /// Each file's place in the order of the visits.
    visited: BTreeMap<&'a PathBuf, usize>,
    /// The visited files that are in no component yet.
    path: Vec<&'a PathBuf>,
    found: Vec<Component<'a>>,
}

impl<'a> Search<'a> {
    /// The earliest file of the path that this one leads back to.
    fn visit(&mut self, file: &'a PathBuf) -> usize {
        let (order, start) = (self.visited.len(), self.path.len());
        self.visited.insert(file, order);
        self.path.push(file);
        let mut earliest = order;
        for next in used_by(self.edges, file) {
            earliest = earliest.min(match self.visited.get(next) {
                None => self.visit(next),
                Some(&visited) if self.path.contains(&next) => visited,
                Some(_) => earliest,
            });
        }
        if earliest == order {
            let component: Component<'_> = self.path.drain(start..).collect();
            self.found.extend((component.len() > 1).then_some(component));
        }
        earliest
    }
}

fn used_by<'a>(edges: &'a Edges, file: &PathBuf) -> impl Iterator<Item = &'a PathBuf> {
    edges.get(file).into_iter().flat_map(BTreeMap::keys)
}

/// A shortest circle, and below it all else that ties the files together.
fn description(component: &Component<'_>, edges: &Edges) -> String {
    let circles = component.iter().map(|file| circle_through(file, component, edges));
    let circle = circles.min_by_key(Vec::len).unwrap_or_default();
    let steps: Vec<_> = circle.windows(2).map(|step| (step[0], step[1])).collect();
    let others = component.iter().flat_map(|from| {
        let to = used_by(edges, from).filter(|to| component.contains(to));
        to.map(|to| (*from, to)).filter(|step| !steps.contains(step))
    });
    let mut text = format!("{} files use each other: {}", component.len(), circle[0].display());
    steps.iter().for_each(|step| text.push_str(&arrow(*step, edges)));
    for step in others {
        text.push_str(&format!("\n    {}{}", step.0.display(), arrow(step, edges)));
    }
    text
}

fn arrow((from, to): (&PathBuf, &PathBuf), edges: &Edges) -> String {
    let used = &edges[from][to];
    format!(" -> {} (uses {} at line {})", to.display(), used.name, used.line)
}

/// The shortest way from a file back to it, with the file at both ends.
fn circle_through<'a>(
    file: &'a PathBuf,
    component: &Component<'_>,
    edges: &'a Edges,
) -> Vec<&'a PathBuf> {
    let mut ways = VecDeque::from([vec![file]]);
    let mut reached = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in used_by(edges, way[way.len() - 1]).filter(|next| component.contains(next)) {
            let longer = [way.as_slice(), &[next]].concat();
            if next == file {
                return longer;
            }
            if reached.insert(next) {
                ways.push_back(longer);
            }
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    /// Each file with what follows it.
    type Texts<'a> = &'a [(&'a str, &'a str)];

    fn files(texts: Texts<'_>) -> Files {
        let file = |(path, text): &(&str, &str)| {
            let path = PathBuf::from(path);
            (path.clone(), Source::new(path, text))
        };
        texts.iter().map(file).collect()
    }

    /// The uses in a crate, as `a.rs -> b.rs Name:line`.
    fn uses(texts: Texts<'_>) -> Vec<String> {
        let edges = edges(&read(Path::new("lib.rs"), &files(texts)));
        let line = |from: &Path, to: &Path, name: &str, line: usize| {
            format!("{} -> {} {name}:{line}", from.display(), to.display())
        };
        edges
            .iter()
            .flat_map(|(from, uses)| {
                uses.iter().map(move |(to, used)| line(from, to, &used.name, used.line))
            })
            .collect()
    }

    fn circles_in(texts: Texts<'_>) -> Vec<String> {
        circles(Path::new("lib.rs"), &files(texts))
    }

    #[test]
    fn imports_with_braces_self_super_and_renames_are_uses() {
        let found = uses(&[
            ("lib.rs", "mod a; mod b; mod c;\nuse b::{B as Other};"),
            ("a/mod.rs", "pub mod x;\nuse crate::{b::{self, B}, c::C};\nfn f(_: b::B) {}"),
            ("a/x.rs", "use super::super::c::C as _;\nuse self::y::Y; pub(super) mod y;"),
            ("a/x/y.rs", "pub struct Y;\nfn f(_: super::super::super::b::B) {}"),
            ("b.rs", "use std::fmt::{self, Display};\nuse ::a::c::C;\npub struct B;"),
            ("c.rs", "pub struct C; struct D<'b>(&'b D);"),
        ]);
        let expected = [
            "a/mod.rs -> b.rs B:2",
            "a/mod.rs -> c.rs C:2",
            "a/x/y.rs -> b.rs super::super::super::b::B:2",
            "a/x.rs -> a/x/y.rs Y:2",
            "a/x.rs -> c.rs _:1",
            "lib.rs -> b.rs Other:2",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn paths_in_code_are_uses_and_module_names_alone_are_not() {
        let found = uses(&[
            ("lib.rs", "mod a; mod b; mod d;\nfn f() { let x = 0..a::f(); b.c::<u8>(); }"),
            ("a.rs", "pub(in crate::b) fn f() {}\nuse super::b;\nfn g() { <b::B>::new() }"),
            ("b.rs", "pub struct B;\n#[arg(parse = crate::d::D::<u8>::parse)] struct E;"),
            ("d.rs", "pub struct D; // crate::a::f\nconst S: &str = \"crate::a::f\";"),
        ]);
        let expected =
            ["a.rs -> b.rs b::B:3", "b.rs -> d.rs crate::d::D:2", "lib.rs -> a.rs a::f:2"];
        assert_eq!(found, expected);
    }

    #[test]
    fn re_exports_lead_to_the_file_that_defines() {
        let found = uses(&[
            ("lib.rs", "mod a;\nmod user;\npub use a::{Deep, Wide, bottom as low};"),
            ("a/mod.rs", "mod b; mod glob;\npub use b::*; pub(crate) use glob::*; use b::bottom;"),
            ("a/b/mod.rs", "mod bottom;\npub(crate) use bottom::{Deep, bottom};"),
            ("a/b/bottom.rs", "pub struct Deep;\npub fn bottom() {}"),
            ("a/glob.rs", "pub enum Wide { One }\nmade! { Made }"),
            ("user.rs", "use crate::Deep;\nuse super::a::Wide::One;\nfn f() { crate::low() }"),
        ]);
        let expected = [
            "a/mod.rs -> a/b/bottom.rs bottom:2",
            "user.rs -> a/b/bottom.rs Deep:1",
            "user.rs -> a/glob.rs One:2",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_re_export_that_the_file_names_itself_is_a_use() {
        let texts = |rest| [("lib.rs", rest), ("a.rs", "pub struct A; pub struct B;")];
        assert_eq!(uses(&texts("mod a; pub use a::A;\nstruct S { A: u8 }")), [""; 0]);
        let expected = ["lib.rs -> a.rs A:2"];
        assert_eq!(uses(&texts("mod a; pub use a::A;\nfn f(a: A) {}")), expected);
        assert_eq!(uses(&texts("mod a; pub use a::*;\nfn f(a: A) {}")), expected);
    }

    #[test]
    fn globs_are_uses_of_what_is_named() {
        let found = uses(&[
            ("lib.rs", "mod a; mod b; mod c; mod made;"),
            ("a.rs", "use super::c::*;\nfn f(_: C, b: b::B) {}"),
            ("b.rs", "pub struct B;\nuse super::made::*;\nfn f(_: Made) {}"),
            ("c.rs", "pub use super::b; pub struct C; pub struct B; use crate::a::*;"),
            ("made.rs", "define! { Made }"),
        ]);
        let expected =
            ["a.rs -> b.rs b::B:2", "a.rs -> c.rs C:2", "b.rs -> made.rs *:2", "c.rs -> a.rs *:1"];
        assert_eq!(found, expected);
    }

    #[test]
    fn inline_modules_belong_to_their_file() {
        let found = uses(&[
            ("lib.rs", "mod a { pub mod b;\npub struct A; use super::c::C; }\nmod c; use a::A;"),
            ("a/b.rs", "use super::A;"),
            ("c.rs", "pub struct C; mod inner { use super::C; use super::super::a::b; }"),
        ]);
        assert_eq!(found, ["a/b.rs -> lib.rs A:1", "lib.rs -> c.rs C:2"]);
    }

    #[test]
    fn macros_lead_to_the_file_that_defines_them() {
        let found = uses(&[
            (
                "lib.rs",
                "#[macro_use]\nmod a; mod b; mod c;\nmacro_rules! root { () => {} }\nfn write() {}",
            ),
            (
                "a.rs",
                "macro_rules! old { ($x:ident) => { $crate::b::B; mod $x { use super::Z; } } }",
            ),
            (
                "b.rs",
                "#[macro_export]\n#[doc(hidden)]\nmacro_rules! out { () => {} }\npub struct B;",
            ),
            ("c.rs", "use crate::b::scoped;\nfn f() { old!(); crate::out!(); d::g!(); }\nmod d;"),
            (
                "c/d.rs",
                "macro_rules! g { () => {} }\npub(crate) use g;\nfn f() { write!(); root!(); g!() }",
            ),
        ]);
        let expected = [
            "a.rs -> b.rs crate::b::B:1",
            "c/d.rs -> lib.rs root:3",
            "c.rs -> a.rs old:2",
            "c.rs -> b.rs scoped:1",
            "c.rs -> c/d.rs d::g:2",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn tests_are_left_out_and_what_follows_them_is_not() {
        let found = uses(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            (
                "a.rs",
                "#[cfg(test)]\nuse crate::b::{B};\n#[cfg(all(test, not(loom)))]\nmod loom;
                #[cfg(test)]\nfn f() -> crate::b::B { crate::b::B }
                #[cfg(all(not(test), unix))]\nuse crate::c::C;
                #[cfg(test)]\n#[path = \"x.rs\"]\nmod tests { use crate::b::B; }",
            ),
            ("b.rs", "pub struct B;"),
            ("c.rs", "pub struct C;"),
        ]);
        assert_eq!(found, ["a.rs -> c.rs C:8"]);
    }

    #[test]
    fn a_module_and_a_function_may_have_one_name() {
        let found = uses(&[
            ("lib.rs", "mod run; mod user; mod part; use run::run;\nfn f() { run() }"),
            ("run.rs", "pub fn run() {}\npub use super::part::Part;"),
            ("part.rs", "pub struct Part;"),
            ("user.rs", "use super::run::Part;\nuse user;"),
        ]);
        assert_eq!(found, ["lib.rs -> run.rs run:1", "user.rs -> part.rs Part:1"]);
    }

    #[test]
    fn a_tree_has_no_circle() {
        let found = circles_in(&[
            ("lib.rs", "mod a; mod b; pub use a::A; use b::B; fn f(_: B) {}"),
            ("a.rs", "mod part;\npub struct A(part::Part);"),
            ("a/part.rs", "use crate::b::B;\npub struct Part(B);"),
            ("b.rs", "pub struct B;"),
        ]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_circle_through_three_files_is_told_step_by_step() {
        let found = circles_in(&[
            ("lib.rs", "mod a; mod b; mod c; pub use c::C; use a::A;"),
            ("a.rs", "use crate::b::B;\npub struct A;"),
            ("b.rs", "\nuse crate::C;\npub struct B;"),
            ("c.rs", "pub struct C;\nfn f() { super::a::A }"),
        ]);
        let expected = "3 files use each other: a.rs -> b.rs (uses B at line 1) \
                        -> c.rs (uses C at line 2) -> a.rs (uses super::a::A at line 2)";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn each_component_is_told_once_with_all_that_ties_it() {
        let found = circles_in(&[
            ("lib.rs", "mod a; mod b; mod c; mod x; mod y;"),
            ("a.rs", "use crate::{b::B, c::C};\npub struct A;"),
            ("b.rs", "use crate::{c::C, x::X};\npub struct B;"),
            ("c.rs", "use super::a::A;\npub struct C;"),
            ("x.rs", "use super::y::Y;\npub struct X;"),
            ("y.rs", "use super::x::X;\npub struct Y;"),
        ]);
        let expected = [
            "3 files use each other: a.rs -> c.rs (uses C at line 1) -> a.rs (uses A at line 1)
    a.rs -> b.rs (uses B at line 1)
    b.rs -> c.rs (uses C at line 1)",
            "2 files use each other: x.rs -> y.rs (uses Y at line 1) -> x.rs (uses X at line 1)",
        ];
        assert_eq!(found, expected);
    }
}
