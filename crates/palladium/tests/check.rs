//! Programs with comments that say what is wrong in them: `# => error NAME at LINE:COLUMN`, or
//! `warning`. Those without are right.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use iridium_isa::{FileId, Severity, Sources};
use palladium::Target;
use palladium::diag::{Problem, diagnostics};
use palladium::names::{LoadError, Loaded, Loader, check};
use palladium::rc::Mode;
use palladium::syntax::parse;

/// The files of one folder.
struct Folder<'f>(&'f Path);

impl Loader for Folder<'_> {
    fn load(&mut self, path: &str) -> Result<Loaded, LoadError> {
        let text = fs::read_to_string(self.0.join(path)).map_err(|_| LoadError::NotFound)?;
        Ok(Loaded { name: path.into(), text: text.into() })
    }
}

/// One text, as the file `main.pd`.
struct Text<'t>(&'t str);

impl Loader for Text<'_> {
    fn load(&mut self, path: &str) -> Result<Loaded, LoadError> {
        let found = (path == "main.pd").then_some(self.0).ok_or(LoadError::NotFound)?;
        Ok(Loaded { name: path.into(), text: found.into() })
    }
}

fn described(problem: &Problem, sources: &Sources<'_>) -> String {
    let (place, _) = &problem.primary;
    let at = sources.location(place.file, place.span.start).unwrap();
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let file = sources.names().nth(place.file.0 as usize).unwrap();
    let file = if place.file.0 == 0 { String::new() } else { format!("{file}:") };
    format!("{severity} {} at {file}{}:{}", problem.name, at.line, at.column)
}

fn expected(text: &str) -> Vec<String> {
    let comments = text.lines().filter_map(|line| Some(line.split_once("# => ")?.1));
    let problems = comments.filter(|c| c.starts_with("error ") || c.starts_with("warning "));
    let mut expected: Vec<String> = problems.map(|c| c.trim().to_owned()).collect();
    expected.sort();
    expected
}

#[test]
fn each_program_has_the_problems_that_it_says_and_no_others() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check");
    let mut wrong = String::new();
    let mut programs = 0;
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|ext| ext == "pd")) {
        programs += 1;
        let name = file.file_name().unwrap().to_str().unwrap();
        let checked = check(name, &mut Folder(&folder)).unwrap();
        let sources = checked.sources();
        let mut found: Vec<String> =
            checked.problems.iter().map(|problem| described(problem, &sources)).collect();
        found.sort();
        let expected = expected(&fs::read_to_string(file).unwrap());
        if found != expected {
            let shown = diagnostics(&checked.problems, &sources);
            wrong += &format!("{name}: expected {expected:#?}, found {found:#?}\n{shown}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(programs > 5, "the programs are not where they are looked for");
}

/// The programs of `typical.txt`, each with the one mistake that its first line names, and what is
/// said of it. `UPDATE=1` writes it anew.
#[test]
fn a_typical_mistake_is_told_once_with_what_to_do_next() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/typical.txt");
    let golden = fs::read_to_string(&path).unwrap();
    let mut said = String::new();
    let mut programs = 0;
    for case in golden.split("=== program\n").skip(1) {
        let (program, _) = case.split_once("=== says\n").unwrap();
        let checked = check("main.pd", &mut Text(program)).unwrap();
        let [problem] = &checked.problems[..] else { panic!("{program}{:#?}", checked.problems) };
        assert!(!problem.primary.1.is_empty(), "{program}");
        assert!(problem.help.is_some() || problem.fix.is_some(), "{program}{problem:#?}");
        let shown = diagnostics(&checked.problems, &checked.sources()).render(false);
        let longest = shown.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(80), "wider than a terminal:\n{shown}");
        said += &format!("=== program\n{program}=== says\n{shown}\n");
        programs += 1;
    }
    assert!(programs >= 40, "{programs}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &said).unwrap();
        return;
    }
    assert!(said == golden, "run it with UPDATE=1 and look at the difference:\n{said}");
}

/// A program that lacks a word anywhere is told of, or is right without it; nothing else happens.
#[test]
fn every_program_without_a_token_is_checked() {
    let golden = include_str!("typical.txt");
    let programs = golden.split("=== program\n").skip(1).map(|case| case.split("=== ").next());
    let mut checks = 0;
    // Each program with every third of its tokens, which is what a build without optimisation
    // takes a few seconds for.
    for (nth, text) in programs.flatten().enumerate() {
        let tokens = parse(FileId(0), text).tree.tokens;
        for token in tokens.iter().skip(nth % 3).step_by(3) {
            let (start, end) = (token.start as usize, token.end as usize);
            let without = format!("{}{}", &text[..start], &text[end..]);
            let _ = check("main.pd", &mut Text(&without)).unwrap();
            checks += 1;
        }
    }
    assert!(checks > 300, "{checks}");
}

#[test]
fn the_same_program_is_checked_to_the_same_tree() {
    let text = include_str!("check/everything.pd");
    let tree = || format!("{:?}", check("main.pd", &mut Text(text)).unwrap().program);
    assert_eq!(tree(), tree());
}

#[test]
fn types_that_double_with_each_line_are_refused_in_time() {
    let mut text = "fn main() {\n    let a0 = (1, 2)\n".to_owned();
    for n in 0..60 {
        text += &format!("    let a{} = (a{n}, a{n})\n", n + 1);
    }
    text += "}\n";
    let checked = check("main.pd", &mut Text(&text)).unwrap();
    assert!(checked.has_errors());
    assert!(checked.problems.iter().any(|problem| problem.name == "type-too-large"));
}

/// What is left out of a program of processes gives errors, or a program that compiles.
#[test]
fn programs_of_processes_with_parts_left_out_are_told_or_compiled() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        // The library's own actors take long to compile, and are whole in each of these.
        if ["group", "supervisor"].iter().any(|name| text.contains(&format!("std.{name}"))) {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for nth in 0..lines.len() {
            let without: Vec<&str> = lines
                .iter()
                .enumerate()
                .filter(|(n, _)| *n != nth)
                .map(|(_, line)| *line)
                .collect();
            told_or_compiled(&without.join("\n"));
            told_or_compiled(&lines[..nth].join("\n"));
        }
    }
}

fn told_or_compiled(text: &str) {
    let checked = check("main.pd", &mut Text(text)).unwrap();
    if !checked.has_errors() {
        let _ = checked.module(Target::Main, Mode::Optimised).unwrap();
    }
}
