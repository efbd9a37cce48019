//! Base images for another platform than the cell's do not get into the image.

use serde_json::Value;

use crate::support::{Project, Store, lab_env};

const TWO: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1] }\n";

/// A base that is pinned to the image of one platform.
fn pinned(platform: &str) -> String {
    let store = Store::new(lab_env("ONEBUILD_LAB_REGISTRY"), "library/alpine".to_owned());
    let (_, index) = store.manifest("3.20").expect("the lab has it");
    let is_of = |manifest: &&Value| {
        let of = &manifest["platform"];
        format!("{}/{}", of["os"].as_str().unwrap(), of["architecture"].as_str().unwrap())
            == platform
    };
    let manifest = index["manifests"].as_array().unwrap().iter().find(is_of).unwrap();
    format!("alpine:3.20@{}", manifest["digest"].as_str().unwrap())
}

#[test]
fn a_base_of_another_platform_fails_its_cell_before_anything_is_built() {
    let project = Project::new("other-platform", TWO, "");
    let (amd, arm) = (pinned("linux/amd64"), pinned("linux/arm64"));
    for (dockerfile, line, is, wants) in [
        (format!("FROM {amd}\nRUN true\n"), 1, "linux/amd64", "linux/arm64"),
        (format!("FROM {arm}\nRUN true\n"), 1, "linux/arm64", "linux/amd64"),
        (format!("ARG B={amd}\nFROM $B AS b\nFROM b\n"), 2, "linux/amd64", "linux/arm64"),
        (format!("FROM scratch\nCOPY --from={amd} / /\n"), 2, "linux/amd64", "linux/arm64"),
        (
            format!(
                "FROM alpine:3.20\nRUN true\nRUN --mount=from={amd},target=/t cp /t/bin/ls /l\n"
            ),
            3,
            "linux/amd64",
            "linux/arm64",
        ),
        // The final stage may not even request it explicitly.
        (format!("FROM --platform=$TARGETPLATFORM {amd}\n"), 1, "linux/amd64", "linux/arm64"),
    ] {
        project.file("context/Dockerfile", &dockerfile);
        let message = format!("is for {is}, but the cell is built for {wants}");
        let place = format!("context/Dockerfile:{line}");
        let help = format!("this digest is of the {is} image only: use the digest of the index");
        project
            .run(&["matrix", "--push", "--progress", "plain"])
            .exits(1)
            .says(&[&message, &place, &help, "1 failed"])
            .never_says(&["v1 | ["]);
        assert!(!project.store().has("v1"), "{dockerfile}");
        let lint = project.run(&["lint", "--strict"]).exits(3);
        assert!(lint.stdout.contains(&message) && lint.stdout.contains(&place), "{}", lint.stdout);
    }
}

#[test]
fn a_base_of_another_platform_is_allowed_if_the_dockerfile_says_so() {
    let project = Project::new("meant-platform", TWO, "");
    let amd = pinned("linux/amd64");
    let files = "FROM scratch\nCOPY --from=build /bin/busybox /b\n";
    for dockerfile in [
        format!("FROM --platform=linux/amd64 {amd} AS build\n{files}"),
        format!("FROM --platform=$BUILDPLATFORM alpine:3.20 AS build\n{files}"),
        format!(
            "FROM --platform=linux/amd64 alpine:3.20 AS build\n\
             RUN --mount=from={amd},target=/t true\n{files}"
        ),
        format!("# onebuild: allow base-platform (it holds data alone)\nFROM {amd}\n"),
        format!(
            "FROM scratch\n# onebuild: allow base-platform, unpinned-base (data)\n\
             COPY --from={amd} /etc/passwd /\n"
        ),
        "# onebuild: allow final-stage-platform (it holds data alone)\n\
         FROM --platform=linux/amd64 alpine:3.20\n"
            .to_owned(),
        // Bases of unused stages are not requested.
        format!("FROM {amd} AS unused\nFROM alpine:3.20\n"),
    ] {
        project.file("context/Dockerfile", &dockerfile);
        project.run(&["matrix", "--push"]).success();
        assert_eq!(project.store().platforms("v1"), ["linux/amd64", "linux/arm64"], "{dockerfile}");
    }
}

#[test]
fn the_final_stage_must_have_the_cells_platform() {
    let project = Project::new("final-stage-other", TWO, "");
    let build = "FROM --platform=$BUILDPLATFORM alpine:3.20";
    for (dockerfile, line) in [
        (format!("{build} AS build\nRUN true\n{build}\nCOPY --from=build /etc /e\n"), 3),
        (format!("{build} AS below\nFROM below\n"), 1),
        ("FROM --platform=linux/arm/v7 alpine:3.20\n".to_owned(), 1),
    ] {
        project.file("context/Dockerfile", &dockerfile);
        let place = format!("context/Dockerfile:{line}");
        project.run(&["matrix", "--push"]).exits(1).says(&[
            "the final stage is built on",
            "the cell is built for linux/",
            &place,
        ]);
        assert!(!project.store().has("v1"), "{dockerfile}");
        for args in [&["lint"][..], &["lint", "--no-engine"]] {
            let lint = project.run(args).exits(3);
            let parts = ["error: the final stage is built on", &place, "final-stage-platform"];
            assert!(parts.iter().all(|part| lint.stdout.contains(part)), "{}", lint.stdout);
        }
    }
    // A cell for the engine's own platform is correct.
    let project = Project::new("final-stage-native", TWO, "");
    project.file("context/Dockerfile", format!("{build}\n"));
    project.run(&["matrix", "--push", "--platform", "linux/amd64"]).success();
    project
        .run(&["matrix", "--push", "--platform", "linux/arm64"])
        .exits(1)
        .says(&["the final stage is built on linux/amd64, the cell is built for linux/arm64"]);
}

#[test]
fn a_base_that_only_a_mount_uses_is_replaced_too() {
    let project = Project::new("mounted-base", TWO, "");
    project.file(
        "context/Dockerfile",
        "FROM alpine:3.20\nRUN --mount=from=mounted.invalid/a:1,target=/m cp /m/etc/passwd /p\n\
         COPY --from=copied.invalid/b /etc/passwd /q\n",
    );
    project.matrix(&format!(
        "{TWO}bases:\n  mounted.invalid/a:1: ubuntu:24.04\n  copied.invalid/b: alpine:3.20\n"
    ));
    project.run(&["matrix", "--push", "--strict"]).success();
    let lint = project.run(&["lint"]).success();
    let parts = ["`ubuntu:24.04` (which replaces `mounted.invalid/a:1`)", "context/Dockerfile:2"];
    assert!(parts.iter().all(|part| lint.stdout.contains(part)), "{}", lint.stdout);
}
