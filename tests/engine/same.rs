//! The same images from different engines.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::support::{Project, Running, lab_script, plain_grpc, started_engine};

/// Times are fixed: those of files that steps write, and `SOURCE_DATE_EPOCH` for the rest.
const MATRIX: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1, 2] }\n\
                      args: { SOURCE_DATE_EPOCH: 1700000000 }\nlabels: { n: <%n%> }\n";
const FILE: &str = "FROM alpine:3.20 AS base\n\
    RUN mkdir /made && echo <%n%> > /made/n && ln -s n /made/link && chmod 2750 /made \\\n \
    && chown 1000:1001 /made/n && touch -h -d @1600000000 /made/* /made && touch -d @1600000000 /\n\
    FROM scratch\nCOPY --from=base /made /made\nCOPY --chmod=600 --chown=7:8 Dockerfile /file\n\
    ENV N=<%n%>\nUSER 1000\nENTRYPOINT [\"/made/n\"]\n";

fn crane(args: &[&str]) -> String {
    let mut command = lab_script("in");
    command.arg("crane").args(args);
    Running::start(command).end().success().stdout
}

/// Builds and pushes the family without cache, and returns the platforms of each tag with config and digest
/// of the config.
fn pushed(name: &str, host: &str) -> BTreeMap<String, (String, Value)> {
    let project = Project::new(name, MATRIX, FILE);
    // COPY keeps the time of a file.
    let file = fs::File::open(project.path("context/Dockerfile")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000)).unwrap();
    let args = ["matrix", "--push", "--no-cache", "--host", host];
    project.run(&args).success().says(&["2 pushed"]);
    let mut found = BTreeMap::new();
    for tag in ["v1", "v2"] {
        for platform in ["linux/amd64", "linux/arm64"] {
            let reference = format!("{}:{tag}", project.repository());
            let config = crane(&["config", "--platform", platform, &reference]);
            let manifest = crane(&["manifest", "--platform", platform, &reference]);
            let manifest: Value = serde_json::from_str(&manifest).unwrap();
            let id = manifest["config"]["digest"].as_str().unwrap().to_owned();
            found.insert(format!("{tag} {platform}"), (id, serde_json::from_str(&config).unwrap()));
        }
    }
    found
}

/// The files of an image with type, mode, owner, size and link, as crane unpacks its layers.
fn files(name: &str, image: &str) -> Vec<String> {
    let (tag, platform) = image.split_once(' ').unwrap();
    let project = Project::single(name, FILE);
    let archive = project.path("files.tar");
    let reference = format!("{}:{tag}", project.repository());
    crane(&["export", "--platform", platform, &reference, archive.to_str().unwrap()]);
    let listed = std::process::Command::new("tar")
        .args(["--list", "--verbose", "--numeric-owner", "--full-time", "--utc", "--file"])
        .arg(&archive)
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let mut lines: Vec<_> =
        String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    assert!(lines.len() >= 4, "{lines:?}");
    lines
}

#[test]
fn engines_of_one_version_make_the_same_image_ids() {
    let engine = started_engine("same", &[]);
    let project = Project::single("same-relay", FILE);
    let relay = plain_grpc(project.path("b.sock"));
    let ids = |name: &str, host: &str| -> BTreeMap<String, String> {
        pushed(name, host).into_iter().map(|(image, (id, _))| (image, id)).collect()
    };
    let first = ids("same-1", &crate::lab_env("DOCKER_HOST"));
    assert_eq!(first, ids("same-2", &engine.host));
    assert_eq!(first, ids("same-3", &relay));
}

/// Their BuildKits compress layers differently, so digests differ; what is in the images does not.
#[test]
fn docker_engine_26_and_28_make_the_same_files_and_config() {
    let engine = started_engine("same26", &["--debian", "trixie"]);
    let newer = pushed("same-28", &crate::lab_env("DOCKER_HOST"));
    let older = pushed("same-26", &engine.host);
    assert_eq!(newer.len(), 4);
    for (image, (_, config)) in &newer {
        assert_eq!(config, &older[image].1, "{image}");
        assert_eq!(files("same-28", image), files("same-26", image), "{image}");
    }
}
