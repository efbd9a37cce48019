//! Both platforms into the engine's store, into a registry, and into both.

use crate::support::{Project, docker, lab_dir};

const BOTH: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: [1] }";

/// Prints the machine on which it was built and the one on which it runs.
const MACHINE: &str =
    "FROM alpine:3.20\nRUN uname -m > /machine\nCMD echo $(cat /machine) $(uname -m)\n";

fn run_on(platform: &str, image: &str) -> String {
    docker(&["run", "--rm", "--quiet", "--platform", platform, image]).trim().to_owned()
}

/// Write requests (uploads, manifests) to this project's repository in the registry.
fn changes(project: &Project) -> usize {
    let log = std::fs::read_to_string(lab_dir().join("log/registry.log")).unwrap();
    let name = format!("/v2/{}/", project.repository_name());
    let is_change = |line: &&str| {
        // A POST starts an upload, which may be cancelled.
        ["\"PUT ", "\"PATCH "].iter().any(|method| line.contains(&format!("{method}{name}")))
    };
    log.lines().filter(is_change).count()
}

#[test]
fn both_platforms_are_built_into_the_engines_store_and_run_there() {
    let project = Project::new("stored", BOTH, MACHINE);
    let run = project.run(&["build"]).success().says(&["1 built"]);
    let image = format!("{}:v1", project.repository());
    let stored = docker(&["image", "inspect", "--format", "{{.Id}}", &image]);
    assert_eq!(stored.trim(), run.digest(), "{run}");
    assert_eq!(run_on("linux/amd64", &image), "x86_64 x86_64");
    assert_eq!(run_on("linux/arm64", &image), "aarch64 aarch64");
    assert!(!project.store().has("v1"));
}

#[test]
fn a_pushed_image_has_both_platforms_and_the_printed_digest() {
    let project = Project::in_new_repository("pushed", BOTH, MACHINE);
    let run = project.run(&["build", "--push"]).success().says(&["1 pushed"]);
    let image = format!("{}:v1", project.repository());
    assert_eq!(run.images(), [(image.clone(), project.store().digest("v1"))]);
    assert_eq!(project.store().platforms("v1"), ["linux/amd64", "linux/arm64"]);
    let stored = docker(&["image", "ls", "--quiet", &image]);
    assert_eq!(stored, "", "--push without --load keeps nothing in the engine's store");
    assert_eq!(run_on("linux/amd64", &image), "x86_64 x86_64");
    assert_eq!(run_on("linux/arm64", &image), "aarch64 aarch64");
    docker(&["image", "rm", &image]);
}

#[test]
fn pushing_an_unchanged_image_again_changes_nothing_in_the_registry() {
    let project = Project::new("again", BOTH, "FROM scratch\nCOPY Dockerfile /\n");
    // Not only images from earlier runs of this test.
    project.file(
        "context/Dockerfile",
        format!("FROM scratch\nCOPY Dockerfile /\n# {}\n", project.nonce()),
    );
    let first = project.run(&["build", "--push"]).success();
    let pushed = changes(&project);
    assert!(pushed > 0, "the registry's log does not contain the first push");
    let second = project.run(&["build", "--push"]).success();
    assert_eq!(first.digest(), second.digest());
    assert_eq!(changes(&project), pushed, "{second}");
    first.never_says(&["unchanged"]);
    let why = "unchanged: the registry already had the same image under all its tags";
    second.says(&["v1 | unchanged in ", why, "\n1 unchanged, in "]).never_says(&["pushed, "]);
}

#[test]
fn load_and_push_put_one_image_into_both_places() {
    let project = Project::new("both", BOTH, MACHINE);
    let run = project.run(&["build", "--load", "--push"]).success();
    let image = format!("{}:v1", project.repository());
    let stored = docker(&["image", "inspect", "--format", "{{.Id}}", &image]);
    assert_eq!(stored.trim(), run.digest());
    assert_eq!(project.store().digest("v1"), run.digest());
    assert_eq!(project.store().platforms("v1"), ["linux/amd64", "linux/arm64"]);
}

#[test]
fn a_tag_moves_from_one_platform_to_two_and_back() {
    let project = Project::in_new_repository("back", BOTH, "FROM scratch\nCOPY Dockerfile /\n");
    let push = |platforms: &str| {
        let run = project.run(&["build", "--push", "--platform", platforms]).success();
        assert_eq!(project.store().digest("v1"), run.digest(), "{run}");
        run.says(&["1 pushed"]).never_says(&["not verified"]);
        project.store().platforms("v1")
    };
    let one = push("linux/amd64");
    assert_eq!(push("linux/amd64,linux/arm64"), ["linux/amd64", "linux/arm64"]);
    assert_eq!(push("linux/amd64"), one);
}

#[test]
fn a_registry_receives_the_media_types_of_the_matrix() {
    let project = Project::in_new_repository("types", BOTH, "FROM scratch\nCOPY Dockerfile /\n");
    for (more, of) in
        [("", "application/vnd.oci."), ("\nmedia_types: docker", "application/vnd.docker.")]
    {
        project.matrix(&format!("{BOTH}{more}"));
        let run = project.run(&["build", "--push"]).success().says(&["1 pushed"]);
        let index = project.store().words("v1");
        assert!(index.contains(of) && index.matches("mediaType").count() > 2, "{index}\n{run}");
    }
}
