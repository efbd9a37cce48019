//! A proxy in front of the engine that breaks one connection on purpose.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;

use super::lab_env;

/// The first bytes of HTTP/2, which a session's client sends once.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The type of the frame that begins a call.
const HEADERS: u8 = 1;
/// A WINDOW_UPDATE with increment 0, which HTTP/2 forbids.
const WRONG: &[u8] = b"\0\0\x04\x08\0\0\0\0\0\0\0\0\0";

/// Forwards everything to the lab's engine, but on a session sends an invalid frame as soon as the
/// engine has begun its first call. Listens at `socket` and returns DOCKER_HOST, like all of these.
pub fn wrong_in_sessions(socket: PathBuf) -> String {
    listening(socket, |client, engine| passed_on(client, engine.connect(), answers))
}

/// Forwards everything to the lab's engine, whose clock appears to be four years ahead.
pub fn clock_ahead(socket: PathBuf) -> String {
    listening(socket, |client, engine| passed_on(client, engine.connect(), later))
}

/// Forwards everything to the lab's engine, but accepts requests whose first line contains `word`
/// and never answers them.
pub fn silent_to(socket: PathBuf, word: &'static str) -> String {
    listening(socket, move |mut client, engine| {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\n") && client.read(&mut byte).unwrap_or(0) == 1 {
            line.push(byte[0]);
        }
        if String::from_utf8_lossy(&line).contains(word) {
            // Until the other side closes the connection.
            let _ = io::copy(&mut client, &mut io::sink());
            return;
        }
        let mut engine = engine.connect();
        engine.write_all(&line).unwrap();
        passed_on(client, engine, |from, to| io::copy(from, to).map(drop));
    })
}

/// The socket of the lab's engine.
#[derive(Clone)]
struct LabEngine(PathBuf);

impl LabEngine {
    fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.0).unwrap()
    }
}

/// Serves each connection on its own thread. Returns DOCKER_HOST.
fn listening(
    socket: PathBuf,
    serve: impl Fn(UnixStream, LabEngine) + Clone + Send + 'static,
) -> String {
    let engine = LabEngine(lab_env("DOCKER_HOST").trim_start_matches("unix://").into());
    let host = format!("unix://{}", socket.display());
    let listener = UnixListener::bind(socket).unwrap();
    // It ends with the test process.
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, engine, serve) = (client.unwrap(), engine.clone(), serve.clone());
            thread::spawn(move || serve(client, engine));
        }
    });
    host
}

/// Forwards both ways; `answers` forwards the engine's side.
fn passed_on(
    client: UnixStream,
    engine: UnixStream,
    answers: impl FnOnce(&mut UnixStream, &mut UnixStream) -> io::Result<()>,
) {
    let (from, to) = (client.try_clone().unwrap(), engine.try_clone().unwrap());
    thread::spawn(move || copied(from, to, |from, to| io::copy(from, to).map(drop)));
    copied(engine, client, answers);
}

/// Forwards the engine's answers with another year in its time.
fn later(engine: &mut UnixStream, client: &mut UnixStream) -> io::Result<()> {
    const TIME: &[u8] = b"\"SystemTime\":\"";
    let mut seen = Vec::new();
    let mut part = [0; 16 << 10];
    loop {
        let count = engine.read(&mut part)?;
        if count == 0 {
            return Ok(());
        }
        let sent = seen.len();
        seen.extend_from_slice(&part[..count]);
        // The answer to `/info` has one, and arrives in one or two parts.
        if let Some(place) = seen.windows(TIME.len()).position(|window| window == TIME)
            && let Some(year) = seen.get_mut(place + TIME.len()..place + TIME.len() + 4)
            && place + TIME.len() >= sent
        {
            let number: u32 = std::str::from_utf8(year).unwrap().parse().unwrap();
            year.copy_from_slice((number + 4).to_string().as_bytes());
        }
        client.write_all(&seen[sent..])?;
        seen.drain(..seen.len().saturating_sub(TIME.len() + 4));
    }
}

/// Runs `copy`, and forwards the end of the stream.
fn copied(
    mut from: UnixStream,
    mut to: UnixStream,
    copy: impl FnOnce(&mut UnixStream, &mut UnixStream) -> io::Result<()>,
) {
    // A closed side is the end of the connection, nothing else.
    let _ = copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Forwards the engine's answers. On a session, the engine sends the HTTP/2 preface.
fn answers(engine: &mut UnixStream, client: &mut UnixStream) -> io::Result<()> {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !seen.ends_with(PREFACE) {
        if engine.read(&mut byte)? == 0 {
            return Ok(());
        }
        client.write_all(&byte)?;
        seen.push(byte[0]);
    }
    loop {
        let mut head = [0; 9];
        engine.read_exact(&mut head)?;
        let length = u64::from(u32::from_be_bytes([0, head[0], head[1], head[2]]));
        client.write_all(&head)?;
        io::copy(&mut engine.take(length), client)?;
        if head[3] == HEADERS {
            break;
        }
    }
    client.write_all(WRONG)?;
    io::copy(engine, client).map(drop)
}
