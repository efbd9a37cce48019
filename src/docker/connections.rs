//! HTTP/1.1 connections to an engine, for the requests of the Docker API.
//!
//! A socket or a port is connected for each request. Behind a command such as `ssh`, connections are
//! kept and used again, because each one is a process here, a login, and a process there.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::errors::Error;
use bollard::{BollardRequest, body_full};
use bytes::Bytes;
use futures::Stream;
use http_body_util::{BodyExt as _, Either, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use super::headers::ApiHeaders;
use super::limits::SSH_ANSWER_TIMEOUT;
use crate::dial::{Dialer, is_rejection};

/// HTTP/1.1 requires this header; the engine ignores it.
const HOST_NAME: &str = "docker";

/// How many connections are opened at the same time. sshd rejects some when ten or more have not
/// logged in yet (MaxStartups 10:30:100).
const OPENING: usize = 4;

/// How many idle connections are kept.
const IDLE: usize = 8;

/// How long a request waits for another one to end before it opens a connection. Opening one takes
/// much longer, and requests often follow each other.
const GRACE: Duration = Duration::from_millis(10);

/// The pauses between attempts to open a connection that the other side rejects.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1600),
    Duration::from_millis(3200),
];

/// bollard's type of the body of a request, which has no public name.
type Body = Either<Full<Bytes>, StreamBody<Pieces>>;
type Pieces = std::pin::Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, io::Error>> + Send>>;

type Connection = SendRequest<Body>;

/// See the module. Clones share the connections.
#[derive(Clone)]
pub(super) struct Connections {
    dialer: Dialer,
    headers: ApiHeaders,
    pauses: [Duration; PAUSES.len()],
    shared: Arc<Shared>,
}

struct Shared {
    idle: Mutex<VecDeque<Connection>>,
    /// Notified for each connection that becomes idle.
    returned: Notify,
    opening: Arc<Semaphore>,
    /// How many connections may be opened at the same time: fewer after each rejection.
    limit: AtomicUsize,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connections to {:?}", self.dialer)
    }
}

impl Connections {
    /// `headers` are added to each request.
    pub(super) fn new(dialer: Dialer, headers: ApiHeaders) -> Self {
        let shared = Shared {
            idle: Mutex::default(),
            returned: Notify::new(),
            opening: Arc::new(Semaphore::new(OPENING)),
            limit: AtomicUsize::new(OPENING),
        };
        Self { dialer, headers, pauses: PAUSES, shared: Arc::new(shared) }
    }

    pub(super) fn headers(&self) -> &ApiHeaders {
        &self.headers
    }

    /// Sends a request. It is sent again only if it cannot have had an effect.
    pub(super) async fn send(
        &self,
        mut request: BollardRequest,
    ) -> Result<http::Response<Incoming>, Error> {
        request.headers_mut().insert(HOST, HeaderValue::from_static(HOST_NAME));
        self.headers.complete(request.headers_mut());
        loop {
            let (mut connection, is_kept) = self.connection().await?;
            let again = is_kept.then(|| repeatable(&request)).flatten();
            match connection.try_send_request(request).await {
                Ok(response) => {
                    self.give_back(connection);
                    return Ok(response);
                }
                // The other side closed an idle connection.
                Err(mut failed) => match failed.take_message().filter(|_| is_kept).or(again) {
                    Some(unsent) => request = unsent,
                    None => return Err(failed.into_error().into()),
                },
            }
        }
    }

    /// Opens a first connection, to find out whether that works.
    pub(super) async fn probe(&self) -> Result<(), Error> {
        let (connection, _) = self.connection().await?;
        self.give_back(connection);
        Ok(())
    }

    /// An idle connection (`true`), or else a new one.
    async fn connection(&self) -> Result<(Connection, bool), Error> {
        if !self.dialer.is_command() {
            return Ok((handshake(&self.dialer).await?, false));
        }
        tokio::select! {
            biased;
            connection = self.idle() => Ok((connection, true)),
            opened = self.opened() => Ok((opened?, false)),
        }
    }

