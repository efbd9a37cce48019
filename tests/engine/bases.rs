//! Labels that name the base image, and builds that are pinned to it.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Project, commands_with, lab_dir, until};

const TWO: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1, 2] }\n";
const AUTO: &str = "labels: { auto: [base] }\nannotations: { auto: [base] }\n";
const DIGEST: &str = "org.opencontainers.image.base.digest";

/// A project that pushes a base under a new name.
fn base(of: &Project) -> Project {
    let base = Project::new(&format!("base-{}", of.nonce().to_lowercase()), TWO, "");
    pushed(&base, "alpine:3.20");
    base
}

/// Pushes the base again, built from another image.
fn pushed(base: &Project, image: &str) {
    base.file("context/Dockerfile", format!("FROM {image}\nENV MADE_OF={image}\n"));
    base.run(&["matrix", "--push", "--only", "n=1"]).success();
}

/// How many times BuildKit has requested the base from the registry by its tag.
fn questions(base: &Project) -> usize {
    let log = std::fs::read_to_string(lab_dir().join("log/registry.log")).unwrap();
    let path = format!("/v2/{}/manifests/v1 HTTP/1.1\"", base.repository_name());
    let asks = |line: &&str| {
        let by_buildkit = line.contains("\"buildkit/") || line.contains("\"containerd/");
        line.contains(&path) && line.contains("\"HEAD ") && by_buildkit
    };
    log.lines().filter(asks).count()
}

/// For each platform: the base's name and digest in labels and annotations, and the layers.
fn images(project: &Project, tag: &str) -> Vec<([Value; 4], Value)> {
    let name = DIGEST.replace("digest", "name");
    let image = |(_, manifest): (String, Value)| {
        let config = project.store().config(&manifest);
        let labels = &config["config"]["Labels"];
        let annotations = &manifest["annotations"];
        let found = [&labels[&name], &labels[DIGEST], &annotations[&name], &annotations[DIGEST]];
        let layers = manifest["layers"].as_array().unwrap();
        (found.map(Clone::clone), layers.iter().map(|layer| layer["digest"].clone()).collect())
    };
    project.store().images(tag).into_iter().map(image).collect()
}

#[test]
fn images_name_their_base_and_it_is_requested_once() {
    let project = Project::new("base-labels", &format!("{TWO}{AUTO}"), "");
    let base = base(&project);
    let name = format!("{}:v1", base.repository());
    let nonce = project.nonce();
    let dockerfile =
        format!("ARG BASE={name}\nFROM $BASE AS first\nFROM first\nRUN echo {nonce} <%n%> >/n\n");
    project.file("context/Dockerfile", &dockerfile);
    let before = questions(&base);
    project.run(&["matrix", "--push"]).success();
    assert_eq!(questions(&base) - before, 1, "two cells, two platforms, one base");

    let digest = base.store().digest("v1");
    let (_, index) = project.store().manifest("v2").unwrap();
    assert_eq!(index["annotations"][DIGEST], *digest);
    let mut pinned = Vec::new();
    for tag in ["v1", "v2"] {
        let images = images(&project, tag);
        assert_eq!(images.len(), 2);
        for (found, layers) in images {
            assert_eq!(found, [&*name, &*digest, &*name, &*digest]);
            pinned.push(layers);
        }
    }
    // Without the labels nothing is pinned, and the same layers come from the cache.
    project.matrix(TWO);
    project.run(&["matrix", "--push"]).success();
    let free = ["v1", "v2"].map(|tag| images(&project, tag)).concat();
    assert_eq!(free.iter().map(|(_, layers)| layers.clone()).collect::<Vec<_>>(), pinned);
    assert!(free.iter().all(|(found, _)| found.iter().all(Value::is_null)));
}

