//! `iridium run --app`.

use iridium_asm::Assembler;
use iridium_isa::ModuleBuilder;
use iridium_isa::app::{App, Child, Restart, Strategy};
use iridium_isa::protocol::FirstMessage;
use nix::sys::signal::Signal;

use crate::support::{Outcome, User, wait_until};

fn app(user: &User, toml: &str) -> Outcome {
    let file = user.file("shop.toml", toml);
    user.run(&["run", "--app", &file])
}

/// An app with a program that says its number, and goodbye when it is asked to
/// end, for which it waits so many milliseconds.
fn till(user: &User, patience: i64) -> String {
    user.file(
        "till.iasm",
        format!(
            "trapexit #1\nprti $0\nload $1 #10\nprtc $1\nload $2 #-2\nload $3 #{patience}\n\
             recv $2 $2\nload $5 #98\nprtc $5\nprtc $1\nhlt"
        ),
    );
    user.file(
        "shop.toml",
        "name = 'shop'\n[[child]]\nname = 'tills'\n[[child.child]]\nname = 'one'\n\
         module = 'till.iasm'\narguments = [41]\n",
    )
}

#[test]
fn an_app_whose_processes_are_all_idle_reports_it_and_ends() {
    let user = User::new();
    // Nobody can send what it waits for. It is asked to end as by Ctrl-C.
    let outcome = user.run(&["run", "--app", &till(&user, -1), "-t", "2"]);
    outcome.fails(1, &["shop: deadlock: a process waits", "till.iasm:7:1"]);
    assert_eq!(outcome.stdout, "41\nb\n", "{outcome:?}");
    // With nothing left but supervisors, all is done.
    let file = format!("{}/../iridium-sched/examples/pool.toml", env!("CARGO_MANIFEST_DIR"));
    let outcome = user.run(&["run", "--app", &file]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.ends_with("all jobs are done\n"), "{outcome:?}");
    assert!(outcome.stderr.ends_with("\npool: all programs have ended\n"), "{outcome:?}");
}

#[test]
fn an_app_runs_until_it_is_told_to_end() {
    let user = User::new();
    // With a time-out something may still come, so it is not at rest.
    let file = till(&user, 3_600_000);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let process = user.start(&["run", "--app", &file, "-t", "2"]);
        process.wait_for("41");
        process.signal(signal);
        let outcome = process.end();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        // It was asked, and had the time to say goodbye.
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("41\nb\n", ""));
    }
}

#[test]
fn a_tree_that_gives_up_says_which_supervisor_and_which_child() {
    let user = User::new();
    let bad = user.file("bad.iasm", "div $0 $9 $0\nhlt");
    let toml = "name = 'shop'\n[[child]]\nname = 'till'\nmodule = 'bad.iasm'\n";
    let outcome = app(&user, toml);
    outcome.fails(1, &["supervisor of shop has given up", "till", "trap divide-by-zero"]);
    assert!(outcome.stderr.contains("shop: till runs again as process "), "{outcome:?}");
    assert!(outcome.stderr.contains(&format!("trap: divide-by-zero at {bad}:1:1")));
    // One that is nested is named too.
    let toml = "[[child]]\nname = 'tills'\n[[child.child]]\nname = 'a'\nmodule = 'bad.iasm'\n";
    let outcome = app(&user, toml);
    outcome.fails(1, &["shop.toml has given up", "tills"]);
    assert!(outcome.stderr.contains("tills: a has ended"), "{outcome:?}");
}

#[test]
fn a_storm_of_restarts_is_a_few_lines_and_the_last_one_names_the_culprit() {
    let user = User::new();
    user.file("end.iasm", "hlt");
    user.file("bad.iasm", "div $0 $9 $0\nhlt");
    let child = "name = 'culprit'\nmodule = ";
    let flat = format!("name = 'x'\nrestarts = 10000\nseconds = 60\n[[child]]\n{child}'end.iasm'");
    let nested = format!(
        "name = 'x'\nrestarts = 20\nseconds = 60\n[[child]]\nname = 'pool'\nrestarts = 300\n\
         [[child.child]]\n{child}'bad.iasm'"
    );
    for (toml, culprit) in [(flat, "culprit"), (nested, "its culprit did")] {
        let outcome = app(&user, &toml);
        outcome.fails(1, &["supervisor of x has given up", culprit, "at last: "]);
        // Ten lines a second, one for each child, and the last one.
        assert!(outcome.stderr.lines().count() < 200, "{}", outcome.stderr);
        assert!(outcome.stderr.contains("the last of "), "{}", outcome.stderr);
    }
}

