//! Caches of `type=local`: folders of this machine, in BuildKit's reach while a cell is built.
//!
//! All cells may share one folder. Each has a tag of its own there; what is the same for several is
//! kept once.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde_json::Value;
use thiserror::Error;

use crate::buildkit::session::content::{Content, Disk, Index, Layout, LayoutError, Offer};
use crate::buildkit::session::fault::Fault;
use crate::input::Cache;
use crate::plan::BuildRequest;

use super::go_bool::is_true;
use crate::driver::obstacle::Obstacle;

/// What a cache is called where nothing else is said, as `docker buildx` has it.
const LATEST: &str = "latest";

/// The attributes that name folders.
const SRC: &str = "src";
const DEST: &str = "dest";

/// The caches of one build as BuildKit is to name them. Folders are offered until this is dropped.
#[derive(Default)]
pub(crate) struct CacheFolders {
    pub(crate) from: Vec<Cache>,
    pub(crate) to: Vec<Cache>,
    reading: Vec<Offer>,
    writing: Vec<Written>,
    disk: Disk,
}

/// A folder that BuildKit writes to.
struct Written {
    offer: Offer,
    tag: String,
    forgiving: bool,
}

/// Why the cache of a build was not written.
#[derive(Debug, Error)]
pub(crate) enum CacheFolderError {
    #[error("the cache in a directory: {0}")]
    Layout(#[from] LayoutError),
    #[error("{0}")]
    Broken(Fault),
    #[error("{0}")]
    Crashed(String),
    #[error(
        "the cache in {0} has no name: BuildKit tells of one cache only, and several were written"
    )]
    Unnamed(String),
}

impl CacheFolders {
    /// Offers the folders of `request`. With them comes what went wrong and stops nothing.
    pub(crate) async fn offer(
        request: &BuildRequest,
        content: &Content,
    ) -> Result<(Self, Vec<String>), CacheFolderError> {
        let (from, to) = (request.policy.caches.from.clone(), request.policy.caches.to.clone());
        let (content, disk) = (content.clone(), content.disk().clone());
        let offer = move || {
            let mut all = Self { disk: content.disk().clone(), ..Self::default() };
            let mut trouble = Vec::new();
            for cache in from {
                let Some(layout) = layout(&cache, SRC) else {
                    all.from.push(cache);
                    continue;
                };
                match layout.index() {
                    Ok(index) => all.take_from(&cache, &index, content.read(layout)),
                    Err(error) => trouble.push(format!("nothing is taken from a cache: {error}")),
                }
            }
            for cache in to {
                let Some(layout) = layout(&cache, DEST) else {
                    all.to.push(cache);
                    continue;
                };
                match layout.create() {
                    Ok(()) => all.write_to(&cache, content.write(layout)),
                    Err(error) if is_forgiving(&cache) => trouble.push(not_written(&error)),
                    Err(error) => return Err(error.into()),
                }
            }
            Ok((all, trouble))
        };
        disk.work(offer).await.map_err(CacheFolderError::Crashed)?
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
        self.writing.push(Written { offer, tag, forgiving: is_forgiving(cache) });
    }

    /// What went wrong in a directory, if the solve failed by that. BuildKit goes on without a cache
    /// that it may do without, and says in `message` what it could not do without.
    pub(crate) fn fault(&self, message: &str) -> Option<Fault> {
        let needed = self.writing.iter().filter(|written| !written.forgiving);
        if let Some(fault) = needed.filter_map(|written| written.offer.fault()).next() {
            return Some(fault);
        }
        let offers = self.writing.iter().map(|written| &written.offer).chain(&self.reading);
        offers.filter_map(Offer::fault).find(|fault| message.contains(&fault.to_string()))
    }

    /// Says that the solve ended well, and names what it wrote: `manifest` is what BuildKit tells
    /// of it. Gives what went wrong and is forgiven.
    pub(crate) async fn commit(
        self,
        manifest: Option<String>,
    ) -> Result<Vec<String>, CacheFolderError> {
        if self.writing.is_empty() {
            return Ok(Vec::new());
        }
        let disk = self.disk.clone();
        let commit = move || {
            let manifest: Option<Value> =
                manifest.and_then(|text| serde_json::from_str(&text).ok());
            let mut forgiven = Vec::new();
            for written in self.writing {
                match written.commit(manifest.as_ref()) {
                    Err(error) if written.forgiving => forgiven.push(not_written(&error)),
                    done => done?,
                }
            }
            Ok(forgiven)
        };
        disk.work(commit).await.map_err(CacheFolderError::Crashed)?
    }
}

