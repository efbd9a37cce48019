//! Sessions over an in-memory pipe, with a client in place of BuildKit that has its own limits.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bollard_buildkit_proto::fsutil::types::Packet;
use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::future::join;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::task::JoinHandle;

use super::filesync::{FileSource, FileSync, Filter, MemoryFiles, Stat, Visit};
use super::{Session, SessionEnded};

/// A session that offers `source` as the context, and the other end of its connection.
fn served(source: Arc<dyn FileSource>) -> (DuplexStream, JoinHandle<Result<(), SessionEnded>>) {
    let files = FileSync::new();
    files.offer("context", source);
    // Large enough that the server receives everything at once.
    let (near, far) = tokio::io::duplex(16 << 20);
    (near, tokio::spawn(Session::new("key".to_owned()).files(&files).serve(far)))
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("a session never hangs")
}

/// A DiffCopy call with these patterns: the sender and the answer.
async fn diff_copy(
    near: DuplexStream,
    exclude: &[String],
) -> (h2::SendStream<Bytes>, h2::client::ResponseFuture) {
    let (client, connection) = h2::client::handshake(near).await.unwrap();
    tokio::spawn(connection);
    let mut request = http::Request::post("http://session/moby.filesync.v1.FileSync/DiffCopy")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("dir-name", "context");
    for pattern in exclude {
        request = request.header("exclude-patterns", pattern);
    }
    let mut client = client.ready().await.unwrap();
    let (response, stream) = client.send_request(request.body(()).unwrap(), false).unwrap();
    (stream, response)
}

fn message(packet: &Packet) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(0);
    out.put_u32(u32::try_from(packet.encoded_len()).unwrap());
    packet.encode(&mut out).unwrap();
    out.freeze()
}

fn packet(kind: PacketType, id: u32) -> Packet {
    Packet { r#type: kind.into(), id, ..Packet::default() }
}

/// The packets of an answer, one by one.
struct Packets {
    body: h2::RecvStream,
    buffer: BytesMut,
}

impl Packets {
    async fn next(&mut self) -> Option<Packet> {
        loop {
            if let Some(length) = self.buffer.get(1..5) {
                let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
                if self.buffer.len() >= 5 + length {
                    let message = self.buffer.split_to(5 + length).split_off(5);
                    return Some(Packet::decode(message).unwrap());
                }
            }
            let data = self.body.data().await?.unwrap();
            self.body.flow_control().release_capacity(data.len()).unwrap();
            self.buffer.extend_from_slice(&data);
        }
    }
}

/// As many files as in a large node_modules, each requested in a frame of its own, before any
/// answer is read.
#[tokio::test]
async fn all_files_can_be_requested_at_once() {
    const COUNT: u32 = 60_000;
    let source = MemoryFiles::new();
    for n in 0..COUNT {
        source.insert(&format!("{n:05}"), n.to_string()).unwrap();
    }
    let (near, serving) = served(Arc::new(source));
    let (mut stream, response) = diff_copy(near, &[]).await;
    let mut packets =
        Packets { body: response.await.unwrap().into_body(), buffer: BytesMut::new() };
    let received = in_time(async {
        while packets.next().await.unwrap().stat.is_some() {}
        for id in 0..COUNT {
            stream.send_data(message(&packet(PacketType::PacketReq, id)), false).unwrap();
        }
        let mut ended = 0;
        while ended < COUNT {
            let packet = packets.next().await.expect("the session continues");
            assert_eq!(packet.r#type(), PacketType::PacketData);
            ended += u32::from(packet.data.is_empty());
        }
        stream.send_data(message(&packet(PacketType::PacketFin, 0)), false).unwrap();
        packets.next().await.unwrap()
    });
    assert_eq!(received.await.r#type(), PacketType::PacketFin);
    drop((stream, packets));
    assert_eq!(in_time(serving).await.unwrap(), Ok(()));
}

/// Records the requests, and has no files.
#[derive(Default)]
struct Asked(Mutex<Vec<Filter>>);

impl FileSource for Asked {
    fn walk(&self, filter: &Filter, _: &mut Visit<'_>) -> io::Result<()> {
        self.0.lock().unwrap().push(filter.clone());
        Ok(())
    }

    fn open(&self, _: &Stat) -> io::Result<Box<dyn Read + Send>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

#[tokio::test]
async fn all_patterns_of_a_large_dockerignore_arrive() {
    let patterns: Vec<_> = (0..20_000).map(|n| format!("some/directory/{n}/**/*.log")).collect();
    let asked = Arc::new(Asked::default());
    let (near, _serving) = served(asked.clone());
    let (stream, response) = diff_copy(near, &patterns).await;
    let mut packets =
        Packets { body: response.await.unwrap().into_body(), buffer: BytesMut::new() };
    assert_eq!(in_time(packets.next()).await.unwrap().stat, None);
    assert_eq!(asked.0.lock().unwrap()[0].exclude, patterns);
    drop(stream);
}

/// BuildKit respects the limits that a session announces, and reports an error.
#[tokio::test]
async fn the_limits_are_announced() {
    let (mut near, _serving) = served(Arc::new(Asked::default()));
    near.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    in_time(near.read_exact(&mut head)).await.unwrap();
    assert_eq!(head[3], 4, "the first frame is SETTINGS");
    let mut settings = vec![0; usize::from(head[2])];
    near.read_exact(&mut settings).await.unwrap();
    let mut announced: Vec<_> = settings
        .chunks(6)
        .map(|entry| (entry[1], u32::from_be_bytes(entry[2..].try_into().unwrap())))
        .collect();
    announced.sort_unstable();
    assert_eq!(announced, [(1, 4096), (3, 1000), (4, 1 << 20), (5, 16 << 10), (6, 16 << 20)]);
}

#[tokio::test]
async fn the_side_that_ended_a_session_is_known() {
    const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    // A WINDOW_UPDATE with increment 0, which HTTP/2 forbids.
    const WRONG: &[u8] = b"\0\0\x04\x08\0\0\0\0\0\0\0\0\0";
    // GOAWAY with INTERNAL_ERROR.
    const GOODBYE: &[u8] = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x02";
    for (sent, here) in
        [(HELLO, false), (&HELLO[..30], false), (GOODBYE, false), (WRONG, true), (b"GET / ", true)]
    {
        let (mut near, serving) = served(Arc::new(Asked::default()));
        if sent == WRONG || sent == GOODBYE {
            near.write_all(HELLO).await.unwrap();
        }
        near.write_all(sent).await.unwrap();
        near.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let (ended, _) = in_time(join(serving, near.read_to_end(&mut rest))).await;
        let ended = ended.unwrap();
        assert_eq!(matches!(ended, Err(SessionEnded::Here(_))), here, "{sent:?}: {ended:?}");
    }
}
