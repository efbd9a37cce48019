//! Tests with an engine that answers as real ones do when two runs remove the same things.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::time::Instant;

use super::*;
use crate::docker::{Candidate, Endpoint};

/// A process of this machine that has ended.
fn gone() -> Names {
    let owner = Owner { process: u32::MAX, ..process::own() };
    Names { owner, run: random_id() }
}

/// An engine with a container and an image of `left`, which refuses to remove the container `refusals`
/// times. Also returns the removal requests.
async fn engine(
    directory: &std::path::Path,
    left: &Names,
    refusals: usize,
) -> (Engine, Arc<Mutex<Vec<&'static str>>>) {
    let path = directory.join("engine.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let containers = serde_json::json!([{
        "Id": "c", "Names": [format!("/{}", left.container(1))], "Labels": left.labels("v1"),
        "Created": 1,
    }]);
    let images = serde_json::json!([{
        "Id": "sha256:i", "ParentId": "", "RepoTags": [left.image(0).to_string()], "RepoDigests": [],
        "Created": 1, "Size": 1, "SharedSize": -1, "Labels": {}, "Containers": -1,
    }]);
    let removals = Arc::<Mutex<Vec<_>>>::default();
    let recorded = removals.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            // Ignore a connection without a request.
            let Ok(count @ 1..) = stream.read(&mut head).await else { continue };
            let head = String::from_utf8_lossy(&head[..count]).into_owned();
            let is_removal = head.starts_with("DELETE ");
            let (status, body) = match head.split(' ').nth(1).unwrap_or_default() {
                path if is_removal && path.contains("/containers/c") => {
                    let mut removals = recorded.lock().unwrap();
                    removals.push("container");
                    let message = r#"{"message": "removal of container c is already in progress"}"#;
                    match removals.len() <= refusals {
                        true => ("409 Conflict", message.to_owned()),
                        false => ("204 No Content", String::new()),
                    }
                }
                path if is_removal && path.contains("/images/onebuild.invalid") => {
                    recorded.lock().unwrap().push("image");
                    ("200 OK", "[]".to_owned())
                }
                path if path.contains("/containers/json") => ("200 OK", containers.to_string()),
                path if path.contains("/images/json") => ("200 OK", images.to_string()),
                _ => ("200 OK", r#"{"Version": "28.0.0", "ApiVersion": "1.48"}"#.to_owned()),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\
                 content-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let endpoint = Endpoint::Unix(path);
    let candidate = Candidate { endpoint, origin: "a test".into(), tls: None };
    (Engine::connect(vec![candidate]).await.unwrap(), removals)
}

/// If a container still uses an image, the engine would keep the image without a name.
#[tokio::test(start_paused = true)]
async fn an_image_keeps_its_name_until_no_container_uses_it() {
    let both = Swept { containers: 1, images: 1 };
    for (refusals, removed, swept) in [
        (0, &["container", "image"][..], both),
        (1, &["container", "container", "image"], both),
        (usize::MAX, &["container", "container", "container"], Swept::default()),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let (engine, removals) = engine(directory.path(), &gone(), refusals).await;
        // Longer than the removal takes.
        let work = sleep(REMOVAL_TIMEOUT);
        let cancel = CancellationToken::new();
        let ((), found) = beside(work, &engine, &Names::new(), &cancel).await;
        assert_eq!((removals.lock().unwrap().as_slice(), found), (removed, swept), "{refusals}");
    }
}

#[tokio::test(start_paused = true)]
async fn objects_of_this_run_or_of_no_run_are_not_removed() {
    let own = Names::new();
    let strange = Names { run: "me".to_owned(), ..gone() };
    for left in [&own, &strange] {
        let directory = tempfile::tempdir().unwrap();
        let (engine, removals) = engine(directory.path(), left, 0).await;
        let cancel = CancellationToken::new();
        let ((), found) = beside(sleep(REMOVAL_TIMEOUT), &engine, &own, &cancel).await;
        assert_eq!((removals.lock().unwrap().as_slice(), found), (&[][..], Swept::default()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_run_does_not_wait_for_removals_that_have_not_started() {
    let directory = tempfile::tempdir().unwrap();
    let (engine, removals) = engine(directory.path(), &gone(), 0).await;
    let started = Instant::now();
    let (done, found) =
        beside(async { 7 }, &engine, &Names::new(), &CancellationToken::new()).await;
    assert_eq!((done, found, started.elapsed()), (7, Swept::default(), Duration::ZERO));
    assert!(removals.lock().unwrap().is_empty());
}

#[test]
fn one_note_reports_all_removals() {
    for (containers, images, wanted) in [
        (0, 0, None),
        (1, 0, Some("removed 1 container of")),
        (0, 2, Some("removed 2 images of")),
        (3, 1, Some("removed 3 containers and 1 image of")),
    ] {
        let note = Swept { containers, images }.note();
        assert_eq!(note.is_some(), wanted.is_some());
        assert!(note.unwrap_or_default().starts_with(wanted.unwrap_or_default()));
    }
}

#[test]
fn an_age_needs_both_times_in_order() {
    assert_eq!(age(Some(10), Some(4)), Some(Duration::from_secs(6)));
    for (now, since) in
        [(None, Some(4)), (Some(10), None), (Some(4), Some(10)), (Some(i64::MAX), Some(i64::MIN))]
    {
        assert_eq!(age(now, since), None);
    }
}
