//! Tracks steps that wait for a registry, and how long they have made no progress. Pure.
//!
//! BuildKit waits forever for a registry that accepts a request and never answers. Its status of a step
//! changes when bytes of a pull arrive and when parts of a push are done. Steps that do not wait for a
//! registry, such as RUN, have no limit here.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::buildkit::{
    Progress, TransferKind, TransferName, Update, VertexId, VertexKind, VertexName, VertexState,
};
use crate::driver::build::options::SolveOptions;
use crate::event::Wait;
use crate::failure::Phase;
use crate::image::Reference;

/// A step that has waited this long is reported as waiting.
pub(crate) const WAITING_AFTER: Duration = Duration::from_secs(30);

/// How often the report is repeated.
pub(crate) const WAITING_INTERVAL: Duration = Duration::from_secs(60);

/// The running steps of a build.
#[derive(Debug, Default)]
pub(crate) struct Standstill {
    running: BTreeMap<VertexId, Running>,
}

#[derive(Debug)]
struct Running {
    name: VertexName,
    /// Its last change.
    since: Instant,
    transfers: BTreeMap<TransferName, Transfer>,
    /// When to report it as waiting next.
    reported: Instant,
    is_reported: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Transfer {
    current: u64,
    total: u64,
    done: bool,
}

/// A step without progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) vertex: VertexId,
    pub(crate) since: Instant,
    pub(crate) asked: Asked,
}

/// The registry request that a step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) image: Reference,
    pub(crate) phase: Phase,
    /// BuildKit's name for it: `pushing layers`.
    pub(crate) what: String,
    /// The digests to upload. BuildKit does not report the bytes of an upload.
    pub(crate) upload: Upload,
}

/// The content of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Upload {
    /// At most a few KiB.
    Nothing,
    /// Everything that these manifests refer to.
    Manifests(Vec<String>),
    Blobs(Vec<String>),
}

impl Standstill {
    /// Applies a change. Returns whether it ends a wait that was reported.
    pub(crate) fn apply(&mut self, progress: &Progress, now: Instant) -> bool {
        let id = progress.vertex;
        let changed = match &progress.update {
            Update::Vertex { name, state: VertexState::Running } => {
                let started = Running {
                    name: name.clone(),
                    since: now,
                    transfers: BTreeMap::new(),
                    reported: now + WAITING_AFTER,
                    is_reported: false,
                };
                self.running.entry(id).or_insert(started);
                return false;
            }
            Update::Vertex { .. } => {
                return self.running.remove(&id).is_some_and(|r| r.is_reported);
            }
            Update::Transfer { name, current, total, done } => {
                let moved = Transfer { current: *current, total: *total, done: *done };
                let Some(running) = self.running.get_mut(&id) else { return false };
                running.transfers.insert(name.clone(), moved) != Some(moved)
            }
            Update::Line(_) => true,
            Update::Warning { .. } => false,
        };
        let Some(running) = self.running.get_mut(&id).filter(|_| changed) else { return false };
        running.since = now;
        running.reported = now + WAITING_AFTER;
        std::mem::take(&mut running.is_reported)
    }

    /// Restarts all waits at `now`, because earlier changes were processed late.
    pub(crate) fn restart(&mut self, now: Instant) {
        for running in self.running.values_mut() {
            running.since = now;
            running.reported = now + WAITING_AFTER;
        }
    }

    /// The steps that wait for a registry.
    pub(crate) fn waiting(&self, options: &SolveOptions<'_>) -> Vec<Waiting> {
        let waiting = self.running.iter().filter_map(|(vertex, running)| {
            let asked = running.asked(options)?;
            Some(Waiting { vertex: *vertex, since: running.since, asked })
        });
        waiting.collect()
    }

    /// The waits to report now.
    pub(crate) fn reports(
        &mut self,
        options: &SolveOptions<'_>,
        now: Instant,
    ) -> Vec<(VertexId, Wait)> {
        let mut reports = Vec::new();
        for (vertex, running) in &mut self.running {
            if running.reported > now {
                continue;
            }
            running.reported += WAITING_INTERVAL;
            let Some(asked) = running.asked(options) else { continue };
            running.is_reported = true;
            let host = asked.image.repository.host().to_owned();
            let since = now.duration_since(running.since);
            reports.push((*vertex, Wait { host, what: asked.what, since }));
        }
        reports
    }

    /// When the next report is due, if nothing changes until then.
    pub(crate) fn next_report(&self) -> Option<Instant> {
        self.running.values().map(|running| running.reported).min()
    }
}

impl Running {
    /// The transfers that are running.
    fn open(&self) -> impl Iterator<Item = &TransferName> {
        self.transfers.iter().filter(|(_, moved)| !moved.done).map(|(name, _)| name)
    }

