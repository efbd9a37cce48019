//! When a step that waits for a registry times out.
//!
//! BuildKit reports the bytes of a download as they arrive, but of an upload only that it is running. So
//! an upload gets extra time for its size on a slow line. BuildKit also sends only a few requests to one
//! host at a time: a step may have to wait for the transfers of other cells.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::standstill::{Asked, Upload, Waiting};
use crate::buildkit::Client;
use crate::cell_name::CellName;
use crate::failure::{Failure, Kind, Phase, RegistryFault, Request};
use crate::image::Reference;

/// How long a step that waits for a registry may make no progress.
pub const REGISTRY_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// Bytes per second of the slowest upload that does not time out.
const SLOWEST_UPLOAD: u64 = 256 << 10;

/// The assumed size of an upload of unknown size.
const UNKNOWN_SIZE: u64 = 1 << 30;

/// How long the engine may take to report the sizes.
const SIZE_TIMEOUT: Duration = Duration::from_secs(5);

/// The factor on the timeout of a download while other cells download from the same host.
const SHARED_HOST: u32 = 4;

/// The timeout of a run, shared by its cells.
#[derive(Debug)]
pub(crate) struct RegistryLimit {
    pub(crate) timeout: Duration,
    traffic: Mutex<Traffic>,
}

#[derive(Debug, Default)]
struct Traffic {
    /// The current uploads, by cell.
    uploads: HashMap<CellName, (String, Upload)>,
    /// When the last bytes arrived, by host.
    downloads: HashMap<String, Instant>,
}

/// A step that timed out.
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

    /// Records the current transfers of `cell`.
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

    /// How long this step may make no progress.
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
    fn a_timeout_names_the_host_and_the_phase() {
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
