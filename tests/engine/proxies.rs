//! The proxies of Docker's config file.

use std::process::Command;

use crate::support::{Project, Running, lab_env};

const PROXIES: &str = r#"{"proxies": {"default": {"httpProxy": "http://me:canary7f@proxy.invalid:3128",
    "noProxy": "localhost,.corp.invalid"}}}"#;

const DOCKERFILE: &str = "FROM alpine:3.20\n\
    RUN echo \"seen $http_proxy $HTTP_PROXY $no_proxy $NO_PROXY\" | tee /seen\n\
    RUN cat /proc/sys/kernel/random/uuid > /random\n";

fn project(name: &str, dockerfile: &str) -> Project {
    let project = Project::single(name, dockerfile);
    project.file("docker/config.json", PROXIES);
    project
}

/// onebuild with the config file of this project.
fn command(project: &Project, args: &[&str]) -> Command {
    let mut command = project.command(args);
    command.env("DOCKER_CONFIG", project.path("docker"));
    command
}

#[test]
fn steps_get_the_proxies_and_the_image_the_cache_and_the_log_do_not() {
    let project = project("proxies", DOCKERFILE);
    let url = "http://me:canary7f@proxy.invalid:3128";
    let no = "localhost,.corp.invalid";
    let tree = |args: &[&str]| {
        let args = [&["build", "--output", "type=local,dest=tree", "--progress", "plain"], args];
        let run = Running::start(command(&project, &args.concat())).end().success();
        run.never_says(&["canary7f"]);
        let read = |file: &str| std::fs::read_to_string(project.path(file)).unwrap();
        (read("tree/seen"), read("tree/random"))
    };
    let (seen, random) = tree(&["--no-cache"]);
    assert_eq!(seen, format!("seen {url} {url} {no} {no}\n"));
    // Another proxy does not run the steps again.
    project.file("docker/config.json", PROXIES.replace("3128", "3129"));
    assert_eq!(tree(&[]), (seen, random));
    let (own, _) = tree(&["--no-cache", "--build-arg", "http_proxy=http://own.invalid"]);
    assert_eq!(own, format!("seen http://own.invalid http://own.invalid {no} {no}\n"));

    let push = ["build", "--push", "--provenance", "--history"];
    Running::start(command(&project, &push)).end().success().never_says(&["canary7f"]);
    let store = project.store();
    assert!(!store.words("v1").contains("proxy.invalid"), "{}", store.words("v1"));
    for args in
        [&["plan", "--format", "json"][..], &["plan", "--format", "bake"], &["explain", "v1"]]
    {
        Running::start(command(&project, args)).end().success().never_says(&["proxy.invalid"]);
    }
}

#[test]
fn the_proxies_of_an_engine_replace_the_default_ones() {
    // Proxies are no part of a step: BuildKit runs a step of two builds at the same time once.
    let project = project("enginesproxy", &DOCKERFILE.replace("seen $", "saw $"));
    let engine = lab_env("DOCKER_HOST");
    let proxies = format!(
        r#"{{"proxies": {{"default": {{"httpProxy": "http://default.invalid"}},
            "{engine}": {{"noProxy": "corp.invalid"}}}}}}"#
    );
    project.file("docker/config.json", proxies);
    let args = ["build", "--no-cache", "--output", "type=local,dest=tree"];
    Running::start(command(&project, &args)).end().success();
    let seen = std::fs::read_to_string(project.path("tree/seen")).unwrap();
    assert_eq!(seen, "saw   corp.invalid corp.invalid\n");
}

#[test]
fn the_container_of_a_smoke_test_gets_the_proxies_as_with_docker_run() {
    let project = project("testproxy", "FROM alpine:3.20\n");
    project.matrix(
        "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1] }\n\
         test:\n  run: echo \"seen $HTTP_PROXY $http_proxy $no_proxy\"\n  env: { no_proxy: mine }\n",
    );
    let args = ["build", "--progress", "plain"];
    Running::start(command(&project, &args))
        .end()
        .success()
        .says(&["seen http://me:***@proxy.invalid:3128 http://me:***@", ":3128 mine"])
        .never_says(&["canary7f"]);
}
