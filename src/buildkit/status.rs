//! The status of a solve: turns BuildKit's stream of vertices, transfers and raw log bytes into
//! states and whole lines.

use std::collections::HashMap;
use std::time::Duration;

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1 as proto;
use futures::{Stream, StreamExt as _};

use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{TransferName, VertexName};

/// The longest line of a log; longer ones are split.
const MAX_LINE: usize = 4096;

/// How long the status stream may send nothing after the end of its solve.
const STATUS_GRACE: Duration = Duration::from_secs(3);

/// Identifies a vertex of a solve, in the order of appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VertexId(pub u32);

/// A change of one vertex.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    pub vertex: VertexId,
    /// The vertex's digest, by which errors refer to it.
    pub digest: String,
    pub update: Update,
}

/// What changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    Vertex {
        name: VertexName,
        state: VertexState,
    },
    /// A whole line of output without its line ending; invalid UTF-8 is replaced.
    Line(String),
    /// Transferred bytes; `total` is 0 if it is not known.
    Transfer {
        name: TransferName,
        current: u64,
        total: u64,
        done: bool,
    },
    /// A warning about the Dockerfile; lines are counted from 1.
    Warning {
        message: String,
        url: Option<String>,
        line: Option<u32>,
    },
}

/// The state of a vertex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VertexState {
    Running,
    Cached,
    Done { took: Duration },
    Failed { took: Duration },
}

/// The result of `waiting`; `None` if nothing arrives for some time after the solve has `ended`: a status
/// stream that hangs.
pub(super) async fn before_grace<T>(
    ended: &CancellationToken,
    waiting: impl Future<Output = T>,
) -> Option<T> {
    let hangs = async {
        ended.cancelled().await;
        sleep(STATUS_GRACE).await;
    };
    tokio::select! {
        biased;
        value = waiting => Some(value),
        () = hangs => None,
    }
}

/// Forwards a status stream until it ends, fails, or hangs after the solve has `ended`; or until the
/// receiver is gone. The receiver may be slow: only the time without a message counts.
pub(super) async fn follow<S>(
    mut stream: S,
    progress: mpsc::Sender<Progress>,
    ended: &CancellationToken,
) where
    S: Stream<Item = Result<proto::StatusResponse, tonic::Status>> + Unpin,
{
    let mut graph = Graph::default();
    let mut tally = Tally::default();
    while let Some(Some(Ok(response))) = before_grace(ended, stream.next()).await {
        tally.add(&response);
        for change in graph.apply(response) {
            if progress.send(change).await.is_err() {
                return;
            }
        }
    }
    for change in graph.finish() {
        if progress.send(change).await.is_err() {
            return;
        }
    }
}

/// Totals of a status stream for the debug log, logged at its end.
#[derive(Default)]
struct Tally {
    responses: u64,
    lines: u64,
    bytes: u64,
    warnings: u64,
    vertices: HashMap<String, VertexTally>,
}

/// The duration of a step, if it is known, and whether it was cached or failed.
type VertexTally = (Duration, bool, bool);

impl Tally {
    fn add(&mut self, response: &proto::StatusResponse) {
        if !tracing::enabled!(target: "status", tracing::Level::DEBUG) {
            return;
        }
        self.responses += 1;
        self.lines += response.logs.len() as u64;
        self.bytes += response.logs.iter().map(|log| log.msg.len() as u64).sum::<u64>();
        self.warnings += response.warnings.len() as u64;
        for vertex in &response.vertexes {
            let took = elapsed(vertex.started.as_ref(), vertex.completed.as_ref());
            let known = self.vertices.entry(vertex.digest.clone()).or_default();
            *known = (took.max(known.0), vertex.cached | known.1, !vertex.error.is_empty());
        }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let Self { responses, lines, bytes, warnings, vertices } = self;
        let cached = vertices.values().filter(|(_, cached, _)| *cached).count();
        let failed = vertices.values().filter(|(_, _, failed)| *failed).count();
        let slowest = vertices.iter().max_by_key(|(_, (took, ..))| *took);
        let slowest =
            slowest.map(|(digest, (took, ..))| format!("{digest} {} ms", took.as_millis()));
        tracing::debug!(
            target: "status",
            responses,
            vertices = vertices.len(),
            cached,
            failed,
            lines,
            bytes,
            warnings,
            slowest,
            "ended"
        );
    }
}

/// What is known about a solve so far.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    vertices: Vec<Vertex>,
    by_digest: HashMap<String, VertexId>,
}

#[derive(Debug)]
struct Vertex {
    digest: String,
    state: Option<VertexState>,
    /// Bytes of an unfinished line, for each output stream (1 stdout, 2 stderr).
    unfinished: HashMap<i64, Vec<u8>>,
}

