//! What a run that was killed left on the engine: containers and images of its tests. A later run on
//! that engine removes them.
//!
//! [`Names`] gives all of them names that say whose they are. [`beside`] looks for those whose owner is
//! gone while a run does its own work. [`owner`] decides, [`process`] looks at this machine.
//!
//! Only the engine's own clock counts: an age is the difference of two of its times.

mod names;
mod owner;
mod process;

use std::cell::Cell;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::iter;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::names::{OWNER, REPOSITORY, container_owner, image_owner};
use self::owner::{Fate, Owner};
use crate::buildkit::random_id;
use crate::docker::{ContainerError, Engine};
use crate::image::Reference;

pub(super) use self::names::Names;

/// How long the end of a run may wait for a removal that is under way.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(3);

/// How many are removed in one run; the next ones remove the rest.
const LARGEST: usize = 200;
/// How many of them at the same time.
const AT_ONCE: usize = 4;

impl Names {
    /// Names that only this run has.
    pub(super) fn new() -> Self {
        Self { owner: process::own(), run: random_id() }
    }
}

/// How much was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    containers: usize,
    images: usize,
}

impl Swept {
    /// A note for the end of a run; none where nothing was removed.
    pub fn note(self) -> Option<String> {
        let counted = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            count => Some(format!("{count} {what}s")),
        };
        let parts = [counted(self.containers, "container"), counted(self.images, "image")];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return None;
        }
        let parts = parts.join(" and ");
        Some(format!(
            "removed {parts} of smoke tests, left on this engine by a run that was killed"
        ))
    }
}

/// Does `work`, and meanwhile removes what runs whose process is gone left on `engine`. What fails of
/// that is no concern of this run. Its end waits for a removal that is under way, and for nothing else.
pub(super) async fn beside<T>(
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
        swept = &mut sweeping => {
            if let Err(error) = swept {
                let (missing, unanswered) = (error.is_missing, error.is_unanswered);
                tracing::debug!(target: "leftovers", missing, unanswered, "not looked for");
            }
            work.await
        }
    };
    (done, sweep.swept.get())
}

/// One look for leftovers.
struct Sweep<'a> {
    engine: &'a Engine,
    own: Owner,
    is_found: Cell<bool>,
    swept: Cell<Swept>,
}

impl Sweep<'_> {
    async fn sweep(&self) -> Result<(), ContainerError> {
        let engine = self.engine;
        let (containers, images) =
            tokio::join!(engine.containers_with(OWNER), engine.images_of(REPOSITORY));
        let uptime = process::uptime();
        let fate = |owner: Owner| owner.fate(&self.own, uptime, process::look);
        let containers = containers?.into_iter().filter_map(|container| {
            let fate = fate(container_owner(&container.names, &container.labels)?);
            (fate != Fate::Keep).then_some((container, fate))
        });
        let containers: Vec<_> = containers.take(LARGEST).collect();
        let images = images?.into_iter().filter_map(|image| {
            let fate = fate(image_owner(&image)?);
            (fate != Fate::Keep).then(|| Some((image.parse::<Reference>().ok()?, fate)))?
        });
        let images: Vec<_> = images.take(LARGEST).collect();
        if containers.is_empty() && images.is_empty() {
            return Ok(());
        }
        let ages = containers.iter().map(|(_, fate)| fate).chain(images.iter().map(|(_, f)| f));
        let now = match ages.into_iter().any(|fate| matches!(fate, Fate::Expire(_))) {
            true => engine.clock().await?,
            false => None,
        };
        // Containers first: an image that a container runs cannot be removed.
        let removed = iter(&containers).map(async |(container, fate)| {
            if !fate.is_removal(age(now, container.created)) {
                return false;
            }
            self.is_found.set(true);
            engine.remove_container(&container.id).await.is_ok()
        });
        let removed = removed.buffer_unordered(AT_ONCE);
        let counted = removed.for_each(async |is_removed| {
            let Swept { containers, images } = self.swept.get();
            self.swept.set(Swept { containers: containers + usize::from(is_removed), images });
        });
        counted.await;
        let removed = iter(&images).map(async |(image, fate)| {
            let tagged = match fate {
                Fate::Expire(_) => engine.last_tagged(image).await.ok().flatten(),
                Fate::Keep | Fate::Remove => None,
            };
            if !fate.is_removal(age(now, tagged)) {
                return false;
            }
            self.is_found.set(true);
            engine.remove_image(image).await.is_ok()
        });
        let removed = removed.buffer_unordered(AT_ONCE);
        let counted = removed.for_each(async |is_removed| {
            let Swept { containers, images } = self.swept.get();
            self.swept.set(Swept { containers, images: images + usize::from(is_removed) });
        });
        counted.await;
        let Swept { containers, images } = self.swept.get();
        tracing::debug!(target: "leftovers", containers, images, "removed");
        Ok(())
    }
}

/// The time between two times of one clock, in seconds since 1970.
fn age(now: Option<i64>, since: Option<i64>) -> Option<Duration> {
    let seconds = now?.checked_sub(since?)?;
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_is_said_in_one_note() {
        for (containers, images, wanted) in [
            (0, 0, None),
            (1, 0, Some("removed 1 container of")),
            (0, 2, Some("removed 2 images of")),
            (3, 1, Some("removed 3 containers and 1 image of")),
        ] {
            let note = Swept { containers, images }.note();
            assert_eq!(note.is_some(), wanted.is_some());
            assert!(note.unwrap_or_default().starts_with(wanted.unwrap_or_default()));
        }
    }

    #[test]
    fn an_age_needs_both_times_in_their_order() {
        assert_eq!(age(Some(10), Some(4)), Some(Duration::from_secs(6)));
        for (now, since) in [
            (None, Some(4)),
            (Some(10), None),
            (Some(4), Some(10)),
            (Some(i64::MAX), Some(i64::MIN)),
        ] {
            assert_eq!(age(now, since), None);
        }
    }
}
