//! Work on a disk, which may make its thread wait.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Reads and writes under way at once; the rest waits.
const AT_ONCE: u32 = 16;

/// Lets work be done on threads of its own; clones share the end.
#[derive(Debug, Clone)]
pub struct Disk {
    turns: Arc<Semaphore>,
}

impl Default for Disk {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE as usize)) }
    }
}

impl Disk {
    /// Does `work`; the error says why it could not be done at all.
    pub async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|_| "the run ends".to_owned())?;
        // The turn ends after what was made is taken, or dropped, in this order.
        let done = tokio::task::spawn_blocking(move || (work(), turn)).await;
        done.map(|(made, _turn)| made).map_err(|crash| format!("it failed: {crash}"))
    }

    /// Waits for what is done at this moment, and lets nothing be done after it: a thread that the
    /// end of the program overtakes would leave half a file behind.
    pub async fn close(&self) {
        let _all = self.turns.acquire_many(AT_ONCE).await;
        self.turns.close();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_work_that_nobody_waits_for() {
        let disk = Disk::default();
        let (started, running) = tokio::sync::oneshot::channel();
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let folder = tempfile::tempdir().unwrap();
        let file = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        let work = disk.work(move || {
            started.send(()).unwrap();
            finished.recv().unwrap();
            file
        });
        tokio::select! {
            _ = work => unreachable!("it waits to be told"),
            told = running => told.unwrap(),
        }
        let close = tokio::time::timeout(Duration::from_millis(50), disk.close());
        close.await.unwrap_err();
        finish.send(()).unwrap();
        disk.close().await;
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(disk.work(|| ()).await.is_err());
    }
}
