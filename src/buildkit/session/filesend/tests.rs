//! Complete transfers over an in-memory pipe, with a small sender in place of BuildKit.

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
use super::{FileSend, OutputError, Results};

/// A client of a server for `send`, and a handle to cut their connection.
async fn connected(send: &FileSend) -> (Grpc<Channel>, tokio::task::AbortHandle) {
    let (near, mut near_end) = tokio::io::duplex(64 * 1024);
    let (far, mut far_end) = tokio::io::duplex(64 * 1024);
    let line = tokio::spawn(async move {
        tokio::io::copy_bidirectional(&mut near_end, &mut far_end).await.map(drop)
    });
    let results = Results::default();
    results.expect(send);
    let server = Server::builder().add_service(results.service());
    let once = tokio_stream::once(Ok::<_, std::io::Error>(far)).chain(tokio_stream::pending());
    tokio::spawn(async move { server.serve_with_incoming(once).await });
    let mut near = Some(near);
    let connector = tower::service_fn(move |_| {
        let near = near.take().expect("only one connection is opened");
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

    /// Sends a message. If the other side is gone, its answer shows why.
    async fn say(&self, message: M) {
        let _ = self.out.as_ref().unwrap().send(message).await;
    }

    async fn next(&mut self) -> Result<Option<M>, Status> {
        tokio::time::timeout(Duration::from_secs(20), self.answers.message())
            .await
            .expect("a transfer never hangs")
    }
}

/// Sends an archive as BuildKit does, and returns the answer.
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
async fn an_uncommitted_archive_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let send = FileSend::to_file(&dir.path().join("out.tar")).unwrap();
    archive(&send, &[b"part"]).await.unwrap();
    assert_eq!(names(dir.path()).len(), 1, "beside its destination");
    send.discard();
    assert_eq!(names(dir.path()), [] as [&str; 0]);
    assert!(send.commit().is_err());
}

#[tokio::test]
async fn an_incomplete_archive_cannot_be_committed() {
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
async fn a_second_archive_of_a_solve_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let send = FileSend::to_file(&dir.path().join("out.tar")).unwrap();
    archive(&send, &[b"one"]).await.unwrap();
    assert!(archive(&send, &[b"two"]).await.unwrap_err().message().contains("more than one"));
    assert!(send.commit().is_err());
}

#[tokio::test]
async fn a_full_disk_is_reported_to_both_sides() {
    let send = FileSend::to_file(Path::new("/dev/full")).unwrap();
    let status = archive(&send, &[b"x"]).await.unwrap_err();
    assert!(status.message().contains("/dev/full: it could not be written"), "{status:?}");
    assert!(status.message().ends_with("no space left on device"), "{status:?}");
    assert_eq!(send.fault().unwrap().to_string(), status.message());
}

#[tokio::test]
async fn a_writer_receives_the_bytes_unchanged() {
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
fn invalid_destinations_are_refused_before_the_build() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("file"), "").unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    let file = |name: &str| FileSend::to_file(&path(name)).map(drop).unwrap_err().to_string();
    assert!(file("").contains("is a directory"));
    assert!(file("no/x.tar").contains("does not exist"));
    assert!(file("dangling").contains("dangling symlink"));
    let folder = |name: &str| FileSend::to_folder(&path(name)).map(drop).unwrap_err().to_string();
    assert!(folder("file").contains("not a directory"));
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

/// Sends a tree as fsutil does: all STATs, then the requested files. The content is the path.
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
async fn a_tree_is_written_as_received() {
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
async fn a_tree_on_disk_is_complete_even_if_buildkit_closes_the_connection() {
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
async fn existing_files_are_replaced_and_other_files_are_kept() {
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
    send.commit().unwrap();
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
        (&[file("../x", 4)], "outside of the destination"),
        (&[file(&format!("{out}/x"), 4)], "outside of the destination"),
        (&[file("a/../../x", 4)], "outside of the destination"),
        (&[file("", 0)], "outside of the destination"),
        (&[file("x\0y", 0)], "outside of the destination"),
        (&[link.clone(), file("l/x", 3)], "a link is in the way"),
        (&[link.clone(), stat("l/d", mode::DIR | 0o755, 0, "")], "a link is in the way"),
        (&[link, stat("hard", 0o644, 0, "l/x")], "a link is in the way"),
        (&[stat("hard", 0o644, 0, "../x")], "outside of the destination"),
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
        send.discard();
        assert_eq!(names(outside.path()), [] as [&str; 0]);
        gone(&dir.path().join("dest")).await;
    }
}

#[tokio::test]
async fn protocol_violations_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let send = FileSend::to_folder(dir.path()).unwrap();
    let status = tree(&send, &[file("a", 2)]).await.unwrap_err();
    assert!(status.message().contains("1 of 2 bytes"), "{status:?}");
    for (kind, expected) in [
        (PacketType::PacketFin, "before all files"),
        (PacketType::PacketData, "not requested"),
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

/// Waits until the writing thread removes `path`.
async fn gone(path: &Path) {
    for _ in 0..500 {
        if !path.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} is still there", path.display());
}

#[tokio::test]
async fn the_destination_is_unchanged_before_the_commit() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("sub")).unwrap();
    for name in ["old", "sub/old", "kept"] {
        fs::write(at(name), "before").unwrap();
    }
    let stats =
        [file("new", 3), file("old", 3), stat("sub", mode::DIR | 0o750, 0, ""), file("sub/old", 7)];
    for commit in [false, true] {
        let send = FileSend::to_folder(dir.path()).unwrap();
        tree(&send, &stats).await.unwrap();
        for name in ["old", "sub/old", "kept"] {
            assert_eq!(fs::read_to_string(at(name)).unwrap(), "before", "{name}");
        }
        assert!(!at("new").exists());
        match commit {
            true => send.commit().unwrap(),
            false => send.discard(),
        }
        let left: &[&str] =
            if commit { &["kept", "new", "old", "sub"] } else { &["kept", "old", "sub"] };
        assert_eq!(names(dir.path()), left);
    }
    for (name, content) in
        [("new", "new"), ("old", "old"), ("sub/old", "sub/old"), ("kept", "before")]
    {
        assert_eq!(fs::read_to_string(at(name)).unwrap(), content);
    }
    assert_eq!(fs::metadata(at("sub")).unwrap().mode() & 0o7777, 0o750);
}

#[tokio::test]
async fn an_incomplete_tree_leaves_the_destination_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "before").unwrap();
    for dest in [dir.path().to_owned(), dir.path().join("made")] {
        let send = FileSend::to_folder(&dest).unwrap();
        let mut call = Call::<Packet>::start(&send).await;
        for stat in [Some(file("a", 1)), Some(file("b", 1)), None] {
            call.say(Packet { stat, ..packet(PacketType::PacketStat) }).await;
        }
        call.next().await.unwrap();
        assert!(names(&dest).iter().any(|name| name.starts_with(".onebuild-output-")));
        call.line.abort();
        while call.next().await.is_ok() {}
        drop((call, send.commit().unwrap_err()));
        send.discard();
        let staged = || names(dir.path()).iter().any(|name| name != "a");
        for _ in 0..500 {
            if !staged() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(names(dir.path()), ["a"]);
        assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "before");
    }
}

