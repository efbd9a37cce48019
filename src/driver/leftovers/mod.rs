//! Removes what killed runs left on the engine: containers and images of their smoke tests.
//!
//! [`Names`] gives them names that identify their owner. [`beside`] finds those whose owner is gone,
//! while a run does its own work. [`owner`] decides, [`process`] inspects this machine.
//!
//! Only the engine's clock counts: an age is the difference of two of its times.

mod names;
mod owner;
mod process;

use std::cell::Cell;
use std::collections::HashSet;
use std::iter::repeat;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::iter;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::names::{OWNER, REPOSITORY, container_owner, image_owner};
use self::owner::{Fate, Owner};
use crate::buildkit::random_id;
use crate::docker::{ContainerError, Engine};
use crate::image::Reference;
use crate::text::counted;

pub(crate) use self::names::Names;

/// How long the end of a run waits for a removal in progress.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(3);

/// How many containers, and how many images, one run removes. Later runs remove the rest.
const MAX_REMOVALS: usize = 200;
const MAX_CONCURRENT: usize = 4;

/// Another run may be removing the same container and end before it removes the image. Until then
/// neither can be removed here.
const ATTEMPTS: usize = 3;
const RETRY_INTERVAL: Duration = Duration::from_millis(300);

impl Names {
    /// Names that are unique to this run.
    pub(crate) fn new() -> Self {
        Self { owner: process::own(), run: random_id() }
    }
}

/// How much was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    containers: usize,
    images: usize,
}

impl Swept {
    /// A note for the end of a run, or `None` if nothing was removed.
    pub(crate) fn note(self) -> Option<String> {
        let parts = [(self.containers, "container"), (self.images, "image")];
        let parts = parts.into_iter().filter(|(count, _)| *count > 0);
        let parts: Vec<_> = parts.map(|(count, what)| counted(count, what)).collect();
        if parts.is_empty() {
            return None;
        }
        let parts = parts.join(" and ");
        Some(format!(
            "removed {parts} of smoke tests, left on this engine by a run that was killed"
        ))
    }
}

/// Runs `work`, and meanwhile removes what ended runs left on `engine`. A failed removal does not affect
/// this run. Only a removal in progress delays its end.
pub(crate) async fn beside<T>(
    work: impl Future<Output = T>,
    engine: &Engine,
    own: &Names,
    cancel: &CancellationToken,
) -> (T, Swept) {
    let sweep =
        Sweep { engine, own: own.owner, is_found: Cell::new(false), swept: Cell::default() };
    let sweeping = sweep.sweep();
    tokio::pin!(work, sweeping);
    let done = tokio::select! {
        biased;
        done = &mut work => {
            if sweep.is_found.get() {
                let sweeping = timeout(REMOVAL_TIMEOUT, sweeping);
                let _ = cancel.run_until_cancelled(sweeping).await;
            }
            done
        }
        () = &mut sweeping => work.await,
    };
    (done, sweep.swept.get())
}

/// One search for leftovers.
struct Sweep<'a> {
    engine: &'a Engine,
    own: Owner,
    is_found: Cell<bool>,
    swept: Cell<Swept>,
}

impl Sweep<'_> {
    async fn sweep(&self) {
        for attempt in 1..=ATTEMPTS {
            if attempt > 1 {
                sleep(RETRY_INTERVAL).await;
            }
            let is_clean = self.attempt().await;
            let Swept { containers, images } = self.swept.get();
            let error = is_clean.as_ref().err().map(|error| error.is_unanswered);
            let is_clean = is_clean.unwrap_or(false);
            tracing::debug!(target: "leftovers", containers, images, is_clean, unanswered = error, "removed");
            // An engine that does not answer is not asked again.
            if is_clean || error == Some(true) {
                break;
            }
        }
    }

    /// Searches once and removes what it finds. Returns whether all removals succeeded.
    async fn attempt(&self) -> Result<bool, ContainerError> {
        let engine = self.engine;
        let (containers, images) =
            tokio::join!(engine.containers_with(OWNER), engine.images_of(REPOSITORY));
        let uptime = process::uptime();
        let fate = |owner: Owner| owner.fate(&self.own, uptime, process::look);
        let containers = containers?.into_iter().filter_map(|container| {
            let owner = container_owner(&container.names, &container.labels)?;
            Some((container, owner, fate(owner))).filter(|(.., fate)| *fate != Fate::Keep)
        });
        let containers: Vec<_> = containers.collect();
        let images = images?.into_iter().filter_map(|image| {
            let owner = image_owner(&image)?;
            let image: Reference = image.parse().ok()?;
            Some((image, owner, fate(owner))).filter(|(.., fate)| *fate != Fate::Keep)
        });
        let images: Vec<_> = images.collect();
        let fates = containers.iter().map(|(.., fate)| fate).chain(images.iter().map(|(.., f)| f));
        let now = match fates.into_iter().any(|fate| matches!(fate, Fate::Expire(_))) {
            true => engine.clock().await?,
            false => None,
        };
        let removed =
            iter(containers.iter().take(MAX_REMOVALS)).map(async |(container, _, fate)| {
                if !fate.is_removal(age(now, container.created)) {
                    return Removal::NotDue;
                }
                self.is_found.set(true);
                let removed = engine.remove_container(&container.id).await;
                self.count(removed, Swept { containers: 1, images: 0 })
            });
        let removed: Vec<_> = removed.buffered(MAX_CONCURRENT).collect().await;
        let is_clean = !removed.contains(&Removal::Failed);
        // If a container still uses an image, the engine removes only its name and keeps the image.
        let removals = removed.into_iter().chain(repeat(Removal::NotDue));
        let users = containers.iter().zip(removals).filter(|(_, done)| *done != Removal::Done);
        let users: HashSet<Owner> = users.map(|((_, owner, _), _)| *owner).collect();
        let images = images.iter().filter(|(_, owner, _)| !users.contains(owner));
        let removed = iter(images.take(MAX_REMOVALS)).map(async |(image, _, fate)| {
            let tagged = match fate {
                Fate::Expire(_) => engine.last_tagged(image).await.ok().flatten(),
                Fate::Keep | Fate::Remove => None,
            };
            if !fate.is_removal(age(now, tagged)) {
                return Removal::NotDue;
            }
            self.is_found.set(true);
            let removed = engine.remove_image(image).await;
            self.count(removed, Swept { containers: 0, images: 1 })
        });
        let removed: Vec<_> = removed.buffered(MAX_CONCURRENT).collect().await;
        Ok(is_clean && !removed.contains(&Removal::Failed))
    }

    fn count(&self, removed: Result<(), ContainerError>, one: Swept) -> Removal {
        if removed.is_err() {
            return Removal::Failed;
        }
        let Swept { containers, images } = self.swept.get();
        let (containers, images) = (containers + one.containers, images + one.images);
        self.swept.set(Swept { containers, images });
        Removal::Done
    }
}

/// The result for one container or image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removal {
    NotDue,
    Done,
    Failed,
}

/// The difference of two times of one clock, in seconds since 1970.
fn age(now: Option<i64>, since: Option<i64>) -> Option<Duration> {
    let seconds = now?.checked_sub(since?)?;
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
