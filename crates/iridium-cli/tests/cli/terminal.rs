//! The REPL on a terminal: lines that are typed ahead, pasted blocks, tables on a narrow
//! terminal.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::pty::{Winsize, openpty};

use crate::support::{User, wait_until};

/// A command on a terminal of its own.
struct Session {
    child: Child,
    keys: File,
    seen: Arc<Mutex<String>>,
}

impl Session {
    /// A REPL, ready for the first line.
    fn repl(user: &User) -> Self {
        let session = Self::start(user, &[], 80);
        session.wait_for(">>> ");
        session
    }

    fn start(user: &User, words: &[&str], columns: u16) -> Self {
        Self::start_on(user, words, columns, Some("xterm"))
    }

    /// As `start`, on a terminal that `TERM` calls so.
    fn start_on(user: &User, words: &[&str], columns: u16, term: Option<&str>) -> Self {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let mut command = user.iridium(words);
        match term {
            Some(term) => command.env("TERM", term),
            None => command.env_remove("TERM"),
        };
        // Where colours are wanted even in what is no terminal.
        command.env("CI", "true").stderr(pty.slave.try_clone().unwrap());
        command.stdin(pty.slave.try_clone().unwrap()).stdout(Stdio::from(pty.slave));
        let child = command.spawn().unwrap();
        // The other end of the terminal ends with the command only if nobody else has it.
        drop(command);
        let keys = File::from(pty.master);
        let (mut screen, seen) = (keys.try_clone().unwrap(), Arc::<Mutex<String>>::default());
        let all = Arc::clone(&seen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                all.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Self { child, keys, seen }
    }

    fn press(&mut self, keys: impl AsRef<[u8]>) {
        self.keys.write_all(keys.as_ref()).unwrap();
    }

    fn seen(&self) -> String {
        self.seen.lock().unwrap().clone()
    }

    /// Waits for the end, and returns the exit code.
    fn end(&mut self) -> Option<i32> {
        let child = &mut self.child;
        wait_until("it ends", || child.try_wait().unwrap().ok_or("it runs")).code()
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        wait_until(&format!("{text:?} is shown"), || {
            let seen = self.seen.lock().unwrap().clone();
            if seen.contains(text) { Ok(()) } else { Err(seen) }
        });
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn lines_that_are_typed_ahead_are_run() {
    let user = User::new();
    let mut session = Session::repl(&user);
    // All at once, as by somebody who is faster than the machine, or by a paste where the
    // terminal does not say that it is one.
    session.press("load $0 #1\rload $1 #2\rload $2 #3\r!registers\r");
    session.wait_for("$0 = 1   $1 = 2   $2 = 3");
}

#[test]
fn a_pasted_block_may_have_commands_in_it() {
    let user = User::new();
    let mut session = Session::repl(&user);
    // The loop is one piece: its first line names a label that comes after it.
    let block = "load $0 #3\nnext: breq $0 #0 @done\ndec $0\ndjmp @next\ndone: load $1 #7\n\
                 !registers\n\n  !help muli\nload $2 #9";
    session.press(format!("\x1b[200~{block}\x1b[201~\r!floats\r!registers\r"));
    session.wait_for("$1 = 7");
    session.wait_for("`d = a * n`, wrapping.");
    session.wait_for("$1 = 7   $2 = 9");
    assert!(!session.seen.lock().unwrap().contains("error"), "{:?}", session.seen);
}

#[test]
fn a_table_of_processes_is_not_wrapped_on_a_narrow_terminal() {
    let user = User::new();
    let file = user.file("wait.iasm", "load $0 #-1\nload $1 #-1\nrecv $0 $2\nhlt");
    let node = user.node("a", &["--run", &file]);
    let session = Session::start(&user, &["ps", "--at", &node.at], 40);
    // The terminal breaks the line, and does so better than a table with cells of a letter.
    session.wait_for(" receiving    1    0");
}

#[test]
fn a_terminal_that_takes_text_only_gets_nothing_else() {
    let user = User::new();
    let bad = user.file("bad.iasm", "load $0 #200\nsleep $0\ndiv $0 $9 $0\nhlt");
    let node = user.node("a", &["--run", &bad]);
    for term in [Some("dumb"), Some(""), None] {
        for words in [&[][..], &["attach", &node.at]] {
            let mut session = Session::start_on(&user, words, 80, term);
            session.wait_for(">>> ");
            session.press("\tload $0 #77\n!registers\nlaod\n!ps\n");
            session.wait_for("$0 = 77");
            session.wait_for("did you mean `load`?");
            session.wait_for("this VM");
            session.press(format!("!spawn {bad}\n"));
            if words.is_empty() {
                // What happens meanwhile has lines of its own, and the prompt comes again.
                session.wait_for("\r\n>>> \r\nprocess ");
                session.wait_for("trap: divide-by-zero");
            }
            session.press("!quit\n");
            assert_eq!(session.end(), Some(0));
            assert!(!session.seen().contains('\x1b'), "{term:?} {}", session.seen());
        }
        for words in [
            &["top", "--at", &node.at][..],
            &["ps", "--at", &node.at],
            &["members", "--at", &node.at],
            &["run", &bad],
            &["--help"],
            &["frob"],
        ] {
            let mut session = Session::start_on(&user, words, 80, term);
            session.end();
            assert!(!session.seen().contains('\x1b'), "{words:?} {}", session.seen());
        }
    }
}

#[test]
fn what_was_typed_on_one_terminal_is_remembered_on_another() {
    let user = User::new();
    let mut plain = Session::start_on(&user, &[], 80, Some("dumb"));
    plain.wait_for(">>> ");
    plain.press("load $0 #77\n!quit\n");
    assert_eq!(plain.end(), Some(0));
    let mut session = Session::repl(&user);
    session.press("!history\r");
    session.wait_for("1  load $0 #77");
    // The arrow up, twice: `!history` and the line before it.
    session.press("\x1b[A\x1b[A\x1b[A\r!registers\r");
    session.wait_for("$0 = 77");
}

#[test]
fn bytes_that_are_no_utf8_do_not_end_the_session() {
    let user = User::new();
    let mut session = Session::repl(&user);
    session.press("load $0 #77\r");
    for (count, bytes) in
        [&b"; \xff\xfe\r"[..], b"\xe4\r", b"\xe2\x82\r", b"\x1b[200~x\xffy\x1b[201~"]
            .iter()
            .enumerate()
    {
        session.press(bytes);
        wait_until("it is told", || {
            let told = session.seen().matches("no UTF-8").count();
            if told > count { Ok(()) } else { Err(session.seen()) }
        });
        let prompts = session.seen().matches(">>> ").count();
        session.press(format!("load $1 #{count}\r"));
        wait_until("it prompts again", || {
            let seen = session.seen();
            if seen.matches(">>> ").count() > prompts { Ok(()) } else { Err(seen) }
        });
    }
    session.press("!registers\r");
    session.wait_for("$0 = 77");
}

#[test]
fn tabs_in_what_is_pasted_are_blanks_and_a_typed_one_completes() {
    let user = User::new();
    let mut session = Session::repl(&user);
    session.press("\tload $0 #77\rnext:\tload\t$1,\t#5\t; a comment\r\t\tinc $1\r!registers\r");
    session.wait_for("$0 = 77   $1 = 6");
    session.press("load $2 #9\r!regi\t\r");
    session.wait_for("$0 = 77   $1 = 6    $2 = 9");
    assert!(!session.seen().contains("error"), "{}", session.seen());
}

#[test]
fn a_terminal_of_no_width_is_endured() {
    let user = User::new();
    let node = user.node("a", &[]);
    for columns in [0, 1, 2] {
        let mut session = Session::start(&user, &[], columns);
        session.wait_for(">");
        session.press("load $0 #77\r!registers\r!ps\r!help\r");
        session.wait_for("$0 = 77");
        session.press("!quit\r");
        assert_eq!(session.end(), Some(0), "{}", session.seen());
        for words in [["ps", "--at", &node.at], ["members", "--at", &node.at]] {
            assert_eq!(Session::start(&user, &words, columns).end(), Some(0));
        }
        let mut top = Session::start(&user, &["top", "--at", &node.at], columns);
        top.wait_for("\x1b[2J");
        top.press("q");
        assert_eq!(top.end(), Some(0), "{}", top.seen());
    }
}

#[test]
fn an_entry_of_palladium_goes_over_lines_until_ctrl_c_drops_it() {
    let user = User::new();
    let mut session = Session::repl(&user);
    session.press("let xs = [1,\r");
    session.wait_for("... ");
    session.press("2]\rxs\r");
    session.wait_for("= [1, 2] : List[Int]");
    let is_shown_again = |session: &Session, prompt: &str, before: usize| {
        wait_until(&format!("{prompt:?} is shown again"), || {
            let seen = session.seen();
            if seen.matches(prompt).count() > before { Ok(()) } else { Err(seen) }
        });
    };
    session.press("print(\r");
    is_shown_again(&session, "... ", 1);
    // What is typed too soon after it is dropped with it.
    let prompts = session.seen().matches(">>> ").count();
    session.press("\x03");
    is_shown_again(&session, ">>> ", prompts);
    session.press("xs.len()\r");
    session.wait_for("= 2");
    session.press("xs.parti\t");
    session.wait_for("xs.partition");
}
