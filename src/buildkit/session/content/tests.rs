//! Writes and reads without a connection, for cases that a real BuildKit does not produce on
//! demand.

use std::fs;
use std::path::Path;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tonic::{Code, Request, Status};

use super::blob::Ingest;
use super::proto::{Action, InfoRequest, WriteRequest, WriteResponse};
use super::{Content, Layout, Offer};

fn digest(data: &[u8]) -> String {
    let hex: String = Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn writable() -> (TempDir, Offer) {
    let directory = tempfile::tempdir().unwrap();
    let offer = Content::default().write(Layout::new(directory.path()));
    (directory, offer)
}

fn message(action: Action, offset: usize, data: &[u8]) -> WriteRequest {
    let offset = i64::try_from(offset).unwrap();
    WriteRequest {
        action: action.into(),
        r#ref: "w".to_owned(),
        offset,
        data: data.to_vec(),
        ..WriteRequest::default()
    }
}

/// Sends the messages of one write until one is refused; returns the last answer.
fn write(offer: &Offer, messages: &[WriteRequest]) -> Result<WriteResponse, Status> {
    let mut under_way: Option<Ingest> = None;
    let mut last = WriteResponse::default();
    for message in messages {
        (under_way, last) = offer.store.step(under_way, message)?;
    }
    Ok(last)
}

/// The files in a directory, with relative paths.
fn files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.path().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.file_name().into_string().unwrap()),
        }
    }
    found.sort();
    found
}

#[test]
fn a_blob_is_visible_only_after_it_is_committed() {
    let (directory, offer) = writable();
    let (mut first, second) = (message(Action::Stat, 0, b""), message(Action::Write, 0, b"one "));
    first.expected = digest(b"one two");
    first.total = 7;
    let end = message(Action::Commit, 4, b"two");
    assert_eq!(write(&offer, &[first.clone(), second.clone()]).unwrap().offset, 4);
    assert_eq!(files(directory.path()), [""; 0]);
    let answer = write(&offer, &[first.clone(), second.clone(), end]).unwrap();
    assert_eq!((answer.offset, answer.total, answer.digest), (7, 7, digest(b"one two")));
    assert_eq!(files(directory.path()), [&digest(b"one two")[7..]]);
    let status = write(&offer, &[first]).unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);

    // Restart at zero, as after a failure that BuildKit detected.
    let again = [second, message(Action::Write, 0, b"three"), message(Action::Commit, 5, b"")];
    assert_eq!(write(&offer, &again).unwrap().digest, digest(b"three"));
    assert_eq!(offer.fault(), None);
}

#[test]
fn a_blob_with_an_unexpected_digest_or_size_is_discarded() {
    let expecting = |text: &[u8], total: i64| WriteRequest {
        expected: digest(text),
        total,
        ..message(Action::Write, 0, b"one")
    };
    let commit = || message(Action::Commit, 3, b"");
    for (messages, word) in [
        (vec![expecting(b"two", 0), commit()], "in place of sha256:"),
        (vec![expecting(b"one", 4), commit()], "3 of the 4 bytes"),
        (vec![expecting(b"one", 2), commit()], "more than the 2 bytes"),
    ] {
        let (directory, offer) = writable();
        let status = write(&offer, &messages).unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().contains(word), "{}", status.message());
        assert!(status.message().contains(directory.path().to_str().unwrap()));
        assert_eq!(offer.fault().unwrap().to_string(), status.message());
        assert_eq!(files(directory.path()), [""; 0]);
    }
}

#[test]
fn invalid_requests_are_refused() {
    let (directory, offer) = writable();
    let mut nameless = message(Action::Stat, 0, b"");
    nameless.r#ref.clear();
    let escaping = format!("sha256:{}", "../".repeat(20));
    let expected = |expected: &str| WriteRequest {
        expected: expected.to_owned(),
        ..message(Action::Stat, 0, b"")
    };
    for (messages, code) in [
        (vec![nameless], Code::InvalidArgument),
        (vec![expected(&escaping)], Code::InvalidArgument),
        (vec![expected("sha256:abc")], Code::InvalidArgument),
        (vec![expected(&digest(b"").to_uppercase())], Code::InvalidArgument),
        (vec![message(Action::Write, 1, b"x")], Code::OutOfRange),
    ] {
        assert_eq!(write(&offer, &messages).unwrap_err().code(), code);
    }
    let reading = Content::default().read(Layout::new(directory.path()));
    let status = write(&reading, &[message(Action::Stat, 0, b"")]).unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(files(directory.path()), [""; 0]);
}