#[test]
fn a_mistake_is_reported_with_its_place() {
    let user = User::new();
    user.file("x.iasm", "main: hlt");
    user.file("y.iasm", "laod $0");
    let child = "[[child]]\nname = 'x'\n";
    for (toml, words) in [
        ("strategy = 'one'", &["line 1, column 12", "one-for-one"][..]),
        ("[[child]", &["line 1", "TOML"]),
        (&format!("{child}modul = 'x.iasm'"), &["line 3, column 1", "did you mean `module`?"]),
        (&format!("{child}module = 'z.iasm'"), &["line 3, column 10", "no such file"]),
        (&format!("{child}module = 'y.iasm'"), &["line 3, column 10", "does not assemble"]),
        (&format!("{child}module = 'x.iasm'\nentry = 'man'"), &["line 4", "did you mean `main`?"]),
    ] {
        app(&user, toml).fails(2, &[words, &["shop.toml"]].concat());
    }
    user.run(&["run", "--app", "/nowhere/at.toml"]).fails(2, &["/nowhere/at.toml", "no such file"]);
    // Two of one name cannot both be known by it.
    let file = user.file("shop.toml", format!("{child}module = 'x.iasm'"));
    user.run(&["node", "-P", "0", "--app", &file, "--app", &file])
        .fails(2, &["two apps are called shop", "name = "]);
    // What has no end is not read to it, and stdin is a file too.
    user.run(&["run", "--app", "/dev/zero"]).fails(2, &["/dev/zero is too large"]);
    user.run(&["run", "--app", "-"]).fails(2, &["stdin, line 1", "nothing to supervise"]);
    // What is said of one program is not for an app, whose file says it.
    for words in [&["x.iasm"][..], &["--json"], &["--fuel", "5"], &["--heap-limit", "5"]] {
        let words = [&["run", "--app", "x.toml"], words].concat();
        assert_eq!(user.run(&words).code, Some(2), "{words:?}");
    }
}

#[test]
fn an_app_file_given_as_a_program_is_explained() {
    let user = User::new();
    let app = user.file("shop.toml", "# A shop.\nname = 'shop'\n");
    for words in
        [&["run", &app][..], &[&app], &["check", &app], &["node", "-P", "0", "--run", &app]]
    {
        let outcome = user.run(words);
        outcome.fails(1, &[&format!("iridium run --app {app}")]);
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    }
}

/// A module whose app has a child at `child`, with what is in `main` before it.
fn module_with_app(user: &User, main: &str, is_there: bool) -> String {
    let source = format!(
        "main:   {main}
         child:  trapexit #1
                 load $1 #-1
                 load $2 #-1
                 recv $1 $3
                 msgi $6
                 prti $6
                 recv $1 $3
                 prts @bye
                 hlt
         .data
         name:   .asciiz 'Shop.till'
         up:     .asciiz 'up\\n'
         bye:    .asciiz 'bye\\n'"
    );
    let module = Assembler::new("shop.iasm").assemble(&source).unwrap().module;
    let entry = module.find("child").unwrap();
    let mut builder = ModuleBuilder::from_module(module);
    let at = builder.label_at(entry);
    let till = Child {
        name: "till".into(),
        registered: Some("Shop.till".into()),
        restart: Restart::Permanent,
        shutdown_ms: 5_000,
        entry: 0,
        arguments: vec![],
        first: Some(FirstMessage { tag: 7, payload: 41i64.to_le_bytes().to_vec() }),
    };
    let app = App {
        name: "Shop".into(),
        main: is_there,
        strategy: Strategy::OneForOne,
        restarts: 3,
        within_ms: 5_000,
        children: vec![till],
    };
    builder.set_app(app, &[at]);
    user.file("shop.irb", builder.finish().unwrap().to_bytes())
}

#[test]
fn the_app_of_a_module_is_up_before_its_main_and_ends_with_it() {
    let user = User::new();
    // It takes its time, so that the child has taken its first message.
    let main = "whereis @name $1\n prts @up\n load $3 #50\n sleep $3\n";
    let whole = format!("{main} brne $1 #0 @good\n trap #1\n good: hlt");
    let outcome = user.run(&["run", &module_with_app(&user, &whole, true)]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout.replace("41", ""), "up\nbye\n", "{outcome:?}");
    // The exit code is that of main, whatever becomes of the app.
    let file = module_with_app(&user, &format!("{main} load $0 #3\n exit $0"), true);
    let outcome = user.run(&[&file]);
    assert_eq!(outcome.code, Some(3), "{outcome:?}");
    assert!(outcome.stdout.ends_with("bye\n"), "{outcome:?}");
    let outcome = user.run(&["run", &file, "--entry", "main"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(3), "up\n"), "{outcome:?}");
}

#[test]
fn a_node_starts_the_app_of_a_program_before_its_main() {
    let user = User::new();
    let main = "whereis @name $1\n prts @up\n brne $1 #0 @good\n trap #1\n good: hlt";
    let file = module_with_app(&user, main, true);
    let node = user.node("n", &["--run", &file]);
    wait_until("main and the child have run", || {
        let apps = user.run(&["apps", "--at", &node.at]).stdout;
        if apps.contains("runs child") { Ok(()) } else { Err(apps) }
    });
    node.process.signal(Signal::SIGTERM);
    let outcome = node.process.end();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("up\n") && outcome.stdout.contains("bye\n"), "{outcome:?}");
    let twice = ["node", "-P", "0", "--run", &file, "--app", &file];
    user.run(&twice).fails(2, &["two apps are called Shop"]);
}

#[test]
fn a_module_that_is_nothing_but_an_app_runs_as_one() {
    let user = User::new();
    let file = module_with_app(&user, "hlt", false);
    for args in [&["run", &file][..], &["run", "--app", &file]] {
        let outcome = user.run(args);
        outcome.fails(1, &["Shop: deadlock: a process waits"]);
        assert_eq!(outcome.stdout, "41bye\n", "{outcome:?}");
    }
    user.run(&["run", &file, "--save", "s"]).fails(2, &["is an app without main", "--save"]);
    let plain =
        user.file("plain.irb", Assembler::new("p").assemble("hlt").unwrap().module.to_bytes());
    user.run(&["run", "--app", &plain]).fails(2, &["plain.irb has no app"]);
}
