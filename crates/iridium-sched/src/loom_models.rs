//! Models for loom of the two data structures where a wake-up could be lost, slots and idle workers:
//! loom runs each of them in every order in which the threads can meet.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p iridium-sched --lib loom --release`

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::memory::Memory;
use super::process::slot::{Delivered, Kind, Reaction, Slot, Weigh};
use super::run::idle::{Idle, Waker};

/// Orders in which a thread is interrupted more often than this show nothing new here, and take
/// most of the time.
const PREEMPTIONS: usize = 3;

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(model);
}

impl Weigh for u32 {
    fn kind(&self) -> Kind {
        Kind::Vital
    }

    fn weight(&self) -> u64 {
        0
    }

    fn overflow() -> Self {
        u32::MAX
    }

    fn out_of_memory() -> Self {
        u32::MAX
    }
}

/// A process of the models: what it has read. The number of its owners is counted beside it.
#[derive(Debug, Default)]
struct Reader {
    read: Vec<u32>,
}

/// A slot, the processes that were made ready, and how many threads have the process.
struct Model {
    slot: Slot<Reader, u32, ()>,
    ready: Mutex<Vec<Box<Reader>>>,
    owners: AtomicUsize,
}

impl Model {
    fn new() -> Arc<Self> {
        let model =
            Self { slot: Slot::new(), ready: Mutex::new(Vec::new()), owners: AtomicUsize::new(0) };
        model.slot.occupy(1, 1_000);
        Arc::new(model)
    }

    /// Does something with the process. Nobody else may have it.
    fn own<R>(&self, act: impl FnOnce() -> R) -> R {
        assert_eq!(self.owners.fetch_add(1, Ordering::SeqCst), 0, "two owners");
        let result = act();
        self.owners.fetch_sub(1, Ordering::SeqCst);
        result
    }

    fn deliver(&self, message: u32) {
        // Even numbers are taken at once, as messages of processes are that wait for them; odd ones are
        // left in the slot, as other signals are.
        let takes_it = message.is_multiple_of(2);
        let memory = Memory::new(u64::MAX);
        let mut slot = self.slot.locked();
        let delivered = match slot.parked(1) {
            Some(reader) if takes_it => {
                reader.read.push(message);
                Delivered::Ready(slot.unpark().unwrap())
            }
            Some(_) => {
                let react = |_: &mut Reader, message| Reaction::RunAndRead(message);
                slot.deliver(1, message, &memory, react)
            }
            None => {
                assert_eq!(slot.keep_mail(1, message), None);
                Delivered::Kept
            }
        };
        match delivered {
            Delivered::Kept => {}
            Delivered::Ready(reader) => {
                self.own(|| {});
                self.ready.lock().unwrap().push(reader);
            }
            other => panic!("{other:?}"),
        }
    }

    /// A turn: the process reads what is there, and parks. It comes back when there was more.
    fn turn(&self, mut reader: Box<Reader>) {
        loop {
            self.own(|| reader.read.append(&mut self.slot.collect().messages));
            match self.slot.park(reader, &mut Vec::new()) {
                Ok(()) => return,
                Err((back, mut collected)) => {
                    reader = back;
                    self.own(|| reader.read.append(&mut collected.messages));
                }
            }
        }
    }

    /// Lets the process run as long as it is ready, as workers do in the end.
    fn run_until_idle(&self) {
        loop {
            let ready = self.ready.lock().unwrap().pop();
            match ready {
                Some(reader) => self.turn(reader),
                None => return,
            }
        }
    }

    /// What the process has read when nothing more happens.
    fn read(&self) -> Vec<u32> {
        self.run_until_idle();
        self.slot.inspect(|_, parked, messages| {
            assert!(messages.is_empty(), "left in the slot of a process that waits: {messages:?}");
            parked.map(|reader| reader.read.clone()).expect("the process is lost")
        })
    }
}

/// Messages that come while a process parks.
#[test]
fn a_message_is_there_before_a_process_parks_or_wakes_it() {
    for messages in [[0, 2], [1, 3], [0, 1], [1, 0]] {
        check(move || {
            let model = Model::new();
            let senders = messages.map(|message| {
                let model = Arc::clone(&model);
                thread::spawn(move || model.deliver(message))
            });
            model.turn(Box::default());
            model.run_until_idle();
            senders.into_iter().for_each(|sender| sender.join().unwrap());
            let mut read = model.read();
            read.sort_unstable();
            let mut expected = messages;
            expected.sort_unstable();
            assert_eq!(read, expected, "each message once");
        });
    }
}

/// Two messages of one sender, one that is read at once and one that is left.
#[test]
fn messages_of_one_sender_stay_in_order() {
    for messages in [[0, 2], [1, 2], [0, 1], [1, 3]] {
        check(move || {
            let model = Model::new();
            let sending = Arc::clone(&model);
            let sender = thread::spawn(move || messages.map(|message| sending.deliver(message)));
            model.turn(Box::default());
            model.run_until_idle();
            sender.join().unwrap();
            assert_eq!(model.read(), messages);
        });
    }
}