#[test]
fn a_truncated_blob_is_written_again_and_a_symlink_is_not_a_blob() {
    let (directory, offer) = writable();
    let blobs = directory.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let path = blobs.join(&digest(b"whole")[7..]);
    fs::write(&path, "who").unwrap();
    let mut all = message(Action::Commit, 0, b"whole");
    (all.expected, all.total) = (digest(b"whole"), 5);
    write(&offer, std::slice::from_ref(&all)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"whole");

    fs::rename(&path, directory.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(directory.path().join("elsewhere"), &path).unwrap();
    assert!(!offer.layout().has(&digest(b"whole")));
    write(&offer, &[all]).unwrap();
    assert!(offer.layout().has(&digest(b"whole")));
}

#[test]
fn the_error_for_a_read_only_directory_has_no_os_error_number() {
    let (directory, offer) = writable();
    fs::write(directory.path().join("ingest"), "").unwrap();
    let status = write(&offer, &[message(Action::Stat, 0, b"")]).unwrap_err();
    let wanted = format!("the cache in {}: cannot be written: ", directory.path().display());
    assert!(status.message().starts_with(&wanted), "{}", status.message());
    assert!(!status.message().contains("os error"), "{}", status.message());
}

#[test]
fn a_directory_is_accessible_by_name_while_it_is_offered() {
    let content = Content::default();
    let directory = tempfile::tempdir().unwrap();
    let offer = content.read(Layout::new(directory.path()));
    let called = |id: &str| {
        let mut request = Request::new(InfoRequest::default());
        let id = format!("local:{id}").parse().unwrap();
        request.metadata_mut().insert("buildkit-attachable-store-id", id);
        content.chosen(&request).map(drop)
    };
    let id = offer.id().to_owned();
    called(&id).unwrap();
    assert_eq!(called("other").unwrap_err().code(), Code::NotFound);
    assert_eq!(
        content.chosen(&Request::new(InfoRequest::default())).unwrap_err().code(),
        Code::NotFound
    );
    drop(offer);
    assert_eq!(called(&id).unwrap_err().code(), Code::NotFound);
}

#[test]
fn concurrent_writers_add_their_tags_to_one_index() {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::new(directory.path());
    std::thread::scope(|scope| {
        for number in 0..16 {
            let layout = layout.clone();
            let put = move || layout.put(&json!({ "digest": digest(b"x") }), &format!("v{number}"));
            scope.spawn(move || put().unwrap());
        }
    });
    let index = layout.index().unwrap();
    for number in 0..16 {
        assert_eq!(index.find(&format!("v{number}")), Some(digest(b"x").as_str()));
    }
    assert_eq!(files(directory.path()), ["index.json", "oci-layout"]);
}

#[test]
fn an_invalid_index_is_reported_with_its_path_and_preserved() {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::new(directory.path());
    let path = directory.path().join("index.json");
    for (text, word) in [
        ("{", "invalid JSON"),
        ("[]", "not an OCI image index"),
        (&" ".repeat(5 << 20), "larger than 4 MiB"),
    ] {
        fs::write(&path, text).unwrap();
        let error = layout.put(&json!({ "digest": digest(b"x") }), "v1").unwrap_err().to_string();
        assert!(error.starts_with(path.to_str().unwrap()) && error.contains(word), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, "").unwrap();
    layout.put(&json!({ "digest": digest(b"x") }), "v1").unwrap();
    assert_eq!(layout.index().unwrap().find("v1"), Some(digest(b"x").as_str()));
}

#[test]
fn a_named_pipe_in_place_of_a_file_does_not_block() {
    let directory = tempfile::tempdir().unwrap();
    let layout = Layout::new(directory.path());
    let blob = directory.path().join("blobs/sha256").join(&digest(b"x")[7..]);
    fs::create_dir_all(blob.parent().unwrap()).unwrap();
    for path in
        [blob, directory.path().join("index.json"), directory.path().join("index.json.lock")]
    {
        rustix::fs::mkfifoat(rustix::fs::CWD, path, 0o600.into()).unwrap();
    }
    assert!(!layout.has(&digest(b"x")));
    let said = "it is a named pipe, not a regular file";
    assert!(layout.index().unwrap_err().to_string().contains(said));
    let descriptor = serde_json::json!({ "digest": digest(b"x") });
    assert!(layout.put(&descriptor, "latest").unwrap_err().to_string().contains(said));
}
