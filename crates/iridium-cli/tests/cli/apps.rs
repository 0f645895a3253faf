//! `iridium run --app`.

use nix::sys::signal::Signal;

use crate::support::{Outcome, User};

fn app(user: &User, toml: &str) -> Outcome {
    let file = user.file("shop.toml", toml);
    user.run(&["run", "--app", &file])
}

#[test]
fn an_app_runs_until_it_is_asked_to_end() {
    let user = User::new();
    user.file(
        "till.iasm",
        "trapexit #1\nprti $0\nload $1 #10\nprtc $1\nload $2 #-2\nload $3 #-1\nrecv $2 $2\n\
         load $5 #98\nprtc $5\nprtc $1\nhlt",
    );
    let file = user.file(
        "shop.toml",
        "name = 'shop'\n[[child]]\nname = 'tills'\n[[child.child]]\nname = 'one'\n\
         module = 'till.iasm'\narguments = [41]\n",
    );
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
fn a_mistake_is_told_with_its_place() {
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
    // What is said of one program is not for an app, whose file says it.
    for words in [&["x.iasm"][..], &["--json"], &["--fuel", "5"], &["--heap-limit", "5"]] {
        let words = [&["run", "--app", "x.toml"], words].concat();
        assert_eq!(user.run(&words).code, Some(2), "{words:?}");
    }
}
