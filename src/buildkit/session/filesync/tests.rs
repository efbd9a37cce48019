//! Complete transfers over an in-memory pipe, with a small receiver in place of BuildKit.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bollard_buildkit_proto::fsutil::types::Packet;
use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::moby::filesync::v1::file_sync_client::FileSyncClient;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Status, Streaming};

use super::{FileSource, FileSync, Filter, MemoryFiles, Stat, Visit, mode};

/// A client of a server that offers `sync`, connected by a pipe.
async fn connected(sync: &FileSync) -> FileSyncClient<Channel> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let server = Server::builder().add_service(sync.service());
    let once = tokio_stream::once(Ok::<_, io::Error>(far)).chain(tokio_stream::pending());
    tokio::spawn(async move { server.serve_with_incoming(once).await });
    let mut near = Some(near);
    let connector = tower::service_fn(move |_| {
        let near = near.take().expect("only one connection is opened");
        async move { Ok::<_, io::Error>(TokioIo::new(near)) }
    });
    let endpoint = Endpoint::from_static("http://in.memory");
    FileSyncClient::new(endpoint.connect_with_connector(connector).await.unwrap())
}

struct Call {
    out: mpsc::Sender<Packet>,
    packets: Streaming<Packet>,
}

async fn call(sync: &FileSync, dir: &str) -> Result<Call, Status> {
    let (out, rx) = mpsc::channel(4);
    let mut request = Request::new(ReceiverStream::new(rx));
    request.metadata_mut().insert("dir-name", dir.parse().unwrap());
    let packets = connected(sync).await.diff_copy(request).await?.into_inner();
    Ok(Call { out, packets })
}

fn packet(kind: PacketType, id: u32) -> Packet {
    Packet { r#type: kind.into(), id, ..Packet::default() }
}

impl Call {
    async fn next(&mut self) -> Result<Option<Packet>, Status> {
        tokio::time::timeout(Duration::from_secs(20), self.packets.message())
            .await
            .expect("a transfer never hangs")
    }

    async fn ask(&self, kind: PacketType, id: u32) {
        self.out.send(packet(kind, id)).await.unwrap();
    }

    /// Reads the STATs up to the empty one.
    async fn stats(&mut self) -> Vec<Stat> {
        let mut stats = Vec::new();
        while let Some(stat) = self.next().await.unwrap().unwrap().stat {
            stats.push(stat);
        }
        stats
    }

    /// Receives like BuildKit: requests every regular file at once, then sends FIN.
    async fn everything(mut self) -> Result<BTreeMap<String, (Stat, Vec<u8>)>, Status> {
        let mut tree = BTreeMap::new();
        let mut names = Vec::new();
        let mut open = 0;
        let mut listed = false;
        loop {
            let Some(packet) = self.next().await? else { panic!("ended without FIN") };
            match packet.r#type() {
                PacketType::PacketStat => match packet.stat {
                    Some(stat) => {
                        let id = u32::try_from(names.len()).unwrap();
                        names.push(stat.path.clone());
                        if mode::is_regular(stat.mode) && stat.linkname.is_empty() {
                            open += 1;
                            self.ask(PacketType::PacketReq, id).await;
                        }
                        tree.insert(stat.path.clone(), (stat, Vec::new()));
                    }
                    None => listed = true,
                },
                PacketType::PacketData if packet.data.is_empty() => open -= 1,
                PacketType::PacketData => {
                    assert!(packet.data.len() <= 32 * 1024);
                    let name = &names[usize::try_from(packet.id).unwrap()];
                    tree.get_mut(name).unwrap().1.extend(packet.data);
                }
                PacketType::PacketFin => {
                    assert!(self.next().await?.is_none(), "nothing follows FIN");
                    return Ok(tree);
                }
                PacketType::PacketErr => continue,
                PacketType::PacketReq => panic!("a sender does not request files"),
            }
            if listed && open == 0 {
                self.ask(PacketType::PacketFin, 0).await;
            }
        }
    }
}

fn memory(files: &[(&str, Vec<u8>)]) -> Arc<MemoryFiles> {
    let memory = MemoryFiles::new();
    for (path, content) in files {
        memory.insert(path, content.clone()).unwrap();
    }
    Arc::new(memory)
}

#[tokio::test]
async fn a_tree_arrives_unchanged() {
    let big: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
    let mut files: Vec<(String, Vec<u8>)> =
        (0..200_u8).map(|n| (format!("many/{n}"), vec![n; usize::from(n) * 400])).collect();
    files.push(("empty".to_owned(), Vec::new()));
    files.push(("big".to_owned(), big));
    let source = MemoryFiles::new();
    for (path, content) in &files {
        source.insert(path, content.clone()).unwrap();
    }
    let sync = FileSync::new();
    sync.offer("context", Arc::new(source));
    let tree = call(&sync, "context").await.unwrap().everything().await.unwrap();
    assert_eq!(tree.len(), files.len() + 1);
    assert_eq!(tree["many"].0.mode, mode::DIR | 0o755);
    for (path, content) in files {
        assert!(tree[&path].1 == content, "{path}");
    }
}

