use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::fake::{Fake, Reply, Seen, reply};
use super::{client, reference};
use crate::image::{Digest, Platform};
use crate::registry::{Settle, VerifyError, verify};

const HASTY: Settle = Settle { attempts: 3, first_delay: Duration::from_millis(1) };

/// The answer of a registry that holds `held`, keyed by kind and name. It reports digests as real
/// registries do.
fn held(held: &HashMap<String, String>, seen: &Seen) -> Reply {
    match held.iter().find(|(name, _)| seen.path == format!("/v2/lab/app/{name}")) {
        Some((_, bytes)) => {
            let digest = Digest::of(bytes.as_bytes()).to_string();
            let body = if seen.method == "HEAD" { String::new() } else { bytes.clone() };
            reply(200, &[("docker-content-digest", digest.as_str())], body)
        }
        None => reply(404, &[], ""),
    }
}

/// A registry with one tag for these bytes, and blobs by digest.
async fn holding(manifest: String, blobs: &[&str]) -> (Fake, Digest) {
    let digest = Digest::of(manifest.as_bytes());
    let mut all: HashMap<String, String> = blobs
        .iter()
        .map(|blob| (format!("blobs/{}", Digest::of(blob.as_bytes())), blob.to_string()))
        .collect();
    all.insert("manifests/1.0".to_owned(), manifest);
    (Fake::start(move |seen| held(&all, seen)).await, digest)
}

/// The result of `verify` for a push of `digest` with the platforms `wanted`.
async fn verified(
    fake: &Fake,
    digest: &Digest,
    wanted: &[&str],
    strict: bool,
) -> Result<(), VerifyError> {
    let wanted = platforms(wanted);
    verify(&client("{}"), &reference(&fake.host), digest, &wanted, strict, &HASTY).await
}

fn index(platforms: &[(&str, &str)]) -> String {
    let entries: Vec<String> = platforms
        .iter()
        .map(|(os, architecture)| {
            let digest = Digest::of(architecture.as_bytes());
            format!(
                r#"{{"digest": "{digest}", "size": 1,
                    "platform": {{"os": "{os}", "architecture": "{architecture}"}}}}"#
            )
        })
        .collect();
    format!(r#"{{"manifests": [{}]}}"#, entries.join(","))
}

fn platforms(names: &[&str]) -> Vec<Platform> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[tokio::test]
async fn an_equal_digest_verifies_the_push_without_a_pull() {
    let pushed = index(&[("linux", "amd64"), ("linux", "arm64"), ("unknown", "unknown")]);
    let (fake, digest) = holding(pushed, &[]).await;
    verified(&fake, &digest, &["linux/amd64", "linux/arm64"], false).await.unwrap();
    let gets = fake
        .seen()
        .iter()
        .filter(|seen| seen.path.contains("manifests") && seen.method == "GET")
        .count();
    assert_eq!((gets, fake.count("/v2/lab/app/manifests")), (0, 1));
}

#[tokio::test]
async fn the_manifest_is_read_if_the_registry_reports_no_digest_or_lacks_head() {
    for status in [200, 400, 405, 501] {
        let pushed = index(&[("linux", "amd64")]);
        let digest = Digest::of(pushed.as_bytes());
        let fake = Fake::start(move |seen| match seen.method.as_str() {
            "HEAD" => reply(status, &[], ""),
            _ => reply(200, &[], pushed.clone()),
        })
        .await;
        verified(&fake, &digest, &["linux/amd64"], false).await.unwrap();
        let error = verified(&fake, &digest, &["linux/arm64"], false).await.unwrap_err();
        assert!(error.to_string().ends_with("pushed without linux/arm64"), "{error}");
    }
}

