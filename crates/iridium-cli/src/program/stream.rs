//! The output of programs, on its way to stdout or the terminal.
//!
//! All processes write into one buffer, which one thread empties: each write stays in one
//! piece, and the writes of a process stay in order. When the buffer is full, for example
//! because nobody reads from a pipe, processes that want to write wait, as data, until there is room.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use iridium_sched::{Output, OutputRoom};
use iridium_vm::{Pid, Sink};

/// The size of the buffer, in bytes. What was begun when there was room may exceed it.
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
    /// Schedulers whose processes may wait for room.
    waiting: Vec<OutputRoom>,
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
            waiting: Vec::new(),
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

    /// Waits until there is room, `patience` at most. Returns whether there is.
    pub(crate) fn wait_for_room(&self, patience: Duration) -> bool {
        let is_full = |state: &mut Buffer| !state.has_room();
        let waited = self.0.drained.wait_timeout_while(self.lock(), patience, is_full);
        waited.unwrap_or_else(PoisonError::into_inner).0.has_room()
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
        self.pending.len() < CAPACITY || self.closed
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
            let waiting = state.waiting.clone();
            drop(state);
            self.drained.notify_all();
            waiting.iter().for_each(OutputRoom::notify);
            let written = target.write_all(&batch).and_then(|()| target.flush());
            batch.clear();
            batch.shrink_to(CAPACITY);
            state = self.lock();
            state.writing = false;
            if let Err(error) = written {
                let waiting = std::mem::take(&mut state.waiting);
                self.fail(&mut state, error);
                drop(state);
                waiting.iter().for_each(OutputRoom::notify);
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
        self.push(&mut self.lock(), text);
    }

    fn has_room(&self) -> bool {
        self.lock().has_room()
    }

    fn on_room(&self, room: OutputRoom) {
        self.lock().waiting.push(room);
    }
}

impl Sink for Stream {
    fn write(&mut self, bytes: &[u8]) {
        self.push(&mut self.lock(), bytes);
    }

    fn takes_output(&mut self) -> bool {
        self.lock().has_room()
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
    fn there_is_no_room_while_nobody_reads_and_all_that_was_written_is_kept() {
        let (permit, permits) = bounded(0);
        let (out, written) = crossbeam_channel::unbounded();
        let stream = Stream::to(Slow(permits, out));
        assert!(stream.has_room());
        Output::write(&stream, Pid::NOBODY, b"x");
        let deadline = Instant::now() + Duration::from_secs(30);
        while !stream.lock().writing {
            assert!(Instant::now() < deadline, "the thread writes it");
            thread::yield_now();
        }
        Output::write(&stream, Pid::NOBODY, &vec![b'y'; CAPACITY]);
        assert!(!stream.wait_for_room(Duration::from_millis(10)));
        Output::write(&stream, Pid::NOBODY, b"z");
        thread::spawn(move || while permit.send(()).is_ok() {});
        assert!(stream.wait_for_room(Duration::from_secs(30)));
        assert!(stream.flush(Duration::from_secs(30)).unwrap());
        assert_eq!(written.try_iter().last(), Some(b'z'));
        assert_eq!(stream.bytes(), CAPACITY as u64 + 2);
    }

    #[test]
    fn there_is_room_when_the_reader_is_gone() {
        let (permit, permits) = bounded(0);
        let (out, _written) = crossbeam_channel::unbounded();
        let stream = Stream::to(Slow(permits, out));
        Output::write(&stream, Pid::NOBODY, &vec![b'x'; CAPACITY]);
        drop(permit);
        stream.failed().recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(stream.has_room());
        assert!(stream.flush(Duration::from_secs(30)).is_err());
        assert!(stream.flush(Duration::from_secs(30)).is_ok(), "the error is given once");
    }
}
