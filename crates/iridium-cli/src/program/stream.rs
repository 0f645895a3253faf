//! The output of programs on its way to where people see it.
//!
//! All processes write into one buffer, which one thread empties: what a process
//! writes at a time stays together, and its pieces stay in order. When the buffer
//! is full, because a terminal is slow, say, processes wait until there is room.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use iridium_sched::Output;
use iridium_vm::{Pid, Sink};

/// Output that may wait to be written, in bytes. What is written at a time may
/// go past it.
const MOST: usize = 256 << 10;

/// A place for output. Clones stand for the same one.
#[derive(Clone)]
pub(crate) struct Stream(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    filled: Condvar,
    /// Something was written.
    emptied: Condvar,
    fails: Sender<()>,
    failed: Receiver<()>,
}

struct State {
    /// Where it goes, until the thread that writes has it. That thread starts
    /// with the first output: many programs write nothing.
    target: Option<Box<dyn Write + Send>>,
    gathered: Vec<u8>,
    /// Whether the thread has something in its hands.
    writing: bool,
    bytes: u64,
    in_line: bool,
    /// Whether the buffer may grow.
    hurried: bool,
    /// Whether writing has failed; what comes then is dropped.
    closed: bool,
    error: Option<io::Error>,
}

impl Stream {
    /// A stream that ends there.
    pub(crate) fn to(target: impl Write + Send + 'static) -> Self {
        let (fails, failed) = bounded(1);
        let state = State {
            target: Some(Box::new(target)),
            gathered: Vec::new(),
            writing: false,
            bytes: 0,
            in_line: false,
            hurried: false,
            closed: false,
            error: None,
        };
        let (filled, emptied) = (Condvar::new(), Condvar::new());
        Self(Arc::new(Shared { state: Mutex::new(state), filled, emptied, fails, failed }))
    }

    /// How much programs have written.
    pub(crate) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// Says when output cannot be written any more.
    pub(crate) fn failed(&self) -> &Receiver<()> {
        &self.0.failed
    }

    /// Lets nobody wait for room from now on: what stops programs is not to be
    /// stopped by their output.
    pub(crate) fn hurry(&self) {
        self.lock().hurried = true;
        self.0.emptied.notify_all();
    }

    /// Waits until all is written, or the time is over; whether it is.
    ///
    /// # Errors
    /// The error of writing, once.
    pub(crate) fn flush(&self, patience: Duration) -> io::Result<bool> {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        while (state.writing || !state.gathered.is_empty()) && !state.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.0.emptied.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let written = state.closed || (state.gathered.is_empty() && !state.writing);
        state.error.take().map_or(Ok(written), Err)
    }

    /// Ends the line, if one is open, so that what is said about programs stands
    /// on lines of its own, and flushes.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub(crate) fn end_line(&self, patience: Duration) -> io::Result<bool> {
        let mut state = self.lock();
        if state.in_line {
            state.in_line = false;
            self.put(&mut state, b"\n");
        }
        drop(state);
        self.flush(patience)
    }

    /// Somebody else has ended the line.
    pub(crate) fn note_line_end(&self) {
        self.lock().in_line = false;
    }

    /// Somebody has pressed Ctrl-C, which a terminal shows within the line.
    pub(crate) fn note_interrupt(&self) {
        if io::IsTerminal::is_terminal(&io::stdout()) {
            self.lock().in_line = true;
        }
    }

    fn take(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut state = self.lock();
        while !state.has_room() {
            state = self.0.emptied.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.take_in(&mut state, bytes);
    }

    fn take_in(&self, state: &mut State, bytes: &[u8]) {
        let Some(last) = bytes.last() else { return };
        state.bytes += bytes.len() as u64;
        state.in_line = *last != b'\n';
        self.put(state, bytes);
    }

    fn put(&self, state: &mut State, bytes: &[u8]) {
        if state.closed {
            return;
        }
        state.gathered.extend_from_slice(bytes);
        if let Some(target) = state.target.take() {
            let shared = Arc::clone(&self.0);
            let run = move || shared.pass_on(target);
            if let Err(error) = thread::Builder::new().name("output".into()).spawn(run) {
                self.0.fail(state, error);
            }
        }
        self.0.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.gathered.len() < MOST || self.hurried || self.closed
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes whatever comes, until that fails.
    fn pass_on(&self, mut target: Box<dyn Write + Send>) {
        let mut batch = Vec::new();
        let mut state = self.lock();
        loop {
            while state.gathered.is_empty() {
                state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut batch, &mut state.gathered);
            state.writing = true;
            drop(state);
            self.emptied.notify_all();
            let written = target.write_all(&batch).and_then(|()| target.flush());
            batch.clear();
            batch.shrink_to(MOST);
            state = self.lock();
            state.writing = false;
            if let Err(error) = written {
                self.fail(&mut state, error);
                return;
            }
            self.emptied.notify_all();
        }
    }

    fn fail(&self, state: &mut State, error: io::Error) {
        state.closed = true;
        state.error = Some(error);
        state.gathered = Vec::new();
        // It holds one, which is enough.
        let _ = self.fails.try_send(());
        self.emptied.notify_all();
    }
}

impl Output for Stream {
    fn write(&self, _: Pid, text: &[u8]) {
        self.take(text);
    }

    fn has_room(&self) -> bool {
        self.lock().has_room()
    }

    fn write_at_once(&self, _: Pid, text: &[u8]) {
        self.take_in(&mut self.lock(), text);
    }
}

impl Sink for Stream {
    fn write(&mut self, bytes: &[u8]) {
        self.take(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a byte at a time, and only while it may.
    struct Slow(Receiver<()>, Sender<u8>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            let _ = self.1.send(bytes[0]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whoever_must_not_wait_sees_that_there_is_no_room_and_can_write_all_the_same() {
        let (permit, permits) = bounded(0);
        let (out, _written) = crossbeam_channel::unbounded();
        let stream = Stream::to(Slow(permits, out));
        assert!(stream.has_room());
        stream.take(b"x");
        let deadline = Instant::now() + Duration::from_secs(30);
        while !stream.lock().writing {
            assert!(Instant::now() < deadline, "the thread that writes has it in its hands");
            thread::yield_now();
        }
        stream.write_at_once(Pid::NOBODY, &vec![b'y'; MOST]);
        stream.write_at_once(Pid::NOBODY, &vec![b'z'; 3 * MOST]);
        assert!(!stream.has_room());
        drop(permit);
    }

    #[test]
    fn whoever_writes_waits_for_a_slow_reader_and_not_for_one_that_is_gone() {
        let (permit, permits) = bounded(0);
        let (out, _written) = crossbeam_channel::unbounded();
        let stream = Stream::to(Slow(permits, out));
        let (done, is_done) = bounded(1);
        let writer = stream.clone();
        thread::spawn(move || {
            for _ in 0..3 {
                writer.take(&vec![b'x'; MOST]);
            }
            let _ = done.send(());
        });
        // It has the first batch in its hands, the second fills the buffer.
        permit.send(()).unwrap();
        assert!(is_done.recv_timeout(Duration::from_millis(50)).is_err(), "the third waits");
        assert!(stream.lock().gathered.len() <= 2 * MOST);
        drop(permit);
        is_done.recv_timeout(Duration::from_secs(30)).unwrap();
        stream.failed().recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(stream.flush(Duration::from_secs(30)).is_err());
        assert!(stream.flush(Duration::from_secs(30)).is_ok(), "told once");
    }
}
