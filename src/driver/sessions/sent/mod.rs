//! Records what BuildKit was sent of a directory, across runs.
//!
//! BuildKit stores a copy of each directory under the shared key of its session, and requests only files
//! whose size, mode or modification time differ from its copy. Some tools give every file the same time
//! (npm, tar, Nix), so different content can look the same. The kernel's change time shows the
//! difference. A [`Ledger`] therefore records the state of every file announced under its key. If a file
//! changed but looks the same to BuildKit, the run uses a new key, and BuildKit requests everything.
//!
//! [`Records`] is pure, [`Slot`] is the file that stores them.

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

/// The ledgers of a run, one per directory.
pub(crate) struct Ledgers {
    /// Where they are stored between runs. Without it, every run sends everything.
    directory: Option<PathBuf>,
    open: Mutex<HashMap<Identity, Arc<OnceCell<Arc<Ledger>>>>>,
}

/// What BuildKit may have of one directory under one key.
pub(crate) struct Ledger {
    key: String,
    /// The state to save; `None` after `close`.
    kept: Mutex<Option<Kept>>,
    slot: Mutex<Option<Slot>>,
    left_out: Mutex<LeftOutNote>,
}

/// A warning about what was left out of a directory, which is shown once a run.
#[derive(Debug, Default)]
enum LeftOutNote {
    #[default]
    None,
    New(String),
    Shown,
}

impl Ledgers {
    /// `cache` is the user's cache directory.
    pub(crate) fn new(cache: Option<&Path>) -> Self {
        let directory = cache.map(|cache| cache.join("onebuild").join("contexts"));
        Self { directory, open: Mutex::default() }
    }

    /// The ledger of `folder`, the same for the whole run. With `resend` it always has a new key.
    pub(crate) async fn of(&self, folder: &Arc<Folder>, resend: bool) -> io::Result<Arc<Ledger>> {
        let identity = folder.identity()?;
        let cell = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.entry(identity.clone()).or_default().clone()
        };
        let ledger = cell.get_or_try_init(async || {
            let (folder, directory) = (folder.clone(), self.directory.clone());
            let opened = tokio::task::spawn_blocking(move || {
                Ledger::open(directory.as_deref(), &folder, &identity, resend)
            });
            opened.await.map_err(io::Error::other)?.map(Arc::new)
        });
        ledger.await.cloned()
    }

    /// Warnings about what was left out since the last call; one for each directory.
    pub(crate) fn left_out(&self) -> Vec<String> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().filter_map(|cell| cell.get()?.left_out_note()).collect()
    }

    /// Saves all of them for the next run. Nothing may be sent afterwards.
    pub(crate) async fn close(&self) {
        let open = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *open)
        };
        let ledgers: Vec<_> = open.into_values().filter_map(|cell| cell.get().cloned()).collect();
        let save = move || ledgers.iter().for_each(|ledger| ledger.close());
        let _ = tokio::task::spawn_blocking(save).await;
    }
}

impl Ledger {
    /// Loads the state of an earlier run, if it is still correct. The slot stays empty until `close`, so
    /// the run after a killed one uses a new key.
    fn open(
        directory: Option<&Path>,
        folder: &Folder,
        identity: &Identity,
        resend: bool,
    ) -> io::Result<Self> {
        // Inside the directory itself, the file would be sent, and would change it in every run.
        let directory = directory.filter(|directory| !is_inside(directory, &identity.path));
        let taken = directory.and_then(|directory| Slot::take(directory, &identity.path));
        let (slot, content) = taken.unzip();
        let content = content.filter(|_| !resend).unwrap_or_default();
        let kept = Kept::read(&content).filter(|kept| {
            let current = |path: &str| folder.state(path);
            !kept.records.is_deceptive(current)
        });
        let kept = match kept {
            Some(kept) => kept,
            None => Kept { nonce: nonce()?, records: Records::default() },
        };
        let key = shared_key(&machine(), identity, &kept.nonce);
        let left_out = Mutex::default();
        Ok(Self { key, kept: Mutex::new(Some(kept)), slot: Mutex::new(slot), left_out })
    }

    /// The key under which BuildKit stores its copy.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Records `entry`. Call this before sending it to BuildKit.
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

    /// Keeps the note about what was not sent.
    pub(crate) fn leave_out(&self, note: String) {
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*left_out, LeftOutNote::None) {
            *left_out = LeftOutNote::New(note);
        }
    }

    fn left_out_note(&self) -> Option<String> {
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *left_out, LeftOutNote::Shown) {
            LeftOutNote::New(note) => Some(note),
            LeftOutNote::Shown => None,
            LeftOutNote::None => {
                *left_out = LeftOutNote::None;
                None
            }
        }
    }

    /// Saves the records, if there is a slot. A failure is harmless: the next run sends everything.
    fn close(&self) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(slot), Some(content)) = (slot, kept.and_then(|kept| kept.write())) {
            slot.save(&content);
        }
    }
}

/// Whether `path` is inside `directory`. `path` need not exist; `directory` must not contain links.
fn is_inside(path: &Path, directory: &Path) -> bool {
    let existing = path.ancestors().find_map(|path| path.canonicalize().ok());
    existing.is_none_or(|existing| existing.starts_with(directory))
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