#[test]
fn a_tag_that_moves_during_a_run_does_not_affect_the_run() {
    let project = Project::new("base-moves", &format!("{TWO}{AUTO}"), "");
    let base = base(&project);
    let nonce = project.nonce();
    let name = base.repository();
    // The first cell runs long enough for the tag to move.
    let slow = format!("#% if n == \"1\"\nRUN echo {nonce}; sleep 8; true\n#% endif\n");
    project.file("context/Dockerfile", format!("FROM {name}:v1\n{slow}RUN echo <%n%>\n"));
    let running = project.start(&["matrix", "--push", "--jobs", "1", "--platform", "linux/amd64"]);
    until("the first cell runs", Duration::from_secs(60), || commands_with(nonce) > 0);
    let old = base.store().digest("v1");
    pushed(&base, "ubuntu:24.04");
    let new = base.store().digest("v1");
    assert_ne!(old, new);
    running.end().success();
    let found = |tag: &str| images(&project, tag).remove(0);
    let (first, second) = (found("v1"), found("v2"));
    assert_eq!((&first.0[1], &second.0[1]), (&Value::from(&*old), &Value::from(&*old)));
    // The lab's bases share their first layer.
    assert_eq!(first.1[1], second.1[1], "the second is built on the base in its label");

    project.run(&["build", "--only", "n=2", "--push", "--platform", "linux/amd64"]).success();
    let later = found("v2");
    assert_eq!(later.0[1], *new);
    assert_ne!(later.1[1], second.1[1]);
}

#[test]
fn a_missing_base_fails_only_its_cell_with_its_line() {
    let project = Project::in_new_repository("base-missing", &format!("{TWO}{AUTO}"), "");
    let missing = format!("{}-missing:1", project.repository());
    let dockerfile = format!(
        "#% if n == \"1\"\nFROM {missing}\n#% else\nFROM alpine:3.20\n#% endif\nRUN true\n"
    );
    project.file("context/Dockerfile", &dockerfile);
    project.run(&["matrix", "--push"]).exits(1).says(&[
        "v1 failed",
        "context/Dockerfile:2",
        &missing,
        "1 pushed, 1 failed",
    ]);
}

#[test]
fn a_base_in_any_form_that_buildkit_supports_is_labelled_and_never_its_own_base() {
    let parent = Project::new(
        "base-parent",
        "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1] }\n\
         labels: { auto: [base] }\n",
        "FROM ubuntu:24.04\n",
    );
    parent.run(&["matrix", "--push"]).success();
    let found = |project: &Project| -> Vec<[Value; 2]> {
        let images = images(project, "v1").into_iter();
        images.map(|([name, digest, ..], _)| [name, digest]).collect()
    };
    assert_eq!(found(&parent)[0][0], "docker.io/library/ubuntu:24.04");
    let name = format!("{}:v1", parent.repository());
    let digest = parent.store().digest("v1");

    let one = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1] }\n";
    let project = Project::new("base-child", &format!("{one}labels: {{ auto: [base] }}\n"), "");
    let repository = parent.repository();
    for dockerfile in [
        format!("ARG V=v1.0\nFROM {repository}:${{V%.*}}\n"),
        format!("ARG V=xv1\nARG P={repository}\nFROM ${{P}}:${{V#x}} AS b\nFROM b\n"),
        format!("FROM {repository}:\\\nv1\n"),
        format!("FROM {name} AS b-amd64\nFROM {name} AS b-arm64\nFROM b-${{TARGETARCH}}\n"),
    ] {
        project.file("context/Dockerfile", &dockerfile);
        project.run(&["matrix", "--push", "--strict"]).success();
        for found in found(&project) {
            assert_eq!(found, [&*name, &*digest], "{dockerfile}");
        }
    }
    // The platforms have different bases, but a label has one value: neither is used.
    let arch = format!("FROM {name} AS b-amd64\nFROM alpine:3.20 AS b-arm64\nFROM b-$TARGETARCH\n");
    project.file("context/Dockerfile", &arch);
    project
        .run(&["matrix", "--push"])
        .success()
        .says(&["warning[unknown-base]: the base image differs by platform", "Dockerfile:3:1"]);
    for found in found(&project) {
        assert_eq!(found, ["", ""]);
    }
    let strict = project.run(&["matrix", "--push", "--strict"]);
    strict.exits(3).says(&["error[unknown-base]"]);
    // If only the name is a label, the digest of another base is not kept beside it.
    project.matrix(&format!("{one}labels: {{ auto: true }}\n"));
    project.file("context/Dockerfile", format!("FROM {name}\n"));
    project.run(&["matrix", "--push"]).success();
    for found in found(&project) {
        assert_eq!(found, [&*name, ""]);
    }
}
