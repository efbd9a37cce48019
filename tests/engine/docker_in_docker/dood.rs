use super::{BOTH, Container, VERSION, built};
use crate::support::{Project, docker, lab_env};

/// The socket of the lab's engine, for a container.
fn socket() -> String {
    let host = lab_env("DOCKER_HOST");
    // /var/run is a link to /run, which `docker cp` of Engine 28.5 does not handle.
    format!("{}:/run/docker.sock", host.trim_start_matches("unix://"))
}

#[test]
fn the_client_and_onebuild_use_the_engine_outside() {
    let project = Project::single("dood", "FROM scratch\nCOPY Dockerfile /\n");
    let image = built(&project, "dood", VERSION, BOTH);
    let arm = ["run", "--rm", "--platform", "linux/arm64", &image, "docker", "--version"];
    assert!(docker(&arm).contains(VERSION), "under QEMU");
    let none = ["run", "--rm", &image, "sh", "-c", "ls /usr/local/bin"];
    assert_eq!(docker(&none), "docker\n", "there is no engine in it");

    let container = Container::start(&["--volume", &socket(), &image, "sleep", "600"]);
    let seen = container.exec(&["docker", "ps", "--quiet", "--no-trunc"]);
    assert!(seen.contains(container.id()), "it is listed by the engine outside: {seen}");

    container.receive(env!("CARGO_BIN_EXE_onebuild"), "/usr/local/bin/onebuild");
    container.receive(project.path("").to_str().unwrap(), "/project");
    let run = container.attempt(&["onebuild", "build", "--file", "/project/matrix.yaml"]);
    let run = run.success().says(&["at unix:///var/run/docker.sock", "1 built"]);
    let known = docker(&["image", "inspect", "--format", "{{.Id}}", &run.images()[0].0]);
    assert_eq!(known.trim(), run.digest(), "it is in the store of the engine outside");
}

#[test]
fn an_older_client_works_with_a_newer_engine() {
    let project = Project::single("dood-older", "");
    let image = built(&project, "dood", "27.5.1", "linux/amd64");
    let ask = ["docker", "version", "--format", "{{.Client.Version}} {{.Server.Version}}"];
    let said = docker(&[&["run", "--rm", "--volume", &socket(), &image], &ask[..]].concat());
    let (client, server) = said.trim().split_once(' ').unwrap();
    // The real version in the lab's archive of that name.
    assert!(client.starts_with("26.1."), "{said}");
    assert!(!server.is_empty() && server != client, "{said}");
}
