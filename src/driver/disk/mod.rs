//! The engine's disk: no cell starts when it is nearly full, and the build cache can make room.

mod room;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use self::room::Room;
use super::classify::FREE_ENGINE;
use crate::buildkit::Client;
use crate::failure::{Failure, Kind};
use crate::input::Reclaim;
use crate::text::bytes;

/// How much of the build cache is removed after a cell failed because the disk was full: how much the cell
/// needs is not known.
const AFTER_FAILURE: u64 = 5_000_000_000;

/// The engine frees what it removed a moment later.
const FREEING: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2)];

/// Removes up to so many bytes of the build cache, what was not used for the longest time first, and returns
/// how many it removed.
type Prune = Box<dyn Fn(u64) -> BoxFuture<'static, u64> + Send + Sync>;

/// See the module.
pub struct EngineDisk {
    prune: Prune,
    /// The engine's data, if it is on this machine.
    directory: Option<PathBuf>,
    /// How much of the build cache this run may still remove.
    left: Mutex<u64>,
    reclaims: bool,
    /// Held while the cache is removed.
    removing: Semaphore,
}

impl EngineDisk {
    /// The disk with the data of `client`'s engine. `reclaim` is how much of the build cache may be removed.
    pub(super) fn new(
        client: Client,
        directory: Option<PathBuf>,
        reclaim: Option<Reclaim>,
    ) -> Self {
        let prune = move |wanted: u64| -> BoxFuture<'static, u64> {
            let client = client.clone();
            Box::pin(async move {
                let Ok(all) = client.cache_size().await else { return 0 };
                client.prune(all.saturating_sub(wanted)).await.unwrap_or(0)
            })
        };
        Self::pruned_by(Box::new(prune), directory, reclaim)
    }

    pub(super) fn pruned_by(
        prune: Prune,
        directory: Option<PathBuf>,
        reclaim: Option<Reclaim>,
    ) -> Self {
        let left = Mutex::new(reclaim.map(Reclaim::bytes).unwrap_or_default());
        let (reclaims, removing) = (reclaim.is_some(), Semaphore::new(1));
        Self { prune, directory, left, reclaims, removing }
    }

    /// Makes room for a cell, if this run may. Fails if too little is free.
    pub(super) async fn before(&self) -> Result<(), Box<Failure>> {
        let Some(short) = self.room().and_then(Room::lacks) else { return Ok(()) };
        if self.removed(short).await > 0 {
            for pause in FREEING {
                sleep(pause).await;
                if self.room().and_then(Room::lacks).is_none() {
                    return Ok(());
                }
            }
        }
        match self.room() {
            Some(room) if room.lacks().is_some() => Err(self.low(room)),
            _ => Ok(()),
        }
    }

    /// Makes room after a cell failed because the disk was full. Returns whether anything was removed.
    pub(super) async fn made_room(&self) -> bool {
        self.removed(AFTER_FAILURE).await > 0
    }

    /// Removes up to `wanted` bytes of the build cache, as far as this run may, and returns how many.
    async fn removed(&self, wanted: u64) -> u64 {
        // The semaphore is never closed.
        let _removing = self.removing.acquire().await;
        let wanted = wanted.min(*self.left());
        if !self.reclaims || wanted == 0 {
            return 0;
        }
        let removed = (self.prune)(wanted).await;
        tracing::debug!(target: "engine", wanted, removed, "build cache removed");
        let mut left = self.left();
        *left = left.saturating_sub(removed);
        removed
    }

    fn room(&self) -> Option<Room> {
        Room::of(self.directory.as_deref()?)
    }

    fn low(&self, room: Room) -> Box<Failure> {
        let (free, total) = (bytes(room.free), bytes(room.total));
        let directory = self.directory.as_deref().unwrap_or(std::path::Path::new("")).display();
        let reclaim = match self.reclaims {
            false => "; --reclaim removes build cache during the run",
            true => "; there is no build cache left that --reclaim may remove",
        };
        Box::new(Failure {
            kind: Kind::EngineDiskFull,
            message: format!("only {free} of {total} are free on the engine's disk ({directory})"),
            help: Some(format!("{FREE_ENGINE}{reclaim}")),
            ..Failure::default()
        })
    }

    fn left(&self) -> std::sync::MutexGuard<'_, u64> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_is_removed_than_the_limit_of_the_run() {
        for (reclaim, expected) in
            [(None, [0, 0]), (Some("7k"), [5_000, 2_168]), (Some("all"), [5_000, 5_000])]
        {
            let prune: Prune = Box::new(|wanted| Box::pin(async move { wanted.min(5_000) }));
            let reclaim = reclaim.map(|size| size.parse().unwrap());
            let disk = EngineDisk::pruned_by(prune, None, reclaim);
            let removed = [disk.removed(9_000).await, disk.removed(9_000).await];
            assert_eq!(removed, expected, "{reclaim:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_stays_nearly_full_is_named() {
        let prune = || -> Prune { Box::new(|_| Box::pin(async { 0 })) };
        let elsewhere = EngineDisk::pruned_by(prune(), None, None);
        assert!(elsewhere.before().await.is_ok());
        for (reclaim, help) in [(None, "--reclaim removes"), (Some("all"), "no build cache left")] {
            let reclaim = reclaim.map(|size| size.parse().unwrap());
            let disk = EngineDisk::pruned_by(prune(), Some("/data".into()), reclaim);
            let failure = disk.low(Room { free: 1_000_000, total: 200_000_000 });
            assert_eq!(
                failure.message,
                "only 1.0 MB of 200.0 MB are free on the engine's disk (/data)"
            );
            assert!(failure.help.unwrap().contains(help));
        }
    }
}
