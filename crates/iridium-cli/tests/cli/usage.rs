//! The command line itself.

use std::os::unix::fs::PermissionsExt;

use crate::support::User;

#[test]
fn wrong_usage_has_exit_code_2() {
    let user = User::new();
    for words in [
        &["dance"][..],
        &["--json"],
        &["run"],
        &["run", "x.iasm", "--arg", "five"],
        &["run", "x.iasm", "--fuel", "-1"],
        &["resume", "x", "--arg", "5"],
        &["check"],
        &["node", "--no-such-flag"],
        &["node", "--node-alias", "two words"],
        &["node", "-P", "70000"],
        &["node", "--join", "host:0"],
        &["node", "--preset", "moon"],
        &["node", "-v", "-q"],
        &["members", "--at", "http://host"],
        &["--join", "host:1"],
        &["-P", "1", "members"],
    ] {
        let outcome = user.run(words);
        assert_eq!(outcome.code, Some(2), "{words:?}: {outcome:?}");
        assert!(outcome.stderr.starts_with("error: "), "{words:?}: {outcome:?}");
    }
    user.run(&["-P", "1", "members"]).fails(2, &["flags go after", "iridium members"]);
    user.run(&["membres"]).fails(2, &["did you mean iridium members?"]);
    user.run(&["node", "--insecure", "-H", "0.0.0.0"]).fails(2, &["--insecure=force"]);
    // Whoever comes from other languages gives words to a program.
    let file = user.file("x.iasm", "hlt");
    user.run(&[&file, "5", "6"]).fails(2, &["5 is one word too many", "--arg"]);
    user.run(&["--fuel", "5", &file, "6"]).fails(2, &["6 is one word too many"]);
    user.run(&["membres", "--at", "host"]).fails(2, &["did you mean iridium members?"]);
    let no_flag = user.run(&[&file, "--at", "host"]).stderr;
    assert!(no_flag.starts_with("error: unexpected argument '--at'"), "{no_flag}");
    let empty = user.file("empty.pd", "");
    user.run(&[&empty]).fails(1, &["empty.pd: there is no `fn main()`"]);
    user.run(&["rnu", &file]).fails(2, &["no file rnu", "did you mean iridium run?"]);
}

#[test]
fn an_error_about_a_number_says_which_are_allowed() {
    let user = User::new();
    for (words, report) in [
        (&["run", "x", "-t", "0"][..], "it must be from 1 to 1024"),
        (&["run", "x", "--fuel", "-1"], "it must be from 0 to 18446744073709551615"),
        (&["run", "x", "--heap-limit", "many"], "it is not a whole number"),
        (&["node", "-P", "70000"], "it must be from 0 to 65535"),
        (&["send", "x", "-1", "y"], "negative tags are reserved for the system"),
        (&["kill", "x", "--reason", "y"], "it is not a whole number"),
        (&["spawn", "x", "--name", "a@b"], "which would be a pid"),
        (&["spawn", "x", "--name", ""], "no control characters"),
    ] {
        let outcome = user.run(words);
        assert_eq!(outcome.code, Some(2), "{words:?}: {outcome:?}");
        assert!(outcome.stderr.lines().next().unwrap().ends_with(report), "{words:?}: {outcome:?}");
    }
}

#[test]
fn a_secret_is_private_and_never_overwritten() {
    let user = User::new();
    let default = user.run(&["secret", "show-path"]).stdout;
    let default = std::path::Path::new(default.trim_end());
    assert_eq!(default, user.path(".config/iridium/cluster.secret"));

    assert_eq!(user.run(&["secret", "new"]).code, Some(0));
    let made = std::fs::read_to_string(default).unwrap();
    assert_eq!(std::fs::metadata(default).unwrap().permissions().mode() & 0o777, 0o600);
    user.run(&["secret", "new"]).fails(1, &[default.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(default).unwrap(), made);

    let other = user.path("other");
    assert_eq!(user.run(&["secret", "new", other.to_str().unwrap()]).code, Some(0));
    assert_ne!(std::fs::read_to_string(other).unwrap(), made);
}

#[test]
fn the_variable_names_the_secret_file() {
    let user = User::new();
    let path = user.path("named");
    let outcome =
        user.iridium(&["secret", "show-path"]).env("IRIDIUM_SECRET_FILE", &path).output().unwrap();
    assert_eq!(String::from_utf8(outcome.stdout).unwrap().trim_end(), path.to_str().unwrap());
    // A file that was named must be there; only the default one is made.
    let outcome =
        user.iridium(&["node", "-P", "0"]).env("IRIDIUM_SECRET_FILE", &path).output().unwrap();
    assert_eq!(outcome.status.code(), Some(3), "{outcome:?}");
    assert!(!path.exists());
}

#[test]
fn help_completions_and_the_manual_know_every_command() {
    let user = User::new();
    let help = user.run(&["--help"]).stdout;
    let man = user.run(&["man"]).stdout;
    let completions = user.run(&["completions", "bash"]).stdout;
    for command in [
        "run",
        "resume",
        "asm",
        "disasm",
        "check",
        "node",
        "members",
        "ps",
        "top",
        "spawn",
        "send",
        "kill",
        "apps",
        "events",
        "attach",
        "forget",
        "leave",
        "secret",
        "completions",
        "man",
    ] {
        for text in [&help, &man, &completions] {
            assert!(text.contains(command), "{command}");
        }
    }
    assert!(help.lines().all(|line| line.len() <= 100), "{help}");
    assert!(user.run(&["--version"]).stdout.starts_with("iridium "));
}
