//! Whole transfers over a pipe in memory, with a small sender in BuildKit's place.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::time::Duration;

use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use bollard_buildkit_proto::fsutil::types::{Packet, Stat};
use bollard_buildkit_proto::moby::filesync::packet::BytesMessage;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::super::filesync::mode;
use super::{FileSend, OutputError};

/// A client of a server that takes `send`, and the line between them, to be cut.
async fn connected(send: &FileSend) -> (Grpc<Channel>, tokio::task::AbortHandle) {
    let (near, mut near_end) = tokio::io::duplex(64 * 1024);
    let (far, mut far_end) = tokio::io::duplex(64 * 1024);
    let line = tokio::spawn(async move {
        tokio::io::copy_bidirectional(&mut near_end, &mut far_end).await.map(drop)
    });
    let server = Server::builder().add_service(send.service());
    let once = tokio_stream::once(Ok::<_, std::io::Error>(far)).chain(tokio_stream::pending());
    tokio::spawn(async move { server.serve_with_incoming(once).await });
    let mut near = Some(near);
    let connector = tower::service_fn(move |_| {
        let near = near.take().expect("one connection is made");
        async move { Ok::<_, std::io::Error>(TokioIo::new(near)) }
    });
    let endpoint = Endpoint::from_static("http://in.memory");
    let client = Grpc::new(endpoint.connect_with_connector(connector).await.unwrap());
    (client, line.abort_handle())
}

struct Call<M> {
    out: Option<mpsc::Sender<M>>,
    answers: Streaming<M>,
    line: tokio::task::AbortHandle,
}

impl<M: prost::Message + Default + Send + Sync + 'static> Call<M> {
    async fn start(send: &FileSend) -> Self {
        let (mut client, line) = connected(send).await;
        client.ready().await.unwrap();
        let (out, rx) = mpsc::channel(4);
        let path = http::uri::PathAndQuery::from_static(super::METHODS[0]);
        let request = Request::new(ReceiverStream::new(rx));
        let answers = client.streaming(request, path, ProstCodec::<M, M>::default()).await;
        Self { out: Some(out), answers: answers.unwrap().into_inner(), line }
    }

    /// Sends, unless the other side has gone, which its answer tells.
    async fn say(&self, message: M) {
        let _ = self.out.as_ref().unwrap().send(message).await;
    }

    async fn next(&mut self) -> Result<Option<M>, Status> {
        tokio::time::timeout(Duration::from_secs(20), self.answers.message())
            .await
            .expect("a transfer never hangs")
    }
}

/// Sends an archive as BuildKit does, and says how it was taken.
async fn archive(send: &FileSend, chunks: &[&[u8]]) -> Result<(), Status> {
    let mut call = Call::<BytesMessage>::start(send).await;
    for chunk in chunks {
        call.say(BytesMessage { data: chunk.to_vec() }).await;
    }
    call.out = None;
    call.next().await.map(|answer| assert_eq!(answer, None))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_archive_appears_when_the_solve_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    let dest = dir.path().join("out.tar");
    fs::write(&dest, "old").unwrap();
    let send = FileSend::to_file(&dest).unwrap();
    let big = vec![7; 1 << 20];
    archive(&send, &[b"head", &big, b"tail"]).await.unwrap();
    assert_eq!(fs::read(&dest).unwrap(), b"old", "nothing is replaced before the commit");
    send.commit().unwrap();
    let written = fs::read(&dest).unwrap();
    assert!(written.len() == big.len() + 8 && written.ends_with(b"tail"));
    assert_eq!(names(dir.path()), ["out.tar"]);
}

#[tokio::test]
async fn an_archive_that_is_not_committed_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let send = FileSend::to_file(&dir.path().join("out.tar")).unwrap();
    archive(&send, &[b"part"]).await.unwrap();
    assert_eq!(names(dir.path()).len(), 1, "beside its destination");
    send.discard();
    assert_eq!(names(dir.path()), [] as [&str; 0]);
    assert!(send.commit().is_err());
}

