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
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let mut command = user.iridium(words);
        command.env("TERM", "xterm").stderr(pty.slave.try_clone().unwrap());
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

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
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
    session.press(&format!("\x1b[200~{block}\x1b[201~\r!floats\r!registers\r"));
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
    session.wait_for("  receiving     1     0     0      0");
}
