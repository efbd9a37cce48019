//! Builders that the lab's `docker buildx` creates. `support/relay.rs` says what stands for buildkitd.

use std::process::Command;

use crate::support::{
    Project, Run, Running, buildctl, docker, docker_run, lab_env, lab_script, plain_grpc,
    started_engine, tls_grpc, with_default_socket,
};

const FILE: &str = "FROM alpine:3.20\nRUN echo built > /copy\nCOPY Dockerfile /\n";
const MATRIX: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1] }";

/// buildx's directory in the project.
const CONFIG: &str = "buildx";

/// Runs `docker buildx` with the Docker Engine at `host`.
fn buildx(project: &Project, host: &str, args: &[&str]) {
    let mut command = lab_script("in");
    command.args(["docker", "buildx"]).args(args);
    command.env("BUILDX_CONFIG", project.path(CONFIG)).env("DOCKER_HOST", host);
    Running::start(command).end().success();
}

/// The endpoint of the relay at `socket`, as buildx writes it.
fn relay(project: &Project, socket: &str) -> String {
    plain_grpc(project.path(socket)).trim_start_matches("buildkit+").to_owned()
}

fn with_builders(project: &Project, args: &[&str]) -> Command {
    let mut command = project.command(args);
    command.env("BUILDX_CONFIG", project.path(CONFIG));
    command
}

fn run(project: &Project, args: &[&str]) -> Run {
    Running::start(with_builders(project, args)).end()
}

#[test]
fn a_builder_is_used_by_its_name() {
    let project = Project::new("builder-name", MATRIX, FILE);
    let endpoint = relay(&project, "b.sock");
    let host = lab_env("DOCKER_HOST");
    buildx(&project, &host, &["create", "--name", "Far", "--driver", "remote", &endpoint]);
    let at = format!("at buildkit+{endpoint} (builder `far`, ");
    let flag = run(&project, &["matrix", "--push", "--builder", "far"]).success();
    flag.says(&["buildkitd", &at, "--builder) · amd64 native"]);
    assert_eq!(project.store().images("v1").len(), 2);

    let mut variable = with_builders(&project, &["matrix", "--push", "-v"]);
    variable.env("BUILDX_BUILDER", "far");
    let variable = Running::start(variable).end().success();
    variable.says(&[
        "note: DOCKER_HOST is ignored: BUILDX_BUILDER names the engine",
        &at,
        "BUILDX_BUILDER)",
    ]);
    let lint = run(&project, &["lint", "--builder", "far"]).success();
    lint.never_says(&["no engine is available"]);
    // The Docker Engine's own.
    let own = run(&project, &["matrix", "--push", "--builder", "default"]).success();
    own.says(&["Docker Engine", &format!("at {host} (builder `default`, --builder)")]);
}

#[test]
fn certificates_of_a_builder_are_used() {
    let project = Project::single("builder-tls", FILE);
    let certificates = project.path("certificates");
    std::fs::create_dir(&certificates).unwrap();
    let port = tls_grpc(&certificates);
    let file = |name: &str| certificates.join(name).display().to_string();
    let create = |name: &str, ca: &str| {
        let options = format!(
            "cacert={},cert={},key={},servername=buildkit.example",
            file(ca),
            file("cert.pem"),
            file("key.pem")
        );
        let endpoint = format!("tcp://127.0.0.1:{port}");
        let driver = ["create", "--name", name, "--driver", "remote", "--driver-opt", &options];
        buildx(&project, &lab_env("DOCKER_HOST"), &[&driver[..], &[&endpoint]].concat());
    };
    create("right", "ca.pem");
    create("wrong", "other-ca.pem");
    let right = run(&project, &["build", "--push", "--builder", "right"]).success();
    right.says(&[&format!("at buildkit+tcp://127.0.0.1:{port} (builder `right`")]);
    let wrong = run(&project, &["build", "--push", "--builder", "wrong"]).exits(4);
    wrong.says(&["no buildkitd answers", "its certificate is signed by an unknown authority"]);
}