impl Graph {
    /// Applies a response and returns the changes.
    pub(crate) fn apply(&mut self, response: proto::StatusResponse) -> Vec<Progress> {
        let mut changes = Vec::new();
        for vertex in response.vertexes {
            self.vertex(&vertex, &mut changes);
        }
        for status in response.statuses {
            let update = Update::Transfer {
                name: TransferName::parse(match status.name.as_str() {
                    "" => &status.id,
                    name => name,
                }),
                current: u64::try_from(status.current).unwrap_or_default(),
                total: u64::try_from(status.total).unwrap_or_default(),
                done: status.completed.is_some(),
            };
            changes.push(self.progress(&status.vertex, update));
        }
        for log in response.logs {
            let id = self.id(&log.vertex);
            let buffer = self.vertices[id.0 as usize].unfinished.entry(log.stream).or_default();
            let lines = take_lines(buffer, &log.msg);
            changes.extend(
                lines.into_iter().map(|line| self.progress(&log.vertex, Update::Line(line))),
            );
        }
        for warning in response.warnings {
            let update = Update::Warning {
                message: String::from_utf8_lossy(&warning.short).into_owned(),
                url: Some(warning.url).filter(|url| !url.is_empty()),
                line: warning
                    .ranges
                    .first()
                    .and_then(|range| u32::try_from(range.start.as_ref()?.line).ok())
                    .filter(|line| *line > 0),
            };
            changes.push(self.progress(&warning.vertex, update));
        }
        changes
    }

    /// Returns the unfinished lines.
    pub(crate) fn finish(&mut self) -> Vec<Progress> {
        let mut changes = Vec::new();
        for (index, vertex) in self.vertices.iter_mut().enumerate() {
            let mut rest: Vec<_> =
                vertex.unfinished.drain().filter(|(_, b)| !b.is_empty()).collect();
            rest.sort();
            for (_, bytes) in rest {
                changes.push(Progress {
                    vertex: VertexId(index as u32),
                    digest: vertex.digest.clone(),
                    update: Update::Line(String::from_utf8_lossy(&bytes).into_owned()),
                });
            }
        }
        changes
    }

    fn vertex(&mut self, vertex: &proto::Vertex, changes: &mut Vec<Progress>) {
        let id = self.id(&vertex.digest);
        let took = || elapsed(vertex.started.as_ref(), vertex.completed.as_ref());
        let state = if vertex.completed.is_some() && !vertex.error.is_empty() {
            VertexState::Failed { took: took() }
        } else if vertex.cached {
            VertexState::Cached
        } else if vertex.completed.is_some() {
            VertexState::Done { took: took() }
        } else if vertex.started.is_some() {
            VertexState::Running
        } else {
            return;
        };
        // BuildKit sends a vertex repeatedly, also in earlier states: a cached vertex also as
        // started and completed, and a completed vertex as cached, because its result is
        // cached now.
        let known = &mut self.vertices[id.0 as usize].state;
        let ended = matches!(known, Some(VertexState::Cached | VertexState::Done { .. }));
        if *known == Some(state) || (ended && state != VertexState::Running) {
            return;
        }
        *known = Some(state);
        let name = VertexName::parse(&vertex.name);
        changes.push(self.progress(&vertex.digest, Update::Vertex { name, state }));
    }

    fn progress(&mut self, digest: &str, update: Update) -> Progress {
        Progress { vertex: self.id(digest), digest: digest.to_owned(), update }
    }

    fn id(&mut self, digest: &str) -> VertexId {
        if let Some(id) = self.by_digest.get(digest) {
            return *id;
        }
        let id = VertexId(u32::try_from(self.vertices.len()).unwrap_or(u32::MAX));
        self.by_digest.insert(digest.to_owned(), id);
        let vertex = Vertex { digest: digest.to_owned(), state: None, unfinished: HashMap::new() };
        self.vertices.push(vertex);
        id
    }
}

/// Appends `bytes` to the buffer, and removes the whole lines.
fn take_lines(buffer: &mut Vec<u8>, bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    for byte in bytes {
        match byte {
            b'\n' => {
                if buffer.last() == Some(&b'\r') {
                    buffer.pop();
                }
                lines.push(String::from_utf8_lossy(buffer).into_owned());
                buffer.clear();
            }
            byte => {
                buffer.push(*byte);
                if buffer.len() >= MAX_LINE {
                    // Not in the middle of a character.
                    let rest = buffer.utf8_chunks().last().map_or(0, |last| last.invalid().len());
                    let whole: Vec<u8> = buffer.drain(..buffer.len() - rest).collect();
                    lines.push(String::from_utf8_lossy(&whole).into_owned());
                }
            }
        }
    }
    lines
}

