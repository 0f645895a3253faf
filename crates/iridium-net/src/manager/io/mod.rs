//! Links without threads of their own. Each link has two as long as there are few, so that a message
//! wakes the one thread that waits for it. Where there are many, these would cost more than the links:
//! then one thread reads for all others and one writes.
//!
//! * [`thread`]: how a thread waits for many sockets, and gives each its turn;
//! * [`read`], [`write`]: what it does for a link in its turn. What is read and written, and in which
//!   order, is the business of the same [`Reader`] and [`Writer`] as with a thread each.

mod read;
mod thread;
mod write;

use std::io;
use std::net::TcpStream;

use crate::ids::ConnId;
use crate::link::LinkBells;
use crate::threads::Threads;

use super::reader::Reader;
use super::writer::{CLOSED, Writer};
use read::ReadHalf;
use thread::IoThread;
use write::WriteHalf;

/// The two threads that carry links. They end when this is dropped and the links that they carry
/// have ended.
pub(super) struct IoThreads {
    readers: IoThread<ReadHalf>,
    writers: IoThread<WriteHalf>,
}

impl IoThreads {
    /// # Errors
    /// The system has no room for them.
    pub(super) fn start(threads: &Threads) -> io::Result<Self> {
        Ok(Self {
            readers: IoThread::start("iridium-readers", threads)?,
            writers: IoThread::start("iridium-writers", threads)?,
        })
    }

    /// The bells of a link that they are to carry.
    pub(super) fn bells(&self, conn: ConnId) -> LinkBells {
        LinkBells { reader: self.readers.bell(conn), writer: self.writers.bell(conn) }
    }

    /// Carries a link from now on. If that fails, the link ends as one whose connection does.
    pub(super) fn carry(&self, reader: Reader, writer: Writer, stream: &TcpStream) {
        let conn = reader.link().id();
        match stream.try_clone() {
            Ok(stream) => {
                self.writers.add(conn, WriteHalf::new(writer));
                self.readers.add(conn, ReadHalf::new(reader, stream));
            }
            Err(error) => {
                writer.end(CLOSED);
                reader.end(&error.to_string());
            }
        }
    }
}
