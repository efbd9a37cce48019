//! Where the results of a cell's builds go: BuildKit sends files and archives over the session.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::buildkit::session::fault::Fault;
use crate::buildkit::session::filesend::{FileSend, Results};
use crate::cell_name::CellName;
use crate::failure::Kind;
use crate::image::Reference;
use crate::node::Store;
use crate::outcome::{Built, Failure};
use crate::schedule::Events;

use super::failure::{failed, output_not_written};
use super::loading::Loading;
use crate::driver::sessions::{Open, Own};
use crate::driver::stalled::waiting::{WaitingFor, report_wait};

/// The session of the builds of a cell.
pub(crate) enum BuildSession {
    /// Shared by all cells with the same needs. It does not transfer results.
    Shared(Arc<Open>),
    /// For one cell. It transfers the results of its builds, one after the other.
    Own(Own, Results),
}

impl BuildSession {
    pub(crate) fn session(&self) -> &Open {
        match self {
            Self::Shared(session) | Self::Own(Own(session), _) => session,
        }
    }

    /// The next build in this session has this destination.
    pub(crate) fn expect(&self, destination: &Destination) {
        if let (Self::Own(_, results), Some(target)) = (self, destination.target()) {
            results.expect(target);
        }
    }
}

/// A solve that succeeded.
pub(crate) struct Exported {
    pub(crate) built: Built,
    /// The digest of the image's configuration; `None` if there are several platforms.
    pub(crate) config: Option<String>,
}

/// Where the result of one solve goes.
pub(crate) enum Destination {
    /// BuildKit writes it itself, if at all.
    Elsewhere,
    /// Files on this machine.
    File(FileSend),
    /// The store of a Docker Engine that BuildKit is not part of.
    Engine { loading: Box<Loading>, store: Store },
}

impl Destination {
    fn target(&self) -> Option<&FileSend> {
        match self {
            Self::Elsewhere => None,
            Self::File(target) => Some(target),
            Self::Engine { loading, .. } => Some(loading.target()),
        }
    }

    /// Removes a partly written result.
    pub(crate) fn cancelled(&self) {
        if let Some(target) = self.target() {
            target.discard();
        }
    }

    /// Moves the result to its destination, or removes it after a failure. `None` if it was cancelled before
    /// an engine had loaded all of it.
    pub(crate) async fn ended(
        self,
        exported: Result<Exported, Box<Failure>>,
        references: &[Reference],
        (cell, events): (&CellName, &Events),
        cancel: &CancellationToken,
    ) -> Option<Result<Built, Box<Failure>>> {
        Some(match (self, exported) {
            (Self::Elsewhere, exported) => exported.map(|exported| exported.built),
            (Self::File(target), exported) => written(target, exported).await,
            (Self::Engine { loading, store }, Ok(Exported { built, config })) => {
                let digest = built.digest.as_ref().map(ToString::to_string);
                let id = match store {
                    Store::Docker => config,
                    Store::Containerd | Store::None => digest,
                };
                let waiting = WaitingFor::engine(cell, "loading the image");
                let loading = loading.finish(references, id.as_deref());
                let loading = report_wait(Some(events), waiting, loading);
                let loaded = cancel.run_until_cancelled(loading).await?;
                let pushed = built.pushed.clone();
                loaded.map(|()| built).map_err(|failure| Box::new(Failure { pushed, ..*failure }))
            }
            (Self::Engine { loading, .. }, Err(failure)) => {
                Err(loading.failed().await.unwrap_or(failure))
            }
        })
    }
}

async fn written(
    target: FileSend,
    exported: Result<Exported, Box<Failure>>,
) -> Result<Built, Box<Failure>> {
    match exported {
        Ok(Exported { built, .. }) => {
            let commit = tokio::task::spawn_blocking(move || target.commit());
            commit.await.map_err(|crash| failed(Kind::Bug, crash))??;
            Ok(built)
        }
        Err(failure) => {
            let fault = target.fault();
            target.discard();
            Err(match fault {
                // BuildKit knows only that the transfer failed.
                Some(Fault::Here(fault)) => Box::new(output_not_written(&fault)),
                Some(Fault::There(_)) | None => failure,
            })
        }
    }
}
