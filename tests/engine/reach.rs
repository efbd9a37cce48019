//! Engines that cannot be reached, or that lack a needed feature.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use crate::support::{
    ONE, Project, Run, Running, commands_with, started_engine, through, until, with_default_socket,
};

const FILE: &str = "FROM scratch\nCOPY Dockerfile /\n";

fn on(project: &Project, host: &str, args: &[&str]) -> Run {
    let mut command = project.command(args);
    command.env("DOCKER_HOST", host);
    Running::start(command).end()
}

#[test]
fn without_an_engine_every_attempted_endpoint_is_named() {
    let project = Project::single("noengine", FILE);
    let mut command = project.command(&["build"]);
    command.env("DOCKER_HOST", "").env("XDG_RUNTIME_DIR", "/run/user/0");
    let hidden = with_default_socket(None, &command);
    let home = project.path("home/.docker/run/docker.sock");
    Running::start(hidden).end().exits(4).says(&[
        "error: no Docker Engine answers",
        "unix:///var/run/docker.sock (the default socket): no such file or directory\n",
        "unix:///run/user/0/docker.sock",
        &format!("unix://{} (Docker Desktop's socket)", home.display()),
        "help: start Docker",
    ]);
}

#[test]
fn an_explicit_endpoint_is_the_only_one_tried() {
    let project = Project::single("named", FILE);
    let run = on(&project, "unix:///nowhere.sock", &["build"]).exits(4);
    run.says(&["unix:///nowhere.sock (DOCKER_HOST): no such file"])
        .never_says(&["/var/run/docker"]);
    let flag = project.run(&["build", "--host", "unix:///flag.sock"]).exits(4);
    flag.says(&["unix:///flag.sock (--host): no such file"]).never_says(&["DOCKER_HOST"]);
}

#[test]
fn permission_denied_on_a_socket_is_reported_with_its_group() {
    let project = Project::single("denied", FILE);
    let path = project.path("engine.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let host = format!("unix://{}", path.display());
    let mut command = project.command(&["build"]);
    command.env("DOCKER_HOST", &host);
    // Root can open everything unless it drops that capability.
    let bounded =
        through(&["setpriv", "--bounding-set", "-dac_override,-dac_read_search"], &command);
    let run = Running::start(bounded).end().exits(4);
    run.says(&[&host, "permission denied", "the group that owns it (`docker`)"]);
}

#[test]
fn a_socket_of_another_program_is_not_an_engine() {
    let project = Project::single("other", FILE);
    let path = project.path("other.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let host = format!("unix://{}", path.display());
    let running = {
        let mut command = project.command(&["build"]);
        command.env("DOCKER_HOST", &host);
        Running::start(command)
    };
    // The first connection only checks for a listener, the next one sends a request.
    let greeter = std::thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"220 mail ready\r\n");
            let _ = stream.read(&mut [0; 512]);
        }
    });
    running.end().exits(4).says(&[&host, "it answers, but not like a Docker Engine"]);
    greeter.join().unwrap();
}

#[test]
fn an_invalid_or_unsafe_endpoint_is_refused_without_showing_its_password() {
    let project = Project::single("scheme", FILE);
    project
        .run(&["build", "--host", "http://user:onebuild-canary@build.example"])
        .exits(2)
        .says(&["`http://build.example` is not an endpoint", "ssh://USER@HOST"])
        .never_says(&["onebuild-canary"]);
    on(&project, "tcp://build.example:2375", &["build"]).exits(4).says(&[
        "DOCKER_HOST: refusing tcp://build.example:2375 without TLS",
        "DOCKER_TLS_VERIFY=1",
    ]);
    on(&project, "tcp://127.0.0.1:1", &["build"])
        .exits(4)
        .says(&["tcp://127.0.0.1:1 (DOCKER_HOST): connection refused"]);
}

#[test]
fn a_platform_without_an_emulator_is_refused_before_anything_is_built() {
    let project = Project::single("s390x", "FROM alpine:3.20\nRUN true\n");
    let run = project.run(&["build", "--platform", "linux/amd64,linux/s390x"]).exits(4);
    run.says(&["cannot run linux/s390x; it runs linux/amd64, linux/arm64", "register QEMU"])
        .never_says(&["| started"]);
}

