//! Processes that end with the test, and waiting with a deadline.
#![allow(unsafe_code)]

use std::fmt::Debug;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, unbounded};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// The deadline of what must happen. It is far longer than needed, because the machine may be
/// busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The exit code when nobody reads the output any more.
pub(crate) const BROKEN_PIPE: i32 = 141;

/// Whether there is native code in this build for machines such as this one.
pub(crate) const HAS_NATIVE_CODE: bool = cfg!(all(
    feature = "jit",
    any(all(target_arch = "x86_64", unix), all(target_arch = "aarch64", target_os = "linux"))
));

/// A user of this machine: a home directory with data and a secret.
pub(crate) struct User {
    home: TempDir,
}

impl User {
    pub(crate) fn new() -> Self {
        hear_ctrl_c();
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// `iridium` with these words, not yet run.
    pub(crate) fn iridium(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_iridium"));
        command.args(words);
        command.env("HOME", self.home.path());
        for variable in [
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "IRIDIUM_SECRET_FILE",
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
        ] {
            command.env_remove(variable);
        }
        command
    }

    /// A file in the home directory with these contents; its path.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, contents).unwrap();
        path.into_os_string().into_string().unwrap()
    }

    /// Runs `iridium` to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Outcome {
        self.start(words).end()
    }

    /// Starts `iridium` with no input.
    pub(crate) fn start(&self, words: &[&str]) -> Process {
        Process::start_alone(&mut self.iridium(words))
    }

    /// Starts `iridium node` on an ephemeral port and waits until it listens.
    pub(crate) fn node(&self, alias: &str, words: &[&str]) -> Node {
        self.node_on("0", alias, words)
    }

    /// As `node`, on a port of the caller's choice.
    pub(crate) fn node_on(&self, port: &str, alias: &str, words: &[&str]) -> Node {
        self.node_in(&[], port, alias, words)
    }

    /// As `node_on`, with these variables in its environment.
    pub(crate) fn node_in(
        &self,
        variables: &[(&str, &str)],
        port: &str,
        alias: &str,
        words: &[&str],
    ) -> Node {
        let mut all = vec!["node", "--node-alias", alias, "-P", port, "--preset", "local"];
        all.extend(words);
        let mut command = self.iridium(&all);
        let process = Process::start_alone(command.envs(variables.iter().copied()));
        let line = process.wait_for(" listens on ");
        let at = line.rsplit(' ').next().unwrap().to_string();
        Node { alias: alias.to_string(), at, process }
    }

    /// Starts a REPL whose input is a pipe.
    pub(crate) fn repl(&self, words: &[&str]) -> Repl {
        let mut command = self.iridium(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::start(&mut command);
        let input = process.child.stdin.take();
        Repl { process, input }
    }

    /// What the node at an address says of its members.
    pub(crate) fn members(&self, at: &str) -> Value {
        let outcome = self.run(&["members", "--json", "--at", at]);
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// Waits until the node at `at` sees exactly these members in these states,
    /// and, if alive, has measured the way to them.
    pub(crate) fn wait_for_members(&self, at: &str, wanted: &[(&str, &str)]) -> Value {
        wait_until(&format!("{at} sees {wanted:?}"), || {
            let answer = self.members(at);
            let seen: Vec<_> = answer["members"].as_array().unwrap().iter().collect();
            let states: Vec<_> = seen
                .iter()
                .map(|m| (m["alias"].as_str().unwrap(), m["state"].as_str().unwrap()))
                .collect();
            let measured = |m: &&&Value| m["state"] != "alive" || m["rtt_us"].is_u64();
            if states == wanted && seen.iter().filter(measured).count() == seen.len() {
                Ok(answer)
            } else {
                Err(answer)
            }
        })
    }
}

/// Undoes that SIGINT is ignored, as it is where tests run in the background of a shell without
/// job control. Commands would inherit that, and rightly ignore it.
fn hear_ctrl_c() {
    static ONCE: Once = Once::new();
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    ONCE.call_once(|| {
        // SAFETY: no handler is installed or read; nothing else in these tests has one.
        unsafe { sigaction(Signal::SIGINT, &default) }.unwrap();
    });
}

/// A program of the folder of examples.
pub(crate) fn example(name: &str) -> String {
    let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let path = |of| format!("{crates}/{of}/examples/{name}.iasm");
    let mut paths = ["iridium-vm", "iridium-sched"].map(path).into_iter();
    paths.find(|path| Path::new(path).is_file()).unwrap()
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The line of `--json`, after the output of the program.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that it ended with 0 and had nothing to complain of.
    #[track_caller]
    pub(crate) fn succeeds(&self) {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
    }

    /// Asserts the exit code and that stderr has one line, with these words.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        let last = self.stderr.trim_end().lines().last().unwrap_or_default();
        assert!(last.starts_with("error: "), "{self:?}");
        for word in words {
            assert!(last.contains(word), "{word:?} is not in {last:?}");
        }
    }
}

