//! The output of programs, on its way to stdout or the terminal.
//!
//! All processes write into one buffer, which one thread empties: each write stays in one
//! piece, and the writes of a process stay in order. When the buffer is full, for example
//! because a terminal is slow, processes wait until there is room.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use iridium_sched::Output;
use iridium_vm::{Pid, Sink};

/// The size of the buffer, in bytes. The last write may exceed it.
const CAPACITY: usize = 256 << 10;

/// The handle that programs write to. Clones write to the same buffer.
#[derive(Clone)]
pub(crate) struct Stream(Arc<Shared>);

struct Shared {
    state: Mutex<Buffer>,
    /// There is something to write.
    filled: Condvar,
    /// Something was written.
    drained: Condvar,
    fails: Sender<()>,
    failed: Receiver<()>,
}

struct Buffer {
    /// Where output goes, until the writing thread takes it. That thread is started by the
    /// first output, since many programs write nothing.
    target: Option<Box<dyn Write + Send>>,
    pending: Vec<u8>,
    /// Whether the thread is writing a batch.
    writing: bool,
    bytes: u64,
    in_line: bool,
    /// Whether the buffer may grow past its size.
    unlimited: bool,
    /// Whether writing has failed; further output is dropped.
    closed: bool,
    error: Option<io::Error>,
}

impl Stream {
    /// A stream whose output goes to `target`.
    pub(crate) fn to(target: impl Write + Send + 'static) -> Self {
        let (fails, failed) = bounded(1);
        let state = Buffer {
            target: Some(Box::new(target)),
            pending: Vec::new(),
            writing: false,
            bytes: 0,
            in_line: false,
            unlimited: false,
            closed: false,
            error: None,
        };
        let (filled, drained) = (Condvar::new(), Condvar::new());
        Self(Arc::new(Shared { state: Mutex::new(state), filled, drained, fails, failed }))
    }

    /// How many bytes programs have written.
    pub(crate) fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// Receives when output cannot be written any more; [`flush`](Self::flush) returns the error.
    pub(crate) fn failed(&self) -> &Receiver<()> {
        &self.0.failed
    }

    /// Lets the buffer grow from now on, so that processes do not wait for room: they could
    /// not be stopped while they do.
    pub(crate) fn lift_limit(&self) {
        self.lock().unlimited = true;
        self.0.drained.notify_all();
    }

    /// Waits until all output is written, `patience` at most. Returns whether it is.
    ///
    /// # Errors
    /// The error of writing, once.
    pub(crate) fn flush(&self, patience: Duration) -> io::Result<bool> {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        while (state.writing || !state.pending.is_empty()) && !state.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.0.drained.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let written = state.closed || (state.pending.is_empty() && !state.writing);
        state.error.take().map_or(Ok(written), Err)
    }

    /// Ends the line, if one is open, so that messages of ours begin on a line of their own,
    /// and flushes.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub(crate) fn end_line(&self, patience: Duration) -> io::Result<bool> {
        let mut state = self.lock();
        if state.in_line {
            state.in_line = false;
            self.append(&mut state, b"\n");
        }
        drop(state);
        self.flush(patience)
    }

    /// Notes that something else has ended the line.
    pub(crate) fn note_line_end(&self) {
        self.lock().in_line = false;
    }

    /// Notes a Ctrl-C, which a terminal echoes into the line.
    pub(crate) fn note_interrupt(&self) {
        if io::IsTerminal::is_terminal(&io::stdout()) {
            self.lock().in_line = true;
        }
    }

    fn push_waiting(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut state = self.lock();
        while !state.has_room() {
            state = self.0.drained.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.push(&mut state, bytes);
    }

    fn push(&self, state: &mut Buffer, bytes: &[u8]) {
        let Some(last) = bytes.last() else { return };
        state.bytes += bytes.len() as u64;
        state.in_line = *last != b'\n';
        self.append(state, bytes);
    }

    fn append(&self, state: &mut Buffer, bytes: &[u8]) {
        if state.closed {
            return;
        }
        state.pending.extend_from_slice(bytes);
        if let Some(target) = state.target.take() {
            let shared = Arc::clone(&self.0);
            let run = move || shared.write_out(target);
            if let Err(error) = thread::Builder::new().name("output".into()).spawn(run) {
                self.0.fail(state, error);
            }
        }
        self.0.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock()
    }
}

impl Buffer {
    fn has_room(&self) -> bool {
        self.pending.len() < CAPACITY || self.unlimited || self.closed
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writing thread: writes all output until that fails.
    fn write_out(&self, mut target: Box<dyn Write + Send>) {
        let mut batch = Vec::new();
        let mut state = self.lock();
        loop {
            while state.pending.is_empty() {
                state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut batch, &mut state.pending);
            state.writing = true;
            drop(state);
            self.drained.notify_all();
            let written = target.write_all(&batch).and_then(|()| target.flush());
            batch.clear();
            batch.shrink_to(CAPACITY);
            state = self.lock();
            state.writing = false;
            if let Err(error) = written {
                self.fail(&mut state, error);
                return;
            }
            self.drained.notify_all();
        }
    }

    fn fail(&self, state: &mut Buffer, error: io::Error) {
        state.closed = true;
        state.error = Some(error);
        state.pending = Vec::new();
        // If the channel is full, the failure is known already.
        let _ = self.fails.try_send(());
        self.drained.notify_all();
    }
}

impl Output for Stream {
    fn write(&self, _: Pid, text: &[u8]) {
        self.push_waiting(text);
    }

    fn has_room(&self) -> bool {
        self.lock().has_room()
    }

    fn write_at_once(&self, _: Pid, text: &[u8]) {
        self.push(&mut self.lock(), text);
    }
}

impl Sink for Stream {
    fn write(&mut self, bytes: &[u8]) {
        self.push_waiting(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one byte for each permit.
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
    fn a_writer_that_must_not_wait_sees_that_the_buffer_is_full_and_can_write_all_the_same() {
        let (permit, permits) = bounded(0);
        let (out, _written) = crossbeam_channel::unbounded();
        let stream = Stream::to(Slow(permits, out));
        assert!(stream.has_room());
        stream.push_waiting(b"x");
        let deadline = Instant::now() + Duration::from_secs(30);
        while !stream.lock().writing {
            assert!(Instant::now() < deadline, "the thread writes it");
            thread::yield_now();
        }
        stream.write_at_once(Pid::NOBODY, &vec![b'y'; CAPACITY]);
        stream.write_at_once(Pid::NOBODY, &vec![b'z'; 3 * CAPACITY]);
        assert!(!stream.has_room());
        drop(permit);
    }

    #[test]
    fn a_writer_waits_for_a_slow_reader_and_not_for_one_that_is_gone() {
        let (permit, permits) = bounded(0);
        let (out, _written) = crossbeam_channel::unbounded();
        let stream = Stream::to(Slow(permits, out));
        let (done, is_done) = bounded(1);
        let writer = stream.clone();
        thread::spawn(move || {
            for _ in 0..3 {
                writer.push_waiting(&vec![b'x'; CAPACITY]);
            }
            let _ = done.send(());
        });
        // The thread writes the first batch, the second fills the buffer.
        permit.send(()).unwrap();
        assert!(is_done.recv_timeout(Duration::from_millis(50)).is_err(), "the third waits");
        assert!(stream.lock().pending.len() <= 2 * CAPACITY);
        drop(permit);
        is_done.recv_timeout(Duration::from_secs(30)).unwrap();
        stream.failed().recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(stream.flush(Duration::from_secs(30)).is_err());
        assert!(stream.flush(Duration::from_secs(30)).is_ok(), "the error is given once");
    }
}
