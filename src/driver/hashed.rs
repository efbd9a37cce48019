//! What a pushed image was built from, as hashes: a later run compares them before it leaves a cell out.
//!
//! The hash of the recipe covers all that a request says about the image and its delivery, that of the
//! contexts all files that BuildKit may read. Values of secrets are in neither.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::context::{Entry, EntryKind, Folder, Selection};
use crate::image::Digest;
use crate::input::NamedContext;
use crate::outcome::{Built, CellResult, InputHashes};
use crate::plan::{BuildRequest, Recipe};
use crate::schedule::{Builder, Job};

/// Adds the hashes to each image that was pushed.
pub(crate) struct Hashed<B> {
    builder: B,
    hashes: Option<Arc<Hashes>>,
}

impl<B> Hashed<B> {
    /// Wraps `builder`. Without `hashes`, nothing is added: they are of use only in a record.
    pub(crate) fn new(builder: B, hashes: Option<Arc<Hashes>>) -> Self {
        Self { builder, hashes }
    }

    /// The inner builder.
    pub(crate) fn inner(&self) -> &B {
        &self.builder
    }
}

impl<B: Builder> Builder for Hashed<B> {
    async fn build(&self, job: &Job<'_>) -> CellResult {
        let is_push = job.request.delivery.output.is_push();
        let Some(hashes) = self.hashes.as_ref().filter(|_| is_push) else {
            return self.builder.build(job).await;
        };
        // Beside the build. A cell that is cancelled does not wait for it.
        let hashing = job.cancel.run_until_cancelled(hashes.of(job.request));
        let (result, hashes) = tokio::join!(Box::pin(self.builder.build(job)), hashing);
        match result {
            CellResult::Built(built) => {
                CellResult::Built(Built { inputs: hashes.flatten(), ..built })
            }
            other => other,
        }
    }
}

/// The hashes of a run. Each context is read once.
#[derive(Debug)]
pub(crate) struct Hashes {
    /// Nanoseconds since 1970. What changes later may not be what was built.
    since: i64,
    contexts: Mutex<HashMap<Context, Arc<OnceCell<Option<Digest>>>>>,
}

/// A directory that is sent, and the lines of its ignore file, unless that is in the directory itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Context {
    directory: PathBuf,
    /// None for a named context: all of it counts.
    ignore: Option<IgnoreFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum IgnoreFile {
    Own,
    Text(String),
}

impl Hashes {
    /// For a run that starts now.
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let since = i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
        Self { since, contexts: Mutex::default() }
    }

    /// The hashes of `request`. `None` if a context cannot be read, or has changed since the run started.
    pub(crate) async fn of(&self, request: &BuildRequest) -> Option<InputHashes> {
        let recipe = &request.recipe;
        let ignore = match &recipe.dockerignore {
            Some(file) => IgnoreFile::Text(file.text().to_owned()),
            None => IgnoreFile::Own,
        };
        let main = Context { directory: recipe.context.clone(), ignore: Some(ignore) };
        let named = recipe.inputs.contexts.values().filter_map(|context| match context {
            NamedContext::Folder(path) => Some(path),
            NamedContext::Layout(layout) => Some(&layout.path),
            NamedContext::Image(_) | NamedContext::Url(_) => None,
        });
        let named = named.map(|path| Context { directory: path.clone(), ignore: None });
        let mut all = Sha256::new();
        for context in std::iter::once(main).chain(named) {
            all.update(self.context(context).await?.as_str());
        }
        Some(InputHashes { recipe: recipe_hash(request), context: Digest::finished(all) })
    }

    async fn context(&self, context: Context) -> Option<Digest> {
        let slot = {
            let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(contexts.entry(context.clone()).or_default())
        };
        let since = self.since;
        let read = || async move {
            let reading = move || tree_hash(&context, since);
            match tokio::task::spawn_blocking(reading).await {
                Ok(Ok(hash)) => hash,
                // The build reports what cannot be read.
                Ok(Err(_)) | Err(_) => None,
            }
        };
        slot.get_or_init(read).await.clone()
    }
}

/// Everything in the request that decides what is pushed, and where. Written out, so that a new field has
/// to be placed here.
fn recipe_hash(request: &BuildRequest) -> Digest {
    let Recipe {
        dockerfile,
        dockerignore,
        context: _,
        platforms,
        inputs,
        privileges,
        media_types,
        provenance,
        pin,
    } = &request.recipe;
    let mut text = format!("onebuild {}\n", crate::VERSION);
    let platforms: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    let ignore = dockerignore.as_ref().map(|file| file.text());
    let policy = &request.policy;
    // The output of these types has all their fields.
    let _ = write!(
        text,
        "{platforms:?}\n{inputs:?}\n{privileges:?}\n{media_types:?}\n{provenance}\n{pin:?}\n{ignore:?}\n{:?}\n{:?}\n{:?}\n{:?}\n",
        request.delivery.references.iter().map(ToString::to_string).collect::<Vec<_>>(),
        request.test().map(|test| (&test.command, &test.env, test.privileged)),
        policy.script.as_deref().map(Digest::of),
        policy.caches.to.iter().filter(|cache| cache.kind == "inline").collect::<Vec<_>>(),
    );
    let mut hash = Sha256::new();
    hash.update(text);
    hash.update(dockerfile.text().as_ref());
    Digest::finished(hash)
}

