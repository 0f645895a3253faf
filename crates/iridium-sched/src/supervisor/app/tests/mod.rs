//! App files, good and bad.

mod random;

use std::convert::Infallible;

use super::*;
use crate::supervisor::{Child, ChildBody, Entry, Restart, Shutdown, Strategy};
use iridium_asm::Assembler;
use iridium_isa::ModuleBuilder;
use iridium_isa::protocol::{Field, FirstMessage, Protocol, Shape, Start};
use iridium_vm::{Limits, Register};

const MANUAL: &str = include_str!("../../../../docs/apps.md");

/// The example of the manual.
fn example() -> &'static str {
    MANUAL.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap()
}

fn assembled(source: &str) -> Module {
    Assembler::new("test.iasm").assemble(source).unwrap().module
}

/// The message for a file that is wrong.
fn wrong(text: &str) -> String {
    App::parse(text).unwrap_err().to_string()
}

/// The message for a file with one child with these lines.
fn wrong_child(lines: &str) -> String {
    wrong(&format!("[[child]]\nname = 'a'\n{lines}"))
}

fn spec(text: &str, source: &str) -> Spec {
    let module = assembled(source);
    App::parse(text).unwrap().spec(|_| Ok::<_, Infallible>(&module)).unwrap()
}

#[test]
fn the_example_of_the_manual() {
    let app = App::parse(example()).unwrap();
    assert_eq!(app.name(), Some("shop"));
    assert_eq!(app.modules(), ["counter.iasm", "till.iasm", "report.iasm"]);
    let module = assembled("main: hlt");
    let mut asked = Vec::new();
    let spec = app.spec(|path| {
        asked.push(path.to_owned());
        Ok::<_, Infallible>(&module)
    });
    assert_eq!(asked, app.modules());

    let program = |entry: Option<&str>, arguments: &[Register], limits| ChildBody::Program {
        module: module.id(),
        debug: Some(module.debug_id()),
        entry: entry.map(Entry::from),
        arguments: arguments.to_vec(),
        first: None,
        limits,
    };
    let child = |name: &str, restart, body| Child {
        name: name.to_owned(),
        registered: Some(name.to_owned()),
        restart,
        shutdown: Shutdown::Timeout(5_000),
        body,
    };
    let int = |int| Register { int, float: 0.0 };
    let till = |name, number| {
        child(name, Restart::Permanent, program(None, &[int(number)], Limits::default()))
    };
    let tills = Spec {
        strategy: Strategy::OneForOne,
        restarts: 10,
        within_ms: 60_000,
        children: vec![till("till-1", 1), till("till-2", 2)],
    };
    let arguments = [int(100), Register { int: 0, float: 0.5 }];
    let limits = Limits { heap: 1 << 20, ..Limits::default() };
    let counter = child("counter", Restart::Permanent, program(Some("main"), &arguments, limits));
    let tills = Child {
        shutdown: Shutdown::Infinity,
        ..child("tills", Restart::Permanent, ChildBody::Supervisor(tills))
    };
    let report = program(None, &[], Limits::default());
    let report = Child { registered: None, ..child("report", Restart::Temporary, report) };
    let children = vec![counter, tills, report];
    let expected = Spec { strategy: Strategy::RestForOne, restarts: 3, within_ms: 5_000, children };
    assert_eq!(spec.unwrap(), expected);
}

#[test]
fn the_manual_has_every_key_and_its_defaults() {
    let row = |key: &str| {
        let start = format!("| `{key}` | ");
        MANUAL.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_else(|| panic!("{key}"))
    };
    for key in read::CHILD_KEYS {
        assert!(row(key).contains('|'), "{key}");
    }
    let number = |key| row(key).split([' ', ';']).next().unwrap().replace(',', "").parse::<u64>();
    let (limits, spec) = (Limits::default(), Spec::default());
    for (key, default) in [
        ("heap_limit", limits.heap),
        ("stack_limit", limits.stack),
        ("call_depth_limit", limits.call_depth),
        ("register_limit", limits.registers),
        ("message_limit", limits.messages),
        ("message_bytes_limit", limits.message_bytes),
        ("restarts", spec.restarts.into()),
        ("seconds", spec.within_ms / 1_000),
        ("shutdown_ms", 5_000),
    ] {
        assert_eq!(number(key), Ok(default), "{key}");
    }
    assert!(row("fuel_limit").starts_with("none"));
}

