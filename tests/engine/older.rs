//! Older engines: those that are refused, and the oldest supported ones.

use crate::support::{Project, Running, docker, plain_grpc_of, started_engine};

const TESTED: &str = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1] }\ntest: [cat, /copy]";
const TWELVE: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: 1..12 }";
const FILE: &str = "FROM alpine:3.20\nRUN echo seen > /copy\n";

/// Debian 12 has Docker Engine 20.10. It reports success for our solves but keeps no result.
#[test]
fn an_engine_that_is_too_old_is_refused_before_anything_is_built() {
    let engine = started_engine("older", &["--debian", "bookworm"]);
    let project = Project::new("tooold", TESTED, FILE);
    let at = ["--host", engine.host.as_str()];
    let too_old = [
        &*format!("the engine at {} is too old: it is Docker Engine 20.10.", engine.host),
        "(API 1.41), but onebuild needs 26.0 or newer (API 1.45)",
        "update Docker on the engine's machine",
    ];
    for args in [
        &["build"][..],
        &["matrix", "--push"],
        &["build", "--skip-test"],
        &["build", "--output", "type=tar,dest=x.tar"],
        &["lint"],
    ] {
        project.run(&[args, &at].concat()).exits(4).says(&too_old).never_says(&["| started"]);
    }
    assert_eq!(docker(&["--host", &engine.host, "image", "ls", "--quiet"]), "");
    // If the user did not name this engine, the rest of lint is still useful.
    let mut lint = project.command(&["lint"]);
    lint.env("DOCKER_HOST", &engine.host);
    let lint = Running::start(lint).end().success();
    lint.says(&["note: the engine at ", "is too old", "so BuildKit's own checks are skipped"]);
}

/// Debian 13 has Docker Engine 26.1, the release line of the oldest engine that is supported.
#[test]
fn the_oldest_supported_engine_tests_and_pushes_with_provenance() {
    let engine = started_engine("oldest", &["--debian", "trixie"]);
    let both = TESTED.replace("[linux/amd64]", "[linux/amd64, linux/arm64]");
    let matrix = format!("{both}\nannotations: {{ my.note: kept }}\n");
    let project = Project::new("oldest", &matrix, FILE);
    let args = ["build", "--provenance", "--push", "--host", &engine.host];
    let run = project.run(&args).success().says(&[
        "Docker Engine 26.1.",
        "[testing on linux/arm64] > seen",
        "1 tested on amd64 arm64",
        "1 pushed",
    ]);
    assert_eq!(run.digest(), project.store().digest("v1"));
    let (_, index) = project.store().manifest("v1").unwrap();
    assert_eq!(index["annotations"]["my.note"], "kept");
    let manifests = index["manifests"].as_array().unwrap();
    let kind = |manifest: &&serde_json::Value| {
        manifest["annotations"]["vnd.docker.reference.type"] == "attestation-manifest"
    };
    assert_eq!(manifests.iter().filter(kind).count(), 2, "{index}");
    let lint = project.run(&["lint", "--host", &engine.host]).success();
    lint.says(&[
        "note: BuildKit's own checks are skipped: Docker Engine 26.1.",
        "does not have them (Docker Engine 27.0 and newer do)",
    ]);
    // A build warns of nothing then, and says so once.
    assert_eq!(run.stderr.matches("BuildKit's own checks are skipped").count(), 1, "{run}");

    // A buildkitd of that age, whose version is not known: BuildKit itself refuses.

    let project = Project::new("oldest-buildkitd", TWELVE, FILE);
    let host = plain_grpc_of(engine.host.clone(), project.path("b.sock"));
    let lint = project.run(&["lint", "--host", &host]).success();
    assert_eq!(lint.stderr.matches("BuildKit's own checks are skipped").count(), 1, "{lint}");
    lint.says(&[
        "note: BuildKit's own checks are skipped: buildkitd",
        "(buildkitd 0.14 and newer do)",
    ]);
}
