//! A proxy in front of the engine that breaks one connection on purpose.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;

use super::lab_env;

/// The first bytes of HTTP/2, which a session's client sends once.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The types of the frames with data, and those that begin a call.
const DATA: u8 = 0;
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
        let line = first_line(&mut client);
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

/// Forwards everything to the lab's engine, but answers requests whose first line contains `word` with an
/// error, `message`.
pub fn refusing(socket: PathBuf, word: &'static str, message: &'static str) -> String {
    listening(socket, move |mut client, engine| {
        let line = first_line(&mut client);
        if String::from_utf8_lossy(&line).contains(word) {
            let body = format!("{{\"message\": \"{message}\"}}");
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            client.write_all(answer.as_bytes()).unwrap();
            let _ = client.shutdown(Shutdown::Write);
            let _ = io::copy(&mut client, &mut io::sink());
            return;
        }
        let mut engine = engine.connect();
        engine.write_all(&line).unwrap();
        passed_on(client, engine, |from, to| io::copy(from, to).map(drop));
    })
}

fn first_line(client: &mut UnixStream) -> Vec<u8> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\n") && client.read(&mut byte).unwrap_or(0) == 1 {
        line.push(byte[0]);
    }
    line
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

/// Forwards the engine's answers. A session is an HTTP/2 connection inside of a call: the engine sends its
/// preface as the first data of the call.
fn answers(engine: &mut UnixStream, client: &mut UnixStream) -> io::Result<()> {
    // The answers to requests of the API pass unchanged. Only `/grpc` becomes a connection.
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if engine.read(&mut byte)? == 0 {
            return client.write_all(&head);
        }
        head.push(byte[0]);
    }
    client.write_all(&head)?;
    if !head.starts_with(b"HTTP/1.1 101") {
        return io::copy(engine, client).map(drop);
    }
    // The call of the session, and what the engine has sent in it.
    let mut session: Option<([u8; 4], Vec<u8>)> = None;
    loop {
        let mut head = [0; 9];
        engine.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut data = vec![0; usize::try_from(length).unwrap()];
        engine.read_exact(&mut data)?;
        client.write_all(&head)?;
        client.write_all(&data)?;
        let call = <[u8; 4]>::try_from(&head[5..]).unwrap();
        let is_preface = || data.windows(PREFACE.len()).any(|window| window == PREFACE);
        match &mut session {
            _ if head[3] != DATA => {}
            None if is_preface() => session = Some((call, messages(&data))),
            Some((known, sent)) if *known == call => sent.extend(messages(&data)),
            None | Some(_) => {}
        }
        if let Some((call, sent)) = &session
            && has_whole_headers(&sent[PREFACE.len()..])
        {
            let message = [b"\0\0\0\0\x0f\x0a\x0d", WRONG].concat();
            let length = u32::try_from(message.len()).unwrap().to_be_bytes();
            let head = [&length[1..], &[DATA, 0], call].concat();
            client.write_all(&[head, message].concat())?;
            break;
        }
    }
    io::copy(engine, client).map(drop)
}

/// The content of gRPC messages, each with one field of less than 16 KiB.
fn messages(mut data: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let [_, a, b, c, d, rest @ ..] = data {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
        let (message, next) = rest.split_at(length);
        // The tag of the field, and its length in one or two bytes.
        let start = if message[1] < 0x80 { 2 } else { 3 };
        content.extend_from_slice(&message[start..]);
        data = next;
    }
    content
}

/// Whether these frames are whole, and the engine has begun a call in them.
fn has_whole_headers(mut frames: &[u8]) -> bool {
    let mut begun = false;
    while let [a, b, c, kind, ..] = *frames {
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap() + 9;
        let Some(rest) = frames.get(length..) else { return false };
        begun |= kind == HEADERS;
        frames = rest;
    }
    begun && frames.is_empty()
}
