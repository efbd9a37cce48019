//! Loads an image into a Docker Engine while BuildKit exports it.
//!
//! The archive passes through memory in pieces; nothing is written to a disk of this machine. BuildKit ends
//! the archive in the same way if its export fails half-way. So the last piece, which has the end mark of
//! the archive, waits until the solve has succeeded: an image is in the store completely or not at all.

use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::buildkit::session::filesend::FileSend;
use crate::docker::{ContainerError, Engine};
use crate::driver::classify::{FREE_ENGINE, is_disk_full};
use crate::failure::Kind;
use crate::image::Reference;
use crate::outcome::Failure;

use super::failure::{SILENT, failed};

/// How long the engine may take to read one piece of the archive.
const PIECE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// How long the engine may take after the last piece: it also unpacks the layers.
const UNPACK_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// How long the engine may take to describe the image.
const INSPECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a request that was ended may take to say why.
const ENDED_TIMEOUT: Duration = Duration::from_secs(1);

/// Pieces of the archive that wait for the engine.
const PIECES: usize = 4;

/// An image on its way into the store of a Docker Engine. Dropping it ends the request.
pub(crate) struct Loading {
    target: FileSend,
    engine: Engine,
    /// Sends the last piece.
    complete: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), NotLoaded>>,
}

/// Why an image was not loaded.
enum NotLoaded {
    /// The build failed first.
    Incomplete,
    /// The engine refused it.
    Refused(ContainerError),
    /// The engine stopped reading, or did not finish.
    TooLong { what: &'static str, limit: Duration },
}

/// A piece of the archive for the engine.
enum Piece {
    Data(Bytes),
    End,
}

/// The archive as BuildKit sends it.
struct Archive(mpsc::Sender<Bytes>);

impl Write for Archive {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Bytes::copy_from_slice(data));
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the engine stopped reading"))?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Loading {
    /// Waits for an archive, and loads it into `engine`.
    pub(crate) fn new(engine: &Engine) -> Self {
        let (archive, pieces) = mpsc::channel(PIECES);
        let (complete, is_complete) = oneshot::channel();
        let task = tokio::spawn(load(engine.clone(), pieces, is_complete));
        let target = FileSend::to_writer(Archive(archive));
        Self { target, engine: engine.clone(), complete: Some(complete), task }
    }

    /// Where BuildKit sends the archive.
    pub(crate) fn target(&self) -> &FileSend {
        &self.target
    }

    /// Call this after the solve has succeeded: ends the archive, and checks that each of `references` is now
    /// the image with this `id`.
    pub(crate) async fn finish(
        mut self,
        references: &[Reference],
        id: Option<&str>,
    ) -> Result<(), Box<Failure>> {
        self.target.commit()?;
        if let Some(complete) = self.complete.take() {
            // The task may have failed.
            let _ = complete.send(());
        }
        match (&mut self.task).await {
            Ok(loaded) => loaded.map_err(|error| self.failure(error))?,
            Err(crash) => return Err(failed(Kind::Bug, crash)),
        }
        for reference in references {
            let found = timeout(INSPECT_TIMEOUT, self.engine.image_id(reference)).await;
            let late = NotLoaded::TooLong { what: "describe the image", limit: INSPECT_TIMEOUT };
            let found = found.map_err(|_| self.failure(late))?;
            let found = found.map_err(|error| self.failure(NotLoaded::Refused(error)))?;
            if id.is_some_and(|id| id != found) {
                return Err(self.other(reference, &found, id.unwrap_or_default()));
            }
        }
        Ok(())
    }

    /// Call this after the solve has failed: the failure if the engine caused it.
    pub(crate) async fn failed(mut self) -> Option<Box<Failure>> {
        self.target.discard();
        self.complete = None;
        match timeout(ENDED_TIMEOUT, &mut self.task).await {
            Ok(Ok(Err(NotLoaded::Incomplete) | Ok(()))) | Err(_) => None,
            Ok(Ok(Err(error))) => Some(self.failure(error)),
            Ok(Err(crash)) => Some(failed(Kind::Bug, crash)),
        }
    }

