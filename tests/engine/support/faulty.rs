//! A registry that fails on demand: a proxy on loopback before the lab's open registry.
//!
//! A rule decides about each request: it is forwarded, or it meets a [`Fault`]. Requests of the
//! engine and of onebuild are counted separately, so that a rule can select request number k of a
//! push.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::lab_env;
use super::store::http;

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    Engine,
    Onebuild,
}

/// A request as a rule sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub sender: Sender,
    /// Its number among its sender's requests since the rule was set, from 1.
    pub number: usize,
    pub method: Method,
    /// With its query.
    pub path: String,
}

impl Asked {
    pub fn is_of(&self, sender: Sender, method: &str, part: &str) -> bool {
        self.sender == sender && self.method == *method && self.path.contains(part)
    }
}

/// What happens to a request instead of forwarding it.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This answer; the registry does not receive the request.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// The connection is reset; the registry does not receive the request.
    Reset,
    /// The registry processes the request, but the connection is reset before its answer.
    LostAnswer,
    /// The registry processes the request, but the answer has this status.
    OtherStatus(u16),
    /// The registry processes the request, but its answer has another digest.
    OtherDigest,
    /// The request is forwarded after this time.
    Late(Duration),
    /// There is never an answer.
    Hang,
}

impl Fault {
    pub fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: String::new() }
    }

    /// An answer with an error envelope, as the distribution specification defines it.
    pub fn envelope(status: u16, code: &str, message: &str) -> Self {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Answer { status, headers, body }
    }

    /// A successful answer with this many bytes, which are not the requested ones.
    pub fn other_bytes(count: usize) -> Self {
        Self::Answer { status: 200, headers: Vec::new(), body: "x".repeat(count) }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

type Rule = Box<dyn Fn(&Asked) -> Option<Fault> + Send>;

struct State {
    rule: Rule,
    seen: Vec<Asked>,
    /// Requests of onebuild that are not answered yet, and the largest number of them.
    open: usize,
    most_open: usize,
}

/// A request of onebuild that is not answered yet.
struct Open<'s>(&'s Mutex<State>);

impl<'s> Open<'s> {
    fn new(state: &'s Mutex<State>) -> Self {
        let mut locked = locked(state);
        locked.open += 1;
        locked.most_open = locked.most_open.max(locked.open);
        Self(state)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        locked(self.0).open -= 1;
    }
}

/// The proxy, which ends when this is dropped.
pub struct FaultyRegistry {
    pub host: String,
    state: Arc<Mutex<State>>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl FaultyRegistry {
    /// Without a fault at first.
    pub fn start() -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into())
    }

    /// On an address of this machine.
    pub fn start_on(address: IpAddr) -> Self {
        Self::listening(address, None)
    }

    /// With TLS and an untrusted certificate.
    pub fn start_with_tls(address: IpAddr) -> Self {
        Self::listening(address, Some(untrusted(address)))
    }

    fn listening(address: IpAddr, tls: Option<TlsAcceptor>) -> Self {
        let state = State { rule: Box::new(|_| None), seen: Vec::new(), open: 0, most_open: 0 };
        let state = Arc::new(Mutex::new(state));
        let stop = CancellationToken::new();
        let (sender, bound) = mpsc::channel();
        let thread = std::thread::spawn({
            let (state, stop) = (state.clone(), stop.clone());
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(async {
                    let listener = TcpListener::bind((address, 0)).await.unwrap();
                    sender.send(listener.local_addr().unwrap().to_string()).unwrap();
                    stop.run_until_cancelled(serve(listener, tls, state)).await;
                });
            }
        });
        let host = bound.recv().expect("the listener is bound");
        Self { host, state, stop, thread: Some(thread) }
    }

    /// Sets the rule and restarts the count at 1.
    pub fn rule(&self, rule: impl Fn(&Asked) -> Option<Fault> + Send + 'static) {
        let mut state = locked(&self.state);
        (state.rule, state.seen) = (Box::new(rule), Vec::new());
    }

    /// The requests since the rule was set.
    pub fn seen(&self, sender: Sender) -> Vec<Asked> {
        let all = locked(&self.state);
        all.seen.iter().filter(|asked| asked.sender == sender).cloned().collect()
    }

    /// The largest number of requests of onebuild that were open at the same time.
    pub fn most_open(&self) -> usize {
        locked(&self.state).most_open
    }
}

