//! Folders, images and files beside the context.

use std::fs;

use crate::support::{Project, lab_env, paths_below};

#[test]
fn a_folder_beside_the_context_is_copied_from_by_its_name() {
    let dockerfile = "FROM scratch\nCOPY --from=extra . /extra\nCOPY --from=two /only /two\n";
    let project = Project::single("folder", dockerfile);
    project.file("beside/.dockerignore", "*.log\n");
    project.file("beside/kept", "one");
    project.file("beside/left.log", "out");
    project.file("beside/deep/er", "two");
    project.file("second/only", "second");
    let flags = ["--build-context", "extra=beside", "--build-context", "two=./second"];
    let tree = project.tree(&flags);
    let copied = paths_below(&tree.join("extra"));
    assert_eq!(copied, [".dockerignore", "deep", "deep/er", "kept"]);
    assert_eq!(fs::read_to_string(tree.join("two")).unwrap(), "second");
    // What has changed is sent again.
    project.file("beside/kept", "changed");
    let tree = project.tree(&flags);
    assert_eq!(fs::read_to_string(tree.join("extra/kept")).unwrap(), "changed");
}

#[test]
fn a_context_may_be_an_image_and_the_last_flag_of_one_name_counts() {
    let project = Project::single("named", "FROM base\n");
    let image = format!("base=docker-image://{}/library", lab_env("ONEBUILD_LAB_REGISTRY"));
    let ubuntu = format!("{image}/ubuntu:24.04");
    let alpine = format!("{image}/alpine:3.20");
    let flags = ["--build-context", &ubuntu, "--build-context", &alpine];
    assert!(project.built("etc/os-release", &flags).contains("ID=alpine"));
}

#[test]
fn a_context_that_is_not_there_is_told_before_anything_is_built() {
    let project = Project::single("nofolder", "FROM scratch\nCOPY --from=extra . /\n");
    let run = project.run(&["build", "--build-context", "extra=gone"]).exits(4);
    run.says(&["the context `extra` is no folder: gone"]);
    let run = project.run(&["build", "--build-context", "extra=oci-layout://x"]).exits(2);
    run.says(&["oci-layout"]);
}
