//! Caches in registries and images.

use crate::support::{Project, Running, Store, lab_env, started_engine};

const RANDOM: &str = "FROM alpine:3.20\nRUN cat /proc/sys/kernel/random/uuid > /random\n\
                      RUN echo done > /done\n";

/// A repository beside the project's own.
fn steps(project: &Project) -> Store {
    let name = format!("{}-steps", project.repository_name());
    Store::new(lab_env("ONEBUILD_LAB_REGISTRY"), name)
}

#[test]
fn another_engine_uses_the_cached_steps_in_a_registry() {
    let other = started_engine("wire", &[]);

    let project = Project::single("cacheto", RANDOM);
    let cache = format!("{}-steps", project.repository());
    let to = format!("type=registry,ref={cache},mode=max");
    let first = project.built("random", &["--no-cache", "--cache-to", &to]);
    // The cell's own place, because none was named.
    assert!(steps(&project).has("cache-v1"));
    let from = ["-H", &other.host, "--cache-from", &cache];
    assert_eq!(project.built("random", &from), first);

    // An inline cache: steps of the image are not run again.
    let inline = Project::single("inline", &RANDOM.replace("/done", "/inline"));
    inline.run(&["build", "--no-cache", "--push", "--cache-to", "type=inline"]).success();
    let image = format!("{}:v1", inline.repository());
    let layers = || inline.store().images("v1")[0].1["layers"].clone();
    let before = layers();
    let from = ["build", "--push", "-H", &other.host, "--cache-from", &image];
    inline.run(&from).success().says(&["2 of 2"]);
    assert_eq!(layers(), before);
}

#[test]
fn a_cache_that_does_not_exist_yet_is_not_an_error() {
    let project = Project::single("nocacheyet", "FROM scratch\nCOPY Dockerfile /\n");
    let from = format!("{}-never", project.repository());
    let run = project.run(&["build", "--cache-from", &from, "--cache-from", "type=gha"]).success();
    run.says(&["gha cache is skipped"]);
}

#[test]
fn a_cache_that_cannot_be_written_is_not_a_build_failure() {
    let project = Project::single("deadcache", "FROM scratch\nCOPY Dockerfile /\n");
    let dead = "type=registry,ref=127.0.0.1:1/onebuild-tests/dead";
    let run = project.run(&["build", "--cache-to", dead]).exits(1);
    run.says(&["127.0.0.1:1", "the cache could not be written", "ignore-error=true"]);
    let forgiven = format!("{dead},ignore-error=true");
    project.run(&["build", "--cache-to", &forgiven]).success();

    // The runner's token is invalid: BuildKit's message repeats it, but ours does not.
    let canary = format!("canary-{}", project.nonce());
    let mut command = project.command(&["build", "--cache-to", "type=gha"]);
    command.env("ACTIONS_RUNTIME_TOKEN", &canary).env("ACTIONS_CACHE_SERVICE_V2", "true");
    command.env("ACTIONS_RESULTS_URL", "http://127.0.0.1:1/");
    let run = Running::start(command).end().exits(1).never_says(&[&canary]);
    run.says(&["gha cache exporter", "the cache could not be written"]);
}

#[test]
fn an_unusable_cache_is_reported_before_anything_is_built() {
    let project = Project::single("badcache", "FROM scratch\nCOPY Dockerfile /\n");
    for (flag, spec, code, words) in [
        ("--cache-to", "type=s3,bucket=x", 4, ["unknown cache type `s3`", "type=registry,ref="]),
        ("--cache-to", "type=registry", 4, ["needs `ref`", "type=registry,ref="]),
        ("--cache-from", "type=inline", 4, ["part of an image", "--cache-from type=registry"]),
        (
            "--cache-from",
            "mode=max",
            2,
            ["type=registry|inline|local|gha is missing", "--cache-from"],
        ),
    ] {
        project.run(&["build", flag, spec]).exits(code).says(&words);
    }
}

#[test]
fn cells_may_not_write_their_caches_to_the_same_place() {
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1, 2] }";
    let project = Project::new("sharedcache", matrix, "FROM scratch\nCOPY Dockerfile /\n");
    let place = format!("{}:steps", project.repository());
    let run = project.run(&["matrix", "--cache-to", &place]).exits(2);
    run.says(&["2 cells would overwrite", &place, "remove the tag from --cache-to"]);
    let own = format!("{}-steps", project.repository());
    project.run(&["matrix", "--cache-to", &own, "--cache-from", &own]).success();
    assert!(steps(&project).has("cache-v1") && steps(&project).has("cache-v2"));
}