/// The hash of the files that are sent of a context; `None` if one has changed since `since`.
fn tree_hash(context: &Context, since: i64) -> io::Result<Option<Digest>> {
    let folder = Folder::open(&context.directory)?;
    let ignore = match &context.ignore {
        Some(IgnoreFile::Text(text)) => text.clone(),
        Some(IgnoreFile::Own) => own_ignore_file(&context.directory)?,
        None => String::new(),
    };
    let exclude: Vec<String> = ignore
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let mut hash = Sha256::new();
    hash.update(&ignore);
    let mut is_current = true;
    let selection = Selection { exclude: &exclude, ..Selection::default() };
    folder.walk(selection, &mut |entry| {
        // The change of a directory is that of its entries, which are seen themselves.
        is_current &= entry.kind == EntryKind::Folder || entry.changed < since;
        if is_current { entry_hash(&folder, &entry, &mut hash) } else { Ok(()) }
    })?;
    Ok(is_current.then(|| Digest::finished(hash)))
}

fn own_ignore_file(directory: &Path) -> io::Result<String> {
    match std::fs::read(directory.join(".dockerignore")) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Adds what BuildKit compares of an entry. Each part has its length, so that no two trees are alike.
fn entry_hash(folder: &Folder, entry: &Entry, hash: &mut Sha256) -> io::Result<()> {
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    part(entry.path.as_bytes());
    part(&entry.permissions.to_le_bytes());
    match &entry.kind {
        EntryKind::Folder => part(b"directory"),
        EntryKind::Link { to } => {
            part(b"link");
            part(to.as_bytes());
        }
        EntryKind::HardLink { to, .. } => {
            part(b"hard link");
            part(to.as_bytes());
        }
        EntryKind::File { size } => {
            part(b"file");
            part(&size.to_le_bytes());
            let mut file = folder.read(&entry.path, *size, entry.modified)?;
            let mut buffer = vec![0; 64 << 10];
            loop {
                match file.read(&mut buffer)? {
                    0 => break,
                    count => hash.update(&buffer[..count]),
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use tempfile::TempDir;

    use super::super::samples;
    use super::*;

    fn project() -> (TempDir, BuildRequest) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        for name in ["a", "sub/b", "ignored"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        fs::write(folder.path().join(".dockerignore"), "# comment\nignored\n").unwrap();
        let mut request = samples::request();
        request.recipe.context = folder.path().to_owned();
        (folder, request)
    }

    fn later() -> Hashes {
        Hashes { since: i64::MAX, contexts: Mutex::default() }
    }

    #[tokio::test]
    async fn every_change_of_a_file_that_is_sent_changes_the_hash_of_the_context() {
        let (folder, request) = project();
        let path = |name: &str| folder.path().join(name);
        let before = later().of(&request).await.unwrap();
        fs::write(path("ignored"), "other").unwrap();
        assert_eq!(later().of(&request).await.unwrap(), before);
        let changes: [&dyn Fn(); 6] = [
            &|| fs::write(path("a"), "b").unwrap(),
            &|| fs::rename(path("a"), path("c")).unwrap(),
            &|| fs::set_permissions(path("c"), fs::Permissions::from_mode(0o700)).unwrap(),
            &|| symlink("c", path("link")).unwrap(),
            &|| fs::create_dir(path("empty")).unwrap(),
            &|| fs::write(path(".dockerignore"), "").unwrap(),
        ];
        let mut seen = vec![before];
        for change in changes {
            change();
            let hashes = later().of(&request).await.unwrap();
            assert!(!seen.contains(&hashes));
            assert_eq!(hashes.recipe, seen[0].recipe);
            seen.push(hashes);
        }
    }

    #[tokio::test]
    async fn the_recipe_has_everything_that_decides_the_image_and_its_tags() {
        let (_folder, request) = project();
        let hashes = later();
        let before = hashes.of(&request).await.unwrap();
        let changes: [&dyn Fn(&mut BuildRequest); 5] = [
            &|one| one.recipe.platforms = vec!["linux/s390x".parse().unwrap()],
            &|one| drop(one.recipe.inputs.args.insert("A".into(), "1".into())),
            &|one| one.recipe.provenance = true,
            &|one| one.delivery.references = vec!["r.example/a:v2".parse().unwrap()],
            &|one| one.policy.smoke = Some(Arc::new(samples::smoke())),
        ];
        for change in changes {
            let mut changed = request.clone();
            change(&mut changed);
            let found = hashes.of(&changed).await.unwrap();
            assert_eq!(found.context, before.context);
            assert_ne!(found.recipe, before.recipe);
        }
        // These change how it is built, not what.
        let mut same = request.clone();
        (same.policy.no_cache, same.policy.history, same.policy.pull) = (true, true, true);
        assert_eq!(hashes.of(&same).await.unwrap(), before);
    }

    #[tokio::test]
    async fn a_context_that_changes_during_the_run_has_no_hash() {
        let (_folder, request) = project();
        let hashes = Hashes { since: 0, contexts: Mutex::default() };
        assert_eq!(hashes.of(&request).await, None);
        let mut missing = request.clone();
        missing.recipe.context = "/nowhere/of/onebuild".into();
        assert_eq!(later().of(&missing).await, None);
    }
}
