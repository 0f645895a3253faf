//! The nodes that are attacked: three, of which the first has a process that is lied to, and one that
//! comes while it is attacked.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::step::Asked;
use super::usage::Usage;
use crate::children::Children;
use crate::cluster::{self, Members};

/// How many are attacked. One more comes.
const NODES: usize = 3;
/// How long they may take to be one mesh.
const READY_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);
/// What the processes do that are lied to, and their names.
const VICTIM: &str = "main: load $0 #1000000000\nsleep $0\nhlt\n";
const VICTIMS: [&str; 4] = ["victim", "victim1", "victim2", "victim3"];
/// What a node writes in its folder, and how it could be guessed to call what is not finished yet.
const WRITTEN: [&str; 5] = ["incarnation", "peers", "incarnation.new", "peers.new", "modules"];
/// What is in a file of somebody else.
const PRECIOUS: &str = "precious";

/// The nodes and their files.
pub(super) struct Nodes {
    client: Client,
    children: Children,
}

/// What it takes to ask the nodes.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    iridium: PathBuf,
    folder: PathBuf,
    base_port: u16,
    sealed: bool,
}

impl Nodes {
    /// Starts them and waits until they are one mesh.
    pub(super) fn start(iridium: &Path, folder: &Path, sealed: bool) -> Result<Self> {
        let client = Client::new(iridium, folder, NODES as u16 + 2, sealed)?;
        let mut nodes = Self { client, children: Children::new(NODES + 1, alias) };
        for node in 0..NODES {
            nodes.spawn(node)?;
        }
        let all: Vec<usize> = (0..NODES).collect();
        if nodes.wait_for_mesh(&all, READY_WITHIN)?.is_none() {
            bail!("the nodes are not one mesh within {} s", READY_WITHIN.as_secs());
        }
        let program = nodes.client.folder.join("victim.iasm");
        fs::write(&program, VICTIM).context("cannot write the program")?;
        for name in VICTIMS {
            nodes.client.ask(0, &["spawn", &program.to_string_lossy(), "--name", name])?;
        }
        Ok(nodes)
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Where the attack is made.
    pub(super) fn target(&self, asked: Asked) -> SocketAddr {
        self.client.addr(match asked {
            Asked::Members => 0,
            Asked::Metrics => METRICS,
        })
    }

    /// The file with the secret of the nodes, which a liar holds.
    pub(super) fn liars_secret(&self) -> Option<String> {
        self.client.sealed.then(|| self.client.secret())
    }

    /// The processes of the nodes that are attacked.
    pub(super) fn processes(&self) -> Vec<u32> {
        self.children.running().filter(|(node, _)| *node < NODES).map(|(_, pid)| pid).collect()
    }

    /// The most that any of them uses now.
    pub(super) fn usage(&self) -> Result<Usage> {
        let used = self.processes().into_iter().filter_map(Usage::of);
        used.reduce(Usage::max).context("needs /proc, to see what the nodes use")
    }

    /// Starts one more. Gives how long it takes to be linked with all others; `None` when that is too
    /// long.
    pub(super) fn newcomer(&mut self, within: Duration) -> Result<Option<Duration>> {
        self.spawn(NODES)?;
        self.wait_for_mesh(&[NODES], within)
    }

    /// Kills the newcomer.
    pub(super) fn end_newcomer(&mut self) -> Result<()> {
        self.children.kill(NODES)
    }

    /// An error if a node has ended.
    pub(super) fn refuse_dead(&mut self) -> Result<()> {
        let Some((node, status)) = self.children.ended()? else { return Ok(()) };
        let log = fs::read_to_string(self.client.log(node)).unwrap_or_default();
        let end: Vec<_> = log.lines().rev().take(5).collect();
        bail!("{} has ended by itself ({status}):\n{}", alias(node), end.join("\n"));
    }

    /// Waits until the nodes have given back what they have used beyond that; gives what is left.
    pub(super) fn left_over(&self, before: Usage, within: Duration) -> Result<Usage> {
        let deadline = Instant::now() + within;
        loop {
            let now = self.usage()?;
            let left = Usage {
                threads: now.threads.saturating_sub(before.threads),
                files: now.files.saturating_sub(before.files),
                memory: now.memory.saturating_sub(before.memory),
            };
            if (left.threads, left.files) == (0, 0) || Instant::now() > deadline {
                return Ok(left);
            }
            thread::sleep(POLL);
        }
    }

    /// Bytes of the longest log.
    pub(super) fn log_bytes(&self) -> u64 {
        let length = |node| fs::metadata(self.client.log(node)).map_or(0, |about| about.len());
        (0..NODES).map(length).max().unwrap_or(0)
    }

    /// The most bytes that a node has in its folder.
    pub(super) fn disk_bytes(&self) -> u64 {
        (0..NODES).map(|node| bytes_in(&self.client.data().join(alias(node)))).max().unwrap_or(0)
    }

    /// Has all that the newcomer writes in its folder lead to a file of somebody else.
    pub(super) fn plant_links(&self) -> Result<()> {
        let folder = self.client.data().join(alias(NODES));
        fs::create_dir_all(&folder).context("cannot make the folder of the newcomer")?;
        fs::write(self.precious(), PRECIOUS).context("cannot write what is precious")?;
        for name in WRITTEN {
            symlink(self.precious(), folder.join(name)).context("cannot make a link")?;
        }
        Ok(())
    }

    /// How many files of others were written to.
    pub(super) fn harmed(&self) -> Result<usize> {
        let path = self.precious();
        if !path.exists() {
            return Ok(0);
        }
        let text = fs::read_to_string(path).context("cannot read what is precious")?;
        Ok(usize::from(text != PRECIOUS))
    }

    fn precious(&self) -> PathBuf {
        self.client.folder.join("precious")
    }

    /// How often the nodes say of each other that they are down or have left.
    pub(super) fn false_ends(&self) -> usize {
        let honest: Vec<String> = (0..NODES)
            .flat_map(|node| ["down", "left"].map(|end| format!("{end} node={}#", alias(node))))
            .collect();
        let of = |node| {
            let log = fs::read_to_string(self.client.log(node)).unwrap_or_default();
            log.lines().filter(|line| honest.iter().any(|end| line.contains(end))).count()
        };
        (0..NODES).map(of).sum()
    }

    /// Removes the files.
    pub(super) fn tidy_up(&self) {
        // What cannot be removed is in the folder for what is built.
        let _ = fs::remove_dir_all(&self.client.folder);
    }

    fn spawn(&mut self, node: usize) -> Result<()> {
        let metrics = self.client.addr(METRICS).to_string();
        let child = match node {
            0 => self.client.start(node, &["--metrics", &metrics]),
            _ => self.client.start(node, &["--join", &self.client.addr(0).to_string()]),
        };
        self.children.put(node, child?);
        Ok(())
    }

    /// Waits until each of the nodes sees all others alive; gives how long it took.
    fn wait_for_mesh(&self, nodes: &[usize], within: Duration) -> Result<Option<Duration>> {
        let began = Instant::now();
        while began.elapsed() < within {
            crate::interrupt::check()?;
            if nodes.iter().all(|node| self.client.sees(*node, NODES)) {
                return Ok(Some(began.elapsed()));
            }
            thread::sleep(POLL);
        }
        Ok(None)
    }
}

/// Bytes of all files in a folder, and in those in it.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => bytes_in(&entry.path()),
        about => about.map_or(0, |about| about.len()),
    };
    entries.map(bytes).sum()
}

