//! A service that runs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::contender::Name;

/// How long an answer may take at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// A service that runs, until this is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) port: u16,
}

impl Server {
    /// Starts it, waits for its line about where it listens, and asks it once.
    pub(super) fn start(name: Name, mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let mut server = Self { child, port: 0 };
        let output = server.child.stdout.take().context("it has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok());
        server.port = port.with_context(|| format!("{name} says {line:?} and not where it is"))?;
        server.client()?;
        Ok(server)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks for a path, on a connection of its own.
    fn ask(&self, path: &str) -> Result<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).context("cannot connect")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes())?;
        Ok(stream)
    }

    /// A client that has been answered, and stays connected.
    pub(super) fn client(&self) -> Result<TcpStream> {
        let mut stream = self.ask("/")?;
        let (mut bytes, mut length) = ([0; 1024], 0);
        while !bytes[..length].ends_with(b"hello\n") {
            match stream.read(&mut bytes[length..]).context("no answer came")? {
                0 => bail!("the answer was {:?}", String::from_utf8_lossy(&bytes[..length])),
                read => length += read,
            }
        }
        Ok(stream)
    }

    /// Asks so often for what never ends, in two ways.
    pub(super) fn hang(&self, times: usize) -> Result<Vec<TcpStream>> {
        let paths = ["/loop", "/sleep"].iter().cycle().take(2 * times);
        paths.map(|path| self.ask(path)).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
