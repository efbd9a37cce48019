//! Images that a buildkitd builds for a Docker Engine. `support/relay.rs` says what stands for buildkitd.

use std::time::Duration;

use crate::support::{
    Project, Run, Running, docker, docker_run, lab_env, plain_grpc, refusing, started_engine, until,
};

const FILE: &str = "FROM alpine:3.20\nRUN uname -m > /machine\nCOPY Dockerfile /\n";
const BOTH: &str =
    "tags: [v<%n%>, w<%n%>]\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1] }\n";
const PLATFORMS: [(&str, &str); 2] = [("linux/amd64", "x86_64"), ("linux/arm64", "aarch64")];

/// Runs onebuild with the relay as buildkitd and `engine` as Docker Engine.
fn beside(project: &Project, engine: &str, args: &[&str]) -> Run {
    let socket = project.path("b.sock");
    let host = match socket.exists() {
        true => format!("buildkit+unix://{}", socket.display()),
        false => plain_grpc(socket),
    };
    let mut command = project.command(&[args, &["--host", &host]].concat());
    command.env("DOCKER_HOST", engine);
    Running::start(command).end()
}

/// The output of `docker` on `engine`.
fn docker_at(engine: &str, args: &[&str]) -> String {
    docker(&[&["--host", engine], args].concat()).trim().to_owned()
}

/// A Dockerfile whose images other tests do not have.
fn labelled(project: &Project, more: &str) {
    let label = format!("LABEL run={}\n", project.nonce());
    project.file("context/Dockerfile", [FILE, more, &label].concat());
}

/// Other tests use the engine, too. While they remove an image, it cannot list any.
fn no_trials_are_left(project: &Project, engine: &str) {
    let label = format!("label=run={}", project.nonce());
    let list = ["--host", engine, "image", "ls", "--quiet", "--filter", &label];
    let list = [&list[..], &["onebuild.invalid/test"]].concat();
    let mut left = None;
    until("the engine lists its images", Duration::from_secs(30), || {
        let run = docker_run(&list);
        left = (run.code == 0).then_some(run.stdout);
        left.is_some()
    });
    assert_eq!(left.as_deref(), Some(""));
}

#[test]
fn an_image_is_loaded_with_all_its_names_and_platforms() {
    let project = Project::new("loadstore", BOTH, FILE);
    let engine = lab_env("DOCKER_HOST");
    let run = beside(&project, &engine, &["build"]).success();
    let run =
        run.says(&["buildkitd", "images go to Docker Engine", &format!("at {engine}"), "1 built"]);
    let names = ["v1", "w1"].map(|tag| format!("{}:{tag}", project.repository()));
    for name in &names {
        let id = docker_at(&engine, &["image", "inspect", "--format", "{{.Id}}", name]);
        assert_eq!(id, run.images()[0].1);
    }
    for (platform, machine) in PLATFORMS {
        let cat = ["run", "--rm", "--platform", platform, &names[1], "cat", "/machine"];
        assert_eq!(docker_at(&engine, &cat), machine);
    }
    docker_at(&engine, &["image", "rm", "--force", &names[0], &names[1]]);
}

#[test]
fn an_image_is_loaded_and_pushed_with_the_same_digest() {
    for (name, more, flag) in [
        ("loadpush", "annotations: { a: b }\n", "--no-cache"),
        ("loadproven", "", "--provenance"),
        ("loadtypes", "media_types: docker\n", "--no-cache"),
    ] {
        let project = Project::new(name, &format!("{BOTH}{more}"), FILE);
        let engine = lab_env("DOCKER_HOST");
        let run = beside(&project, &engine, &["build", "--push", "--load", flag]).success();
        let digest = project.store().digest("w1");
        assert_eq!(run.says(&["1 pushed"]).images()[0].1, digest);
        let stored = format!("{}:w1", project.repository());
        let id = docker_at(&engine, &["image", "inspect", "--format", "{{.Id}}", &stored]);
        assert_eq!(id, digest);
        docker_at(&engine, &["image", "rm", "--force", &stored]);
    }
}

