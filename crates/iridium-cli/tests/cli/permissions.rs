//! What programs may do: what they are refused before they run, and while they do.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::support::{User, wait_until};

const PROGRAM: &str = "import std.env
import std.fs

fn main() -> Result[(), fs.Error] {
    let path = env.args().first() ?? \"words.txt\"
    print(fs.read_text(path)?.len())
    Ok(())
}

test \"it reads\" {
    assert fs.list(\".\") is Err(_)
}
";

#[test]
fn a_program_is_refused_before_it_runs() {
    let user = User::new();
    let program = user.file("words.pd", PROGRAM);
    let outcome = user.run(&["run", &program]);
    let place = format!("{program}:6:11");
    assert_eq!(
        outcome.stderr,
        format!(
            "error: the program may not use fs.read ({place}); allow it with \
             --allow fs.read=PATH, or all with -A\n"
        )
    );
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), ""));
    user.run(&["test", &program]).fails(1, &["fs.read", "--allow"]);
    let checked = user.run(&["check", "--permissions", &program]);
    checked.succeeds();
    assert_eq!(checked.stdout, format!("{program}: no errors\n  fs.read   {place}\n"));
    let silent = user.file("silent.pd", "fn main() { print(1) }\n");
    let checked = user.run(&["check", "--permissions", &silent]);
    assert_eq!(checked.stdout, format!("{silent}: no errors\n  needs nothing to be allowed\n"));
    // A file for others to import has no `main`, and stdin can be read only once.
    let part = user.file("part.pd", "pub fn one() -> Int { 1 }\n");
    user.run(&["check", "--permissions", &part]).succeeds();
    let mut command = user.iridium(&["check", "--permissions", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b".import env.var\nhost @env.var $0\nhlt\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.ends_with(":2:1\n"), "{output:?}");
}

#[test]
fn a_grant_holds_for_what_it_names() {
    let user = User::new();
    let program = user.file("words.pd", PROGRAM);
    let (words, other) = (user.file("words.txt", "abc"), user.file("other.txt", "abcdef"));
    let folder = user.path("").to_str().unwrap().to_owned();
    let run = |grant: &str, path: &str| user.run(&["run", &program, "--allow", grant, "--", path]);
    for grant in [&format!("fs.read={words}"), &format!("fs.read={folder}"), "fs.read"] {
        let outcome = run(grant, &words);
        assert_eq!(outcome.stdout, "3\n", "{grant}: {outcome:?}");
    }
    let narrow = format!("fs.read={words}");
    let refused = |path: &str| {
        let outcome = run(&narrow, path);
        let told = format!("NotAllowed(path: \"{path}\", allow: \"--allow fs.read={path}\")");
        assert!(outcome.stderr.contains(&told) && outcome.code == Some(1), "{outcome:?}");
    };
    refused(&other);
    std::os::unix::fs::symlink(&other, user.path("link")).unwrap();
    let link = user.path("link").to_str().unwrap().to_owned();
    refused(&link);
    assert_eq!(user.run(&["run", &program, "-A", "--", &link]).stdout, "6\n");
    let test = user.run(&["test", &program, "--allow", &narrow]);
    assert!(test.stdout.contains("1 test passed"), "{test:?}");
    for (grant, words) in [
        ("fs", "there is no group `fs`"),
        ("stdin=x", "stdin takes no part of it"),
        ("env=", "env= is without NAME"),
        ("net.listen=8084", "write net.listen=127.0.0.1:8084, or net.listen=*:8084 for all"),
        ("net.listen=localhost:x", "net.listen=localhost:x: its port is no number"),
        ("fs.read=no/such/folder/x", "--allow fs.read=no/such/folder/x: there is no such file"),
    ] {
        run(grant, "x").fails(2, &[words]);
    }
}

#[test]
fn saved_programs_and_nodes_have_the_grants_of_whom_they_run_at() {
    let user = User::new();
    let words = user.file("words.txt", "abc");
    let source = format!(
        "import std.fs\nfn main() {{\n    var n = 0\n    for i in 0..100_000 {{ n += i }}\n    \
         print(fs.read_text(\"{words}\"))\n    print(n)\n}}\n"
    );
    let program = user.file("later.pd", source);
    let state = user.path("state").to_str().unwrap().to_owned();
    let grant = format!("fs.read={words}");
    let saved = user.run(&["run", &program, "--allow", &grant, "--fuel", "1000", "--save", &state]);
    assert!(fs::exists(&state).unwrap(), "{saved:?}");
    user.run(&["resume", &state]).fails(1, &["fs.read", &program, "--allow fs.read=PATH"]);
    let other = user.file("other.txt", "");
    let resumed = user.run(&["resume", &state, "--allow", &format!("fs.read={other}")]);
    assert!(resumed.stdout.starts_with("Err(NotAllowed("), "{resumed:?}");
    let resumed = user.run(&["resume", &state, "--allow", &grant]);
    assert_eq!(resumed.stdout, "Ok(\"abc\")\n4999950000\n", "{resumed:?}");

    let strict = user.node("strict", &[]);
    let told = "the node does not let the program use fs.read";
    let flag = "start the node with --allow fs.read=PATH, or all with -A";
    let refused = user.run(&["spawn", &program, "--at", &strict.at]);
    refused.fails(1, &[told, &program, flag]);
    let open = user.node("open", &["--allow", &grant, "--join", &strict.at]);
    user.run(&["spawn", &program, "--at", &open.at]).succeeds();
    open.process.wait_for("Ok(\"abc\")");
    // What a node may do does not come with those that it has met.
    user.run(&["spawn", &program, "--at", &strict.at]).fails(1, &[told, flag]);
}

/// Tries to start a process that reads files on each other node.
const ELSEWHERE: &str = "import std.fs

fn read() { let _ = fs.read_text(\"x\") }

fn main() {
    for n in nodes() {
        if n != node() { print((spawn read() on n).map(fn(_) => \"runs\")) }
    }
}
";

#[test]
fn a_node_that_may_do_less_refuses_a_process_and_its_log_says_what_it_lacks() {
    let user = User::new();
    let program = user.file("elsewhere.pd", ELSEWHERE);
    let strict = user.node("strict", &[]);
    let open = user.node("open", &["--allow", "fs.read", "--join", &strict.at]);
    user.wait_for_members(&open.at, &[("open", "self"), ("strict", "alive")]);
    user.run(&["spawn", &program, "--at", &open.at]).succeeds();
    open.process.wait_for("Err(Refused)");
    wait_until("the log says why", || {
        let log = strict.process.complained();
        let says = ["started no process for peer=open", "fs.read"].map(|part| log.contains(part));
        if says == [true; 2] { Ok(()) } else { Err(log) }
    });
}

#[test]
fn an_app_file_allows_what_it_says() {
    let user = User::new();
    fs::create_dir_all(user.path("shop/data")).unwrap();
    let words = user.file("shop/data/words.txt", "abc");
    let source = format!("import std.fs\nfn main() {{ print(fs.read_text(\"{words}\")) }}\n");
    user.file("shop/count.pd", source);
    let child = "[[child]]\nname = 'count'\nmodule = 'count.pd'\nrestart = 'temporary'\n";
    let app = |text: &str| user.file("shop/app.toml", format!("{text}\n{child}"));
    let file = app("");
    let refused = "the program may not use fs.read";
    user.run(&["run", "--app", &file]).fails(2, &["line 4", refused, "--allow fs.read=PATH"]);
    app("allow = ['fs.read=data']");
    let ran = user.run(&["run", "--app", &file]);
    assert_eq!(ran.stdout, "Ok(\"abc\")\n", "{ran:?}");
    let node = user.node("shop", &["--app", &file]);
    node.process.wait_for("Ok(\"abc\")");
    for (text, words) in [
        ("allow = ['fs']", "line 1, column 10: `allow`: there is no group `fs`"),
        ("allow = ['fs.read=no/x']", "line 1, column 10: `allow`: fs.read=no/x: there is no such"),
    ] {
        app(text);
        user.run(&["run", "--app", &file]).fails(2, &["app.toml", words]);
        user.run(&["node", "--app", &file]).fails(2, &["app.toml", words]);
    }
}

#[test]
fn the_help_names_all_that_can_be_allowed() {
    let user = User::new();
    let none = user.run(&["run", "x.pd", "--allow", "none"]).stderr;
    let (_, groups) = none.trim_end().split_once("there are ").unwrap();
    let groups: Vec<&str> = groups.split(", ").collect();
    assert!(groups.len() >= 6, "{groups:?}");
    for command in ["run", "node", "test"] {
        let help = user.run(&[command, "--help"]).stdout;
        let told = help.split_once("--allow <").unwrap().1.split_once("--allow-all").unwrap().0;
        for group in &groups {
            assert!(told.contains(group), "{command}: {group}: {told}");
        }
    }
}
