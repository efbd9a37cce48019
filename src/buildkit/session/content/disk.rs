//! Runs blocking disk operations on other threads.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Maximum number of concurrent operations; further ones wait.
const MAX_CONCURRENT: u32 = 16;

/// Runs blocking work on other threads. Clones share the limit, and [`Disk::close`].
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    turns: Arc<Semaphore>,
}

impl Default for Disk {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(MAX_CONCURRENT as usize)) }
    }
}

impl Disk {
    /// Runs `work`; the error says why it did not run or finish.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|_| "the run is ending".to_owned())?;
        // The result is received or dropped before the permit is released.
        let done = tokio::task::spawn_blocking(move || (work(), turn)).await;
        done.map(|(made, _turn)| made).map_err(|crash| format!("it crashed: {crash}"))
    }

    /// Waits for the running operations and refuses new ones. A thread that is still running when
    /// the program exits would leave an incomplete file.
    pub(crate) async fn close(&self) {
        let _all = self.turns.acquire_many(MAX_CONCURRENT).await;
        self.turns.close();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn close_waits_for_work_whose_future_was_dropped() {
        let disk = Disk::default();
        let (started, running) = tokio::sync::oneshot::channel();
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let directory = tempfile::tempdir().unwrap();
        let file = tempfile::NamedTempFile::new_in(directory.path()).unwrap();
        let work = disk.work(move || {
            started.send(()).unwrap();
            finished.recv().unwrap();
            file
        });
        tokio::select! {
            _ = work => unreachable!("it waits for the signal"),
            signal = running => signal.unwrap(),
        }
        let close = tokio::time::timeout(Duration::from_millis(50), disk.close());
        close.await.unwrap_err();
        finish.send(()).unwrap();
        disk.close().await;
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        assert!(disk.work(|| ()).await.is_err());
    }
}
