//! Directories, images and files as named contexts.

use std::fs;

use crate::support::{ONE, Project, lab_env, paths_below};

#[test]
fn a_named_context_can_be_a_directory() {
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
    // Changed files are sent again.
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
fn a_missing_context_is_reported_before_anything_is_built() {
    let project = Project::single("nofolder", "FROM scratch\nCOPY --from=extra . /\n");
    let run = project.run(&["build", "--build-context", "extra=gone"]).exits(4);
    run.says(&["the context `extra` is not a directory: gone"]);
    let run = project.run(&["build", "--build-context", "extra=oci-layout://x"]).exits(2);
    run.says(&["oci-layout"]);
}

/// A matrix beside its sources: all its paths start with `.`.
#[test]
fn the_directory_of_the_matrix_is_a_context_however_it_is_written() {
    let project = Project::single("dot", "FROM scratch\nCOPY --from=root file /\n");
    let image = project.repository();
    for dot in [".", "./", "./."] {
        let content = format!("{dot} of {}", project.nonce());
        project.file("file", &content);
        project.file("Dockerfile", "FROM scratch\nCOPY --from=root file /\n");
        let matrix =
            format!("image: {image}\n{ONE}\ncontext: {dot}\ncontexts: {{ root: {dot} }}\n");
        project.file("matrix.yaml", &matrix);
        assert_eq!(project.built("file", &[]), content, "in the matrix: {dot}");
        assert_eq!(project.built("file", &["-f", "./matrix.yaml"]), content, "-f with {dot}");

        project.matrix(ONE);
        let flag = format!("root={dot}");
        assert_eq!(project.built("file", &["--build-context", &flag]), content, "{flag}");
    }
}

#[test]
fn the_current_directory_keeps_a_cache() {
    let project = Project::single("dotcache", "FROM alpine:3.20\nRUN echo made > /made\n");
    project.run(&["build", "--cache-to", "type=local,dest=."]).success();
    assert!(project.path("index.json").is_file());
    let from = project.run(&["build", "--cache-from", "type=local,src=./"]);
    from.success().never_says(&["has no entry for"]);
}