/// A node and where it listens.
pub(crate) struct Node {
    pub(crate) alias: String,
    pub(crate) at: String,
    pub(crate) process: Process,
}

/// A REPL that reads a pipe.
pub(crate) struct Repl {
    pub(crate) process: Process,
    input: Option<ChildStdin>,
}

impl Repl {
    pub(crate) fn say(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
    }

    /// Says something and waits for the line of the answer that has `text`.
    pub(crate) fn ask(&mut self, line: &str, text: &str) -> String {
        self.say(line);
        self.process.wait_for(text)
    }

    /// Says all lines and ends the input.
    pub(crate) fn converse(mut self, lines: &str) -> Outcome {
        for line in lines.lines() {
            self.say(line.trim());
        }
        self.close()
    }

    /// The input ends.
    pub(crate) fn close(mut self) -> Outcome {
        self.input = None;
        self.process.end()
    }
}

/// A process that is killed when the test is over.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    printed: Arc<Mutex<String>>,
    complained: Arc<Mutex<String>>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Process {
    /// Starts it with no input.
    pub(crate) fn start_alone(command: &mut Command) -> Self {
        Self::start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (printed, complained) = (Arc::default(), Arc::default());
        let (line, lines) = unbounded();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let out = Arc::clone(&printed);
        let err = Arc::clone(&complained);
        let readers = vec![
            thread::spawn(move || read(stdout, &out, |text| drop(line.send(text)))),
            thread::spawn(move || read(stderr, &err, drop)),
        ];
        Self { child, lines, printed, complained, readers }
    }

    /// The next line on stdout that has `text`.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_deadline(deadline) {
                Ok(line) if line.contains(text) => return line,
                Ok(_) => {}
                Err(error) => panic!("waiting for {text:?}: {error}\n{}", self.said()),
            }
        }
    }

    pub(crate) fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    pub(crate) fn complained(&self) -> String {
        self.complained.lock().unwrap().clone()
    }

    /// Its number on this machine.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits until it ends.
    #[track_caller]
    pub(crate) fn end(mut self) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end\n{}", self.said());
            thread::sleep(Duration::from_millis(5));
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let stdout = self.printed.lock().unwrap().clone();
        Outcome { code: status.code(), stdout, stderr: self.complained() }
    }

    fn said(&self) -> String {
        let stdout = self.printed.lock().unwrap();
        format!("stdout:\n{stdout}\nstderr:\n{}", self.complained())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(from: impl Read, all: &Mutex<String>, mut each: impl FnMut(String)) {
    for line in BufReader::new(from).lines() {
        let Ok(line) = line else { return };
        {
            let mut all = all.lock().unwrap();
            all.push_str(&line);
            all.push('\n');
        }
        each(line);
    }
}

/// Tries until it succeeds; fails with the last error when time is over.
#[track_caller]
pub(crate) fn wait_until<T, E: Debug>(what: &str, mut attempt: impl FnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(error) if Instant::now() > deadline => panic!("not in time: {what}: {error:?}"),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Connects to a service of a test. What does not come in time is an error.
pub(crate) fn connect(address: impl ToSocketAddrs) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends a request of HTTP on a connection of its own, and gives all that comes back.
pub(crate) fn ask_http(address: &str, line: &str, body: &str) -> io::Result<String> {
    let mut stream = connect(address)?;
    let fields = format!("Host: a\r\nConnection: close\r\nContent-Length: {}", body.len());
    stream.write_all(format!("{line} HTTP/1.1\r\n{fields}\r\n\r\n{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Makes a file with these contents and permissions.
pub(crate) fn write(path: &Path, text: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}