#[test]
fn all_keys_of_a_program() {
    let text = "
        [[child]]
        name = 'a'
        register = 'b'
        module = 'm'
        arguments = [-0x8, 0xff, 1e3, -inf, nan]
        restart = 'transient'
        shutdown_ms = 0
        heap_limit = 1
        stack_limit = 2
        call_depth_limit = 3
        register_limit = 4
        message_limit = 5
        message_bytes_limit = 6
        fuel_limit = 7
    ";
    let spec = spec(&text.replace("-0x8", "-8"), "hlt");
    let child = &spec.children[0];
    assert_eq!(child.registered.as_deref(), Some("b"));
    assert_eq!((child.restart, child.shutdown), (Restart::Transient, Shutdown::BrutalKill));
    let ChildBody::Program { arguments, limits, .. } = &child.body else { panic!() };
    let ints: Vec<_> = arguments.iter().map(|register| register.int).collect();
    assert_eq!(ints, [-8, 255, 0, 0, 0]);
    let floats: Vec<_> = arguments.iter().map(|register| register.float).collect();
    assert_eq!(floats[..4], [0.0, 0.0, 1e3, f64::NEG_INFINITY]);
    assert!(floats[4].is_nan());
    let expected = Limits {
        heap: 1,
        stack: 2,
        call_depth: 3,
        registers: 4,
        messages: 5,
        message_bytes: 6,
        fuel: 7,
    };
    assert_eq!(*limits, expected);
}

#[test]
fn mistakes_of_the_app() {
    for (text, message) in [
        ("", "line 1, column 1: there is nothing to supervise; add a [[child]]"),
        ("child = []", "line 1, column 1: there is nothing to supervise; add a [[child]]"),
        (
            "strategie = 'one-for-one'",
            "line 1, column 1: there is no key `strategie` in the app; did you mean `strategy`?",
        ),
        (
            "\n  colour = 1",
            "line 2, column 3: there is no key `colour` in the app; there are name, allow, \
             strategy, restarts, seconds, child",
        ),
        (
            "allow = 'env'",
            "line 1, column 9: `allow` must be a list of strings such as \"fs.read=./data\", not a \
             string",
        ),
        (
            "allow = ['env', 1]",
            "line 1, column 17: `allow` must be a list of strings such as \"fs.read=./data\", not \
             an integer",
        ),
        (
            "strategy = 'one-for-al'",
            "line 1, column 12: `strategy` is \"one-for-al\"; write one-for-one, one-for-all or \
             rest-for-one",
        ),
        ("strategy = 1", "line 1, column 12: `strategy` must be a string, not an integer"),
        ("restarts = -1", "line 1, column 12: `restarts` is -1; it must be from 0 to 10000"),
        (
            "restarts = 99999999999999999999999999999999999999999999999",
            "line 1, column 12: `restarts` is 99999999999999999999999999999999999999999999999; it \
             must be from 0 to 10000",
        ),
        (
            "seconds = 0xFFFFFFFF",
            "line 1, column 11: `seconds` is 0xFFFFFFFF; it must be from 1 to 86400",
        ),
        ("seconds = 0.5", "line 1, column 11: `seconds` must be an integer, not a float"),
        (
            "name = ''",
            "line 1, column 8: `name` must have 1 to 255 bytes and no control characters",
        ),
        (
            "[child]\nname = 'a'",
            "line 1, column 1: `child` must be a list of tables, each under [[child]], not a table",
        ),
        (
            "child = ['ä', 1]",
            "line 1, column 10: `child` must be a list of tables, each under [[child]], not a string",
        ),
        ("name = 'a'\nname = 'b'", "line 2, column 1: this is not TOML: duplicate key"),
        (
            "name = ",
            "line 1, column 8: this is not TOML: string values must be quoted, expected literal string",
        ),
    ] {
        assert_eq!(wrong(text), message, "{text}");
    }
    let long = "#".repeat((1 << 24) + 1);
    assert_eq!(wrong(&long), "line 1, column 1: the file is too long: at most 16777216 bytes");
}

