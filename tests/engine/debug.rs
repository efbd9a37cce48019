//! The content of a build's debug log, without secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Project, Running, lab_env, until};

/// The names of steps contain the values of build arguments, so this one is not logged.
const FILE: &str = "FROM alpine:3.20\nARG TOKEN\nCOPY . /x\n\
     RUN --mount=type=secret,id=env --mount=type=secret,id=file \
     test -s /run/secrets/env && test -s /run/secrets/file && env | grep -q ^TOKEN=canary \
     && test ! -e /x/debug.log\n";

const FILES: usize = 2_000;

#[test]
fn a_build_is_described_call_by_call_without_its_secrets() {
    let project = Project::single("debug", FILE);
    let host = lab_env("ONEBUILD_LAB_AUTH_REGISTRY");
    let image = format!("{host}/{}", project.repository_name());
    for number in 0..FILES {
        project.file(&format!("context/many/{number}"), "x");
    }
    project.file("secret.txt", "canary-file-7f41");
    project.file("logins/config.json", format!(r#"{{"credHelpers": {{"{host}": "canary"}}}}"#));
    let helper = project.file(
        "bin/docker-credential-canary",
        "#!/bin/sh\necho '{\"Username\": \"lab\", \"Secret\": \"lab-secret\"}'\n",
    );
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = project.command(&[
        "build",
        "--push",
        "--no-cache",
        "--image",
        &image,
        "--build-arg",
        "TOKEN=canary-argument-7f42",
        "--secret",
        "id=env,env=SECRET",
        "--secret",
        "id=file,src=secret.txt",
        // In the context: the log grows while the context is read.
        "--debug",
        "context/debug.log",
    ]);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", project.path("bin").display()));
    command.env("DOCKER_CONFIG", project.path("logins")).env("SECRET", "canary-env-7f40");
    let run = Running::start(command).end().success();
    let said = run.stdout + &run.stderr;

    let log = fs::read_to_string(project.path("context/debug.log")).unwrap();
    for secret in ["canary-env-7f40", "canary-file-7f41", "canary-argument-7f42", "lab-secret"] {
        for form in
            [secret.to_owned(), STANDARD.encode(secret), STANDARD.encode(format!("lab:{secret}"))]
        {
            assert!(!log.contains(form.trim_end_matches('=')), "{form} is in {log}");
            assert!(!said.contains(form.trim_end_matches('=')), "{form} is in {said}");
        }
    }
    let has = |words: &[&str]| log.lines().any(|line| words.iter().all(|word| line.contains(word)));
    let entries = format!("entries={}", FILES + 2);
    for words in [
        &["start", "--build-arg TOKEN=… --secret id=… --secret id=… --debug …"][..],
        &["docker", "trying", "origin=DOCKER_HOST"],
        &["http", "request", "by=engine method=GET path=/info"],
        &["http", "request", "by=engine method=POST path=/grpc"],
        &["grpc", "call", "method=/moby.buildkit.v1.Control/Session"],
        &["http", "response", "status=101"],
        &["credentials asking", "program=docker-credential-canary"],
        &["credentials looked up", "found=password"],
        &["http", "request", "by=registry method=POST", "/blobs/uploads/"],
        &["http", "authorised", "authorization=\"Basic …\""],
        &["grpc", "call", "by=onebuild method=/moby.buildkit.v1.Control/Solve"],
        &["grpc", "ended", "method=/moby.buildkit.v1.Control/Solve status=0"],
        &["grpc", "call", "by=buildkit method=/moby.filesync.v1.FileSync/DiffCopy"],
        &["grpc", "ended", "method=/moby.buildkit.secrets.v1.Secrets/GetSecret status=0"],
        &["session", "secret id=env found=true"],
        &["session", "secret id=file found=true"],
        &["session", "credentials", "login=true"],
        &["session", "files sent dir=context", &entries, "bytes="],
        &["status", "ended", "failed=0"],
        &["cell", "built cell=v1"],
        &["run", "end code=0"],
    ] {
        assert!(has(words), "no line has {words:?}:\n{log}");
    }
    assert!(log.lines().count() < 200, "one line for each file?\n{log}");
}

#[test]
fn a_killed_run_leaves_all_lines_up_to_its_end() {
    let project = Project::single("debugkill", "FROM alpine:3.20\nRUN sleep 60\n");
    let mut running = project.start(&["build", "--no-cache", "--debug", "debug.log"]);
    let log = || fs::read_to_string(project.path("debug.log")).unwrap_or_default();
    let begun = || log().contains("method=/moby.buildkit.v1.Control/Solve");
    until("the solve has begun", Duration::from_secs(60), begun);
    running.signal(rustix::process::Signal::KILL);
    until("it has ended", Duration::from_secs(10), || running.ended());
    let log = log();
    assert!(
        log.ends_with('\n') && log.contains(" build cell=v1") && !log.contains("run         end"),
        "{log}"
    );
}
