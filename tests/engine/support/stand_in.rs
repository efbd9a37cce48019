//! Stand-ins for engines that Debian does not have: Docker Engine 29, and Podman.
//!
//! Docker Engine 29.2 and newer serve the Docker API and BuildKit's gRPC interface on one socket. The first
//! bytes of a connection say which: gRPC begins with the preface of HTTP/2. This stand-in does the same in
//! front of the lab's engine. It forwards HTTP/1.1, with another API version in the answers, and puts gRPC
//! through the upgrade. What it has not: the BuildKit and the behaviour of Engine 29.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use super::lab_env;
use super::relay::buildkit;

/// The first bytes of HTTP/2.
const PREFACE: &[u8] = b"PRI ";

/// A stand-in, which may be behind a proxy that refuses something.
#[derive(Clone)]
pub struct StandIn {
    /// The API version that it reports.
    pub api: &'static str,
    /// Whether HTTP/2 is let through.
    pub http2: bool,
    /// The status line for requests whose first line contains a word.
    pub refused: &'static [(&'static str, &'static str)],
}

/// What a stand-in saw: `gRPC` or the first line of a request, one for each connection.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    /// The attempts to reach BuildKit, in their order.
    pub fn ways(&self) -> Vec<&'static str> {
        let seen = self.0.lock().unwrap();
        seen.iter()
            .filter_map(|line| match line.as_str() {
                "gRPC" => Some("gRPC"),
                line if line.starts_with("POST /grpc ") => Some("POST /grpc"),
                _ => None,
            })
            .collect()
    }
}

impl StandIn {
    /// Listens at `socket` until the tests end. Returns its address, and what it sees.
    pub fn listen(self, socket: PathBuf) -> (String, Seen) {
        let host = format!("unix://{}", socket.display());
        let listener = UnixListener::bind(socket).unwrap();
        let seen = Seen::default();
        let sees = seen.clone();
        thread::spawn(move || {
            for near in listener.incoming() {
                let (near, own, sees) = (near.unwrap(), self.clone(), sees.clone());
                // A client may hang up at any time.
                thread::spawn(move || drop(own.serve(near, &sees)));
            }
        });
        (host, seen)
    }

    fn serve(&self, mut near: UnixStream, seen: &Seen) -> io::Result<()> {
        let mut start = [0; PREFACE.len()];
        near.read_exact(&mut start)?;
        if start == PREFACE {
            seen.0.lock().unwrap().push("gRPC".to_owned());
            if !self.http2 {
                return near.write_all(
                    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                );
            }
            let mut far = buildkit(&lab_env("DOCKER_HOST"))?;
            far.write_all(&start)?;
            return forward(near, far, |from, to| io::copy(from, to).map(drop));
        }
        let mut line = start.to_vec();
        let mut byte = [0];
        while !line.ends_with(b"\n") {
            near.read_exact(&mut byte)?;
            line.push(byte[0]);
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        seen.0.lock().unwrap().push(line.trim_end().to_owned());
        if let Some((_, status)) = self.refused.iter().find(|(word, _)| line.contains(word)) {
            // The whole request first, so that the client reads the answer.
            let _ = near.read(&mut [0; 4096])?;
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return near.write_all(head.as_bytes());
        }
        let engine = lab_env("DOCKER_HOST");
        let mut far = UnixStream::connect(engine.trim_start_matches("unix://"))?;
        // The lab's engine refuses requests with a newer version than its own.
        let own = line.replacen(&format!(" /v{}/", self.api), " /", 1);
        far.write_all(own.as_bytes())?;
        let api = self.api;
        forward(near, far, move |from, to| renamed(from, to, api))
    }
}

/// Forwards both ways; `answers` forwards the engine's side.
fn forward(
    near: UnixStream,
    far: UnixStream,
    answers: impl FnOnce(&mut UnixStream, &mut UnixStream) -> io::Result<()>,
) -> io::Result<()> {
    let (mut from, mut to) = (near.try_clone()?, far.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (far, near);
    let copied = answers(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
    copied
}

/// Forwards the answer with another API version, which is as long as the engine's own. It is in the head of
/// the answer to a ping, and in the first bytes of the answer to `/version`.
fn renamed(from: &mut UnixStream, to: &mut UnixStream, api: &str) -> io::Result<()> {
    const PLACES: [&[u8]; 2] = [b"Api-Version: ", b"\"ApiVersion\":\""];
    let mut part = [0; 16 << 10];
    loop {
        let count = from.read(&mut part)?;
        if count == 0 {
            return Ok(());
        }
        for place in PLACES {
            for start in place.len()..=count.saturating_sub(api.len()) {
                if part[..start].ends_with(place) {
                    part[start..start + api.len()].copy_from_slice(api.as_bytes());
                }
            }
        }
        to.write_all(&part[..count])?;
    }
}

/// Listens at `socket` and answers like Podman 4.3.1, which has the Docker API but no BuildKit.
pub fn podman(socket: PathBuf) {
    let listener = UnixListener::bind(socket).unwrap();
    thread::spawn(move || {
        for near in listener.incoming() {
            let mut near = near.unwrap();
            thread::spawn(move || {
                let mut request = [0; 4096];
                let count = near.read(&mut request).unwrap_or(0);
                let body = match String::from_utf8_lossy(&request[..count]).contains("/version ") {
                    true => {
                        r#"{"Version":"4.3.1","ApiVersion":"1.41","Components":[{"Name":"Podman Engine","Version":"4.3.1"}]}"#
                    }
                    false => "OK",
                };
                let length = body.len();
                let kind = "Content-Type: application/json\r\nApi-Version: 1.41";
                let head = format!("HTTP/1.1 200 OK\r\n{kind}\r\nContent-Length: {length}\r\n");
                let _ = near.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes());
            });
        }
    });
}