#[test]
fn what_an_app_allows_is_handed_over_with_its_place() {
    let app = App::parse("allow = ['env=A',\n 'x']\n[[child]]\nname = 'a'\nmodule = 'm'").unwrap();
    let mut taken = Vec::new();
    let refused = app.allow(|grant| {
        taken.push(grant.to_owned());
        if grant == "x" { Err("it is none") } else { Ok(()) }
    });
    assert_eq!(taken, ["env=A", "x"]);
    assert_eq!(refused.unwrap_err().to_string(), "line 2, column 2: `allow`: it is none");
    assert!(app.allow(|_| Ok::<_, String>(())).is_ok());
}

#[test]
fn mistakes_of_a_child() {
    for (lines, message) in [
        (
            "",
            "line 1, column 1: child `a` does nothing; add module = \"FILE\", or children of its own",
        ),
        (
            "modul = 'm'",
            "line 3, column 1: there is no key `modul` in a child; did you mean `module`?",
        ),
        (
            "module = ''",
            "line 3, column 10: `module` is empty; write the path of a module, seen from this file",
        ),
        (
            "module = 'm'\nentry = ''",
            "line 4, column 9: `entry` must have 1 to 255 bytes and no control characters",
        ),
        (
            "module = 'm'\nrestart = 'Permanent'",
            "line 4, column 11: `restart` is \"Permanent\"; write permanent, transient or temporary",
        ),
        (
            "module = 'm'\nregister = 1",
            "line 4, column 12: `register` must be a name, or false, not an integer",
        ),
        (
            "module = 'm'\nshutdown_ms = -5",
            "line 4, column 15: `shutdown_ms` is -5; it must be from 0 to 86400000",
        ),
        (
            "module = 'm'\nheap_limit = 4294967297",
            "line 4, column 14: `heap_limit` is 4294967297; it must be from 0 to 4294967296",
        ),
        (
            "module = 'm'\narguments = 1",
            "line 4, column 13: `arguments` must be a list of numbers and strings, not an integer",
        ),
        (
            "module = 'm'\narguments = [1, true]",
            "line 4, column 17: `arguments` must be a list of numbers and strings, not true or false",
        ),
        (
            "module = 'm'\narguments = [9223372036854775808]",
            "line 4, column 14: `arguments` is 9223372036854775808; it must be from \
             -9223372036854775808 to 9223372036854775807",
        ),
        ("module = 'm'\narguments = [1e999]", "line 4, column 14: 1e999 is too large for a float"),
        (
            "module = 'm'\nseconds = 5",
            "line 4, column 1: child `a` runs a module, so `seconds` is not for it; remove it, or \
             move it above the first child of the supervisor that it is for",
        ),
        (
            "module = 'm'\n[[child.child]]\nname = 'b'\nmodule = 'm'",
            "line 3, column 1: child `a` has children of its own, so `module` is not for it; remove \
             it or the children",
        ),
        (
            "fuel_limit = 1\n[[child.child]]\nname = 'b'\nmodule = 'm'",
            "line 3, column 1: child `a` has children of its own, so `fuel_limit` is not for it; \
             remove it or the children",
        ),
        ("child = []", "line 3, column 1: there is nothing to supervise; add a [[child]]"),
        (
            "module = 'm'\n[[child]]\nname = 'a'\nregister = false\nmodule = 'm'",
            "line 4, column 1: there is a child `a` on line 1 already; give this one another name",
        ),
        (
            "[[child.child]]\nname = 'a'\nmodule = 'm'",
            "line 3, column 1: `a` is registered for the child on line 1 already; add register = \
             false or register = \"another name\"",
        ),
        (
            "module = 'm'\n[[child]]\nmodule = 'm'",
            "line 4, column 1: this child has no name; add name = \"…\"",
        ),
    ] {
        assert_eq!(wrong_child(lines), message, "{lines}");
    }
}