#[tokio::test]
async fn an_archive_that_breaks_off_cannot_be_committed() {
    let dir = tempfile::tempdir().unwrap();
    let send = FileSend::to_file(&dir.path().join("out.tar")).unwrap();
    assert!(matches!(send.commit(), Err(OutputError::Nothing)));
    let call = Call::<BytesMessage>::start(&send).await;
    call.say(BytesMessage { data: b"part".to_vec() }).await;
    call.line.abort();
    for _ in 0..200 {
        if send.fault().is_some() && names(dir.path()).is_empty() {
            assert!(matches!(send.commit(), Err(OutputError::Broken(_))));
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?} {:?}", send.fault(), names(dir.path()));
}

#[tokio::test]
async fn one_solve_has_one_archive() {
    let dir = tempfile::tempdir().unwrap();
    let send = FileSend::to_file(&dir.path().join("out.tar")).unwrap();
    archive(&send, &[b"one"]).await.unwrap();
    assert!(archive(&send, &[b"two"]).await.unwrap_err().message().contains("more than one"));
    assert!(send.commit().is_err());
}

#[tokio::test]
async fn a_full_disk_is_told_to_both_sides() {
    let send = FileSend::to_file(Path::new("/dev/full")).unwrap();
    let status = archive(&send, &[b"x"]).await.unwrap_err();
    assert!(status.message().contains("/dev/full: it could not be written"), "{status:?}");
    assert!(status.message().ends_with("no space left on device"), "{status:?}");
    assert_eq!(send.fault().unwrap().to_string(), status.message());
}

#[tokio::test]
async fn a_writer_gets_the_bytes_as_they_are() {
    let mut file = tempfile::tempfile().unwrap();
    let send = FileSend::to_writer(file.try_clone().unwrap());
    archive(&send, &[b"a", b"", b"b"]).await.unwrap();
    send.commit().unwrap();
    let mut text = String::new();
    std::io::Seek::rewind(&mut file).unwrap();
    std::io::Read::read_to_string(&mut file, &mut text).unwrap();
    assert_eq!(text, "ab");
}

#[test]
fn destinations_that_cannot_work_are_refused_before_the_build() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("file"), "").unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    let file = |name: &str| FileSend::to_file(&path(name)).map(drop).unwrap_err().to_string();
    assert!(file("").contains("folder"));
    assert!(file("no/x.tar").contains("does not exist"));
    assert!(file("dangling").contains("link to nowhere"));
    let folder = |name: &str| FileSend::to_folder(&path(name)).map(drop).unwrap_err().to_string();
    assert!(folder("file").contains("no folder"));
    assert!(folder("no/x").contains("does not exist"));
    assert!(FileSend::to_folder(&path("new")).is_ok() && FileSend::to_file(&path("new")).is_ok());
}

fn stat(path: &str, mode: u32, size: usize, linkname: &str) -> Stat {
    Stat {
        path: path.to_owned(),
        mode,
        size: i64::try_from(size).unwrap(),
        mod_time: 1_600_000_000_123_456_789,
        linkname: linkname.to_owned(),
        ..Stat::default()
    }
}

fn file(path: &str, size: usize) -> Stat {
    stat(path, 0o640, size, "")
}

fn packet(kind: PacketType) -> Packet {
    Packet { r#type: kind.into(), ..Packet::default() }
}

/// Sends a tree as fsutil does: all STATs, then whatever is asked for. Content is the path.
async fn tree(send: &FileSend, stats: &[Stat]) -> Result<(), Status> {
    let mut call = Call::<Packet>::start(send).await;
    let (out, say) = (call.out.clone().unwrap(), stats.to_vec());
    let listing = tokio::spawn(async move {
        for stat in say.into_iter().map(Some).chain([None]) {
            let _ = out.send(Packet { stat, ..packet(PacketType::PacketStat) }).await;
        }
    });
    while let Some(asked) = call.next().await? {
        match asked.r#type() {
            PacketType::PacketReq => {
                let data = |data| Packet { id: asked.id, data, ..packet(PacketType::PacketData) };
                let content = stats[usize::try_from(asked.id).unwrap()].path.clone().into_bytes();
                call.say(data(content)).await;
                call.say(data(Vec::new())).await;
            }
            PacketType::PacketFin => call.say(packet(PacketType::PacketFin)).await,
            other => panic!("{other:?}"),
        }
    }
    listing.await.unwrap();
    Ok(())
}

#[tokio::test]
async fn a_tree_is_written_as_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let dest = dir.path().join("out");
    let send = FileSend::to_folder(&dest).unwrap();
    let mut stats = vec![
        stat("d", mode::DIR | 0o555, 0, ""),
        stat("d/a", 0o751 | mode::SETUID, 3, ""),
        stat("d/hard", 0o751 | mode::SETUID, 0, "d/a"),
        stat("d/sub", mode::DIR | 0o700, 0, ""),
        stat("l", mode::SYMLINK | 0o777, 0, "/etc/passwd"),
    ];
    stats.extend((0..300).map(|n| file(&format!("n{n:03}"), 4)));
    tree(&send, &stats).await.unwrap();
    send.commit().unwrap();
    assert_eq!(fs::read_to_string(dest.join("d/a")).unwrap(), "d/a");
    assert_eq!(fs::read_to_string(dest.join("n299")).unwrap(), "n299");
    let a = fs::metadata(dest.join("d/a")).unwrap();
    assert_eq!(
        (a.mode() & 0o7777, a.mtime(), a.mtime_nsec()),
        (0o4751, 1_600_000_000, 123_456_789)
    );
    assert_eq!(a.ino(), fs::metadata(dest.join("d/hard")).unwrap().ino());
    let d = fs::metadata(dest.join("d")).unwrap();
    assert_eq!((d.mode() & 0o7777, d.mtime()), (0o555, 1_600_000_000));
    assert_eq!(fs::read_link(dest.join("l")).unwrap(), Path::new("/etc/passwd"));
    assert_eq!(fs::symlink_metadata(dest.join("l")).unwrap().mtime(), 1_600_000_000);
}

