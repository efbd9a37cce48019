//! When a step that waits for a registry is given up.
//!
//! BuildKit reports the bytes of a download as they arrive, and of an upload only that it is under way.
//! So an upload has the time that its size takes on a slow line, in addition. BuildKit also sends only a
//! few requests to one host at a time: a step may wait for what other cells transfer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::standstill::{Asked, Upload, Waiting};
use crate::buildkit::Client;
use crate::cell_name::CellName;
use crate::failure::{Failure, Kind, Phase, RegistryFault, Request};
use crate::image::Reference;

/// How long a step that waits for a registry may stand still.
pub const REGISTRY_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Bytes in a second: the slowest upload that is not given up.
const SLOWEST_UPLOAD: u64 = 256 << 10;

/// The assumed size of an upload whose size is not known.
const UNKNOWN_SIZE: u64 = 1 << 30;

/// How long the engine may take for the answer.
const SIZE_TIMEOUT: Duration = Duration::from_secs(5);

/// How many times as long a download may stand still while other cells load from the same host.
const SHARED_HOST: u32 = 4;

/// The limit of a run, shared by its cells.
#[derive(Debug)]
pub(crate) struct RegistryLimit {
    pub(crate) timeout: Duration,
    traffic: Mutex<Traffic>,
}

#[derive(Debug, Default)]
struct Traffic {
    /// What is being uploaded, by cell.
    uploads: HashMap<CellName, (String, Upload)>,
    /// When something last arrived, by host.
    downloads: HashMap<String, Instant>,
}

/// A step that was given up.
#[derive(Debug)]
pub(crate) struct GivenUp {
    pub(crate) image: Reference,
    pub(crate) phase: Phase,
    pub(crate) after: Duration,
}

impl RegistryLimit {
    pub(crate) fn new(timeout: Duration) -> Arc<Self> {
        Arc::new(Self { timeout, traffic: Mutex::default() })
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what `cell` transfers now.
    pub(crate) fn transfers(&self, cell: &CellName, waiting: &[Waiting], now: Instant) {
        let mut traffic = self.traffic();
        let mut upload = None;
        for Waiting { since, asked, .. } in waiting {
            let host = asked.image.repository.host();
            match asked.phase {
                Phase::Push => upload = Some((host.to_owned(), asked.upload.clone())),
                _ if *since == now => drop(traffic.downloads.insert(host.to_owned(), now)),
                _ => {}
            }
        }
        match upload {
            Some(upload) => drop(traffic.uploads.insert(cell.clone(), upload)),
            None => drop(traffic.uploads.remove(cell)),
        }
    }

    /// How long this step may stand still.
    pub(crate) async fn allowed(&self, client: &Client, waiting: &Waiting) -> Duration {
        let Asked { image, phase, .. } = &waiting.asked;
        let host = image.repository.host();
        if *phase != Phase::Push {
            let last = self.traffic().downloads.get(host).copied();
            let is_shared =
                last.is_some_and(|last| last > waiting.since && last.elapsed() < self.timeout);
            return if is_shared { self.timeout * SHARED_HOST } else { self.timeout };
        }
        let uploads: Vec<Upload> = {
            let traffic = self.traffic();
            let to_host = traffic.uploads.values().filter(|(to, _)| to == host);
            to_host.map(|(_, upload)| upload.clone()).collect()
        };
        let bytes = size(client, &uploads).await;
        self.timeout + Duration::from_secs(bytes / SLOWEST_UPLOAD)
    }
}

/// The bytes of all uploads.
async fn size(client: &Client, uploads: &[Upload]) -> u64 {
    let mut all = 0_u64;
    let asking = async {
        for upload in uploads {
            match upload {
                Upload::Nothing => {}
                Upload::Manifests(digests) if digests.is_empty() => all += UNKNOWN_SIZE,
                Upload::Manifests(digests) => {
                    for digest in digests {
                        all += client.image_size(digest).await.unwrap_or(UNKNOWN_SIZE);
                    }
                }
                Upload::Blobs(digests) => {
                    for digest in digests {
                        all += client.blob_size(digest).await.unwrap_or(UNKNOWN_SIZE);
                    }
                }
            }
        }
    };
    match timeout(SIZE_TIMEOUT, asking).await {
        Ok(()) => all,
        Err(_) => all.max(UNKNOWN_SIZE),
    }
}

impl GivenUp {
    /// As the failure of its cell.
    pub(crate) fn failure(self) -> Failure {
        let Self { image, phase, after } = self;
        let fault = RegistryFault::Silent { after };
        let host = image.repository.host().to_owned();
        let request = Request { host: &host, phase, image: &image, by_engine: true };
        let (message, help) = (fault.sentence(&request), fault.help(&request));
        Failure {
            phase,
            message,
            help,
            kind: Kind::Registry { image, fault },
            ..Failure::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_was_given_up_names_the_host_and_what_failed_by_it() {
        for (phase, start) in [(Phase::Push, "push failed: timed out"), (Phase::Pull, "timed out")]
        {
            let image: Reference = "r.example:5000/a:1".parse().unwrap();
            let given_up = GivenUp { image, phase, after: Duration::from_secs(300) };
            let failure = given_up.failure();
            let message = format!("{start}: r.example:5000 did not answer for 300 s");
            assert_eq!((failure.message.as_str(), failure.phase), (message.as_str(), phase));
            assert!(failure.is_temporary() && failure.help.is_some());
        }
    }
}