    /// Waits for an idle connection.
    async fn idle(&self) -> Connection {
        loop {
            let returned = self.shared.returned.notified();
            while let Some(connection) = self.shared.idle_ones().pop_back() {
                if connection.is_ready() {
                    return connection;
                }
            }
            returned.await;
        }
    }

    /// Opens a connection. If the request that needs it finds another one meanwhile, the new one is
    /// completed and kept: half a login is a waste for both sides.
    async fn opened(&self) -> Result<Connection, Error> {
        sleep(GRACE).await;
        let turn = self.turn().await;
        let (opened, receive) = oneshot::channel();
        let connections = self.clone();
        tokio::spawn(async move {
            let made = connections.open(turn).await;
            if let Err(Ok(unneeded)) = opened.send(made) {
                connections.shared.keep(unneeded);
            }
        });
        receive.await.map_err(|_| Error::from(io::Error::other("no connection was opened")))?
    }

    async fn turn(&self) -> OwnedSemaphorePermit {
        self.shared.opening.clone().acquire_owned().await.expect("it is never closed")
    }

    /// Tries until the other side accepts a connection or refuses it for good. Nothing but a ping has
    /// been sent, so trying again has no effect.
    async fn open(&self, mut turn: OwnedSemaphorePermit) -> Result<Connection, Error> {
        let mut pauses = self.pauses.into_iter();
        loop {
            let attempt = timeout(SSH_ANSWER_TIMEOUT, self.pinged()).await;
            let error = match attempt.unwrap_or_else(|_| Err(late())) {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            let pause = pauses.next().filter(|_| is_rejection(&error));
            let Some(pause) = pause else { return Err(error) };
            let reason = self.dialer.fault(&error);
            tracing::debug!(target: "docker", reason, ?pause, "connection rejected");
            self.shared.rejected(turn);
            sleep(pause).await;
            turn = self.turn().await;
        }
    }

    /// A connection on which the engine, or a proxy in front of it, has answered.
    async fn pinged(&self) -> Result<Connection, Error> {
        let mut connection = handshake(&self.dialer).await?;
        let mut ping =
            Request::get("/_ping").header(HOST, HOST_NAME).body(body_full(Bytes::new()))?;
        self.headers.complete(ping.headers_mut());
        let answer = connection.send_request(ping).await?;
        answer.into_body().collect().await?;
        connection.ready().await?;
        Ok(connection)
    }

    /// Keeps a connection when its response has been read. A connection that was upgraded, or whose
    /// response was dropped, is closed.
    fn give_back(&self, mut connection: Connection) {
        if self.dialer.is_command() {
            let shared = self.shared.clone();
            tokio::spawn(async move {
                if connection.ready().await.is_ok() {
                    shared.keep(connection);
                }
            });
        }
    }
}

impl Shared {
    /// The idle connections, the most recently used last.
    fn idle_ones(&self) -> MutexGuard<'_, VecDeque<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle_ones();
        idle.push_back(connection);
        if idle.len() > IDLE {
            idle.pop_front();
        }
        self.returned.notify_one();
    }

    /// From now on, fewer connections are opened at the same time, but at least one.
    fn rejected(&self, turn: OwnedSemaphorePermit) {
        let fewer = |limit: usize| (limit > 1).then(|| limit - 1);
        if self.limit.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer).is_ok() {
            turn.forget();
        }
    }
}

async fn handshake(dialer: &Dialer) -> Result<Connection, Error> {
    let io = TokioIo::new(dialer.dial().await?);
    let (connection, running) = http1::handshake(io).await?;
    // The task ends when the connection is dropped and the last response has been read or dropped.
    tokio::spawn(running.with_upgrades());
    Ok(connection)
}

/// A second copy of a request that changes nothing, however often it is sent.
fn repeatable(request: &BollardRequest) -> Option<BollardRequest> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return None;
    }
    let mut copy = Request::new(body_full(Bytes::new()));
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

