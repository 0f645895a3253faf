//! Work that waits for others, on threads of a runtime for that.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

/// As many places as there are such threads. Who waits for one waits here, and not in the queue of the
/// threads: there work would stay also when nobody waits for its outcome any more.
#[derive(Debug, Clone)]
pub(crate) struct WaitingWork(Arc<Semaphore>);

impl WaitingWork {
    pub(crate) fn new(threads: usize) -> Self {
        Self(Arc::new(Semaphore::new(threads)))
    }

    /// Takes so many places.
    #[cfg(test)]
    pub(crate) async fn occupy(&self, places: usize) -> tokio::sync::SemaphorePermit<'_> {
        self.0.acquire_many(places as u32).await.unwrap()
    }

    /// Does some work when there is a place.
    ///
    /// # Errors
    /// The work has panicked, or the runtime ends.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        // Nobody closes it.
        let place = Arc::clone(&self.0).acquire_owned().await;
        let done = spawn_blocking(move || {
            let outcome = work();
            drop(place);
            outcome
        });
        done.await
    }
}