impl Drop for FaultyRegistry {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || std::thread::panicking(), "the proxy panicked");
        }
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// TLS with a self-signed certificate.
fn untrusted(address: IpAddr) -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed([address.to_string()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<Mutex<State>>) {
    let http = http();
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let connection = Connection::new(&stream, state.clone(), http.clone());
        let tls = tls.clone();
        connections.spawn(async move {
            let service = service_fn(|request| connection.answer(request));
            let http = http1::Builder::new();
            // Anything but HTTP, such as a TLS greeting, ends the connection.
            match tls {
                None => drop(http.serve_connection(TokioIo::new(stream), service).await),
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        drop(http.serve_connection(TokioIo::new(stream), service).await);
                    }
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

struct Connection {
    state: Arc<Mutex<State>>,
    http: reqwest::Client,
    /// The same socket, for setting an option.
    socket: Mutex<Option<OwnedFd>>,
}

impl Connection {
    fn new(stream: &TcpStream, state: Arc<Mutex<State>>, http: reqwest::Client) -> Self {
        let socket = Mutex::new(Some(rustix::io::dup(stream).unwrap()));
        Self { state, http, socket }
    }

    /// An error ends the connection without an answer.
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, io::Error> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let _open = is_ours(&head).then(|| Open::new(&self.state));
        match self.decide(&head) {
            Some(Fault::Late(after)) => {
                tokio::time::sleep(after).await;
                Ok(self.forward(head, body).await)
            }
            None => Ok(self.forward(head, body).await),
            Some(Fault::Answer { status, headers, body }) => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                let body = if head.method == Method::HEAD { String::new() } else { body };
                Ok(response.body(Full::new(body.into())).expect("tests write valid headers"))
            }
            Some(Fault::Reset) => Err(self.reset()),
            Some(Fault::LostAnswer) => {
                self.forward(head, body).await;
                Err(self.reset())
            }
            Some(Fault::OtherStatus(status)) => {
                self.forward(head, body).await;
                let answer = Response::builder().status(status).body(Full::default());
                Ok(answer.expect("tests give valid statuses"))
            }
            Some(Fault::OtherDigest) => {
                let mut response = self.forward(head, body).await;
                let other = format!("sha256:{}", "0".repeat(64));
                let other = HeaderValue::from_str(&other).expect("it is ASCII");
                response.headers_mut().insert("docker-content-digest", other);
                Ok(response)
            }
            Some(Fault::Hang) => std::future::pending().await,
        }
    }

    fn decide(&self, head: &http::request::Parts) -> Option<Fault> {
        let sender = if is_ours(head) { Sender::Onebuild } else { Sender::Engine };
        let mut state = locked(&self.state);
        let number = state.seen.iter().filter(|asked| asked.sender == sender).count() + 1;
        let (method, path) = (head.method.clone(), head.uri.to_string());
        let asked = Asked { sender, number, method, path };
        let fault = (state.rule)(&asked);
        state.seen.push(asked);
        fault
    }

    /// Sends the request to the registry. `Host` stays the proxy's, and the registry uses it in
    /// redirects.
    async fn forward(&self, head: http::request::Parts, body: Bytes) -> Response<Full<Bytes>> {
        let url = format!("http://{}{}", lab_env("ONEBUILD_LAB_REGISTRY"), head.uri);
        let is_head = head.method == Method::HEAD;
        let mut headers = head.headers;
        hop_by_hop(&mut headers);
        let request = self.http.request(head.method, &url).headers(headers).body(body);
        let response = request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let mut answer = Response::builder().status(response.status());
        let mut headers = response.headers().clone();
        let length = headers.get(CONTENT_LENGTH).cloned().filter(|_| is_head);
        hop_by_hop(&mut headers);
        headers.extend(length.map(|length| (CONTENT_LENGTH, length)));
        answer.headers_mut().expect("the parts are valid").extend(headers);
        let body = response.bytes().await.unwrap_or_default();
        answer.body(Full::new(body)).expect("the parts are valid")
    }

    /// Makes the end of the connection a reset.
    fn reset(&self) -> io::Error {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(socket) = socket {
            rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
        }
        io::ErrorKind::ConnectionReset.into()
    }
}

fn is_ours(head: &http::request::Parts) -> bool {
    let agent = head.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.is_some_and(|agent| agent.starts_with("onebuild/"))
}

/// Removes the headers of one connection, which are written again for the next.
fn hop_by_hop(headers: &mut HeaderMap) {
    for name in [CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH] {
        headers.remove(name);
    }
}