/// The place of the address for metrics among those of the nodes.
const METRICS: usize = NODES + 1;

impl Client {
    /// For so many nodes, whose files are in this folder. There may be some of an earlier run.
    pub(crate) fn new(iridium: &Path, folder: &Path, nodes: u16, sealed: bool) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)
                .with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let base_port = cluster::free_ports(nodes)?;
        let (iridium, folder) = (iridium.to_owned(), folder.to_owned());
        let client = Self { iridium, folder, base_port, sealed };
        client.run(&["secret", "new", &client.secret()])?;
        Ok(client)
    }

    /// Starts a node. Its log is added to what an earlier one of that number has written.
    pub(crate) fn start(&self, node: usize, more: &[&str]) -> Result<Child> {
        let path = self.log(node);
        let log = File::options().create(true).append(true).open(&path);
        let log = log.with_context(|| format!("cannot write {}", path.display()))?;
        let mut command = Command::new(&self.iridium);
        command.args(["node", "--node-alias", &alias(node), "--threads", "2"]);
        command.args(["-P", &self.addr(node).port().to_string()]);
        command.arg("--data-root-dir").arg(self.data()).args(self.security()).args(more);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A group of its own: Ctrl-C is for this process, which ends the nodes.
        command.process_group(0);
        command.spawn().context("cannot run iridium")
    }

    /// Asks the first node, and gives how many honest nodes it does not see alive.
    pub(super) fn members(&self) -> Result<usize> {
        let members = self.list(0)?;
        let alive = |node: &usize| is_alive(&members, *node);
        Ok((1..NODES).filter(|node| !alive(node)).count())
    }

    /// Asks the first node for its page of metrics.
    pub(super) fn metrics(&self, within: Duration) -> Result<()> {
        let mut stream = TcpStream::connect_timeout(&self.addr(METRICS), within)?;
        stream.set_read_timeout(Some(within))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        if !page.contains("iridium_") {
            bail!("this is no page of metrics: {page}");
        }
        Ok(())
    }

    /// Whether a node sees the first so many alive.
    pub(crate) fn sees(&self, node: usize, others: usize) -> bool {
        let Ok(members) = self.list(node) else { return false };
        (0..others).filter(|other| *other != node).all(|other| is_alive(&members, other))
    }

    fn list(&self, node: usize) -> Result<Members> {
        let answer = self.ask(node, &["members", "--json"])?;
        serde_json::from_slice(&answer).context("it answers nonsense")
    }

    pub(crate) fn ask(&self, node: usize, arguments: &[&str]) -> Result<Vec<u8>> {
        let at = self.addr(node).to_string();
        let security = self.security();
        let security = security.iter().map(String::as_str);
        self.run(
            &arguments.iter().copied().chain(["--at", &at]).chain(security).collect::<Vec<_>>(),
        )
    }

    fn run(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let output = Command::new(&self.iridium).args(arguments).output();
        let output = output.context("cannot run iridium")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(output.stdout)
    }

    fn security(&self) -> Vec<String> {
        match self.sealed {
            true => vec!["--secret-file".into(), self.secret()],
            false => vec!["--insecure".into()],
        }
    }

    pub(crate) fn secret(&self) -> String {
        self.folder.join("cluster.secret").to_string_lossy().into_owned()
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn log(&self, node: usize) -> PathBuf {
        self.folder.join(format!("{}.log", alias(node)))
    }

    pub(crate) fn addr(&self, node: usize) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.base_port + node as u16).into()
    }
}

fn is_alive(members: &Members, node: usize) -> bool {
    let alias = alias(node);
    members.members.iter().any(|m| m.alias == alias && matches!(m.state.as_str(), "alive" | "self"))
}

/// The name of a node.
pub(crate) fn alias(node: usize) -> String {
    format!("honest{}", node + 1)
}