    /// The registry request that it waits for now.
    fn asked(&self, options: &SolveOptions<'_>) -> Option<Asked> {
        let text = self.name.text.as_str();
        match &self.name.kind {
            VertexKind::Metadata { image } => pulled(image, text),
            VertexKind::CacheImport { from } => {
                let mut caches = options.caches.from.iter().filter(|c| c.kind == "registry");
                let is_registry = caches.any(|c| c.attributes.get("ref") == Some(from));
                if is_registry { pulled(from, text) } else { None }
            }
            VertexKind::Image { image, .. } => {
                // Unpacking is the engine's work, and may take long for a large layer.
                if self.open().any(|name| name.kind == TransferKind::Extract) {
                    return None;
                }
                let what = self.open().find(|name| name.kind == TransferKind::Download)?;
                pulled(image, &what.text)
            }
            VertexKind::CacheExport { is_registry: true } => self.cached(options),
            VertexKind::Output if options.delivery.output.is_push() => self.pushed(options),
            _ => None,
        }
    }

    /// The part of a cache upload that is running.
    fn cached(&self, options: &SolveOptions<'_>) -> Option<Asked> {
        let cache = options.caches.to.iter().find(|cache| cache.kind == "registry")?;
        let image = cache.attributes.get("ref")?.parse().ok()?;
        let is_part = |name: &&TransferName| {
            matches!(name.kind, TransferKind::CacheLayer { .. } | TransferKind::CachePart)
        };
        let what = self.open().find(is_part)?.text.clone();
        let layers = self.open().filter_map(|name| match &name.kind {
            TransferKind::CacheLayer { digest } => Some(digest.clone()),
            _ => None,
        });
        let upload = Upload::Blobs(layers.collect());
        Some(Asked { image, phase: Phase::Push, what, upload })
    }

    /// The part of a push that is running.
    fn pushed(&self, options: &SolveOptions<'_>) -> Option<Asked> {
        let image = |name: &TransferName| match &name.kind {
            TransferKind::PushManifest { reference } => reference.parse().ok().map(without_digest),
            _ => None,
        };
        if let Some(image) = self.open().find_map(image) {
            let (phase, what) = (Phase::Push, "pushing the manifest".to_owned());
            return Some(Asked { image, phase, what, upload: Upload::Nothing });
        }
        let layers = self.open().find(|name| name.kind == TransferKind::PushLayers)?;
        // BuildKit pushes one reference after the other, in the order of the request.
        let done: Vec<Reference> = self.transfers.keys().filter_map(image).collect();
        let next =
            options.delivery.references.iter().find(|reference| !done.contains(reference))?;
        let manifests = self.transfers.keys().filter_map(|name| match &name.kind {
            TransferKind::Manifest { digest } => Some(digest.clone()),
            _ => None,
        });
        Some(Asked {
            image: next.clone(),
            phase: Phase::Push,
            what: layers.text.clone(),
            upload: Upload::Manifests(manifests.collect()),
        })
    }
}

/// A read of `image` from its registry.
fn pulled(image: &str, what: &str) -> Option<Asked> {
    let image = without_digest(image.parse().ok()?);
    let (phase, what) = (Phase::Pull, what.to_owned());
    Some(Asked { image, phase, what, upload: Upload::Nothing })
}

