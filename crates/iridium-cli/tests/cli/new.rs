//! `iridium new`, and a short conversation with `iridium lsp`.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Outcome, Process, User};

/// Runs the command in the user's own folder.
fn at_home(user: &User, words: &[&str]) -> Outcome {
    let mut command = user.iridium(words);
    command.current_dir(user.path(""));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Process::start(&mut command).end()
}

#[test]
fn new_projects_are_checked_formatted_tested_and_run() {
    let user = User::new();
    for (name, template, files, printed) in [
        ("first-one", None, ["main.pd", "greeting.pd"], "Hello, world\n"),
        ("program", Some("program"), ["main.pd", "greeting.pd"], "Hello, world\n"),
        ("actor", Some("actor"), ["main.pd", "counter.pd"], "15\n"),
        ("cluster", Some("cluster"), ["main.pd", "pool.pd"], "1 worker\n144\n"),
    ] {
        let mut words = vec!["new", name];
        words.extend(template.iter().flat_map(|template| ["--template", template]));
        let outcome = at_home(&user, &words);
        let told = format!("made {name}; iridium run {name}/main.pd runs it\n");
        assert_eq!((outcome.code, outcome.stdout), (Some(0), told));
        let [main, other] = files.map(|file| format!("{name}/{file}"));
        for words in [&["check", &main, &other][..], &["fmt", "--check", name]] {
            at_home(&user, words).succeeds();
        }
        // It is in one of the files, which the other imports.
        let tested = at_home(&user, &["test", name]);
        assert!(
            tested.code == Some(0) && tested.stdout.ends_with("\n1 test passed\n"),
            "{tested:?}"
        );
        assert_eq!(at_home(&user, &["run", &main]).stdout, printed);
        let readme = std::fs::read_to_string(user.path(name).join("README.md")).unwrap();
        assert!(readme.starts_with(&format!("# {name}\n")), "{readme}");
    }

    at_home(&user, &["new", "first-one"]).fails(1, &["first-one is there already"]);
    for name in ["", "1st", "a/b", "..", "é"] {
        at_home(&user, &["new", name]).fails(2, &["is no name for a project"]);
    }
}

#[test]
fn a_folder_beside_a_project_can_be_imported() {
    let user = User::new();
    for folder in ["shared", "shop"] {
        std::fs::create_dir(user.path(folder)).unwrap();
    }
    user.file(
        "shared/money.pd",
        "import .tax\npub fn total(net: Int) -> Int { net + tax.of(net) }\n",
    );
    user.file("shared/tax.pd", "pub fn of(net: Int) -> Int { net / 5 }\n");
    user.file("shop/main.pd", "import ..shared.money\nfn main() { print(money.total(100)) }\n");
    assert_eq!(at_home(&user, &["run", "shop/main.pd"]).stdout, "120\n");
}

#[test]
fn an_editor_is_served_until_it_says_exit() {
    let user = User::new();
    let talk = |messages: &[&str]| {
        let mut server = user.iridium(&["lsp"]);
        server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut server = server.spawn().unwrap();
        let mut input = server.stdin.take().unwrap();
        for message in messages {
            write!(input, "Content-Length: {}\r\n\r\n{message}", message.len()).unwrap();
        }
        drop(input);
        let output = server.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let initialize =
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#;
    let shutdown = r#"{"jsonrpc":"2.0","id":2,"method":"shutdown"}"#;
    let exit = r#"{"jsonrpc":"2.0","method":"exit"}"#;
    let (code, stdout, stderr) = talk(&[initialize, shutdown, exit]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("\"hoverProvider\":true"), "{stdout}");
    let (code, _, stderr) = talk(&[initialize]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("the editor has gone without saying so"), "{stderr}");
}