impl Written {
    fn commit(&self, manifest: Option<&Value>) -> Result<(), CacheFolderError> {
        let layout = self.offer.layout();
        let named = |manifest: &&Value| {
            manifest["digest"].as_str().is_some_and(|digest| layout.has(digest))
        };
        match (manifest.filter(named), manifest, self.offer.fault()) {
            (Some(manifest), ..) => Ok(layout.put(manifest, &self.tag)?),
            (None, _, Some(fault)) => Err(CacheFolderError::Broken(fault)),
            (None, Some(_), None) => {
                Err(CacheFolderError::Unnamed(layout.root().display().to_string()))
            }
            // A build without any step that could be cached.
            (None, None, None) => Ok(()),
        }
    }
}

/// Takes out of `requests` what is to be taken from folders that hold nothing of it yet, as it is at
/// the first run; gives a note for each folder.
pub(crate) fn leave_out_empty(requests: &mut [BuildRequest]) -> Vec<String> {
    let mut indexes: HashMap<String, Option<Index>> = HashMap::new();
    let mut waiting: Vec<(String, Vec<String>)> = Vec::new();
    for request in requests {
        let cell = &request.cell;
        request.policy.caches.from.retain(|cache| {
            let Some(layout) = layout(cache, SRC) else { return true };
            let folder = layout.root().display().to_string();
            let index = indexes.entry(folder.clone()).or_insert_with(|| layout.index().ok());
            // What cannot be read is an obstacle, not a first run.
            let Some(index) = index else { return true };
            let is_held = held(cache, index, &layout).is_some();
            if !is_held {
                match waiting.iter_mut().find(|(known, _)| *known == folder) {
                    Some((_, cells)) => cells.push(cell.to_string()),
                    None => waiting.push((folder, vec![cell.to_string()])),
                }
            }
            is_held
        });
    }
    let note = |(folder, cells): (String, Vec<String>)| match &cells[..] {
        [one] => format!("the cache in {folder} has nothing of {one} yet"),
        several => format!("the cache in {folder} has nothing of {} cells yet", several.len()),
    };
    waiting.into_iter().map(note).collect()
}

/// What is wrong with the folders of `requests`; one that is forgiven is not looked at.
pub(crate) fn obstacles(requests: &[BuildRequest]) -> Vec<Obstacle> {
    let named = requests.iter().flat_map(|request| {
        let from = request.policy.caches.from.iter().map(|cache| (cache, SRC));
        from.chain(request.policy.caches.to.iter().map(|cache| (cache, DEST)))
    });
    let folders: BTreeSet<&str> = named
        .filter(|(cache, _)| !is_forgiving(cache))
        .filter_map(|(cache, place)| cache.folder(place))
        .collect();
    folders.into_iter().filter_map(obstacle).collect()
}

fn obstacle(folder: &str) -> Option<Obstacle> {
    let root = Path::new(folder);
    if root.exists() && !root.is_dir() {
        return Some(Obstacle {
            message: format!("the cache {folder} is no folder"),
            help: "name a folder; one that is not there is made".to_owned(),
        });
    }
    Layout::new(root).index().err().map(|error| Obstacle {
        message: format!("the cache in a folder cannot be used: {error}"),
        help: format!("remove {folder}, and it is made anew, or name another"),
    })
}

/// The digest of `cache` where its folder holds it.
fn held(cache: &Cache, index: &Index, layout: &Layout) -> Option<String> {
    let attribute = |name: &str| cache.attributes.get(name).map(String::as_str);
    let digest = match attribute("digest") {
        Some(digest) => digest,
        None => index.find(attribute("tag").unwrap_or(LATEST))?,
    };
    layout.has(digest).then(|| digest.to_owned())
}

fn layout(cache: &Cache, place: &str) -> Option<Layout> {
    cache.folder(place).map(Layout::new)
}

fn is_forgiving(cache: &Cache) -> bool {
    cache.attributes.get("ignore-error").is_some_and(|value| is_true(value))
}

fn not_written(error: &impl std::fmt::Display) -> String {
    format!("the cache was not written: {error}")
}
