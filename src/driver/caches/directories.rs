//! Caches of `type=local`: directories on this machine that BuildKit can access while a cell is built.
//!
//! All cells may share one directory. Each has its own tag there; identical content is stored once.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde_json::Value;
use thiserror::Error;

use crate::buildkit::session::content::{Content, Disk, Index, Layout, LayoutError, Offer};
use crate::buildkit::session::fault::Fault;
use crate::cell_name::CellName;
use crate::input::{Cache, Caches, truth};
use crate::plan::BuildRequest;

use crate::driver::obstacle::Obstacle;

/// The default tag of a cache, as in `docker buildx`.
const LATEST: &str = "latest";

/// The attributes with the path of a directory.
const SRC: &str = "src";
const DEST: &str = "dest";

/// The caches of one build under the names that BuildKit uses. Directories are offered until this is
/// dropped.
#[derive(Default)]
pub(crate) struct CacheDirectories {
    pub(crate) from: Vec<Cache>,
    pub(crate) to: Vec<Cache>,
    reading: Vec<Offer>,
    writing: Vec<Written>,
    disk: Disk,
}

/// A directory that BuildKit writes to.
struct Written {
    offer: Offer,
    tag: String,
    ignore_error: bool,
}

/// Why the cache of a build was not written.
#[derive(Debug, Error)]
pub(crate) enum CacheDirectoryError {
    #[error("cannot use the cache directory: {0}")]
    Layout(#[from] LayoutError),
    #[error("{0}")]
    Broken(Fault),
    #[error("{0}")]
    Crashed(String),
    #[error(
        "the cache in {0} could not be tagged: BuildKit reports only one cache, but several were written"
    )]
    Unnamed(String),
}

impl CacheDirectories {
    /// Offers the directories of `caches`. Also returns errors that do not stop the build.
    pub(crate) async fn offer(
        caches: &Caches,
        content: &Content,
    ) -> Result<(Self, Vec<String>), CacheDirectoryError> {
        let (from, to) = (caches.from.clone(), caches.to.clone());
        let (content, disk) = (content.clone(), content.disk().clone());
        let offer = move || {
            let mut all = Self { disk: content.disk().clone(), ..Self::default() };
            let mut warnings = Vec::new();
            for cache in from {
                let Some(layout) = layout(&cache, SRC) else {
                    all.from.push(cache);
                    continue;
                };
                match layout.index() {
                    Ok(index) => all.take_from(&cache, &index, content.read(layout)),
                    Err(error) => warnings.push(format!("the cache was not read: {error}")),
                }
            }
            for cache in to {
                let Some(layout) = layout(&cache, DEST) else {
                    all.to.push(cache);
                    continue;
                };
                match layout.create() {
                    Ok(()) => all.write_to(&cache, content.write(layout)),
                    Err(error) if ignores_error(&cache) => warnings.push(not_written(&error)),
                    Err(error) => return Err(error.into()),
                }
            }
            Ok((all, warnings))
        };
        disk.work(offer).await.map_err(CacheDirectoryError::Crashed)?
    }

    fn take_from(&mut self, cache: &Cache, index: &Index, offer: Offer) {
        let Some(digest) = held(cache, index, offer.layout()) else { return };
        let mut named = cache.clone();
        named.attributes.shift_remove("tag");
        named.attributes.insert("digest".to_owned(), digest);
        named.attributes.insert(SRC.to_owned(), offer.id().to_owned());
        self.from.push(named);
        self.reading.push(offer);
    }

    fn write_to(&mut self, cache: &Cache, offer: Offer) {
        let mut named = cache.clone();
        let tag = named.attributes.shift_remove("tag").unwrap_or_else(|| LATEST.to_owned());
        named.attributes.insert(DEST.to_owned(), offer.id().to_owned());
        self.to.push(named);
        self.writing.push(Written { offer, tag, ignore_error: ignores_error(cache) });
    }

    /// The error in a directory, if it made the solve fail. BuildKit continues without a cache that has
    /// `ignore-error`, and `message` names the other errors.
    pub(crate) fn fault(&self, message: &str) -> Option<Fault> {
        let needed = self.writing.iter().filter(|written| !written.ignore_error);
        if let Some(fault) = needed.filter_map(|written| written.offer.fault()).next() {
            return Some(fault);
        }
        let offers = self.writing.iter().map(|written| &written.offer).chain(&self.reading);
        offers.filter_map(Offer::fault).find(|fault| message.contains(&fault.to_string()))
    }