#[tokio::test]
async fn a_directory_in_place_of_a_file_fails_the_whole_output() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("z/full/of")).unwrap();
    fs::write(at("a"), "before").unwrap();
    let send = FileSend::to_folder(dir.path()).unwrap();
    let stats = [file("a", 1), stat("z", mode::DIR | 0o755, 0, ""), file("z/full", 6)];
    tree(&send, &stats).await.unwrap();
    let said = send.commit().unwrap_err().to_string();
    assert!(
        said.contains("z/full: the result has a file where a non-empty directory exists"),
        "{said}"
    );
    assert_eq!(fs::read_to_string(at("a")).unwrap(), "before");
    assert_eq!(names(dir.path()), ["a", "z"]);
}

#[tokio::test]
async fn files_links_and_directories_replace_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(outside.path().join("x"), "outside").unwrap();
    fs::write(at("one"), "before").unwrap();
    fs::hard_link(at("one"), at("two")).unwrap();
    fs::write(at("file-to-dir"), "").unwrap();
    fs::write(at("file-to-link"), "").unwrap();
    fs::create_dir(at("dir-to-link")).unwrap();
    symlink(outside.path(), at("link-to-dir")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    fs::create_dir(at("locked")).unwrap();
    fs::write(at("locked/file"), "before").unwrap();
    for (name, mode) in [("locked/file", 0o400), ("locked", 0o555)] {
        fs::set_permissions(at(name), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    }
    let dir_of = |name: &str| stat(name, mode::DIR | 0o555, 0, "");
    let link = |name: &str| stat(name, mode::SYMLINK | 0o777, 0, "target");
    let stats = [
        file("dangling", 8),
        link("dir-to-link"),
        dir_of("file-to-dir"),
        file("file-to-dir/x", 13),
        link("file-to-link"),
        dir_of("link-to-dir"),
        file("link-to-dir/x", 13),
        dir_of("locked"),
        file("locked/file", 11),
        file("one", 3),
        stat("third", 0o640, 0, "one"),
    ];
    let send = FileSend::to_folder(dir.path()).unwrap();
    tree(&send, &stats).await.unwrap();
    send.commit().unwrap();
    for name in ["dangling", "file-to-dir/x", "link-to-dir/x", "locked/file", "one"] {
        let path = at(name);
        assert!(!path.is_symlink());
        assert_eq!(fs::read_to_string(path).unwrap(), name);
    }
    for name in ["dir-to-link", "file-to-link"] {
        assert_eq!(fs::read_link(at(name)).unwrap(), Path::new("target"));
    }
    let inode = |name: &str| fs::metadata(at(name)).unwrap().ino();
    assert_eq!(inode("one"), inode("third"));
    assert_eq!(fs::read_to_string(at("two")).unwrap(), "before", "it was only a hard link");
    assert_eq!(fs::metadata(at("locked")).unwrap().mode() & 0o7777, 0o555);
    assert_eq!(fs::metadata(at("locked/file")).unwrap().mode() & 0o7777, 0o640);
    assert_eq!(names(outside.path()), ["x"]);
    assert_eq!(fs::read_to_string(outside.path().join("x")).unwrap(), "outside");
}

#[tokio::test]
async fn leftovers_of_a_killed_process_are_removed_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at(".onebuild-output-killed/etc")).unwrap();
    fs::write(at(".onebuild-output-killed/etc/x"), "").unwrap();
    fs::write(at(".out.tarkilled.part"), "").unwrap();
    fs::write(at(".other.tarkilled.part"), "").unwrap();
    let send = FileSend::to_folder(dir.path()).unwrap();
    tree(&send, &[]).await.unwrap();
    send.commit().unwrap();
    let send = FileSend::to_file(&at("out.tar")).unwrap();
    archive(&send, &[b"x"]).await.unwrap();
    send.commit().unwrap();
    assert_eq!(names(dir.path()), [".other.tarkilled.part", "out.tar"]);
}
