//! Starting nodes, running programs on them, and waiting for what they say.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use iridium_asm::Assembler;
use iridium_isa::Module;
use iridium_net::{Manager, Security};
use iridium_node::{Config, Node};
use iridium_proto::{NodeAlias, ViewState};
use iridium_sched::{ExitInfo, Output};
use iridium_vm::{Limits, Pid, Process, Register};

/// Far more than anything here takes; a test that hits it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Collects the output of a node.
#[derive(Default)]
pub(crate) struct Transcript {
    text: Mutex<String>,
    grown: Condvar,
}

impl Output for Transcript {
    fn write(&self, _: Pid, text: &[u8]) {
        self.text.lock().unwrap().push_str(&String::from_utf8_lossy(text));
        self.grown.notify_all();
    }
}

impl Transcript {
    /// Waits until the node has written this somewhere.
    pub(crate) fn wait_for(&self, wanted: &str) {
        let text = self.text.lock().unwrap();
        let (text, timeout) =
            self.grown.wait_timeout_while(text, PATIENCE, |text| !text.contains(wanted)).unwrap();
        assert!(!timeout.timed_out(), "no {wanted:?} in {text:?}");
    }

    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }
}

/// A node with what it writes.
pub(crate) struct Lab {
    pub(crate) node: Node,
    pub(crate) output: Arc<Transcript>,
}

pub(crate) fn alias(name: &str) -> NodeAlias {
    NodeAlias::new(name).unwrap()
}

pub(crate) fn config(name: &str) -> (Config, Arc<Transcript>) {
    let bind = "127.0.0.1:0".parse().unwrap();
    let mut mesh = iridium_net::Config::new(bind, Security::Insecure);
    mesh.alias = Some(alias(name));
    let output = Arc::new(Transcript::default());
    let mut config = Config::new(mesh, Arc::clone(&output) as _);
    config.workers = 2;
    (config, output)
}

pub(crate) fn start(name: &str) -> Lab {
    let (config, output) = config(name);
    Lab { node: Node::start(config).unwrap(), output }
}

/// A node that keeps its files under a folder.
pub(crate) fn start_in(folder: &Path, name: &str) -> Lab {
    let (mut config, output) = config(name);
    config.mesh.data_root = Some(folder.into());
    Lab { node: Node::start(config).unwrap(), output }
}

/// Nodes that have all joined through the first, and are linked to each other.
pub(crate) fn mesh(names: &[&str]) -> Vec<Lab> {
    let labs: Vec<Lab> = names.iter().map(|name| start(name)).collect();
    join(&labs);
    labs
}

pub(crate) fn join(labs: &[Lab]) {
    let seed = labs[0].node.manager().local_addr();
    for lab in &labs[1..] {
        lab.node.join(seed.into()).unwrap();
    }
    for lab in labs {
        wait_until("all nodes are linked", || {
            let members = lab.node.members();
            members.len() >= labs.len()
                && members.iter().all(|m| matches!(m.state, ViewState::Alive | ViewState::Myself))
        });
    }
}

/// A member of the mesh of a node that runs no processes: it says what a test wants, and takes in
/// what it is told when the test does.
pub(crate) fn member(lab: &Lab, name: &str) -> Manager {
    let bind = "127.0.0.1:0".parse().unwrap();
    let mut config = iridium_net::Config::new(bind, Security::Insecure);
    config.alias = Some(alias(name));
    let member = Manager::start(config).unwrap();
    member.join(lab.node.manager().local_addr().into()).unwrap();
    wait_until("it is linked", || {
        member.link(&lab.node.alias()).is_some() && lab.node.manager().link(&alias(name)).is_some()
    });
    member
}

pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn assemble(source: &str) -> Module {
    match Assembler::new("test.iasm").assemble(source) {
        Ok(assembled) => assembled.module,
        Err(diagnostics) => panic!("{}", diagnostics.render(false)),
    }
}

impl Lab {
    /// The number of the node.
    pub(crate) fn number(&self) -> i64 {
        i64::from(self.node.scheduler().node())
    }

    /// Starts a process of a program at a label, with these in its first registers.
    pub(crate) fn spawn(
        &self,
        module: &Module,
        label: &str,
        arguments: &[i64],
    ) -> (Pid, Receiver<ExitInfo>) {
        let program = self.node.load(module.clone()).unwrap();
        let mut process = Process::at_label(&program, label, Limits::default()).unwrap();
        for (number, int) in (0..).zip(arguments) {
            process.set_register(number, Register { int: *int, float: 0.0 });
        }
        let options = iridium_sched::SpawnOptions::default();
        let spawned = self.node.scheduler().spawn_with(process, &program, options).unwrap();
        (spawned.pid, spawned.exit)
    }

    /// Runs a process to its end and gives the reason.
    pub(crate) fn run(&self, module: &Module, label: &str, arguments: &[i64]) -> i64 {
        let (_, exit) = self.spawn(module, label, arguments);
        end_of(&exit)
    }
}

/// The reason of an end that is to come.
pub(crate) fn end_of(exit: &Receiver<ExitInfo>) -> i64 {
    exit.recv_timeout(PATIENCE).unwrap().reason.0
}
