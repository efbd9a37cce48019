//! The ways to the BuildKit of an engine, what a proxy may refuse, and what else may answer at an address.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::{
    Project, Run, Running, StandIn, lab_env, plain_grpc, podman, with_default_socket,
};

const FILE: &str = "FROM alpine:3.20\nRUN echo built > /copy\n";

/// Docker Engine 29.2, without a proxy.
const NEWER: StandIn = StandIn { api: "1.53", http2: true, refused: &[] };

/// What `ONEBUILD` says about an endpoint, in less than 11 s: 10 and the start of the program.
fn refused(project: &Project, host: &str) -> Run {
    let started = Instant::now();
    let run = project.run(&["build", "--push", "--host", host]).exits(4);
    assert!(started.elapsed() < Duration::from_secs(11), "{host}: {run}");
    run
}

/// Both of its ways are tried, in the order that the API version suggests.
#[test]
fn a_proxy_may_refuse_either_way_to_buildkit() {
    let project = Project::single("ways", FILE);
    for (number, (engine, expected)) in [
        (NEWER, &["gRPC"][..]),
        (StandIn { http2: false, ..NEWER }, &["gRPC", "POST /grpc"]),
        (StandIn { refused: &[("/grpc", "404 Not Found")], ..NEWER }, &["gRPC"]),
        (StandIn { api: "1.51", ..NEWER }, &["POST /grpc"]),
        (StandIn { api: "1.51", http2: false, ..NEWER }, &["POST /grpc"]),
        (
            StandIn { api: "1.51", refused: &[("/grpc", "404 Not Found")], ..NEWER },
            &["POST /grpc", "gRPC"],
        ),
        (
            StandIn { api: "1.51", refused: &[("/grpc", "403 Forbidden")], ..NEWER },
            &["POST /grpc", "gRPC"],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (host, seen) = engine.listen(project.path(&format!("{number}.sock")));
        let run = project.run(&["build", "--push", "--host", &host]).success();
        let run = run.says(&[&format!("at {host} (--host)"), "to 127.0.0.1"]);
        assert_eq!(seen.ways(), expected, "{run}");
    }
}

#[test]
fn an_engine_that_is_refused_both_ways_is_an_error_that_names_both() {
    let project = Project::single("ways-none", FILE);
    for (number, (status, api)) in
        [("404 Not Found", "1.53"), ("403 Forbidden", "1.51")].into_iter().enumerate()
    {
        let refuses: &[_] =
            if number == 0 { &[("/grpc", "404 Not Found")] } else { &[("/grpc", "403 Forbidden")] };
        let engine = StandIn { api, http2: false, refused: refuses };
        let (host, _) = engine.listen(project.path(&format!("{number}.sock")));
        refused(&project, &host).says(&[
            &format!("{host} does not lead to BuildKit: "),
            "gRPC: ",
            &format!("POST /grpc: it answered {status}"),
            "a proxy of the engine's socket must let",
        ]);
    }
}

/// Without `/version` and `/info`, it is not known what the engine can do.
#[test]
fn a_proxy_that_passes_nothing_but_grpc_is_an_error_that_names_what_is_missing() {
    let project = Project::single("ways-grpc", FILE);
    let refuses = &[("/version", "403 Forbidden"), ("/info", "403 Forbidden")];
    let (host, _) = StandIn { refused: refuses, ..NEWER }.listen(project.path("p.sock"));
    refused(&project, &host).says(&[&host, "403", "must let GET /version, GET /info"]);
}

#[test]
fn the_docker_api_at_an_address_of_buildkitd_is_named() {
    let project = Project::single("ways-docker", FILE);
    let lab = lab_env("DOCKER_HOST");
    let docker = format!("buildkit+{lab}");
    refused(&project, &docker).says(&[
        &format!("no buildkitd answers at {docker}: Docker Engine "),
        &format!("write --host {lab}"),
    ]);
    // Engine 29.2 serves BuildKit there too, but that BuildKit belongs to the engine.
    let (host, _) = NEWER.listen(project.path("29.sock"));
    refused(&project, &format!("buildkit+{host}")).says(&[
        "Docker Engine 28.5.",
        "answers there",
        &format!("write --host {host}"),
    ]);
    let mut command = project.command(&["build"]);
    let buildctl = project.path("29.sock");
    command
        .env("BUILDKIT_HOST", format!("unix://{}", buildctl.display()))
        .env_remove("DOCKER_HOST");
    // This variable is read only where the default socket does not exist.
    let command = with_default_socket(None, &command);
    Running::start(command).end().exits(4).says(&[&format!("write --host {host}")]);
}

#[test]
fn a_buildkitd_at_an_address_of_docker_is_named() {
    let project = Project::single("ways-buildkitd", FILE);
    let buildkitd = plain_grpc(project.path("b.sock"));
    let docker = buildkitd.trim_start_matches("buildkit+");
    let expected = [
        &*format!("{docker} (--host): buildkitd"),
        "answers there, not a Docker Engine",
        &*format!("help: to build with it, write --host '{buildkitd}'"),
    ];
    refused(&project, docker).says(&expected);
    let mut command = project.command(&["build"]);
    command.env("DOCKER_HOST", docker);
    Running::start(command).end().exits(4).says(&["(DOCKER_HOST): buildkitd", expected[2]]);
}

#[test]
fn podman_is_named_at_either_address() {
    let project = Project::single("ways-podman", FILE);
    podman(project.path("podman.sock"));
    let host = format!("unix://{}", project.path("podman.sock").display());
    for address in [host.clone(), format!("buildkit+{host}")] {
        refused(&project, &address).says(&[
            &format!("Podman 4.3.1 answers at {host}, but it has no BuildKit"),
            "podman run --detach --privileged --name buildkitd",
            "--host podman-container://buildkitd",
        ]);
    }
}

/// Neither protocol: the error stays what it is.
#[test]
fn a_file_that_is_no_socket_is_no_engine() {
    let project = Project::single("ways-file", FILE);
    fs::write(project.path("x"), "").unwrap();
    for scheme in ["unix", "buildkit+unix"] {
        let host = format!("{scheme}://{}", project.path("x").display());
        refused(&project, &host).says(&["it is a file, not a socket"]);
    }
}