    fn failure(&self, error: NotLoaded) -> Box<Failure> {
        let engine = self.engine.endpoint();
        let failure = Failure::default();
        Box::new(match error {
            NotLoaded::Incomplete => Failure {
                kind: Kind::Bug,
                message: "the archive of the image ended early".to_owned(),
                ..failure
            },
            NotLoaded::TooLong { what, limit } => Failure {
                kind: Kind::TimedOut,
                message: format!(
                    "timed out: the Docker Engine at {engine} did not {what} within {} s",
                    limit.as_secs()
                ),
                help: Some(SILENT.to_owned()),
                ..failure
            },
            NotLoaded::Refused(error) if is_disk_full(&error.message) => Failure {
                kind: Kind::EngineDiskFull,
                message: format!("the disk of the Docker Engine at {engine} is full"),
                verbatim: Some(error.message),
                help: Some(FREE_ENGINE.to_owned()),
                ..failure
            },
            NotLoaded::Refused(error) => Failure {
                kind: match error.is_unanswered || error.is_lost {
                    true => Kind::EngineLost,
                    false => Kind::Unknown,
                },
                message: format!("the Docker Engine at {engine} did not load the image"),
                verbatim: Some(error.message),
                help: Some("check that engine's log, or write an archive with --output".to_owned()),
                ..failure
            },
        })
    }

