//! Models of the two places where a wake-up could be lost, for loom: it runs each of them in every
//! order in which the threads can meet.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p iridium-vm --lib loom --release`

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::idle::{Idle, Waker};
use super::slot::{Delivered, Reaction, Slot, Weigh};

/// Orders in which a thread is interrupted more often than this show nothing new here, and take
/// most of the time.
const PREEMPTIONS: usize = 3;

fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    builder.check(model);
}

impl Weigh for u32 {
    fn weight(&self) -> u64 {
        0
    }

    fn overflow() -> Self {
        u32::MAX
    }
}

/// A process of the models: what it has read. The number of its owners is counted beside it.
#[derive(Debug, Default)]
struct Reader {
    read: Vec<u32>,
}

/// A slot, the processes that were made ready, and how many threads have the process at hand.
struct Scene {
    slot: Slot<Reader, u32, ()>,
    ready: Mutex<Vec<Box<Reader>>>,
    owners: AtomicUsize,
}

impl Scene {
    fn new() -> Arc<Self> {
        let scene =
            Self { slot: Slot::new(), ready: Mutex::new(Vec::new()), owners: AtomicUsize::new(0) };
        scene.slot.occupy(1, 1_000);
        Arc::new(scene)
    }

    /// Does something with the process at hand. Nobody else may have it.
    fn own<R>(&self, act: impl FnOnce() -> R) -> R {
        assert_eq!(self.owners.fetch_add(1, Ordering::SeqCst), 0, "two owners");
        let result = act();
        self.owners.fetch_sub(1, Ordering::SeqCst);
        result
    }

    fn deliver(&self, letter: u32) {
        // Even letters are read at once, as messages are; odd ones are left, as signals are.
        let react = |reader: &mut Reader, letter: u32| {
            if letter.is_multiple_of(2) {
                reader.read.push(letter);
                Reaction::Run
            } else {
                Reaction::RunAndRead(letter)
            }
        };
        match self.slot.deliver(1, letter, react) {
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
            self.own(|| reader.read.append(&mut self.slot.collect()));
            match self.slot.park(reader) {
                Ok(()) => return,
                Err((back, mut letters)) => {
                    reader = back;
                    self.own(|| reader.read.append(&mut letters));
                }
            }
        }
    }

    /// Lets the process run as long as it is ready, as workers do in the end.
    fn run_to_rest(&self) {
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
        self.run_to_rest();
        self.slot.look(|_, parked, letters| {
            assert!(letters.is_empty(), "left in the slot of a process that waits: {letters:?}");
            parked.map(|reader| reader.read.clone()).expect("the process is lost")
        })
    }
}

/// Letters that come while a process parks.
#[test]
fn a_letter_is_there_before_a_process_parks_or_wakes_it() {
    for letters in [[0, 2], [1, 3], [0, 1], [1, 0]] {
        check(move || {
            let scene = Scene::new();
            let senders = letters.map(|letter| {
                let scene = Arc::clone(&scene);
                thread::spawn(move || scene.deliver(letter))
            });
            scene.turn(Box::default());
            scene.run_to_rest();
            senders.into_iter().for_each(|sender| sender.join().unwrap());
            let mut read = scene.read();
            read.sort_unstable();
            let mut expected = letters;
            expected.sort_unstable();
            assert_eq!(read, expected, "each letter once");
        });
    }
}

/// Two letters of one sender, one that is read at once and one that is left.
#[test]
fn letters_of_one_sender_stay_in_order() {
    for letters in [[0, 2], [1, 2], [0, 1], [1, 3]] {
        check(move || {
            let scene = Scene::new();
            let sending = Arc::clone(&scene);
            let sender = thread::spawn(move || letters.map(|letter| sending.deliver(letter)));
            scene.turn(Box::default());
            scene.run_to_rest();
            sender.join().unwrap();
            assert_eq!(scene.read(), letters);
        });
    }
}

/// A process that ends while letters come: each is either given back or taken along.
#[test]
fn a_letter_to_one_who_ends_is_given_back() {
    check(|| {
        let scene = Scene::new();
        let sending = Arc::clone(&scene);
        let sender = thread::spawn(move || {
            let refuse = |_: &mut Reader, letter| Reaction::RunAndRead(letter);
            (0..2)
                .filter(|letter| {
                    matches!(sending.slot.deliver(1, *letter, refuse), Delivered::Nobody(_))
                })
                .count()
        });
        let collected = scene.slot.collect().len() + scene.slot.vacate().len();
        // The next one who lives here must not find letters for the one before.
        scene.slot.occupy(2, 1_000);
        assert_eq!(sender.join().unwrap() + collected, 2);
        assert!(scene.slot.vacate().is_empty());
    });
}

