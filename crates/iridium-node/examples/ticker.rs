//! A native process among processes of a program: it is written in Rust, has a pid and a mailbox,
//! and sends a tick to the program's process every 100 ms until that has had ten.
//!
//! ```text
//! cargo run -p iridium-node --example ticker
//! ```

use std::error::Error;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use iridium_asm::Assembler;
use iridium_net::Security;
use iridium_node::{Config, Node};
use iridium_proto::NodeAlias;
use iridium_sched::{Output, Progress, SpawnOptions};
use iridium_vm::{Completion, Effect, Limits, Payload, Pid, Process, Program};

const TICKS: i64 = 10;
const PERIOD: Duration = Duration::from_millis(100);
/// The tag of a tick.
const TICK: i64 = 1;

/// Takes ten messages with the tag 1, prints the number in each, and ends with the last.
const COUNTER: &str = "
    main:   load $1 #0              ; ticks so far
            load $2 #1              ; the tag to wait for, and for how long:
            load $3 #-1             ; for ever
            load $8 #10             ; a new line
    next:   recv $2 $4              ; tag, sender and length to $4, $5, $6
            msgi $7
            prti $7
            prtc $8
            addi $1 #1 $1
            brlt $1 #10 @next
            exit $7
";

/// Where the output of processes goes.
struct Stdout;

impl Output for Stdout {
    fn write(&self, _from: Pid, text: &[u8]) {
        print!("{}", String::from_utf8_lossy(text));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let last = run(Arc::new(Stdout))?;
    println!("the counter has ended with {last}");
    Ok(())
}

/// Runs ticker and counter on a node of their own. Returns the number that the counter ends with.
pub(crate) fn run(output: Arc<dyn Output>) -> Result<i64, Box<dyn Error>> {
    let mut mesh = iridium_net::Config::new("127.0.0.1:0".parse()?, Security::Insecure);
    mesh.alias = Some(NodeAlias::new("ticking")?);
    let node = Node::start(Config::new(mesh, output))?;

    let program = node.load(Assembler::new("counter.iasm").assemble(COUNTER)?.module)?;
    let process = Process::at_label(&program, "main", Limits::default()).ok_or("no label main")?;
    let spawned = node.scheduler().spawn_with(process, &program, SpawnOptions::default())?;
    let (counter, exit) = (spawned.pid, spawned.exit);

    tick(&node, &program, counter)?;

    let last = exit.recv_timeout(Duration::from_secs(10))?.reason.0;
    node.shutdown();
    Ok(last)
}

/// Sends the ticks as a process of the node. Such a process does what others do by their
/// instructions: each is an effect.
fn tick(node: &Node, program: &Arc<Program>, to: Pid) -> Result<(), Box<dyn Error>> {
    let mut ticker = node.scheduler().spawn_native()?;
    for number in 1..=TICKS {
        thread::sleep(PERIOD);
        let payload = Payload::Word(number.to_le_bytes());
        let send = Effect::Send { to: to.bits(), tag: TICK, payload };
        match ticker.perform(send, program, Limits::default()) {
            Progress::Done(Completion::Done) => {}
            other => return Err(format!("tick {number} was not sent: {other:?}").into()),
        }
    }
    Ok(())
}
