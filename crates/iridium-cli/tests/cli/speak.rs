//! Words to processes: `spawn FILE ACTOR`, `send NAME MESSAGE`, `call NAME MESSAGE`.

use iridium_asm::Assembler;
use iridium_isa::ModuleBuilder;
use iridium_isa::protocol::{Field, Protocol, Shape, Start};

use crate::operate::{pair, processes};
use crate::support::{User, wait_until};

/// A counter, and an actor that prints the text that it is started with.
fn actors(user: &User) -> String {
    let mut counter = Protocol::new("Counter", vec![]);
    counter.add("add", vec![Field::new("by", Shape::Int)], None);
    counter.add("get", vec![], Some(Shape::Int));
    counter.add("wait", vec![], Some(Shape::Int));
    counter.add("stop", vec![], Some(Shape::List(Box::new(Shape::Int))));
    let tags: Vec<String> = counter.messages.iter().map(|m| m.tag.to_string()).collect();
    let [add, get, _, stop] = &tags[..] else { panic!() };
    let start = |name: &str, param, first| Start {
        name: name.into(),
        entry: 0,
        params: vec![param],
        first,
    };
    counter.starts = vec![start("Counter", Field::new("start", Shape::Int), None)];
    let mut log = Protocol::new("Log", vec![]);
    log.add("add", vec![Field::new("text", Shape::String)], None);
    log.starts = vec![start("Log", Field::new("text", Shape::String), Some(5))];

    let source = format!(
        "main:    hlt
         Counter: load $8 #64
                  aloc $8
                  load $8 #0
                  load $10 #{add}
                  load $11 #{get}
                  load $12 #{stop}
         Counter.loop:
                  callw @Counter.next $0
                  djmp @Counter.loop
         Counter.next:
                  load $2 #-1
                  load $3 #-1
                  recv $2 $4
                  breq $4 $10 @add
                  breq $4 $11 @get
                  breq $4 $12 @stop
                  ret
         add:     msgi $7
                  add $0 $7 $0
                  ret
         get:     msgm $8 $9
                  ld64 $8 #0 $13
                  ld64 $8 #8 $14
                  sendi $13 $14 $0
                  ret
         stop:    hlt
         Log:     load $8 #64
                  aloc $8
                  load $8 #0
                  load $2 #5
                  load $3 #-1
                  recv $2 $4
                  msgm $8 $9
                  ld64 $8 #0 $9
                  addi $8 #8 $8
                  prtm $8 $9
                  load $9 #10
                  prtc $9
                  load $2 #-1
                  recv $2 $4
                  hlt"
    );
    let module = Assembler::new("counter.iasm").assemble(&source).unwrap().module;
    let entries = ["Counter", "Log"].map(|name| module.find(name).unwrap());
    let mut builder = ModuleBuilder::from_module(module);
    for (protocol, entry) in [counter, log].into_iter().zip(entries) {
        let at = builder.label_at(entry);
        builder.add_protocol(protocol, &[at]);
    }
    user.file("counter.irb", builder.finish().unwrap().to_bytes())
}

#[test]
fn an_actor_is_started_and_spoken_to_on_any_node() {
    let user = User::new();
    let [a, b] = pair(&user, &[]);
    let file = actors(&user);
    for (on, name, node) in [("a", "c", &a), ("b", "c@b", &b)] {
        let at = |words: &[&str]| user.run(&[words, &["--at", &a.at]].concat());
        let spawned =
            at(&["spawn", &file, "Counter", "--arg", "start=10", "--name", "c", "--on", on]);
        assert_eq!(spawned.code, Some(0), "{spawned:?}");
        let pid = spawned.stdout.trim_end();
        let sent = at(&["send", name, "add", "by=5"]);
        assert_eq!((sent.code, sent.stdout.as_str()), (Some(0), ""), "{sent:?}");
        assert_eq!(at(&["send", pid, "Counter.add", "-3"]).code, Some(0));
        for who in [name, pid] {
            let called = at(&["call", who, "get"]);
            assert_eq!((called.code, called.stdout.as_str()), (Some(0), "12\n"), "{called:?}");
            let called = at(&["call", who, "get", "--json", "--timeout", "10s"]);
            assert_eq!((called.code, called.stdout.as_str()), (Some(0), "12\n"), "{called:?}");
        }
        at(&["call", name, "wait", "--timeout", "50ms"]).fails(1, &["not answered within 50ms"]);
        at(&["call", name, "stop"]).fails(1, &[name, "has ended: normal"]);
        at(&["call", pid, "get"]).fails(1, &[]);

        let text = at(&["spawn", &file, "Log", "--arg", "hello there", "--on", on]);
        assert_eq!(text.code, Some(0), "{text:?}");
        node.process.wait_for("hello there");
        assert_eq!(at(&["kill", text.stdout.trim_end()]).code, Some(0));
        wait_until("it is gone", || match processes(&user, &a.at, &node.alias) {
            seen if seen.is_empty() => Ok(()),
            seen => Err(seen),
        });
    }
}

#[test]
fn words_that_mean_nothing_are_told_with_what_there_is() {
    let user = User::new();
    let a = user.node("a", &[]);
    let file = actors(&user);
    let plain = user.file("plain.iasm", crate::operate::PRINTER);
    let at = |words: &[&str]| user.run(&[words, &["--at", &a.at]].concat());
    assert_eq!(at(&["spawn", &file, "Counter", "--arg", "0", "--name", "c"]).code, Some(0));
    assert_eq!(at(&["spawn", &plain, "--name", "p"]).code, Some(0));

    let unknown = at(&["send", "c", "ad", "5"]);
    unknown.fails(2, &["c does not understand ad; did you mean add?"]);
    assert!(unknown.stderr.contains("  add(by: Int)\n  get() -> Int\n"), "{unknown:?}");
    // Those of the other actor in the module are none of its own.
    assert!(!unknown.stderr.contains("text: String"), "{unknown:?}");
    at(&["send", "c", "add", "x"]).fails(2, &["add: `by` is a whole number, as 5, not `x`"]);
    at(&["send", "c", "add"]).fails(2, &["`by` is missing of (by: Int)"]);
    at(&["send", "c", "get"]).fails(2, &["get is a call", "iridium call"]);
    at(&["call", "c", "add", "5"]).fails(2, &["add is a message", "iridium send"]);
    at(&["send", "p", "add", "5"]).fails(1, &["p does not say what it understands"]);
    at(&["send", "nobody", "add"]).fails(1, &["there is no process nobody"]);
    let bare = at(&["call", "c", "get", "--timeout", "5"]);
    assert!(bare.code == Some(2) && bare.stderr.contains("with its unit"), "{bare:?}");
    at(&["spawn", &file, "Conter"]).fails(2, &["no actor Conter", "did you mean Counter?"]);
    at(&["spawn", &file, "Counter"]).fails(2, &["Counter: `start` is missing of (start: Int)"]);
    at(&["spawn", &plain, "--arg", "x"]).fails(2, &["--arg x", "name the actor"]);
}
