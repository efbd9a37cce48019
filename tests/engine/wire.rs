//! What a build uses of this machine and of registries, besides its context.

mod cache_folders; // caches in local directories
mod caches; // caches in registries and images
mod contexts; // directories, images and files as named contexts
mod secrets; // secrets of build steps
mod ssh; // SSH agents of build steps

use crate::support::Project;

#[test]
fn annotations_are_in_the_index_and_in_every_manifest() {
    let project = Project::single("annotations", "FROM scratch\nCOPY Dockerfile /\n");
    let annotated = "org.example.a=b=c, d";
    let run = |platforms: &str, more: &[&str]| {
        let args = ["build", "--push", "--platform", platforms, "--annotation", annotated];
        project.run(&[&args[..], more].concat()).success();
        let (_, top) = project.store().manifest("v1").unwrap();
        let has = |manifest: &serde_json::Value| {
            manifest["annotations"]["org.example.a"].as_str() == Some("b=c, d")
        };
        assert!(has(&top), "{top}");
        let images = project.store().images("v1");
        for (_, manifest) in images.iter().filter(|(platform, _)| platform != "unknown/unknown") {
            assert!(has(manifest), "{manifest}");
        }
        (top["manifests"].as_array().map_or(0, Vec::len), images.len())
    };
    assert_eq!(run("linux/amd64,linux/arm64", &[]), (2, 2));
    assert_eq!(run("linux/amd64", &[]), (0, 1));
    assert_eq!(run("linux/amd64", &["--provenance"]), (2, 2));
    let layout = "type=oci,dest=image.tar";
    project.run(&["build", "--annotation", annotated, "--output", layout]).success();
    // There is no manifest here, so there is nothing to annotate.
    project.run(&["build", "--annotation", annotated, "--output", "type=tar,dest=f.tar"]).success();
}

#[test]
fn labels_and_the_target_stage_follow_the_command_line() {
    let dockerfile = "FROM scratch AS one\nCOPY Dockerfile /one\nFROM scratch\nCOPY Dockerfile /\n";
    let project = Project::single("target", dockerfile);
    project
        .run(&["build", "--push", "--target", "one", "--label", "a=b", "--label", "c="])
        .success();
    let (_, manifest) = project.store().images("v1").remove(0);
    let labels = &project.store().config(&manifest)["config"]["Labels"];
    assert_eq!((labels["a"].as_str(), labels["c"].as_str()), (Some("b"), Some("")));
    assert!(project.tree(&["--target", "one"]).join("one").exists());
    project
        .run(&["build", "--target", "two"])
        .exits(2)
        .says(&["has no stage `two`", "its stages: one"]);
}