#[test]
fn a_smoke_test_runs_in_the_docker_engine_before_the_push() {
    let test = "test: cat /machine && test -e /good\n";
    let project = Project::in_new_repository("loadtest", &format!("{BOTH}{test}"), "");
    labelled(&project, "");
    let engine = lab_env("DOCKER_HOST");
    let failed = beside(&project, &engine, &["build", "--push"]).exits(1);
    failed.says(&["v1 failed its test on linux/amd64", "exit code 1"]);
    assert!(!project.store().has("v1"));
    no_trials_are_left(&project, &engine);

    labelled(&project, "RUN cat /proc/sys/kernel/random/uuid > /good\n");
    for more in [&[][..], &["--no-cache"], &["--load"], &["--provenance"]] {
        let run = beside(&project, &engine, &[&["build", "--push"], more].concat()).success();
        let run = run.says(&[
            "[testing on linux/amd64] > x86_64",
            "[testing on linux/arm64] > aarch64",
            "1 tested on amd64 arm64",
        ]);
        assert_eq!(run.images()[0].1, project.store().digest("v1"));
        no_trials_are_left(&project, &engine);
    }
    let tree = ["build", "--output", "type=oci,dest=image.tar"];
    beside(&project, &engine, &tree).success().says(&["1 tested on amd64 arm64", "1 built"]);
    assert!(project.path("image.tar").exists());
}

#[test]
fn the_older_image_store_gets_an_archive_for_each_platform() {
    let older = started_engine("loadold", &["--no-containerd-store"]);
    let test = "test: cat /machine\n";
    let project = Project::new("loadolder", &format!("{BOTH}{test}"), "");
    labelled(&project, "");
    let run = beside(&project, &older.host, &["build", "--push", "--no-cache"]).success();
    let run = run.says(&[
        "[testing on linux/amd64] > x86_64",
        "[testing on linux/arm64] > aarch64",
        "1 tested on amd64 arm64",
        "1 pushed",
    ]);
    assert_eq!(run.images()[0].1, project.store().digest("v1"));
    assert_eq!(project.store().images("v1").len(), 2);
    no_trials_are_left(&project, &older.host);

    beside(&project, &older.host, &["build"]).exits(4).says(&[
        "stores one platform of an image, but `v1` needs linux/amd64, linux/arm64",
        "build one with --platform",
        "--push",
    ]);
    let one = ["build", "--platform", "arm64", "--load", "--push"];
    beside(&project, &older.host, &one).success().says(&["1 tested on arm64", "1 pushed"]);
    let name = format!("{}:w1", project.repository());
    let cat = ["run", "--rm", "--platform", "linux/arm64", &name, "cat", "/machine"];
    assert_eq!(docker_at(&older.host, &cat), "aarch64");
    no_trials_are_left(&project, &older.host);
}

#[test]
fn without_a_docker_engine_only_what_needs_one_is_refused() {
    let project = Project::new("loadnone", &format!("{BOTH}test: 'true'\n"), FILE);
    let nowhere = format!("unix://{}", project.path("none.sock").display());
    for (args, expected) in [
        (
            &["build"][..],
            ["a buildkitd has no image store, so `v1` needs a Docker Engine", "--push"],
        ),
        (&["build", "--push"], ["the smoke test of `v1` needs a Docker Engine", "--skip-test"]),
    ] {
        let run = beside(&project, &nowhere, args).exits(4);
        run.says(&expected).says(&["DOCKER_HOST", "none.sock"]).never_says(&["| started"]);
    }
    beside(&project, &nowhere, &["build", "--push", "--skip-test"]).success().says(&["1 pushed"]);
}

#[test]
fn an_engine_that_refuses_an_image_fails_the_cell() {
    let project = Project::new("loadrefused", BOTH, FILE);
    for (socket, answer, expected) in [
        ("a.sock", "no space left on device", "is full"),
        ("b2.sock", "it is broken", "did not load the image"),
    ] {
        let engine = refusing(project.path(socket), "/images/load", answer);
        let run = beside(&project, &engine, &["build"]).exits(1);
        run.says(&["v1 failed", expected, answer, socket]);
    }
}
