//! Files as people have them: with odd names, modes, links and byte order marks.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::{User, write};

const LOOP: &str = "next: djmp @next";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn run_in(folder: &Path, user: &User, words: &[&OsStr]) -> Output {
    user.iridium(&[]).args(words).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_file_that_is_written_again_keeps_its_mode() {
    let user = User::new();
    let (source, state) = (user.file("p.iasm", LOOP), user.path("st"));
    let (st, module) = (state.to_str().unwrap(), user.path("p.irb"));
    assert_eq!(user.run(&["run", &source, "--fuel", "10", "--save", st]).code, Some(0));
    assert_eq!(user.run(&["asm", &source]).code, Some(0));
    let usual = mode(&state);
    assert_eq!(mode(&module), usual, "files are made as everywhere");
    for wanted in [0o600, 0o640, 0o664, 0o444] {
        for path in [&state, &module] {
            fs::set_permissions(path, fs::Permissions::from_mode(wanted)).unwrap();
        }
        let outcome = user.run(&["resume", st, "--fuel", "10", "--save", st]);
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert_eq!(user.run(&["asm", &source]).code, Some(0));
        assert_eq!((mode(&state), mode(&module)), (wanted, wanted));
    }
    // The same from the REPL.
    fs::set_permissions(&state, fs::Permissions::from_mode(0o600)).unwrap();
    let outcome = user.repl(&[]).converse(&format!("load $0 #5\n!save {st}"));
    assert!(outcome.stdout.contains("saved to"), "{outcome:?}");
    assert_eq!(mode(&state), 0o600);
    // No draft is left.
    let names = fs::read_dir(user.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    let drafts: Vec<_> = names.filter(|name| text(name.as_bytes()).contains("tmp")).collect();
    assert!(drafts.is_empty(), "{drafts:?}");
}

#[test]
fn a_link_stays_a_link_and_a_write_that_fails_leaves_the_file_whole() {
    let user = User::new();
    let (source, link, target) = (user.file("p.iasm", LOOP), user.path("ln"), user.path("d/st"));
    fs::create_dir(user.path("d")).unwrap();
    symlink("d/st", &link).unwrap();
    let words = ["run", &source, "--fuel", "10", "--save", link.to_str().unwrap()];
    // It names nothing yet; then it is written again.
    for _ in 0..2 {
        assert_eq!(user.run(&words).code, Some(0));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read(&target).unwrap().starts_with(b"IRST"));
        write(&target, "IRST old", 0o600);
    }
    assert_eq!(user.run(&words).code, Some(0));
    assert_eq!(mode(&target), 0o600);
    // A disk that is full: the file that is there is not touched.
    let old = fs::read(&target).unwrap();
    let inode = fs::metadata(&target).unwrap().ino();
    let script = "ulimit -f 0; trap '' XFSZ; exec \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(env!("CARGO_BIN_EXE_iridium")).args(words);
    let output = shell.env("HOME", user.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!((fs::read(&target).unwrap(), fs::metadata(&target).unwrap().ino()), (old, inode));
    assert_eq!(fs::read_dir(user.path("d")).unwrap().count(), 1, "no draft is left");
}

#[test]
fn names_as_long_as_they_can_be_are_written() {
    let user = User::new();
    let (source, path) = (user.file("p.iasm", LOOP), user.path(&"s".repeat(255)));
    for _ in 0..2 {
        let words = ["run", &source, "--fuel", "10", "--save", path.to_str().unwrap()];
        assert_eq!(user.run(&words).code, Some(0));
    }
    assert!(path.exists());
}

#[test]
fn a_dash_is_stdin_or_stdout_or_is_refused() {
    let user = User::new();
    let source = user.file("p.iasm", LOOP);
    let folder = user.path("");
    for words in
        [&["run", &source, "--fuel", "10", "--save", "-"][..], &["resume", "st", "--save", "-"]]
    {
        let words: Vec<_> = words.iter().map(OsStr::new).collect();
        fs::write(user.path("st"), "").unwrap();
        let output = run_in(&folder, &user, &words);
        assert_ne!(output.status.code(), Some(0), "{output:?}");
    }
    user.run(&["run", &source, "--fuel", "10", "--save", "-"]).fails(2, &["stdout", "./-"]);
    // A module goes from one command to the next.
    let module = user.iridium(&["asm", &source, "-o", "-"]).output().unwrap();
    assert!(module.status.success() && module.stdout.starts_with(&iridium_isa::MAGIC));
    fs::write(user.path("piped.irb"), &module.stdout).unwrap();
    for command in ["disasm", "check", "run"] {
        let stdin = fs::File::open(user.path("piped.irb")).unwrap();
        let fuel = if command == "run" { &["--fuel", "10"][..] } else { &[] };
        let output = user.iridium(&[command, "-"]).args(fuel).stdin(stdin).output().unwrap();
        assert!(text(&output.stderr).is_empty() || command == "run", "{output:?}");
    }
    assert!(!user.path("-").exists());
    // Files that are really called so.
    for name in ["-", "-x", "--help"] {
        let place = format!("./{name}");
        let save: Vec<_> =
            ["run", "p.iasm", "--fuel", "10", "--save", &place].map(OsString::from).into();
        let output = run_in(&folder, &user, &save.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        assert!(text(&output.stderr).contains(&format!("iridium resume ./{name}")), "{output:?}");
        assert!(user.path(name).exists());
    }
    // In the REPL, whose lines come from stdin.
    let outcome = user
        .repl(&[])
        .converse("!load_file -\n!spawn -\n!save -\n!restore -\nload $0 #77\n!registers");
    assert_eq!(outcome.stderr.matches("name a file").count(), 4, "{outcome:?}");
    assert!(outcome.stdout.contains("$0 = 77"), "{outcome:?}");
}

#[test]
fn what_is_said_to_go_on_with_works_as_it_stands() {
    let user = User::new();
    let folder = user.path("");
    user.file("p.iasm", LOOP);
    for name in [
        &b"st"[..],
        b"a b",
        b"it's",
        b"a\"b$HOME`x`",
        b"-st",
        b"caf\xe9",
        b"new\nline",
        b"~",
        b"\xc3\xa9#",
    ] {
        let place = [b"./", name].concat();
        let place = if name.starts_with(b"-") {
            OsString::from_vec(place)
        } else {
            OsString::from_vec(name.to_vec())
        };
        let save: [&OsStr; 6] = [
            "run".as_ref(),
            "p.iasm".as_ref(),
            "--fuel".as_ref(),
            "10".as_ref(),
            "--save".as_ref(),
            &place,
        ];
        let output = run_in(&folder, &user, &save);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        let command = said.lines().find_map(|line| line.strip_prefix("resume it with: iridium "));
        let script = format!("\"$0\" {} --fuel 10", command.unwrap_or_else(|| panic!("{said}")));
        let mut shell = Command::new("bash");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_iridium")]).current_dir(&folder);
        let output = shell.output().unwrap();
        assert!(text(&output.stderr).contains("out of fuel after 10"), "{script} {output:?}");
    }
}

#[test]
fn names_that_are_no_utf8_work_as_files_and_are_shown_escaped() {
    let user = User::new();
    let path = |name: &[u8]| -> PathBuf { user.path("").join(OsStr::from_bytes(name)) };
    fs::write(path(b"p\xff.iasm"), "load $0 #7\nprti $0\ndiv $0 $9 $0\nhlt").unwrap();
    let run = |words: &[&OsStr]| run_in(&user.path(""), &user, words);
    let file = path(b"p\xff.iasm");
    let output = run(&["run".as_ref(), file.as_ref()]);
    assert_eq!((text(&output.stdout).as_str(), output.status.code()), ("7", Some(1)));
    assert!(text(&output.stderr).contains("p\\xff.iasm:3:1"), "{output:?}");
    let output = run(&["check".as_ref(), file.as_ref()]);
    assert!(text(&output.stdout).contains("p\\xff.iasm: 4 instructions"), "{output:?}");
    let output = run(&["asm".as_ref(), file.as_ref()]);
    assert!(text(&output.stdout).contains("p\\xff.irb"), "{output:?}");
    assert!(path(b"p\xff.irb").exists());
    let output = run(&["run".as_ref(), path(b"none\xfe").as_ref()]);
    assert!(text(&output.stderr).contains("none\\xfe"), "{output:?}");
    let app = path(b"\xe9.toml");
    fs::write(&app, "[[child]]\nname = 'x'\nmodule = 'none.iasm'").unwrap();
    let output = run(&["run".as_ref(), "--app".as_ref(), app.as_ref()]);
    assert!(text(&output.stderr).contains("\\xe9.toml"), "{output:?}");
}

#[test]
fn text_that_is_no_utf8_is_refused_and_harms_nothing() {
    let user = User::new();
    let source = user.file("p.iasm", b"load $0 #7 ; caf\xe9\nhlt");
    user.run(&["run", &source]).fails(1, &["UTF-8"]);
    user.run(&["check", &source]).fails(1, &["UTF-8"]);
    user.run(&["asm", &source]).fails(1, &["UTF-8"]);
    let app = user.file("a.toml", b"name = 'caf\xe9'");
    user.run(&["run", "--app", &app]).fails(2, &["UTF-8"]);
    let state = user.file("st", b"\xff\xfe\x00");
    user.run(&["resume", &state]).fails(1, &["no saved program"]);
    // A script for the REPL goes on behind such a line.
    let script = user.file(
        "script",
        b"load $0 #77\n; caf\xe9\nl\xe9ad $1\n!load_file \xff\n!registers\n".as_slice(),
    );
    let stdin = fs::File::open(script).unwrap();
    let output = user.iridium(&[]).stdin(stdin).output().unwrap();
    assert!(text(&output.stdout).contains("$0 = 77"), "{output:?}");
    assert_eq!(output.status.code(), Some(0));
    let output = user.iridium(&["run"]).arg(OsStr::from_bytes(b"--entry=\xff")).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let user = User::new();
    const MARK: &str = "\u{feff}";
    let source = user.file("p.iasm", format!("{MARK}load $0 #77\nprti $0\nhlt"));
    assert_eq!(user.run(&["run", &source]).stdout.trim_end(), "77");
    assert_eq!(user.run(&["check", &source]).code, Some(0));
    let app = user.file(
        "a.toml",
        format!("{MARK}[[child]]\nname = 'x'\nmodule = 'p.iasm'\nrestart = 'temporary'"),
    );
    assert_eq!(user.run(&["run", "--app", &app]).stdout.trim_end(), "77");
    let script = format!("{MARK}!load_file {source}\n{MARK}!continue\nload $1 #5\n!registers");
    let outcome = user.repl(&[]).converse(&script);
    assert!(outcome.stdout.contains("$0 = 77") && outcome.stdout.contains("$1 = 5"), "{outcome:?}");
    assert!(!outcome.stderr.contains("error"), "{outcome:?}");
    // A secret, as an editor may leave it.
    let secret = user.path("secret");
    write(&secret, &format!("{MARK}# ours\r\n{}\r\n", "ab".repeat(32)), 0o600);
    let secret = secret.to_str().unwrap();
    let node = user.node("a", &["--secret-file", secret]);
    let words = ["members", "--json", "--at", &node.at, "--secret-file", secret];
    assert_eq!(user.run(&words).code, Some(0));
}
