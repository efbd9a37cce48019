//! What BuildKit was sent of a directory, kept from run to run.
//!
//! BuildKit keeps a copy of each directory under the shared key of the session that it came from, and
//! asks again only for files whose size, mode or modification time differ from its copy. Some tools
//! give every file one time (npm, tar, Nix), so other content can look the same. The kernel's own
//! change time gives it away. A [`Ledger`] therefore holds the state of every file that was announced
//! under its key. A run that finds a file which only looks the same takes a new key, and BuildKit asks
//! for everything.
//!
//! [`Records`] is pure, [`Slot`] is the file that keeps them.

mod format;
mod key;
mod records;
mod slot;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::OnceCell;

use self::format::Kept;
use self::key::shared_key;
use self::records::Records;
use self::slot::Slot;
use crate::context::{Entry, Folder, Identity};

pub(crate) use self::key::machine;

/// The ledgers of a run, one for each directory.
pub(crate) struct Ledgers {
    /// Where they are kept between runs. Without that every run sends everything.
    directory: Option<PathBuf>,
    open: Mutex<HashMap<Identity, Arc<OnceCell<Arc<Ledger>>>>>,
}

/// What BuildKit may hold of one directory under one key.
pub(crate) struct Ledger {
    key: String,
    /// What is to be kept; nothing once it is.
    kept: Mutex<Option<Kept>>,
    slot: Mutex<Option<Slot>>,
}

impl Ledgers {
    /// `cache` is the user's cache directory.
    pub(crate) fn new(cache: Option<&Path>) -> Self {
        let directory = cache.map(|cache| cache.join("onebuild").join("contexts"));
        Self { directory, open: Mutex::default() }
    }

    /// The ledger of `folder`, the same for the whole run. `anew` takes a new key in any case.
    pub(crate) async fn of(&self, folder: &Arc<Folder>, anew: bool) -> io::Result<Arc<Ledger>> {
        let identity = folder.identity()?;
        let cell = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.entry(identity.clone()).or_default().clone()
        };
        let ledger = cell.get_or_try_init(async || {
            let (folder, directory) = (folder.clone(), self.directory.clone());
            let opened = tokio::task::spawn_blocking(move || {
                Ledger::open(directory.as_deref(), &folder, &identity, anew)
            });
            opened.await.map_err(io::Error::other)?.map(Arc::new)
        });
        ledger.await.cloned()
    }

    /// Keeps all of them for the next run. Nothing may be sent any more.
    pub(crate) async fn close(&self) {
        let open = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *open)
        };
        let ledgers: Vec<_> = open.into_values().filter_map(|cell| cell.get().cloned()).collect();
        let keep = move || ledgers.iter().for_each(|ledger| ledger.close());
        let _ = tokio::task::spawn_blocking(keep).await;
    }
}

impl Ledger {
    /// What an earlier run kept, if it still tells the truth. A slot that is not closed stays empty,
    /// so that a run which is killed is followed by one that takes a new key.
    fn open(
        directory: Option<&Path>,
        folder: &Folder,
        identity: &Identity,
        anew: bool,
    ) -> io::Result<Self> {
        // Kept in the directory itself, it would be sent, and make every run another one.
        let directory = directory.filter(|directory| !is_inside(directory, &identity.path));
        let taken = directory.and_then(|directory| Slot::take(directory, &identity.path));
        let (slot, content) = taken.unzip();
        let content = content.filter(|_| !anew).unwrap_or_default();
        let kept = Kept::read(&content).filter(|kept| {
            let still = |path: &str| folder.state(path);
            !kept.records.is_deceptive(still)
        });
        let kept = match kept {
            Some(kept) => kept,
            None => Kept { nonce: nonce()?, records: Records::default() },
        };
        let key = shared_key(&machine(), identity, &kept.nonce);
        Ok(Self { key, kept: Mutex::new(Some(kept)), slot: Mutex::new(slot) })
    }

    /// Under which BuildKit keeps what it is sent.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Records `entry`, which must happen before BuildKit hears of it.
    pub(crate) fn announce(&self, entry: &Entry) {
        self.announce_at(entry, now());
    }

    fn announce_at(&self, entry: &Entry, now: i64) {
        let Some(state) = entry.state() else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_mut() {
            kept.records.add(&entry.path, &state, now);
        }
    }

    /// Keeps the records, where there is a place for them. Failing to is no harm: the next run then
    /// sends everything.
    fn close(&self) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(slot), Some(content)) = (slot, kept.and_then(|kept| kept.write())) {
            slot.keep(&content);
        }
    }
}

/// Whether `path`, which need not be there yet, lies in `directory`, which has no links in its path.
fn is_inside(path: &Path, directory: &Path) -> bool {
    let there = path.ancestors().find_map(|path| path.canonicalize().ok());
    there.is_none_or(|there| there.starts_with(directory))
}

fn nonce() -> io::Result<[u8; 16]> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(io::Error::other)?;
    Ok(nonce)
}

/// Nanoseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