#[test]
fn bounds() {
    let arguments = |count| format!("module = 'm'\narguments = [{}]", "1, ".repeat(count));
    let message = "line 4, column 13: child `a` has 257 arguments; there are 256 registers";
    assert_eq!(wrong_child(&arguments(257)), message);
    App::parse(&format!("[[child]]\nname = 'a'\n{}", arguments(256))).unwrap();

    let children = |count| -> String {
        (0..count).map(|n| format!("[[child]]\nname = '{n}'\nmodule = 'm'\n")).collect()
    };
    assert_eq!(App::parse(&children(10_000)).unwrap().modules(), ["m"]);
    let message = "line 30001, column 1: there are too many children: at most 10000 in all";
    assert_eq!(wrong(&children(10_001)), message);

    let nested = |depth: usize| {
        let level =
            |level: usize| format!("[[child{}]]\nname = '{level}'\n", ".child".repeat(level));
        (0..depth).map(level).collect::<String>() + "module = 'm'"
    };
    App::parse(&nested(16)).unwrap();
    assert!(wrong(&nested(17)).ends_with("supervisors are nested too deep: at most 16"));
    assert!(wrong(&nested(1_000)).contains("recursion limit"));
}

/// A module with an actor that takes numbers, and one that takes more than registers hold.
fn with_actors() -> Module {
    let mut protocol = Protocol::new("Counter", vec![]);
    let text = Field::new("note", Shape::String);
    let numbers = vec![Field::new("start", Shape::Int), Field::new("rate", Shape::Float)];
    let start = |name: &str, params, first| {
        let (name, entry) = (name.into(), 0);
        Start { name, entry, params, first }
    };
    protocol.starts = vec![start("Counter", numbers, None), start("Log", vec![text], Some(7))];
    let mut builder = ModuleBuilder::from_module(assembled("nop\nhlt"));
    let at = builder.label_at(1);
    builder.add_protocol(protocol, &[at, at]);
    builder.finish().unwrap()
}

#[test]
fn an_actor_is_started_with_words() {
    let module = with_actors();
    let body = |lines: &str| {
        let app = App::parse(&format!("[[child]]\nname = 'a'\nmodule = 'm'\n{lines}")).unwrap();
        let spec = app.spec(|_| Ok::<_, Infallible>(&module)).map_err(|error| error.to_string())?;
        let ChildBody::Program { entry, arguments, first, .. } = spec.children[0].body.clone()
        else {
            panic!()
        };
        Ok::<_, String>((entry, arguments, first))
    };
    let at = Some(Entry::At(1));
    let registers = vec![Register { int: 10, float: 0.0 }, Register { int: 0, float: 0.5 }];
    for written in ["[10, 0.5]", "['rate=0.5', 'start=10']"] {
        let found = body(&format!("entry = 'Counter'\narguments = {written}"));
        assert_eq!(found, Ok((at.clone(), registers.clone(), None)));
    }
    let payload = [&2u64.to_le_bytes()[..], b"hi\0\0\0\0\0\0"].concat();
    let first = Some(FirstMessage { tag: 7, payload });
    let found = body("entry = 'Log'\narguments = ['hi']");
    assert_eq!(found, Ok((at, vec![], first)));

    for (lines, message) in [
        (
            "entry = 'Counter'\narguments = [10, 'x']",
            "line 5, column 14: child `a`: `rate` is a number, as 1.5, not `x`",
        ),
        (
            "entry = 'Counter'",
            "line 4, column 9: child `a`: `start` is missing of (start: Int, rate: Float)",
        ),
        (
            "entry = 'Conuter'",
            "line 4, column 9: child `a` cannot start at `Conuter`: m has no such label; did you \
             mean `Counter`?",
        ),
        (
            "arguments = ['10']",
            "line 4, column 14: child `a` starts at no actor, so its arguments are numbers, not \
             \"10\"; name the actor with entry = \"…\"",
        ),
    ] {
        assert_eq!(body(lines), Err(message.to_owned()));
    }
}

#[test]
fn modules_and_entries_are_checked() {
    let text = "[[child]]\nname = 'a'\nmodule = 'm.iasm'\nentry = 'mian'\n";
    let app = App::parse(text).unwrap();
    let missing = app.spec(|_| Err::<&Module, _>("no such file"));
    let message = "line 3, column 10: child `a` cannot run m.iasm: no such file";
    assert_eq!(missing.unwrap_err().to_string(), message);
    for (source, nearest) in [("main: hlt", "; did you mean `main`?"), ("other: hlt", "")] {
        let module = assembled(source);
        let error = app.spec(|_| Ok::<_, Infallible>(&module)).unwrap_err();
        let message = format!(
            "line 4, column 9: child `a` cannot start at `mian`: m.iasm has no such label{nearest}"
        );
        assert_eq!(error.to_string(), message);
    }
}
