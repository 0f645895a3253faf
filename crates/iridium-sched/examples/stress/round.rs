//! A round: all processes start, live for their time, and end.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use iridium_asm::Assembler;
use iridium_sched::supervisor::{Child, ChildBody, Restart, Shutdown, Spec, Strategy};
use iridium_sched::{Config, Output, Reason, Scheduler, Spawned, Time};
use iridium_vm::{Hosts, Limits, Payload, Pid, Program, Register};

use crate::Flags;
use crate::books::{Books, Clerk};

const SOURCE: &str = include_str!("stress.iasm");
/// How many of the processes are eternal: one of so many.
const ETERNAL: u64 = 10;
/// How many are supervised: one of so many.
const SUPERVISED: u64 = 20;
/// Children of a supervisor.
const CHILDREN: u64 = 10;
/// The longest that the end may take.
const PATIENCE: Duration = Duration::from_secs(120);

struct Silent;

impl Output for Silent {
    fn write(&self, _: Pid, _: &[u8]) {}
}

/// The scheduler, and what the processes in it are to do.
pub(crate) struct Stress {
    processes: u64,
    pub(crate) scheduler: Scheduler,
    program: Arc<Program>,
    pub(crate) books: Arc<Books>,
}

impl Stress {
    pub(crate) fn start(flags: &Flags) -> Result<Self, Box<dyn Error>> {
        let module = Assembler::new("stress.iasm").assemble(SOURCE);
        let module = module.map_err(|errors| errors.render(false))?.module;
        let program = Arc::new(Program::new(module, &Hosts::new())?);
        let books = Arc::new(Books::default());
        let mut config =
            Config::new(Arc::new(Silent), Arc::new(Clerk(Arc::clone(&books))), flags.seed);
        config.workers = flags.workers;
        if flags.workers == 1 {
            config.time = Time::Virtual;
        }
        let scheduler = Scheduler::start(config)?;
        scheduler.add_program(&program);
        Ok(Self { processes: flags.processes, scheduler, program, books })
    }

    /// One round: all start, live for their time, and end. Gives how many messages the eternals had
    /// not taken by then.
    ///
    /// One process starts all others, as a child of one supervisor, so that nobody from outside has a
    /// hand in their order.
    pub(crate) fn round(&self, seconds: u64) -> Result<i64, Box<dyn Error>> {
        let count = self.processes;
        let eternals = count / ETERNAL;
        let supervisors = count / SUPERVISED / CHILDREN;
        let supervised = supervisors * (CHILDREN + 1) + 1;
        let mortals = count - eternals - supervised - 1;
        let mut children: Vec<_> = (0..supervisors).map(|number| self.supervisor(number)).collect();
        let arguments = [eternals, mortals, seconds * 1_000];
        children.push(self.child("root", Some("root"), Restart::Temporary, "root", &arguments));
        let Spawned { pid: top, .. } =
            self.scheduler.start_supervisor(Spec { children, ..Spec::default() }, None)?;

        // Virtual time takes as long as it takes.
        let deadline = Instant::now() + PATIENCE + Duration::from_secs(seconds * 20);
        self.wait(deadline, "all mortals have ended", || self.scheduler.find("stop").is_some())?;
        let left = (eternals + supervised + 1) as usize;
        self.wait(deadline, "the others wait", || {
            self.scheduler.is_idle() && self.scheduler.process_count() == left
        })?;
        let root = self.scheduler.find("root").ok_or("there is no root")?;
        let ending = self.scheduler.subscribe_exit(root);
        self.scheduler.send(Pid::NOBODY, root, 2, Payload::Word([0; 8]));
        let ending = ending.recv_deadline(deadline).map_err(|_| "the root process does not end")?;
        self.wait(deadline, "the eternals have ended", || {
            self.scheduler.process_count() == supervised as usize
        })?;
        self.scheduler.kill(top, Reason::SHUTDOWN);
        self.wait(deadline, "all have ended", || self.scheduler.process_count() == 0)?;
        Ok(ending.process.map_or(0, |process| process.register(0).int))
    }

    fn wait(
        &self,
        deadline: Instant,
        what: &str,
        holds: impl Fn() -> bool,
    ) -> Result<(), Box<dyn Error>> {
        while !holds() {
            if Instant::now() > deadline {
                let mut places: HashMap<String, u64> = HashMap::new();
                for info in self.scheduler.processes() {
                    let place = info.place.map_or("a supervisor".into(), |place| place.to_string());
                    *places.entry(format!("{} {place}", info.activity.as_str())).or_default() += 1;
                }
                return Err(format!("in vain: {what}. There are {places:#?}").into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn child(
        &self,
        name: &str,
        registered: Option<&str>,
        restart: Restart,
        entry: &str,
        arguments: &[u64],
    ) -> Child {
        let arguments = arguments.iter().map(|int| Register { int: *int as i64, float: 0.0 });
        Child {
            name: name.into(),
            registered: registered.map(str::to_owned),
            restart,
            shutdown: Shutdown::Timeout(5_000),
            body: ChildBody::Program {
                module: self.program.module().id(),
                debug: None,
                entry: Some(entry.into()),
                arguments: arguments.collect(),
                first: None,
                limits: Limits::default(),
            },
        }
    }

    fn supervisor(&self, number: u64) -> Child {
        let strategies = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
        let children = (0..CHILDREN).map(|child| {
            let name = (child == 0).then(|| format!("first of {number}"));
            let restart = if child % 2 == 0 { Restart::Permanent } else { Restart::Transient };
            self.child(&format!("child {child}"), name.as_deref(), restart, "supervised", &[])
        });
        Child {
            name: format!("supervisor {number}"),
            registered: None,
            restart: Restart::Permanent,
            shutdown: Shutdown::Infinity,
            body: ChildBody::Supervisor(Spec {
                strategy: strategies[(number % 3) as usize],
                restarts: 1_000_000,
                within_ms: 1_000,
                children: children.collect(),
            }),
        }
    }
}
