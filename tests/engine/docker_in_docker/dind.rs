use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::{BOTH, Container, VERSION, built};
use crate::far::context;
use crate::support::{Project, Run, Running, alone, docker, lab_script, until};

const FILE: &str = "FROM alpine:3.20\nRUN cat /etc/os-release >/copy\n";

/// How long an engine may take to start while other tests run.
const PATIENCE: Duration = Duration::from_secs(90);

/// onebuild with the engine of `container` and the certificates in a directory of the project.
fn onebuild(project: &Project, container: &Container, certificates: &str) -> Run {
    let mut command = project.command(&["build"]);
    command.env("DOCKER_HOST", format!("tcp://{}:2376", container.address()));
    command.env("DOCKER_TLS_VERIFY", "1").env("DOCKER_CERT_PATH", project.path(certificates));
    Running::start(command).end()
}

fn wait(container: &Container) {
    let answers = || container.attempt(&["docker", "version"]).code == 0;
    until("the engine inside answers", PATIENCE, answers);
}

/// One container for all checks, because each engine takes long to start.
#[test]
fn an_engine_in_a_container_runs_builds_limits_speaks_tls_and_stops_cleanly() {
    let _alone = alone();
    let project = Project::single("dind", FILE);
    let image = built(&project, "dind", VERSION, BOTH);
    is_whole_on_both_platforms(&image);
    wants_to_be_privileged(&image);

    // Its name server refuses requests at once; without one, requests would time out.
    let dns = ["--privileged", "--dns", "127.0.0.1"];
    let port =
        ["--env", "DOCKER_PORT=2376", "--env", "DOCKER_TLS_SAN=v1.2.example,192.0.2.7,fd00::7"];
    let container = Container::start(&[&dns[..], &port, &[&image]].concat());
    wait(&container);
    runs_a_container_with_a_limit(&container);
    container.give("/certs/client", project.path("certs").to_str().unwrap());
    let run = onebuild(&project, &container, "certs").success();
    run.says(&[&format!("at tcp://{}:2376", container.address()), "1 built", "0 of 1"]);
    is_certified_for_what_was_asked(&container);
    refuses_who_comes_without_tls(&container);
    refuses_who_comes_without_a_certificate(&project, &container);
    is_not_taken_for_another(&project, &container);
    is_reached_by_a_docker_context(&project, &container);

    docker(&["stop", "--time", "30", container.id()]);
    assert_eq!(container.inspect("{{.State.ExitCode}}"), "0", "it stopped by itself");
    docker(&["start", container.id()]);
    wait(&container);
    // The authority is unchanged, and so are the built images.
    onebuild(&project, &container, "certs").success().says(&["1 of 1"]);
}

/// The part that can be checked on arm64: an engine needs a kernel, and QEMU does not provide one.
fn is_whole_on_both_platforms(image: &str) {
    for platform in ["linux/amd64", "linux/arm64"] {
        let ask = "docker --version && dockerd --version && runc --version && test -x \"$0\"";
        let command = ["sh", "-c", ask, "/usr/local/bin/docker-init"];
        let said =
            docker(&[&["run", "--rm", "--platform", platform, image], &command[..]].concat());
        assert_eq!(said.matches(VERSION).count(), 2, "{platform}: {said}");
    }
}

fn wants_to_be_privileged(image: &str) {
    let mut command = lab_script("in");
    command.args(["docker", "run", "--rm", image]);
    Running::start(command).end().exits(1).says(&["start this container with --privileged"]);
}

fn runs_a_container_with_a_limit(container: &Container) {
    let volumes = container.inspect("{{range .Mounts}}{{.Type}}:{{.Destination}} {{end}}");
    assert!(volumes.contains("volume:/var/lib/docker"), "{volumes}");

    docker(&["pull", "--quiet", "alpine:3.20"]);
    let mut load = lab_script("in");
    let id = container.id();
    let pipe = format!("docker save alpine:3.20 | docker exec -i {id} docker load");
    load.args(["sh", "-c", &pipe]);
    Running::start(load).end().success();

    let read = "cat /sys/fs/cgroup/memory.max 2>/dev/null \
                || cat /sys/fs/cgroup/memory/memory.limit_in_bytes";
    let limited = ["docker", "run", "--rm", "--memory", "64m", "alpine:3.20", "sh", "-c", read];
    assert_eq!(container.exec(&limited).trim(), (64 << 20).to_string());
    let outside = docker(&["ps", "--quiet", "--no-trunc"]);
    assert_eq!(outside.matches(id).count(), 1, "only this one is the engine's outside");
}

fn is_certified_for_what_was_asked(container: &Container) {
    let certificate = ["x509", "-noout", "-ext", "subjectAltName", "-in", "/certs/server/cert.pem"];
    let names = container.exec(&[&["openssl"], &certificate[..]].concat());
    let own = format!("IP Address:{},", container.address());
    for name in [&own, "DNS:localhost,", "DNS:v1.2.example,", "IP Address:192.0.2.7,", "FD00:"] {
        assert!(names.contains(name), "{name}: {names}");
    }
}

fn refuses_who_comes_without_tls(container: &Container) {
    let mut stream = TcpStream::connect((container.address(), 2376)).unwrap();
    stream.write_all(b"GET /_ping HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 400 "), "{answer}");
    let plain = container.attempt(&["docker", "--host", "tcp://127.0.0.1:2376", "version"]);
    plain.exits(1).says(&["HTTP request to an HTTPS server"]);
}

fn refuses_who_comes_without_a_certificate(project: &Project, container: &Container) {
    project.file("stranger/ca.pem", std::fs::read(project.path("certs/ca.pem")).unwrap());
    let run = onebuild(project, container, "stranger").exits(4);
    // The reason, or a closed connection if the reason got lost.
    run.says(&["(certificates are in ", "client certificate"]).never_says(&["not like a Docker"]);
}

fn is_not_taken_for_another(project: &Project, container: &Container) {
    for name in ["cert.pem", "key.pem"] {
        let content = std::fs::read(project.path("certs").join(name)).unwrap();
        project.file(&format!("other/{name}"), content);
    }
    project.file("other/ca.pem", std::fs::read(project.path("certs/cert.pem")).unwrap());
    let run = onebuild(project, container, "other").exits(4);
    run.says(&["its certificate is signed by an unknown authority"]);
}

fn is_reached_by_a_docker_context(project: &Project, container: &Container) {
    let file = |name: &str| project.path("certs").join(name).display().to_string();
    let engine = format!(
        "host=tcp://{}:2376,ca={},cert={},key={}",
        container.address(),
        file("ca.pem"),
        file("cert.pem"),
        file("key.pem")
    );
    context(project, &["create", "inside", "--docker", &engine]);
    let mut command = project.command(&["build"]);
    command.env_remove("DOCKER_HOST").env("DOCKER_CONTEXT", "inside");
    Running::start(command).end().success().says(&["1 built", "1 of 1"]);
}
