use std::collections::HashMap;

use super::fake::{Fake, reply};
use super::{client, reference};
use crate::image::{Digest, Platform};
use crate::registry::{VerifyError, verify};

/// A registry that holds one tag, of these bytes, and blobs by digest.
async fn holding(manifest: String, blobs: &[&str]) -> (Fake, Digest) {
    let digest = Digest::of(manifest.as_bytes());
    let mut held: HashMap<String, String> = blobs
        .iter()
        .map(|blob| (format!("blobs/{}", Digest::of(blob.as_bytes())), blob.to_string()))
        .collect();
    held.insert("manifests/1.0".to_owned(), manifest);
    let fake = Fake::start(move |seen| {
        match held.iter().find(|(name, _)| seen.path == format!("/v2/lab/app/{name}")) {
            Some((_, bytes)) => reply(200, &[], bytes.clone()),
            None => reply(404, &[], ""),
        }
    })
    .await;
    (fake, digest)
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
async fn an_index_with_every_platform_passes() {
    let pushed = index(&[("linux", "amd64"), ("linux", "arm64"), ("unknown", "unknown")]);
    let (fake, digest) = holding(pushed, &[]).await;
    let wanted = platforms(&["linux/amd64", "linux/arm64"]);
    verify(&client("{}"), &reference(&fake.host), &digest, &wanted).await.unwrap();
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_named() {
    let (fake, digest) = holding(index(&[("linux", "amd64")]), &[]).await;
    let wanted = platforms(&["linux/amd64", "linux/arm64", "linux/arm/v7"]);
    let result = verify(&client("{}"), &reference(&fake.host), &digest, &wanted).await;
    let error = result.unwrap_err().to_string();
    assert!(error.ends_with("pushed without linux/arm64, linux/arm/v7"), "{error}");
}

#[tokio::test]
async fn a_tag_that_someone_else_has_moved_is_noticed() {
    let (fake, found) = holding(index(&[("linux", "amd64")]), &[]).await;
    let pushed = Digest::of(b"ours");
    let error = verify(&client("{}"), &reference(&fake.host), &pushed, &[]).await.unwrap_err();
    assert!(matches!(&error, VerifyError::OtherDigest { .. }));
    for digest in [pushed, found] {
        assert!(error.to_string().contains(digest.as_str()), "{error}");
    }
}

#[tokio::test]
async fn the_platform_of_a_single_image_is_in_its_configuration() {
    let config = r#"{"os": "linux", "architecture": "arm64", "rootfs": {}}"#;
    let image = format!(r#"{{"config": {{"digest": "{}"}}}}"#, Digest::of(config.as_bytes()));
    let (fake, digest) = holding(image, &[config]).await;
    let (registry, reference) = (client("{}"), reference(&fake.host));
    verify(&registry, &reference, &digest, &platforms(&["linux/arm64"])).await.unwrap();
    let wrong = verify(&registry, &reference, &digest, &platforms(&["linux/amd64"])).await;
    assert!(wrong.unwrap_err().to_string().ends_with("pushed without linux/amd64"));
}
