//! The cache of fetched values.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::regular;

/// More than the size of any fetch.
const MAX_BYTES: usize = 64 << 20;

/// A directory with one file for each URL.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    directory: PathBuf,
}

impl Store {
    /// The store inside the user's cache directory.
    pub(crate) fn inside(cache: &Path) -> Self {
        Self { directory: cache.join("onebuild").join("versions") }
    }

    /// The cached text of `url`.
    pub(crate) fn get(&self, url: &str) -> Option<String> {
        String::from_utf8(regular::read(&self.path(url), MAX_BYTES).ok()??).ok()
    }

    /// Stores `text`; readers see either the old or the new text.
    pub(crate) fn keep(&self, url: &str, text: &str) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(text.as_bytes())?;
        file.persist(self.path(url)).map(drop).map_err(|error| error.error)
    }

    /// A URL can contain any characters, and be longer than a file name.
    fn path(&self, url: &str) -> PathBuf {
        let digest = Sha256::digest(url.as_bytes());
        let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_text_is_returned_only_for_its_url() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::inside(directory.path());
        assert_eq!(store.get("https://x/1"), None);
        store.keep("https://x/1", "1").unwrap();
        store.keep("https://x/1", "2").unwrap();
        assert_eq!(store.get("https://x/1").as_deref(), Some("2"));
        assert_eq!(store.get("https://x/2"), None);
        rustix::fs::mkfifoat(rustix::fs::CWD, store.path("https://x/3"), 0o600.into()).unwrap();
        assert_eq!(store.get("https://x/3"), None, "a named pipe does not block");
        fs::remove_file(store.path("https://x/3")).unwrap();
        assert_eq!(fs::read_dir(directory.path().join("onebuild/versions")).unwrap().count(), 1);
    }
}