/// Without a digest that BuildKit added to a tag.
fn without_digest(image: Reference) -> Reference {
    let digest = image.digest.clone().filter(|_| image.tag.is_none());
    Reference { digest, ..image }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::samples;
    use crate::input::{Cache, Caches};
    use crate::plan::{BuildRequest, Delivery, Output, Policy};

    fn pushing() -> BuildRequest {
        let references = ["r.example/a:v1", "s.example/a:v1"].map(|name| name.parse().unwrap());
        let cache = Cache::parse("type=registry,ref=c.example/cache:1").unwrap();
        BuildRequest {
            delivery: Delivery { references: references.into(), output: Output::Push },
            policy: Policy {
                caches: Caches { from: cache.clone(), to: cache },
                ..Policy::default()
            },
            ..samples::request()
        }
    }

    fn running(standstill: &mut Standstill, id: u32, name: &str, now: Instant) {
        let name = VertexName::parse(name);
        let update = Update::Vertex { name, state: VertexState::Running };
        standstill.apply(&Progress { vertex: VertexId(id), digest: String::new(), update }, now);
    }

    fn moves(
        standstill: &mut Standstill,
        id: u32,
        name: &str,
        moved: (u64, bool),
        now: Instant,
    ) -> bool {
        let (current, done) = moved;
        let update = Update::Transfer { name: TransferName::parse(name), current, total: 0, done };
        standstill.apply(&Progress { vertex: VertexId(id), digest: String::new(), update }, now)
    }

    /// The image and the phase of the wait.
    fn waits(name: &str, open: &[&str], done: &[&str]) -> Option<String> {
        let (now, mut standstill) = (Instant::now(), Standstill::default());
        running(&mut standstill, 1, name, now);
        let all = [(open, false), (done, true)];
        for (name, is_done) in
            all.iter().flat_map(|(names, done)| names.iter().map(|n| (*n, *done)))
        {
            moves(&mut standstill, 1, name, (0, is_done), now);
        }
        let waiting = standstill.waiting(&SolveOptions::of(&pushing())).pop()?;
        Some(format!("{} {:?}", waiting.asked.image, waiting.asked.phase))
    }

    #[test]
    fn the_name_and_transfers_of_a_step_show_which_registry_it_waits_for() {
        let digest = "sha256:aa";
        let manifest = format!("pushing manifest for r.example/a:v1@sha256:{}", "a".repeat(64));
        let pushed = ["exporting layers", "exporting manifest sha256:aa", &manifest];
        let export = "exporting to image";
        for (name, open, done, expected) in [
            ("[internal] load metadata for q.example/b:1", &[][..], &[][..], "q.example/b:1 Pull"),
            (
                "[linux/amd64 internal] load metadata for q.example/b:1",
                &[],
                &[],
                "q.example/b:1 Pull",
            ),
            ("[context x] load metadata for q.example/b:1", &[], &[], "q.example/b:1 Pull"),
            (
                "resolve image config for docker-image://q.example/dockerfile:1",
                &[],
                &[],
                "q.example/dockerfile:1 Pull",
            ),
            (
                "docker-image://q.example/dockerfile:1",
                &[digest],
                &[],
                "q.example/dockerfile:1 Pull",
            ),
            ("[1/2] FROM q.example/b:1", &[digest], &[], "q.example/b:1 Pull"),
            ("[1/2] FROM q.example/b:1", &["resolve q.example/b:1"], &[], "q.example/b:1 Pull"),
            ("[1/2] FROM q.example/b:1", &[digest, "extracting sha256:bb"], &[], ""),
            ("[1/2] FROM q.example/b:1", &[], &[digest], ""),
            ("[2/2] RUN sleep 600", &[], &[], ""),
            ("[2/2] RUN echo load metadata for q.example/b:1", &[], &[], ""),
            ("[2/2] ADD https://q.example/file /", &[], &[], ""),
            (export, &["exporting layers"], &[], ""),
            (export, &["unpacking to r.example/a:v1"], &[], ""),
            (export, &["pushing layers"], &["exporting layers"], "r.example/a:v1 Push"),
            (export, &[&manifest], &["pushing layers"], "r.example/a:v1 Push"),
            (export, &["pushing layers"], &pushed, "s.example/a:v1 Push"),
            ("exporting cache to registry", &["preparing build cache for export"], &[], ""),
            (
                "exporting cache to registry",
                &["preparing build cache for export", "writing layer sha256:aa"],
                &[],
                "c.example/cache:1 Push",
            ),
            ("importing cache manifest from c.example/cache:1", &[], &[], "c.example/cache:1 Pull"),
            ("importing cache manifest from gha:123", &[], &[], ""),
        ] {
            assert_eq!(waits(name, open, done).unwrap_or_default(), expected, "{name} {open:?}");
        }
    }

    #[test]
    fn only_progress_of_the_step_itself_counts() {
        let (start, mut standstill) = (Instant::now(), Standstill::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        running(&mut standstill, 1, "[1/2] FROM q.example/b:1", start);
        running(&mut standstill, 2, "[2/2] RUN a", start);
        moves(&mut standstill, 1, "sha256:aa", (5, false), at(1));
        // Another step, and the same number of bytes again.
        moves(&mut standstill, 2, "sha256:cc", (7, false), at(20));
        moves(&mut standstill, 1, "sha256:aa", (5, false), at(21));
        let since =
            |standstill: &Standstill| standstill.waiting(&SolveOptions::of(&pushing()))[0].since;
        assert_eq!(since(&standstill), at(1));
        moves(&mut standstill, 1, "sha256:aa", (6, false), at(22));
        assert_eq!(since(&standstill), at(22));
    }

    #[test]
    fn a_wait_is_reported_after_30_s_then_each_minute_and_its_end_is_reported() {
        let (start, mut standstill) = (Instant::now(), Standstill::default());
        let at = |seconds| start + Duration::from_secs(seconds);
        running(&mut standstill, 1, "[internal] load metadata for q.example/b:1", start);
        let mut reported = Vec::new();
        for second in 0..200 {
            for (_, wait) in standstill.reports(&SolveOptions::of(&pushing()), at(second)) {
                reported.push((second, wait.host, wait.since.as_secs()));
            }
        }
        let report = |second| (second, "q.example".to_owned(), second);
        assert_eq!(reported, [report(30), report(90), report(150)]);
        assert!(moves(&mut standstill, 1, "sha256:aa", (1, false), at(200)));
        assert!(!moves(&mut standstill, 1, "sha256:aa", (2, false), at(201)));
        assert_eq!(standstill.next_report(), Some(at(231)));
    }
}
