//! The builder `onebuild`: BuildKit in a container that onebuild creates.
//! `tests/fixtures/buildkit-image` says what stands for the image moby/buildkit.

use std::path::Path;

use crate::docker_in_docker::dind_image;
use crate::support::{
    Project, Run, Running, StartedEngine, alone, docker, lab_env, started_engine,
};

const MATRIX: &str =
    "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1, 2] }\nargs: { N: <%n%> }";
const FILE: &str =
    "FROM alpine:3.20\nARG N\nRUN --network=none echo \"$N\" > /n\nCOPY Dockerfile /\n";

/// Builds the stand-in for moby/buildkit and pushes it to the lab's registry. Returns its name.
fn image(project: &Project) -> String {
    let base = dind_image(project);
    let image = format!("{}/buildkit:test", project.repository());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/buildkit-image");
    let base = format!("BASE={base}");
    docker(&["build", "--quiet", "--build-arg", &base, "--tag", &image, folder.to_str().unwrap()]);
    docker(&["push", "--quiet", &image]);
    image
}

fn on(engine: &StartedEngine, project: &Project, args: &[&str]) -> Run {
    let mut command = project.command(args);
    command.env("DOCKER_HOST", &engine.host);
    Running::start(command).end()
}

/// One test for the whole life of a builder: each start takes long.
#[test]
fn a_family_for_two_platforms_is_pushed_from_an_engine_that_cannot() {
    let _alone = alone();
    let engine = started_engine("builder", &["--no-containerd-store"]);
    let project = Project::new("builder", MATRIX, FILE);
    let image = image(&project);
    let run = |args: &[&str]| on(&engine, &project, args);

    run(&["builder", "ls"]).success().says(&["there is no builder"]);
    run(&["builder", "rm"]).success().says(&["there was no builder"]);
    let refused = run(&["matrix", "--push"]).exits(4);
    refused.says(&["one platform at a time", "--builder onebuild"]);

    let mirror = lab_env("ONEBUILD_LAB_REGISTRY");
    let config = format!("[registry.\"docker.io\"]\nmirrors = [\"{mirror}\"]\n");
    project.file("buildkitd.toml", config);
    let create = ["builder", "create", "--image", &image, "--config", "buildkitd.toml"];
    let create = [&create[..], &["--driver-opt", "network=host"]].concat();
    run(&create).success().says(&["pulling", "created the builder onebuild", "linux/arm64"]);
    run(&create).exits(4).says(&["the builder `onebuild` exists", "onebuild builder rm"]);
    let list = run(&["builder", "ls"]).success();
    assert!(list.stdout.starts_with("onebuild") && list.stdout.contains("running"), "{list:?}");

    let push = ["matrix", "--push", "--builder", "onebuild"];
    run(&push).success().says(&["docker-container://onebuild_buildkit", "2 pushed"]);
    for tag in ["v1", "v2"] {
        assert_eq!(project.store().images(tag).len(), 2);
    }
    // The container and its cache stay, also if it was stopped.
    docker(&["--host", &engine.host, "stop", "onebuild_buildkit"]);
    run(&push).success().says(&["2 unchanged"]);

    run(&["builder", "rm"]).success().says(&["removed the builder onebuild and its build cache"]);
    let left = |what: &str| docker(&["--host", &engine.host, what, "ls", "--all", "--quiet"]);
    assert_eq!(left("container"), "");
    assert_eq!(docker(&["--host", &engine.host, "volume", "ls", "--quiet"]), "");
}

#[test]
fn settings_of_a_builder_that_cannot_work_are_reported() {
    let project = Project::single("nobuilder", FILE);
    let create = |args: &[&str]| project.run(&[&["builder", "create"], args].concat());
    create(&["--driver-opt", "speed=9"]).exits(2).says(&["`speed` is not an option", "network"]);
    create(&["--image", "A B"]).exits(2).says(&["--image: `A B`"]);
    create(&["--config", "none.toml"]).exits(4).says(&["none.toml: no such file"]);
    let missing = format!("{}/none:1", project.repository());
    create(&["--image", &missing]).exits(4).says(&["cannot be pulled", "--image REF"]);
    // A container of that name that is not ours.
    docker(&["create", "--quiet", "--name", "onebuild_buildkit", "alpine:3.20"]);
    let foreign = create(&[]);
    docker(&["rm", "onebuild_buildkit"]);
    foreign.exits(4).says(&["that onebuild did not create", "docker rename"]);
}

#[test]
fn a_buildkitd_that_ends_is_reported_with_its_last_words() {
    let _alone = alone();
    let engine = started_engine("ended", &[]);
    let project = Project::single("ended", FILE);
    let image = image(&project);
    project.file("buildkitd.toml", "debug = true\n");
    let create = ["builder", "create", "--image", &image, "--config", "buildkitd.toml"];
    let run = on(&engine, &project, &create).exits(4);
    run.says(&["exit code 1", "buildkitd.toml has no mirror", "check its configuration"]);
    // Nothing is left of it.
    on(&engine, &project, &["builder", "ls"]).success().says(&["there is no builder"]);
}