#[test]
fn a_builder_of_several_nodes_uses_the_first_that_can_build_everything() {
    let project = Project::new("builder-nodes", MATRIX, FILE);
    let endpoint = relay(&project, "b.sock");
    let create = |more: &[&str], endpoint: &str| {
        let args = [&["create", "--name", "two", "--driver", "remote"], more, &[endpoint]].concat();
        buildx(&project, &lab_env("DOCKER_HOST"), &args);
    };
    create(&["--node", "first"], "unix:///nowhere/b.sock");
    create(&["--node", "second", "--append"], &endpoint);
    let found = run(&project, &["matrix", "--push", "--builder", "two"]).success();
    found.says(&[&format!("at buildkit+{endpoint} (builder `two`")]);
    let args = ["matrix", "--push", "--builder", "two", "--platform", "linux/s390x"];
    run(&project, &args).exits(4).says(&[
        "no node of the builder `two` can build all of this",
        "node first: no buildkitd answers",
        "node second: it has linux/amd64",
        "this engine cannot run linux/s390x",
    ]);
}

/// The container of buildx's driver `docker-container`: one that is missing, and one that was stopped.
#[test]
fn the_container_of_a_builder_is_started_but_never_created() {
    let project = Project::single("builder-container", FILE);
    let name = format!("b{}", project.nonce()).to_lowercase();
    let container = format!("buildx_buildkit_{name}0");
    let host = lab_env("DOCKER_HOST");
    buildx(&project, &host, &["create", "--name", &name, "--driver", "docker-container"]);
    let push = ["build", "--push", "--builder", &name];
    let missing = run(&project, &push).exits(4);
    missing.says(&[
        &format!("the builder `{name}` has no container `{container}`"),
        &format!("docker buildx inspect --bootstrap {name}"),
    ]);
    // Its `buildctl` appears a moment after the start, as a socket of buildkitd does.
    let command = format!("sleep 1; {} exec sleep 600", buildctl());
    let image = ["alpine:3.20", "sh", "-c", &command];
    docker(&[&["create", "--name", &container, "--network", "host"], &image[..]].concat());
    let created = run(&project, &push);
    docker(&["kill", &container]);
    let stopped = run(&project, &push);
    let state = docker(&["inspect", "--format", "{{.State.Running}}", &container]);
    docker_run(&["rm", "--force", &container]).success();
    for run in [created, stopped] {
        let at = format!("at docker-container://{container} (builder `{name}`, --builder)");
        run.success().says(&[&at]);
    }
    assert_eq!(state.trim(), "true");
}

#[test]
fn the_current_builder_is_used_if_the_default_engine_cannot_build_and_nothing_was_chosen() {
    let engine = started_engine("current", &["--no-containerd-store"]);
    let project = Project::new("builder-current", MATRIX, FILE);
    let push = ["matrix", "--push"];
    // Nothing names the engine: it is at the default socket.
    let default = |args: &[&str]| {
        let mut command = with_builders(&project, args);
        command.env_remove("DOCKER_HOST");
        with_default_socket(Some(&engine.host), &command)
    };
    let unchosen = || Running::start(default(&push)).end();
    unchosen().exits(4).says(&[
        "this engine builds one platform at a time",
        "or use --builder onebuild, which runs BuildKit in a container",
    ]);

    let endpoint = relay(&project, "b.sock");
    let create = ["create", "--name", "far", "--driver", "remote", &endpoint];
    buildx(&project, &engine.host, &create);
    buildx(&project, &engine.host, &["use", "--global", "far"]);
    let instead = unchosen().success();
    instead.says(&[
        &format!(
            "at buildkit+{endpoint} (buildx's current builder `far`, instead of Docker Engine"
        ),
        "this engine builds one platform at a time",
    ]);
    // What the engine can build stays there.
    let one = ["build", "--platform", "linux/amd64"];
    let one = Running::start(default(&one)).end().success();
    one.says(&["Docker Engine", "at unix:///var/run/docker.sock", "1 built"])
        .never_says(&["current builder"]);
    // An engine that was named is never replaced.
    let mut named = default(&push);
    named.env("DOCKER_HOST", &engine.host);
    let named = Running::start(named).end().exits(4);
    named.says(&["this engine builds one platform"]).never_says(&["current builder"]);
    // A builder that does not answer is no reason to hide the engine's error.
    buildx(&project, &engine.host, &["rm", "far"]);
    let create = ["create", "--name", "gone", "--driver", "remote", "unix:///nowhere/b.sock"];
    buildx(&project, &engine.host, &create);
    buildx(&project, &engine.host, &["use", "--global", "gone"]);
    unchosen().exits(4).says(&[
        "this engine builds one platform at a time",
        "buildx's current builder `gone` is not used: no buildkitd answers",
    ]);
}