    /// Tags the written caches after a successful solve. `manifest` is BuildKit's description of the
    /// cache. Returns the errors to ignore.
    pub(crate) async fn commit(
        self,
        manifest: Option<String>,
    ) -> Result<Vec<String>, CacheDirectoryError> {
        if self.writing.is_empty() {
            return Ok(Vec::new());
        }
        let disk = self.disk.clone();
        let commit = move || {
            let manifest: Option<Value> =
                manifest.and_then(|text| serde_json::from_str(&text).ok());
            let mut ignored = Vec::new();
            for written in self.writing {
                match written.commit(manifest.as_ref()) {
                    Err(error) if written.ignore_error => ignored.push(not_written(&error)),
                    done => done?,
                }
            }
            Ok(ignored)
        };
        disk.work(commit).await.map_err(CacheDirectoryError::Crashed)?
    }
}

impl Written {
    fn commit(&self, manifest: Option<&Value>) -> Result<(), CacheDirectoryError> {
        let layout = self.offer.layout();
        let named = |manifest: &&Value| {
            manifest["digest"].as_str().is_some_and(|digest| layout.has(digest))
        };
        match (manifest.filter(named), manifest, self.offer.fault()) {
            (Some(manifest), ..) => Ok(layout.put(manifest, &self.tag)?),
            (None, _, Some(fault)) => Err(CacheDirectoryError::Broken(fault)),
            (None, Some(_), None) => {
                Err(CacheDirectoryError::Unnamed(layout.root().display().to_string()))
            }
            // The build has no step that can be cached.
            (None, None, None) => Ok(()),
        }
    }
}

/// The caches of `requests`, by cell, whose directories have no entry for them yet, as in the first run.
/// Also returns a note for each directory.
pub(crate) fn empty(requests: &[BuildRequest]) -> (HashMap<CellName, Vec<Cache>>, Vec<String>) {
    let mut indexes: HashMap<String, Option<Index>> = HashMap::new();
    let mut waiting: Vec<(String, Vec<String>)> = Vec::new();
    let mut empty: HashMap<CellName, Vec<Cache>> = HashMap::new();
    for request in requests {
        let cell = &request.cell;
        for cache in &request.policy.caches.from {
            let Some(layout) = layout(cache, SRC) else { continue };
            let directory = layout.root().display().to_string();
            let index = indexes.entry(directory.clone()).or_insert_with(|| layout.index().ok());
            // A directory that cannot be read is an obstacle, not a first run.
            let Some(index) = index else { continue };
            if held(cache, index, &layout).is_some() {
                continue;
            }
            empty.entry(cell.clone()).or_default().push(cache.clone());
            match waiting.iter_mut().find(|(known, _)| *known == directory) {
                Some((_, cells)) => cells.push(cell.to_string()),
                None => waiting.push((directory, vec![cell.to_string()])),
            }
        }
    }
    let note = |(directory, cells): (String, Vec<String>)| match &cells[..] {
        [one] => format!("the cache in {directory} has no entry for {one} yet"),
        several => format!("the cache in {directory} has no entry for {} cells yet", several.len()),
    };
    (empty, waiting.into_iter().map(note).collect())
}

/// What is wrong with the cache directories of `requests`. Those with `ignore-error` are not checked.
pub(crate) fn obstacles(requests: &[BuildRequest]) -> Vec<Obstacle> {
    let named = requests.iter().flat_map(|request| {
        let from = request.policy.caches.from.iter().map(|cache| (cache, SRC));
        from.chain(request.policy.caches.to.iter().map(|cache| (cache, DEST)))
    });
    let directories: BTreeSet<&str> = named
        .filter(|(cache, _)| !ignores_error(cache))
        .filter_map(|(cache, attribute)| cache.folder(attribute))
        .collect();
    directories.into_iter().filter_map(obstacle).collect()
}

fn obstacle(directory: &str) -> Option<Obstacle> {
    let root = Path::new(directory);
    if root.exists() && !root.is_dir() {
        return Some(Obstacle {
            message: format!("the cache {directory} is not a directory"),
            help: "use a directory; it is created if it does not exist".to_owned(),
        });
    }
    Layout::new(root).index().err().map(|error| Obstacle {
        message: format!("the cache directory cannot be used: {error}"),
        help: format!("remove {directory} (it is created again), or use another directory"),
    })
}

/// The digest of `cache`, if its directory has it.
fn held(cache: &Cache, index: &Index, layout: &Layout) -> Option<String> {
    let attribute = |name: &str| cache.attributes.get(name).map(String::as_str);
    let digest = match attribute("digest") {
        Some(digest) => digest,
        None => index.find(attribute("tag").unwrap_or(LATEST))?,
    };
    layout.has(digest).then(|| digest.to_owned())
}

fn layout(cache: &Cache, attribute: &str) -> Option<Layout> {
    cache.folder(attribute).map(Layout::new)
}

fn ignores_error(cache: &Cache) -> bool {
    cache.attributes.get("ignore-error").is_some_and(|value| truth(value) == Some(true))
}

fn not_written(error: &impl std::fmt::Display) -> String {
    format!("the cache was not written: {error}")
}
