//! Opening files that somebody has named.
//!
//! A name may be that of a pipe that has no other end, of a terminal, or of a device. None of them
//! may hang the command: nothing is waited for without looking at signals.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::{O_NOCTTY, O_NONBLOCK};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::signals;

/// How often to look for signals while nothing comes, in milliseconds.
const SLICE: u8 = 50;

/// An open file. Reading and writing wait for whoever is at its other end, but not after a signal.
pub(super) struct Opened(File);

impl Opened {
    /// What the command reads from.
    ///
    /// # Errors
    /// As those of the system.
    pub(super) fn stdin() -> io::Result<Self> {
        Ok(Self(io::stdin().as_fd().try_clone_to_owned()?.into()))
    }

    /// Opens a file for reading. A pipe is open at once, whether or not somebody writes to it.
    ///
    /// # Errors
    /// As those of the system, also for a directory.
    pub(super) fn to_read(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).custom_flags(O_NONBLOCK | O_NOCTTY).open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Self(file))
    }

    /// Opens a pipe or a device for writing. For a pipe it waits until somebody reads from it.
    ///
    /// # Errors
    /// As those of the system, and when a signal comes first.
    pub(super) fn to_write(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.write(true).custom_flags(O_NONBLOCK | O_NOCTTY);
        loop {
            match options.open(path) {
                // The system has no way to wait for a reader and a signal that is fetched elsewhere.
                Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
                    thread::sleep(Duration::from_millis(SLICE.into()));
                }
                opened => return opened.map(Self),
            }
            give_up_after_signal()?;
        }
    }

    /// The length of a file on a disk; `None` for what has none.
    pub(super) fn length(&self) -> Option<u64> {
        self.0.metadata().ok().filter(|found| found.is_file()).map(|found| found.len())
    }

    /// Waits until it can go on: with bytes, room for some, or the end.
    fn wait(&self, for_what: PollFlags) -> io::Result<()> {
        loop {
            let mut files = [PollFd::new(self.0.as_fd(), for_what)];
            match poll(&mut files, PollTimeout::from(SLICE)) {
                Ok(0) | Err(Errno::EINTR) => give_up_after_signal()?,
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Read for Opened {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            self.wait(PollFlags::POLLIN)?;
            match self.0.read(to) {
                // Somebody else who reads from it was faster.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}

impl Write for Opened {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.wait(PollFlags::POLLOUT)?;
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn give_up_after_signal() -> io::Result<()> {
    if signals::is_one_due() { Err(io::Error::other("a signal came first")) } else { Ok(()) }
}