fn elapsed(started: Option<&Timestamp>, completed: Option<&Timestamp>) -> Duration {
    let nanoseconds = |t: &Timestamp| i128::from(t.seconds) * 1_000_000_000 + i128::from(t.nanos);
    let (Some(started), Some(completed)) = (started, completed) else {
        return Duration::ZERO;
    };
    let took = nanoseconds(completed) - nanoseconds(started);
    Duration::from_nanos(u64::try_from(took).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(stream: i64, msg: &str) -> proto::StatusResponse {
        let log = proto::VertexLog {
            vertex: "v".into(),
            stream,
            msg: msg.into(),
            ..proto::VertexLog::default()
        };
        proto::StatusResponse { logs: vec![log], ..proto::StatusResponse::default() }
    }

    fn lines(changes: Vec<Progress>) -> Vec<String> {
        let line = |change: Progress| match change.update {
            Update::Line(line) => Some(line),
            _ => None,
        };
        changes.into_iter().filter_map(line).collect()
    }

    #[test]
    fn chunks_of_log_become_whole_lines_for_each_stream() {
        let mut graph = Graph::default();
        assert_eq!(lines(graph.apply(log(1, "on"))), Vec::<String>::new());
        assert_eq!(lines(graph.apply(log(2, "err\n"))), ["err"]);
        assert_eq!(lines(graph.apply(log(1, "e\r\ntwo\nthr"))), ["one", "two"]);
        assert_eq!(lines(graph.finish()), ["thr"]);
        assert_eq!(lines(graph.finish()), Vec::<String>::new());
    }

    #[test]
    fn an_endless_line_is_split() {
        let mut graph = Graph::default();
        assert_eq!(lines(graph.apply(log(1, &"x".repeat(MAX_LINE * 2)))).len(), 2);
    }

    #[test]
    fn an_endless_line_is_not_split_within_a_character() {
        let text = "€".repeat(MAX_LINE);
        let mut graph = Graph::default();
        let mut found = lines(graph.apply(log(1, &text)));
        found.extend(lines(graph.finish()));
        assert!(found.len() > 2 && found.iter().all(|line| line.len() <= MAX_LINE));
        assert_eq!(found.concat(), text);
        // What only looks like a part of a character gets into the next line.
        let mut line = vec![0xff; MAX_LINE];
        assert_eq!(take_lines(&mut Vec::new(), &line).len(), 1);
        line.insert(0, b'x');
        assert_eq!(take_lines(&mut Vec::new(), &line).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn everything_that_arrives_after_the_solve_is_read_also_by_a_slow_receiver() {
        const LINES: usize = 10;
        let pauses = [Duration::ZERO, STATUS_GRACE * 2 / 3];
        for (sends, receives) in [(pauses[1], pauses[0]), (pauses[0], STATUS_GRACE * 3)] {
            let stream = Box::pin(futures::stream::unfold(0, move |sent| async move {
                // After its last line, the stream hangs.
                sleep(if sent < LINES { sends } else { Duration::from_secs(1000) }).await;
                Some((Ok(log(1, "line\n")), sent + 1))
            }));
            let (sender, mut received) = mpsc::channel(1);
            let ended = CancellationToken::new();
            ended.cancel();
            let receiving = async {
                let mut count = 0;
                while received.recv().await.is_some() {
                    sleep(receives).await;
                    count += 1;
                }
                count
            };
            let ((), count) = tokio::join!(follow(stream, sender, &ended), receiving);
            assert_eq!(count, LINES);
        }
    }

    fn vertex(
        started: i64,
        completed: Option<i64>,
        cached: bool,
        error: &str,
    ) -> proto::StatusResponse {
        let at = |seconds| Timestamp { seconds, nanos: 0 };
        let vertex = proto::Vertex {
            digest: "v".into(),
            name: "[1/2] RUN a".into(),
            cached,
            started: Some(at(started)),
            completed: completed.map(at),
            error: error.into(),
            ..proto::Vertex::default()
        };
        proto::StatusResponse { vertexes: vec![vertex], ..proto::StatusResponse::default() }
    }

    fn states(changes: Vec<Progress>) -> Vec<VertexState> {
        let state = |change: Progress| match change.update {
            Update::Vertex { state, .. } => Some(state),
            _ => None,
        };
        changes.into_iter().filter_map(state).collect()
    }

    #[test]
    fn each_state_of_a_vertex_is_reported_once() {
        let mut graph = Graph::default();
        assert_eq!(states(graph.apply(vertex(1, None, false, ""))), [VertexState::Running]);
        assert_eq!(states(graph.apply(vertex(1, None, false, ""))), []);
        let done = VertexState::Done { took: Duration::from_secs(2) };
        assert_eq!(states(graph.apply(vertex(1, Some(3), false, ""))), [done]);
        assert_eq!(states(graph.apply(vertex(1, Some(3), true, ""))), []);

        let mut graph = Graph::default();
        assert_eq!(states(graph.apply(vertex(1, Some(1), true, ""))), [VertexState::Cached]);
        assert_eq!(states(graph.apply(vertex(1, Some(1), false, ""))), []);

        let mut graph = Graph::default();
        let failed = VertexState::Failed { took: Duration::from_secs(1) };
        assert_eq!(states(graph.apply(vertex(1, Some(2), false, "exit code: 3"))), [failed]);
    }
}