#[tokio::test]
async fn a_tree_is_complete_when_it_is_on_disk_even_if_buildkit_then_hangs_up() {
    let dir = tempfile::tempdir().unwrap();
    let send = FileSend::to_folder(dir.path()).unwrap();
    let mut call = Call::<Packet>::start(&send).await;
    call.say(packet(PacketType::PacketStat)).await;
    assert_eq!(call.next().await.unwrap(), Some(packet(PacketType::PacketFin)));
    call.line.abort();
    assert!(call.next().await.is_err());
    send.commit().unwrap();
    assert_eq!(send.fault(), None);
}

#[tokio::test]
async fn what_was_there_is_replaced_and_the_rest_stays() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(outside.path().join("x"), "outside").unwrap();
    fs::write(at("kept"), "kept").unwrap();
    fs::hard_link(outside.path().join("x"), at("file")).unwrap();
    symlink(outside.path().join("x"), at("link")).unwrap();
    symlink(outside.path(), at("sub")).unwrap();
    fs::create_dir(at("empty")).unwrap();
    let stats = [
        file("empty", 5),
        file("file", 4),
        file("link", 4),
        stat("sub", mode::DIR | 0o755, 0, ""),
        file("sub/x", 5),
    ];
    let send = FileSend::to_folder(dir.path()).unwrap();
    tree(&send, &stats).await.unwrap();
    for name in ["empty", "file", "link", "kept", "sub/x"] {
        assert_eq!(fs::read_to_string(at(name)).unwrap(), name);
    }
    assert_eq!(fs::read_to_string(outside.path().join("x")).unwrap(), "outside");
    assert_eq!(names(outside.path()), ["x"]);
}

#[tokio::test]
async fn nothing_is_written_outside_the_destination() {
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().to_str().unwrap();
    let link = stat("l", mode::SYMLINK | 0o777, 0, out);
    let cases: &[(&[Stat], &str)] = &[
        (&[file("../x", 4)], "leads elsewhere"),
        (&[file(&format!("{out}/x"), 4)], "leads elsewhere"),
        (&[file("a/../../x", 4)], "leads elsewhere"),
        (&[file("", 0)], "leads elsewhere"),
        (&[file("x\0y", 0)], "leads elsewhere"),
        (&[link.clone(), file("l/x", 3)], "a link is in the way"),
        (&[link.clone(), stat("l/d", mode::DIR | 0o755, 0, "")], "a link is in the way"),
        (&[link, stat("hard", 0o644, 0, "l/x")], "a link is in the way"),
        (&[stat("hard", 0o644, 0, "../x")], "leads elsewhere"),
        (&[stat(".git", mode::DIR | 0o755, 0, "")], "a `.git` directory"),
        (&[stat("a", mode::DIR | 0o755, 0, ""), file("a/.GIT/hooks", 4)], "a `.git` directory"),
        (&[stat(".Git", mode::SYMLINK | 0o777, 0, "x")], "a `.git` directory"),
        (&[stat("dev", mode::DEVICE | 0o644, 0, "")], "a device"),
        (&[stat("pipe", mode::NAMED_PIPE | 0o644, 0, "")], "pipe"),
    ];
    for (stats, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        let send = FileSend::to_folder(&dir.path().join("dest")).unwrap();
        let status = tree(&send, stats).await.unwrap_err();
        assert!(status.message().contains(expected), "{status:?}");
        assert_eq!(send.fault().unwrap().to_string(), status.message());
        assert!(send.commit().is_err());
        assert_eq!(names(outside.path()), [] as [&str; 0]);
        assert_eq!(names(dir.path()), ["dest"]);
    }
}

#[tokio::test]
async fn a_tree_that_is_not_what_it_says_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("full/of")).unwrap();
    for (stats, expected) in
        [([file("a", 2)], "1 of 2 bytes"), ([file("full", 4)], "a folder that is not empty")]
    {
        let send = FileSend::to_folder(dir.path()).unwrap();
        let status = tree(&send, &stats).await.unwrap_err();
        assert!(status.message().contains(expected), "{status:?}");
    }
    for (kind, expected) in [
        (PacketType::PacketFin, "before all files"),
        (PacketType::PacketData, "not asked for"),
        (PacketType::PacketReq, "that it sends"),
        (PacketType::PacketErr, "could not send"),
    ] {
        let send = FileSend::to_folder(dir.path()).unwrap();
        let mut call = Call::<Packet>::start(&send).await;
        call.say(packet(kind)).await;
        let status = call.next().await.unwrap_err();
        assert!(status.message().contains(expected), "{status:?}");
    }
}