#[test]
fn a_platform_on_which_nothing_runs_needs_no_emulator() {
    const CROSS: &str = "FROM --platform=$BUILDPLATFORM alpine:3.20 AS build\n\
         ARG TARGETARCH TARGETVARIANT\nRUN echo $TARGETARCH$TARGETVARIANT > /arch\n\
         FROM scratch\nCOPY --from=build /arch /arch\nCMD [\"/arch\"]\n";
    let project = Project::in_new_repository("cross", ONE, CROSS);
    let all = "linux/amd64,linux/arm/v7,linux/riscv64,windows/amd64";
    project
        .run(&["build", "--push", "--platform", all])
        .success()
        .says(&["1 pushed", "riscv64 without emulation"]);
    let pushed = project.store().platforms("v1");
    assert_eq!(pushed, ["linux/amd64", "linux/arm", "linux/riscv64", "windows/amd64"]);
    // The engine's store and files, too.
    let riscv = ["build", "--platform", "linux/riscv64"];
    project.run(&riscv).success();
    project.run(&[&riscv[..], &["--output", "type=local,dest=out"]].concat()).success();
    assert_eq!(std::fs::read_to_string(project.path("out/arch")).unwrap(), "riscv64\n");
    // `native` is the platform of the engine, and a note says how to select it.
    let note = "note: builds for 2 platforms; `--platform native` builds for linux/amd64 only";
    project.run(&["build", "--platform", "native, riscv64, amd64"]).success().never_says(&[note]);
    project.matrix("tag: v<%n%>\nplatforms: [native, linux/riscv64]\naxes: { n: [1] }\n");
    project.run(&["build"]).success().says(&[note, "1 built"]);
    project.run(&["matrix"]).success().never_says(&[note]);
    project.run(&["build", "--progress", "quiet"]).success().never_says(&[note]);
    let lint = project.run(&["lint"]).success();
    assert!(!lint.stdout.contains("error"), "{}", lint.stdout);
    // A step of the final stage does run, and so does a smoke test.
    project.file("context/Dockerfile", format!("{CROSS}RUN true\n"));
    project.run(&riscv).exits(4).says(&[
        "cannot run linux/riscv64; it runs linux/amd64, linux/arm64 (needed for the RUN in \
         context/Dockerfile:7)",
        "--platform=$BUILDPLATFORM",
    ]);
}

#[test]
fn an_engine_without_the_containerd_store_builds_only_one_platform() {
    let engine = started_engine("nostore", &["--no-containerd-store"]);
    let project = Project::single("nostore", FILE);
    let both = ["build", "--platform", "linux/amd64,linux/arm64"];
    on(&project, &engine.host, &both)
        .exits(4)
        .says(&["builds one platform at a time", "\"containerd-snapshotter\": true", "--platform"])
        .never_says(&["| started"]);
    on(&project, &engine.host, &["build"]).success().says(&["1 built"]);
    on(&project, &engine.host, &["build", "--output", "type=local,dest=tree"]).success();
    assert!(project.path("tree/Dockerfile").exists());
    for (output, cannot) in [
        (&["--push"][..], "cannot push images"),
        (&["--output", "type=oci,dest=a.tar"], "cannot write image archives"),
    ] {
        on(&project, &engine.host, &[&["build"], output].concat())
            .exits(4)
            .says(&[cannot, "\"containerd-snapshotter\": true"])
            .never_says(&["| started"]);
    }
    // It would drop these and report success.
    project
        .matrix("tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1] }\nannotations: { a: b }\n");
    on(&project, &engine.host, &["build", "--provenance"]).exits(4).says(&[
        "this engine cannot add provenance to images",
        "remove --provenance",
        "this engine cannot add annotations to images",
        "remove the annotations",
        "\"containerd-snapshotter\": true",
    ]);
    // Its one platform is tested as usual.
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1] }\ntest: [cat, /copy]";
    let tested = Project::new("nostoretest", matrix, "FROM alpine:3.20\nRUN echo seen > /copy\n");
    for output in [&[][..], &["--no-cache", "--output", "type=tar,dest=a.tar"]] {
        on(&tested, &engine.host, &[&["build"], output].concat()).success().says(&[
            "[testing on linux/amd64] > seen",
            "1 tested on amd64",
            "1 built",
        ]);
    }
}

#[test]
fn an_engine_that_ends_during_a_build_is_not_a_build_failure() {
    let engine = started_engine("ending", &[]);
    let project = Project::single("ending", "");
    let sleeper = format!("FROM alpine:3.20\nRUN echo {}; sleep 600; true\n", project.nonce());
    project.file("context/Dockerfile", sleeper);
    let mut command = project.command(&["build"]);
    command.env("DOCKER_HOST", &engine.host);
    let running = Running::start(command);
    until("it builds", Duration::from_secs(60), || commands_with(project.nonce()) > 0);
    drop(engine);
    running.end().exits(1).says(&[
        "the connection to the engine was lost during the build",
        "check that the engine is running",
    ]);
}
