//! Starting nodes, waiting for conditions, and reading what was logged.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use iridium_net::{Config, Endpoint, Event, Manager, Secrets, Security};
use iridium_proto::{FrameDecoder, IridiumMessage, MemberView, NodeAlias, ViewState};

/// Far more than anything here takes; a test that hits it has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn alias(name: &str) -> NodeAlias {
    NodeAlias::new(name).unwrap()
}

pub fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A secret of its own for each test.
pub fn secret() -> Security {
    let dir = tempfile::tempdir().unwrap();
    Security::Secret(Secrets::create(&dir.path().join("secret")).unwrap())
}

pub fn config(name: &str, security: &Security) -> Config {
    log_to_memory();
    let mut config = Config::new(loopback(), security.clone());
    config.alias = Some(alias(name));
    config.own_threads = crate::OWN_THREADS;
    config
}

pub fn start(name: &str, security: &Security) -> Manager {
    Manager::start(config(name, security)).unwrap()
}

/// A node that keeps its files under `root`.
pub fn start_in(root: &Path, name: &str, security: &Security) -> Manager {
    let mut config = config(name, security);
    config.data_root = Some(root.into());
    Manager::start(config).unwrap()
}

/// Nodes `a` and `b`, joined, that keep their files under `root`.
pub fn pair_in(root: &Path, security: &Security) -> (Manager, Manager) {
    let (a, b) = (start_in(root, "a", security), start_in(root, "b", security));
    b.join(endpoint(&a)).unwrap();
    wait_for_mesh(&[&a, &b]);
    (a, b)
}

/// Nodes that have all joined through the first.
pub fn mesh(names: &[&str], security: &Security) -> Vec<Manager> {
    let nodes: Vec<Manager> = names.iter().map(|name| start(name, security)).collect();
    for node in &nodes[1..] {
        node.join(endpoint(&nodes[0])).unwrap();
    }
    let all: Vec<&Manager> = nodes.iter().collect();
    wait_for_mesh(&all);
    nodes
}

pub fn endpoint(node: &Manager) -> Endpoint {
    Endpoint::from(node.local_addr())
}

pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until each of the nodes sees exactly the others alive.
pub fn wait_for_mesh(nodes: &[&Manager]) {
    wait_for("one mesh", || nodes.iter().all(|node| sees_exactly(node, nodes)));
}

pub fn sees_exactly(node: &Manager, nodes: &[&Manager]) -> bool {
    let me = node.me().0;
    let mut others: Vec<_> = nodes.iter().map(|n| n.me().0).filter(|id| *id != me).collect();
    others.sort();
    alive(node).into_iter().map(|m| m.id).collect::<Vec<_>>() == others
}

pub fn alive(node: &Manager) -> Vec<MemberView> {
    node.members().into_iter().filter(|m| m.state == ViewState::Alive).collect()
}

pub fn state_of(node: &Manager, name: &str) -> Option<ViewState> {
    node.members().into_iter().find(|m| m.info.alias == alias(name)).map(|m| m.state)
}

/// Without those since the start, which the first listener gets.
pub fn events_from_now(node: &Manager) -> crossbeam_channel::Receiver<Event> {
    drop(node.events());
    node.events()
}

/// The next event that fits, with those before it dropped.
pub fn next_event(
    events: &crossbeam_channel::Receiver<Event>,
    fits: impl Fn(&Event) -> bool,
) -> Event {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let event = events.recv_deadline(deadline).expect("the event does not come");
        if fits(&event) {
            return event;
        }
    }
}

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// How much has been logged, info and above, by all tests together.
pub fn log_length() -> usize {
    LOGGED.lock().unwrap().len()
}

/// What has been logged since the log had that length.
pub fn logged(mark: usize) -> Vec<String> {
    LOGGED.lock().unwrap()[mark..].to_vec()
}

/// What has been logged about an address since the log had that length.
pub fn logged_since(mark: usize, addr: SocketAddr) -> Vec<String> {
    let needle = format!("{addr}:");
    logged(mark).into_iter().filter(|line| line.contains(&needle)).collect()
}

pub fn log_to_memory() {
    struct Memory;
    impl log::Log for Memory {
        fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
            metadata.level() <= log::Level::Info
        }
        fn log(&self, record: &log::Record<'_>) {
            if self.enabled(record.metadata()) {
                LOGGED.lock().unwrap().push(record.args().to_string());
            }
        }
        fn flush(&self) {}
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Memory).unwrap();
        log::set_max_level(log::LevelFilter::Info);
    });
}

/// Takes no notice of what comes.
pub struct NullRecipient;

impl iridium_net::Recipient for NullRecipient {
    fn deliver(&mut self, _: Vec<u8>, _: iridium_net::WindowPermit) {}
}

/// What comes over a connection that a test speaks on by hand, as messages.
pub struct Frames {
    decoder: FrameDecoder,
    bytes: Vec<u8>,
}

impl Frames {
    pub fn new(cap: usize) -> Self {
        Self { decoder: FrameDecoder::new(cap), bytes: Vec::new() }
    }

    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub fn next_message(&mut self) -> Option<IridiumMessage> {
        let mut rest = &self.bytes[..];
        let message = self.decoder.next_message(&mut rest).unwrap();
        self.bytes.drain(..self.bytes.len() - rest.len());
        message
    }
}