#[tokio::test]
async fn strict_verification_checks_each_platform() {
    let pushed = index(&[("linux", "amd64"), ("linux", "arm64")]);
    let digest = Digest::of(pushed.as_bytes());
    let child = |platform: &str| format!("manifests/{}", Digest::of(platform.as_bytes()));
    let mut all = HashMap::from([("manifests/1.0".to_owned(), pushed)]);
    all.insert(child("amd64"), "x".to_owned());
    let without = all.clone();
    let fake = Fake::start(move |seen| held(&without, seen)).await;
    let both = ["linux/amd64", "linux/arm64"];
    verified(&fake, &digest, &both, false).await.unwrap();
    let error = verified(&fake, &digest, &both, true).await.unwrap_err();
    assert!(matches!(error, VerifyError::Missing { .. }), "{error}");
    all.insert(child("arm64"), "x".to_owned());
    let fake = Fake::start(move |seen| held(&all, seen)).await;
    verified(&fake, &digest, &both, true).await.unwrap();
    let error = verified(&fake, &digest, &["linux/arm/v7"], true).await.unwrap_err();
    assert!(error.to_string().ends_with("pushed without linux/arm/v7"), "{error}");
}

#[tokio::test]
async fn a_push_that_becomes_visible_later_is_awaited() {
    let pushed = index(&[("linux", "amd64")]);
    let digest = Digest::of(pushed.as_bytes());
    let all = HashMap::from([("manifests/1.0".to_owned(), pushed)]);
    let hidden = AtomicUsize::new(2);
    let fake = Fake::start(move |seen| {
        let hides = |left: usize| left.checked_sub(1);
        let is_manifest = seen.path.contains("/manifests/");
        match is_manifest && hidden.fetch_update(Ordering::SeqCst, Ordering::SeqCst, hides).is_ok()
        {
            true => reply(404, &[], ""),
            false => held(&all, seen),
        }
    })
    .await;
    verified(&fake, &digest, &["linux/amd64"], false).await.unwrap();
    assert_eq!(fake.count("/v2/lab/app/manifests"), 3);
}

#[tokio::test]
async fn a_lost_push_and_an_unreachable_registry_are_different_errors() {
    let digest = Digest::of(b"ours");
    for (status, header, body, lost) in [
        (404, None, "", true),
        (200, None, "<html>", true),
        (200, None, "{}", true),
        (403, None, "", false),
        (503, None, "", false),
        (307, Some(("location", "/v2/again")), "", false),
        (401, Some(("www-authenticate", "Basic realm=\"x\"")), "", false),
    ] {
        let fake = Fake::start(move |_| reply(status, header.as_slice(), body)).await;
        let error = verified(&fake, &digest, &[], false).await.unwrap_err();
        let is_lost = matches!(error, VerifyError::Missing { .. });
        let is_unasked = matches!(error, VerifyError::NotAsked(_));
        assert_eq!((is_lost, is_unasked), (lost, !lost), "{status}: {error}");
    }
    let large = vec![b' '; 5 * 1024 * 1024];
    let fake = Fake::start(move |_| reply(200, &[], large.clone())).await;
    let error = verified(&fake, &digest, &[], false).await.unwrap_err();
    assert!(matches!(error, VerifyError::NotAsked(_)), "{error}");
}

#[tokio::test]
async fn a_tag_that_was_moved_in_the_meantime_is_detected() {
    let (fake, found) = holding(index(&[("linux", "amd64")]), &[]).await;
    let pushed = Digest::of(b"ours");
    let error = verified(&fake, &pushed, &[], false).await.unwrap_err();
    assert!(matches!(&error, VerifyError::OtherDigest { .. }));
    for digest in [pushed, found] {
        assert!(error.to_string().contains(digest.as_str()), "{error}");
    }
}

#[tokio::test]
async fn the_platform_of_a_single_image_is_read_from_its_configuration() {
    let config = r#"{"os": "linux", "architecture": "arm64", "rootfs": {}}"#;
    let image = format!(r#"{{"config": {{"digest": "{}"}}}}"#, Digest::of(config.as_bytes()));
    let (fake, digest) = holding(image, &[config]).await;
    verified(&fake, &digest, &["linux/arm64"], true).await.unwrap();
    let wrong = verified(&fake, &digest, &["linux/amd64"], true).await;
    assert!(wrong.unwrap_err().to_string().ends_with("pushed without linux/amd64"));
}
