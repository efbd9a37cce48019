//! buildkitd in a container of Docker or Podman, and in a pod.
//!
//! Debian packages no buildkitd and no buildctl, and a cluster is no part of the lab. So `buildctl` is a
//! script around busybox's `nc`, and `podman` and `kubectl` are scripts that check their arguments and relay,
//! too. Behind them is the BuildKit of the lab's engine, see `support/relay.rs`.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{
    Project, Run, Running, buildctl, commands_with, docker, docker_run, grpc_port, lab_env, until,
};

const FILE: &str = "FROM alpine:3.20\nRUN echo <%n%> >/n\nCOPY Dockerfile /\n";
const MATRIX: &str = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1, 2] }";

/// A project whose images are new in each run of the tests.
fn fresh(name: &str) -> Project {
    let project = Project::new(name, MATRIX, "");
    project.file("context/Dockerfile", format!("{FILE}LABEL run={}\n", project.nonce()));
    project
}

/// A container of the lab's engine, which is removed at the end.
struct Container(String);

impl Container {
    fn start(name: String, setup: &str) -> Self {
        let container = Self(name);
        let command = format!("{setup} exec sleep 600");
        let image = "alpine:3.20";
        let name = &container.0;
        docker(&[
            "run",
            "--detach",
            "--network",
            "host",
            "--name",
            name,
            image,
            "sh",
            "-c",
            &command,
        ]);
        container
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        docker_run(&["rm", "--force", &self.0]);
    }
}

fn run(project: &Project, args: &[&str]) -> Run {
    let started = Instant::now();
    let run = project.run(args);
    assert!(run.code != 4 || started.elapsed() < Duration::from_secs(10), "{run}");
    run
}

#[test]
fn a_buildkitd_in_a_container_of_docker_builds() {
    let project = fresh("in-docker");
    let relay = format!("{} touch /ready;", buildctl());
    let container = Container::start(format!("{}-buildkitd", project.nonce()), &relay);
    until("the container is ready", Duration::from_secs(60), || {
        docker_run(&["exec", &container.0, "test", "-e", "/ready"]).code == 0
    });
    let host = format!("docker-container://{}", container.0);
    let args = ["matrix", "--push", "--host", &host];
    run(&project, &args).success().says(&["buildkitd", &format!("at {host}"), "2 pushed"]);
    assert!(project.store().has("v1") && project.store().has("v2"));

    // An image is stored by the engine around the container, and its smoke test runs there.
    project.matrix(&format!("{MATRIX}\ntest: test -s /n\n"));
    let engine = lab_env("DOCKER_HOST");
    let loaded = run(&project, &["matrix", "--load", "--host", &host]).success();
    let loaded = loaded.says(&["images go to Docker Engine", &format!("at {engine}"), "2 built"]);
    let images = ["v1", "v2"].map(|tag| format!("{}:{tag}", project.repository()));
    for image in &images {
        let id = docker(&["image", "inspect", "--format", "{{.Id}}", image]);
        assert!(loaded.stdout.contains(id.trim()), "{loaded}");
    }
    docker(&["image", "rm", "--force", &images[0], &images[1]]);
}

#[test]
fn a_container_without_buildkitd_is_reported_with_what_to_do() {
    let project = Project::single("no-buildkitd", "FROM scratch\nCOPY Dockerfile /\n");
    let fails = |name: &str, expected: &[&str]| {
        let host = format!("docker-container://{name}");
        let run = run(&project, &["build", "--push", "--host", &host]).exits(4);
        run.says(&[&format!("no buildkitd answers at {host}: ")]).says(expected);
    };
    fails("none-such", &["No such container: none-such", "docker ps --all"]);
    let container = Container::start(format!("{}-plain", project.nonce()), "");
    let name = &container.0;
    let check = format!("docker exec {name} buildctl debug workers");
    fails(name, &["executable file not found", &check]);
    docker(&["pause", name]);
    fails(name, &["is paused", &format!("docker unpause {name}")]);
    docker(&["unpause", name]);
    docker(&["kill", name]);
    fails(name, &["is not running", &format!("docker start {name}")]);
}

/// onebuild with a `program` that does `then`.
fn with_program(project: &Project, program: &str, then: &str, args: &[&str]) -> Command {
    let path = project.file(&format!("bin/{program}"), format!("#!/bin/bash\n{then}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = project.command(args);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", project.path("bin").display()));
    command
}

/// Checks the arguments, and relays to BuildKit.
fn relay(arguments: &str) -> String {
    format!(
        "[ \"$*\" = '{arguments}' ] || {{ echo \"unexpected: $*\" >&2; exit 9; }}\n\
         exec 3<>/dev/tcp/127.0.0.1/{}; cat <&3 & exec cat >&3",
        grpc_port(),
    )
}

const POD: &str = "kube-pod://buildkitd-0?namespace=ci&container=main&context=far";

#[test]
fn a_buildkitd_behind_podman_or_kubectl_builds() {
    for (program, arguments, host) in [
        ("podman", "exec --interactive b buildctl dial-stdio", "podman-container://b"),
        (
            "kubectl",
            "exec --stdin --context=far --namespace=ci --container=main buildkitd-0 -- buildctl dial-stdio",
            POD,
        ),
    ] {
        let project = fresh(&format!("in-{program}"));
        let args = ["matrix", "--push", "--host", host];
        let run = Running::start(with_program(&project, program, &relay(arguments), &args)).end();
        run.success().says(&["buildkitd", "2 pushed"]);
        assert!(project.store().has("v1") && project.store().has("v2"));
    }
}

#[test]
fn errors_of_podman_and_kubectl_are_reported() {
    let project = Project::single("no-pod", "FROM scratch\nCOPY Dockerfile /\n");
    for (program, host, said) in [
        ("podman", "podman-container://b", "Error: no container with name or ID \"b\" found"),
        ("kubectl", POD, "Error from server (NotFound): pods \"buildkitd-0\" not found"),
        ("kubectl", POD, "error: You must be logged in to the server (Unauthorized)"),
    ] {
        let then = format!("echo '{said}' >&2; exit 1");
        let args = ["build", "--push", "--host", host];
        let started = Instant::now();
        let run = Running::start(with_program(&project, program, &then, &args)).end().exits(4);
        run.says(&[
            "no buildkitd answers at ",
            &format!("{program} says: {said}"),
            "buildctl debug",
        ]);
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

/// The program gets no Ctrl-C of its own, and ends with the run.
#[test]
fn nothing_that_podman_started_outlives_an_interrupted_run() {
    let project = Project::new("podman-stopped", MATRIX, "");
    let nonce = project.nonce();
    // The shell stays: it would become its last command.
    let step = format!("FROM alpine:3.20\nRUN echo {nonce}-<%n%>; sleep 600; true\n");
    project.file("context/Dockerfile", step);
    let relay = relay("exec --interactive b buildctl dial-stdio");
    // A process beside the one that relays.
    let then = format!("sh -c 'sleep 600; : {nonce}-beside' </dev/null >/dev/null 2>&1 &\n{relay}");
    let args = ["matrix", "--host", "podman-container://b", "--push"];
    let mut running = Running::start(with_program(&project, "podman", &then, &args));
    until("a step runs", Duration::from_secs(60), || {
        assert!(!running.ended(), "{}", running.stderr());
        commands_with(&format!("echo {nonce}")) > 0
    });
    assert!(commands_with(&format!("{nonce}-beside")) > 0);
    running.signal(Signal::INT);
    running.end().exits(130).says(&["2 cancelled"]);
    until("nothing is left", Duration::from_secs(5), || commands_with(nonce) == 0);
}
