//! What the last run fetched.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::regular;

/// More than is ever fetched.
const LARGEST: usize = 64 << 20;

/// A folder with one text for each URL.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store inside the user's cache folder.
    pub fn inside(cache: &Path) -> Self {
        Self { folder: cache.join("onebuild").join("versions") }
    }

    /// What was kept for `url`.
    pub fn get(&self, url: &str) -> Option<String> {
        String::from_utf8(regular::read(&self.path(url), LARGEST).ok()??).ok()
    }

    /// Keeps `text`; a reader sees the old one or the new one whole.
    pub fn keep(&self, url: &str, text: &str) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(self.path(url)).map(drop).map_err(|error| error.error)
    }

    /// A URL may hold anything, and be longer than a name.
    fn path(&self, url: &str) -> PathBuf {
        let digest = Sha256::digest(url.as_bytes());
        let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_for_its_own_url_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::inside(folder.path());
        assert_eq!(store.get("https://x/1"), None);
        store.keep("https://x/1", "1").unwrap();
        store.keep("https://x/1", "2").unwrap();
        assert_eq!(store.get("https://x/1").as_deref(), Some("2"));
        assert_eq!(store.get("https://x/2"), None);
        rustix::fs::mkfifoat(rustix::fs::CWD, store.path("https://x/3"), 0o600.into()).unwrap();
        assert_eq!(store.get("https://x/3"), None, "a named pipe is not waited for");
        fs::remove_file(store.path("https://x/3")).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("onebuild/versions")).unwrap().count(), 1);
    }
}
