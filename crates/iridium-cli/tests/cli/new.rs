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
fn a_new_project_is_checked_formatted_tested_and_runs() {
    let user = User::new();
    let outcome = at_home(&user, &["new", "first-one"]);
    let told = "made first-one; iridium run first-one/main.pd runs it\n";
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), told), "{outcome:?}");
    for words in [
        &["check", "first-one/main.pd", "first-one/greeting.pd"][..],
        &["fmt", "--check", "first-one"],
        &["test", "first-one"],
    ] {
        let outcome = at_home(&user, words);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome:?}");
    }
    assert_eq!(at_home(&user, &["run", "first-one/main.pd"]).stdout, "Hello, world\n");
    let readme = std::fs::read_to_string(user.path("first-one/README.md")).unwrap();
    assert!(readme.starts_with("# first-one\n"), "{readme}");

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