fn late() -> Error {
    let seconds = SSH_ANSWER_TIMEOUT.as_secs();
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {seconds} s")).into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::dial::{CommandLine, Target, explained};

    /// Answers each request of a connection with 200, and writes its method and path to `log`.
    const ANSWERS: &str = "\
        while read -r method path version; do\n\
          while read -r header && [ ${#header} -gt 1 ]; do :; done\n\
          echo $method $path >>log\n\
          [ $path != /end ] || exit 0\n\
          printf 'HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\n'\n\
        done\n";

    /// Connections through a shell that runs `first` and then answers.
    fn connections(directory: &Path, first: &str) -> Connections {
        let script = format!("cd '{}'; echo start >>log\n{first}\n{ANSWERS}", directory.display());
        let arguments = vec!["-c".to_owned(), script];
        let target = Target::Command(CommandLine { program: "sh", arguments });
        let pauses = [Duration::ZERO; PAUSES.len()];
        Connections {
            pauses,
            ..Connections::new(Dialer::new(target).unwrap(), ApiHeaders::default())
        }
    }

    async fn send(connections: &Connections, method: Method, path: &str) -> Result<(), String> {
        let mut request = Request::new(body_full(Bytes::new()));
        (*request.method_mut(), *request.uri_mut()) = (method, path.parse().unwrap());
        let response = connections.send(request).await.map_err(|error| explained(&error))?;
        response.into_body().collect().await.map_err(|error| error.to_string())?;
        Ok(())
    }

    fn log(directory: &Path) -> String {
        std::fs::read_to_string(directory.join("log"))
            .unwrap()
            .lines()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[tokio::test]
    async fn a_connection_is_used_again() {
        let directory = tempfile::tempdir().unwrap();
        let connections = connections(directory.path(), "");
        for path in ["/a", "/b", "/c"] {
            send(&connections, Method::POST, path).await.unwrap();
        }
        assert_eq!(log(directory.path()), "start GET /_ping POST /a POST /b POST /c");
    }

    #[tokio::test]
    async fn few_connections_are_opened_at_the_same_time() {
        let directory = tempfile::tempdir().unwrap();
        let connections = connections(directory.path(), "");
        let requests = (0..100).map(|_| send(&connections, Method::POST, "/a"));
        assert!(futures::future::join_all(requests).await.iter().all(Result::is_ok));
        let log = log(directory.path());
        assert_eq!(log.matches("POST /a").count(), 100);
        let mut opening = 0;
        for word in log.split(' ') {
            opening += usize::from(word == "start");
            opening -= usize::from(word == "/_ping");
            assert!(opening <= OPENING, "{log}");
        }
    }

    /// sshd rejects connections while too many others log in.
    #[tokio::test]
    async fn a_rejected_connection_is_tried_again_with_fewer_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let rejected = "if [ $(grep -c start log) -le 3 ]; then\n\
            echo 'kex_exchange_identification: read: Connection reset by peer' >&2; exit 255; fi";
        let connections = connections(directory.path(), rejected);
        send(&connections, Method::POST, "/a").await.unwrap();
        assert_eq!(log(directory.path()), "start start start start GET /_ping POST /a");
        assert_eq!(connections.shared.opening.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_refused_login_is_final_and_a_host_that_always_rejects_is_reported() {
        for (said, attempts) in [
            ("me@host: Permission denied (publickey).", 1),
            ("Connection closed by 127.0.0.1 port 22", 1 + PAUSES.len()),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let connections =
                connections(directory.path(), &format!("echo '{said}' >&2; exit 255"));
            let error = send(&connections, Method::GET, "/a").await.unwrap_err();
            assert!(error.contains(said), "{error}");
            assert_eq!(log(directory.path()).matches("start").count(), attempts);
        }
    }

    /// The other side may close a connection after it has done what was asked.
    #[tokio::test]
    async fn only_a_request_without_effect_is_sent_again() {
        let directory = tempfile::tempdir().unwrap();
        let connections = connections(directory.path(), "");
        send(&connections, Method::GET, "/a").await.unwrap();
        send(&connections, Method::POST, "/end").await.unwrap_err();
        assert_eq!(log(directory.path()), "start GET /_ping GET /a POST /end");
        send(&connections, Method::GET, "/a").await.unwrap();
        send(&connections, Method::GET, "/end").await.unwrap_err();
        assert_eq!(log(directory.path()).matches("GET /end").count(), 2);
    }
}