#[tokio::test]
async fn files_can_be_added_during_a_session() {
    let source = memory(&[("one", b"1".to_vec())]);
    let sync = FileSync::new();
    sync.offer("dockerfile", source.clone());
    assert_eq!(call(&sync, "dockerfile").await.unwrap().everything().await.unwrap().len(), 1);
    source.insert("two", "2").unwrap();
    let tree = call(&sync, "dockerfile").await.unwrap().everything().await.unwrap();
    assert_eq!(tree["two"].1, b"2");
}

#[tokio::test]
async fn only_offered_directories_are_served() {
    let sync = FileSync::new();
    sync.offer("context", memory(&[]));
    let refused = call(&sync, "elsewhere").await.err().unwrap();
    assert_eq!(refused.code(), tonic::Code::NotFound);
    assert!(refused.message().contains("elsewhere"));
}

/// A file whose content does not match its STAT, or a directory that cannot be listed.
struct Liar {
    promised: i64,
    content: Result<Vec<u8>, &'static str>,
    listing: Option<&'static str>,
}

impl FileSource for Liar {
    fn walk(&self, _: &Filter, visit: &mut Visit<'_>) -> io::Result<()> {
        visit(Stat { path: "x".to_owned(), size: self.promised, ..Stat::default() })?;
        self.listing.map_or(Ok(()), |error| Err(io::Error::other(error)))
    }

    fn open(&self, _: &Stat) -> io::Result<Box<dyn Read + Send>> {
        match &self.content {
            Ok(content) => Ok(Box::new(Cursor::new(content.clone()))),
            Err(error) => Err(io::Error::other(*error)),
        }
    }
}

#[tokio::test]
async fn a_file_that_differs_from_its_stat_is_an_error_on_both_sides() {
    let cases = [
        (Liar { promised: 9, content: Ok(vec![0; 8]), listing: None }, "x changed during"),
        (
            Liar { promised: 70_000, content: Ok(vec![0; 69_999]), listing: None },
            "x changed during",
        ),
        (
            Liar { promised: 70_000, content: Ok(vec![0; 99_999]), listing: None },
            "x changed during",
        ),
        (Liar { promised: 0, content: Ok(vec![0; 1]), listing: None }, "x changed during"),
        (Liar { promised: 9, content: Err("x vanished"), listing: None }, "x vanished"),
        (
            Liar { promised: 0, content: Ok(vec![]), listing: Some("y is a socket") },
            "y is a socket",
        ),
    ];
    for (liar, expected) in cases {
        let sync = FileSync::new();
        sync.offer("context", Arc::new(liar));
        let status = call(&sync, "context").await.unwrap().everything().await.unwrap_err();
        assert!(status.message().contains(expected), "{status:?}");
    }
}

#[tokio::test]
async fn protocol_violations_are_answered_with_an_error() {
    let cases = [
        (packet(PacketType::PacketReq, 7), "file 7"),
        (packet(PacketType::PacketData, 0), "PACKET_DATA"),
        (Packet { data: b"disk full".to_vec(), ..packet(PacketType::PacketErr, 0) }, "disk full"),
    ];
    for (rude, expected) in cases {
        let sync = FileSync::new();
        sync.offer("context", memory(&[("a", vec![1])]));
        let mut call = call(&sync, "context").await.unwrap();
        call.stats().await;
        call.out.send(rude).await.unwrap();
        let status = loop {
            match call.next().await {
                Ok(Some(packet)) => assert_eq!(packet.r#type(), PacketType::PacketErr),
                Ok(None) => panic!("ended well"),
                Err(status) => break status,
            }
        };
        assert!(status.message().contains(expected), "{status:?}");
    }
}

/// An endless listing that signals when its walk is dropped.
struct Endless(Mutex<Option<tokio::sync::oneshot::Sender<()>>>);

impl FileSource for Endless {
    fn walk(&self, _: &Filter, visit: &mut Visit<'_>) -> io::Result<()> {
        for n in 0_u32.. {
            if let Err(error) = visit(Stat { path: format!("{n:010}"), ..Stat::default() }) {
                let _ = self.0.lock().unwrap().take().unwrap().send(());
                return Err(error);
            }
        }
        Ok(())
    }

    fn open(&self, _: &Stat) -> io::Result<Box<dyn Read + Send>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

#[tokio::test]
async fn a_transfer_that_buildkit_cancels_stops_reading() {
    let (stopped, wait) = tokio::sync::oneshot::channel();
    let sync = FileSync::new();
    sync.offer("context", Arc::new(Endless(Mutex::new(Some(stopped)))));
    let mut call = call(&sync, "context").await.unwrap();
    call.next().await.unwrap();
    drop(call);
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the walk ends").unwrap();
}