    fn other(&self, reference: &Reference, found: &str, built: &str) -> Box<Failure> {
        let engine = self.engine.endpoint();
        Box::new(Failure {
            message: format!(
                "{reference} in the Docker Engine at {engine} is not the image that was built: {found} \
                 instead of {built}"
            ),
            help: Some("another build may use the same tag: build again".to_owned()),
            ..Failure::default()
        })
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Loads the archive in `pieces`. Sends its last piece when `is_complete`.
async fn load(
    engine: Engine,
    mut pieces: mpsc::Receiver<Bytes>,
    is_complete: oneshot::Receiver<()>,
) -> Result<(), NotLoaded> {
    let mut last = pieces.recv().await.ok_or(NotLoaded::Incomplete)?;
    let (body, received) = mpsc::channel(1);
    let mut loading = std::pin::pin!(engine.load(archive(received)));
    let feeding = async {
        while let Some(next) = pieces.recv().await {
            feed(&body, Piece::Data(std::mem::replace(&mut last, next))).await?;
        }
        is_complete.await.map_err(|_| NotLoaded::Incomplete)?;
        feed(&body, Piece::Data(last)).await?;
        feed(&body, Piece::End).await
    };
    tokio::select! {
        // The engine may refuse the archive before it has all of it.
        loaded = &mut loading => return loaded.map_err(NotLoaded::Refused),
        fed = feeding => fed?,
    }
    let late = NotLoaded::TooLong { what: "finish loading the image", limit: UNPACK_TIMEOUT };
    let loaded = timeout(UNPACK_TIMEOUT, loading).await.map_err(|_| late)?;
    loaded.map_err(NotLoaded::Refused)
}

async fn feed(body: &mpsc::Sender<Piece>, piece: Piece) -> Result<(), NotLoaded> {
    match timeout(PIECE_TIMEOUT, body.send(piece)).await {
        Ok(Ok(())) => Ok(()),
        // The request has ended, and says why.
        Ok(Err(_)) => std::future::pending().await,
        Err(_) => Err(NotLoaded::TooLong { what: "read the image", limit: PIECE_TIMEOUT }),
    }
}

/// The body of the request. Without an end it breaks the request off.
fn archive(received: mpsc::Receiver<Piece>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::unfold(Some(received), |received| async {
        let mut received = received?;
        match received.recv().await {
            Some(Piece::Data(data)) => Some((Ok(data), Some(received))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the build failed")), None)),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{UnixListener, UnixStream};

    use super::*;
    use crate::docker::{Candidate, Endpoint};

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                      content-length: 22\r\nconnection: close\r\n\r\n{\"ApiVersion\": \"1.48\"}";

    /// What the engine has received of a request, and whether that was all.
    type Received = mpsc::UnboundedReceiver<(String, bool)>;

    /// An engine in `directory` that answers with `answer` when a request for an archive contains `after`.
    async fn engine(
        directory: &Path,
        after: &'static str,
        answer: &'static str,
    ) -> (Engine, Received) {
        let path = directory.join("engine.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let (received, archives) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, after, answer, received.clone()));
            }
        });
        let candidate =
            Candidate { endpoint: Endpoint::Unix(path), origin: "a test".into(), tls: None };
        (Engine::connect(vec![candidate]).await.unwrap(), archives)
    }

    async fn serve(
        mut stream: UnixStream,
        after: &str,
        answer: &str,
        received: mpsc::UnboundedSender<(String, bool)>,
    ) {
        let (mut all, mut part) = (String::new(), [0; 4096]);
        loop {
            let count = stream.read(&mut part).await.unwrap_or(0);
            all += &String::from_utf8_lossy(&part[..count]);
            let is_archive = all.contains("/images/load");
            let is_whole = count == 0 || !is_archive || all.contains(after);
            if is_archive {
                let _ = received.send((all.clone(), is_whole));
            }
            if is_whole {
                let _ = stream.write_all(if is_archive { answer } else { OK }.as_bytes()).await;
                let _ = stream.shutdown().await;
                return;
            }
        }
    }

    fn pieces(all: &[&'static str]) -> (mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>) {
        let (sender, pieces) = mpsc::channel(PIECES);
        for piece in all {
            sender.try_send(Bytes::from_static(piece.as_bytes())).unwrap();
        }
        (sender, pieces)
    }

    #[tokio::test]
    async fn the_last_piece_is_sent_only_after_the_build_succeeded() {
        for succeeds in [true, false] {
            let directory = tempfile::tempdir().unwrap();
            let (engine, mut received) = engine(directory.path(), "0\r\n\r\n", OK).await;
            let (complete, is_complete) = oneshot::channel();
            let (sender, pieces) = pieces(&["first", "second", "last"]);
            let loading = tokio::spawn(load(engine, pieces, is_complete));
            let mut archive = (String::new(), false);
            while !archive.0.contains("second") {
                archive = received.recv().await.unwrap();
            }
            drop(sender);
            assert!(!archive.0.contains("last"), "{archive:?}");
            match succeeds {
                true => complete.send(()).unwrap(),
                false => drop(complete),
            }
            assert_eq!(loading.await.unwrap().is_ok(), succeeds);
            while !archive.1 {
                archive = received.recv().await.unwrap();
            }
            assert_eq!(archive.0.contains("last"), succeeds, "{archive:?}");
            // The end of a chunked body.
            assert_eq!(archive.0.ends_with("0\r\n\r\n"), succeeds, "{archive:?}");
        }
    }

    #[tokio::test]
    async fn an_engine_that_refuses_an_archive_is_named_with_its_reason() {
        const FULL: &str = "HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\n\
                            content-length: 49\r\nconnection: close\r\n\r\n\
                            {\"message\": \"write: no space left on device, x\" }";
        const LATE: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                            content-length: 52\r\nconnection: close\r\n\r\n\
                            {\"errorDetail\": {\"message\": \"it is not an archive\"}}";
        for (answer, kind, expected) in [
            (FULL, Kind::EngineDiskFull, "no space left on device"),
            (LATE, Kind::Unknown, "it is not an archive"),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let (engine, _received) = engine(directory.path(), "first", answer).await;
            let loading = Loading::new(&engine);
            // BuildKit is still sending.
            let (_complete, is_complete) = oneshot::channel();
            let (_sender, pieces) = pieces(&["first", "second"]);
            let error = load(engine, pieces, is_complete).await.err().unwrap();
            let failure = loading.failure(error);
            assert_eq!(failure.kind, kind, "{failure:?}");
            assert!(failure.verbatim.clone().unwrap().contains(expected), "{failure:?}");
            assert!(failure.message.contains("engine.sock"), "{failure:?}");
        }
    }
}