/// A process that is looked at from outside while it parks and is woken has one owner all the same.
#[test]
fn looking_takes_nothing_away() {
    check(|| {
        let scene = Scene::new();
        let sending = Arc::clone(&scene);
        let sender = thread::spawn(move || sending.deliver(2));
        let looking = Arc::clone(&scene);
        let looker = thread::spawn(move || {
            looking.slot.look(|serial, parked, _| (serial, parked.map(|reader| reader.read.len())))
        });
        scene.turn(Box::default());
        sender.join().unwrap();
        let (serial, seen) = looker.join().unwrap();
        assert_eq!(serial, 1);
        assert!(seen.is_none_or(|seen| seen <= 1));
        assert_eq!(scene.read(), [2]);
    });
}

/// A parker: a wake that comes before the sleep ends the sleep at once.
struct Bed {
    woken: Mutex<bool>,
    changed: Condvar,
}

#[derive(Clone)]
struct Alarm(Arc<Bed>);

impl Alarm {
    fn new() -> Self {
        Self(Arc::new(Bed { woken: Mutex::new(false), changed: Condvar::new() }))
    }

    fn sleep(&self) {
        let mut woken = self.0.woken.lock().unwrap();
        while !*woken {
            woken = self.0.changed.wait(woken).unwrap();
        }
        *woken = false;
    }
}

impl Waker for Alarm {
    fn wake(&self) {
        *self.0.woken.lock().unwrap() = true;
        self.0.changed.notify_one();
    }
}

/// Work that is counted, and workers that sleep when there is none. The count is an atomic that
/// orders nothing by itself, as the looks into the queues of other workers do not.
struct Yard {
    idle: Idle<Alarm>,
    beds: Vec<Alarm>,
    work: AtomicUsize,
    stopped: AtomicBool,
}

impl Yard {
    fn new(workers: usize) -> Arc<Self> {
        let beds: Vec<_> = (0..workers).map(|_| Alarm::new()).collect();
        let (work, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Self { idle: Idle::new(beds.clone()), beds, work, stopped })
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
        let mut rising = false;
        loop {
            let left = |work: usize| work.checked_sub(1);
            if self.work.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok() {
                if rising {
                    self.idle.settle(worker, || self.has_work());
                }
                return true;
            }
            if self.stopped.load(Ordering::Relaxed) {
                return false;
            }
            let sleep = || self.beds[worker].sleep();
            rising = self.idle.sleep(worker, || self.has_work(), sleep);
        }
    }
}

/// One worker, and work that is added as it goes to sleep.
#[test]
fn work_that_is_added_while_a_worker_goes_to_sleep_wakes_it() {
    check(|| {
        let yard = Yard::new(1);
        let working = Arc::clone(&yard);
        let worker = thread::spawn(move || (0..2).all(|_| working.work(0)));
        yard.add();
        yard.add();
        assert!(worker.join().unwrap(), "both pieces are done");
        assert!(!yard.idle.all_asleep());
    });
}

/// Two workers, and work for each.
#[test]
fn work_for_two_wakes_two() {
    check(|| {
        let yard = Yard::new(2);
        let workers = [0, 1].map(|index| {
            let working = Arc::clone(&yard);
            thread::spawn(move || working.work(index))
        });
        yard.add();
        yard.add();
        for worker in workers {
            assert!(worker.join().unwrap());
        }
    });
}

/// Two pieces of work in one go, with one call for help: the one who is woken wakes the other.
#[test]
fn one_who_was_woken_wakes_the_next() {
    check(|| {
        let yard = Yard::new(2);
        let workers = [0, 1].map(|index| {
            let working = Arc::clone(&yard);
            thread::spawn(move || working.work(index))
        });
        yard.work.fetch_add(2, Ordering::Relaxed);
        yard.idle.wake_one();
        for worker in workers {
            assert!(worker.join().unwrap());
        }
    });
}

/// A stop reaches a worker wherever it is.
#[test]
fn a_stop_wakes_all() {
    check(|| {
        let yard = Yard::new(2);
        let workers = [0, 1].map(|index| {
            let working = Arc::clone(&yard);
            thread::spawn(move || working.work(index))
        });
        yard.stopped.store(true, Ordering::Relaxed);
        yard.idle.wake_all();
        for worker in workers {
            assert!(!worker.join().unwrap());
        }
    });
}