/// A process that ends while messages come: each is either given back or taken along.
#[test]
fn a_message_to_one_that_exits_is_given_back() {
    check(|| {
        let model = Model::new();
        let sending = Arc::clone(&model);
        let sender = thread::spawn(move || {
            let refuse = |_: &mut Reader, message| Reaction::RunAndRead(message);
            let memory = Memory::new(u64::MAX);
            (0..2)
                .filter(|message| {
                    let delivered = sending.slot.locked().deliver(1, *message, &memory, refuse);
                    matches!(delivered, Delivered::NoProcess(_))
                })
                .count()
        });
        let collected = model.slot.collect().messages.len() + model.slot.vacate().messages.len();
        // The next one who lives here must not find messages for the one before.
        model.slot.occupy(2, 1_000);
        assert_eq!(sender.join().unwrap() + collected, 2);
        assert!(model.slot.vacate().messages.is_empty());
    });
}

/// A process that is looked at from outside while it parks and is woken has one owner all the same.
#[test]
fn an_inspection_takes_nothing_away() {
    check(|| {
        let model = Model::new();
        let sending = Arc::clone(&model);
        let sender = thread::spawn(move || sending.deliver(2));
        let looking = Arc::clone(&model);
        let looker = thread::spawn(move || {
            looking
                .slot
                .inspect(|serial, parked, _| (serial, parked.map(|reader| reader.read.len())))
        });
        model.turn(Box::default());
        sender.join().unwrap();
        let (serial, seen) = looker.join().unwrap();
        assert_eq!(serial.map(std::num::NonZeroU64::get), Some(1));
        assert!(seen.is_none_or(|seen| seen <= 1));
        assert_eq!(model.read(), [2]);
    });
}

/// A parker: a wake that comes before the sleep ends the sleep at once.
struct Parking {
    woken: Mutex<bool>,
    changed: Condvar,
}

#[derive(Clone)]
struct TestParker(Arc<Parking>);

impl TestParker {
    fn new() -> Self {
        Self(Arc::new(Parking { woken: Mutex::new(false), changed: Condvar::new() }))
    }

    fn sleep(&self) {
        let mut woken = self.0.woken.lock().unwrap();
        while !*woken {
            woken = self.0.changed.wait(woken).unwrap();
        }
        *woken = false;
    }
}

impl Waker for TestParker {
    fn wake(&self) {
        *self.0.woken.lock().unwrap() = true;
        self.0.changed.notify_one();
    }
}

/// Work that is counted, and workers that sleep when there is none. The count is an atomic that
/// orders nothing by itself, as the looks into the queues of other workers do not.
struct Workshop {
    idle: Idle<TestParker>,
    parkers: Vec<TestParker>,
    work: AtomicUsize,
    stopped: AtomicBool,
}

impl Workshop {
    fn new(workers: usize) -> Arc<Self> {
        let parkers: Vec<_> = (0..workers).map(|_| TestParker::new()).collect();
        let (work, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Self { idle: Idle::new(parkers.clone()), parkers, work, stopped })
    }

    fn add(&self) {
        self.work.fetch_add(1, Ordering::Relaxed);
        self.idle.wake_one();
    }

    fn has_work(&self) -> bool {
        self.work.load(Ordering::Relaxed) > 0 || self.stopped.load(Ordering::Relaxed)
    }

    /// Works until a piece is done, or it is told to stop. A worker that sleeps for ever while there
    /// is work is a deadlock, which loom reports.
    fn work(&self, worker: usize) -> bool {
        let mut searching = false;
        loop {
            let left = |work: usize| work.checked_sub(1);
            if self.work.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok() {
                if searching {
                    self.idle.found_work(worker, || self.has_work());
                }
                return true;
            }
            if self.stopped.load(Ordering::Relaxed) {
                return false;
            }
            let sleep = || self.parkers[worker].sleep();
            searching = self.idle.sleep(worker, || self.has_work(), sleep);
        }
    }
}

/// One worker, and work that is added as it goes to sleep.
#[test]
fn work_that_is_added_while_a_worker_goes_to_sleep_wakes_it() {
    check(|| {
        let workshop = Workshop::new(1);
        let working = Arc::clone(&workshop);
        let worker = thread::spawn(move || (0..2).all(|_| working.work(0)));
        workshop.add();
        workshop.add();
        assert!(worker.join().unwrap(), "both pieces are done");
        assert!(!workshop.idle.all_asleep());
    });
}

/// Two workers, and work for each.
#[test]
fn work_for_two_wakes_two() {
    check(|| {
        let workshop = Workshop::new(2);
        let workers = [0, 1].map(|index| {
            let working = Arc::clone(&workshop);
            thread::spawn(move || working.work(index))
        });
        workshop.add();
        workshop.add();
        for worker in workers {
            assert!(worker.join().unwrap());
        }
    });
}

/// Two pieces of work in one go, with one call for help: the one who is woken wakes the other.
#[test]
fn one_who_was_woken_wakes_the_next() {
    check(|| {
        let workshop = Workshop::new(2);
        let workers = [0, 1].map(|index| {
            let working = Arc::clone(&workshop);
            thread::spawn(move || working.work(index))
        });
        workshop.work.fetch_add(2, Ordering::Relaxed);
        workshop.idle.wake_one();
        for worker in workers {
            assert!(worker.join().unwrap());
        }
    });
}

/// A stop reaches a worker wherever it is.
#[test]
fn a_stop_wakes_all() {
    check(|| {
        let workshop = Workshop::new(2);
        let workers = [0, 1].map(|index| {
            let working = Arc::clone(&workshop);
            thread::spawn(move || working.work(index))
        });
        workshop.stopped.store(true, Ordering::Relaxed);
        workshop.idle.wake_all();
        for worker in workers {
            assert!(!worker.join().unwrap());
        }
    });
}
