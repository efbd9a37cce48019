//! Directories, images and files as named contexts.

use std::fs;
use std::process::Command;

use crate::support::{ONE, Project, Running, lab_env, paths_below};

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
    let run = project.run(&["build", "--build-context", "extra=oci-layout://gone"]).exits(4);
    run.says(&["the context `extra` cannot be used: gone does not exist"]);
}

#[test]
fn a_named_context_can_be_an_image_in_a_directory() {
    let project = Project::single("layout", "FROM alpine:3.20\nRUN echo from-layout > /mark\n");
    let archive = project.path("layout.tar");
    let output = format!("type=oci,dest={}", archive.display());
    project.run(&["build", "--platform", "linux/amd64,linux/arm64", "--output", &output]).success();
    fs::create_dir(project.path("layout")).unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(&archive).arg("-C").arg(project.path("layout"));
    Running::start(tar).end().success();
    let image = project.repository();
    let matrix = |context: &str| {
        let text = format!(
            "image: {image}\n{ONE}\ncontext: context\ncontexts: {{ base: \"{context}\" }}\n"
        );
        project.file("matrix.yaml", text);
    };
    project.file("context/Dockerfile", "FROM base\nRUN cat /mark && uname -m > /machine\n");
    for context in ["oci-layout://layout", "oci-layout://./layout:v1"] {
        matrix(context);
        assert_eq!(project.built("mark", &[]), "from-layout\n", "{context}");
    }
    let machine = project.built("machine", &["--platform", "linux/arm64"]);
    assert_eq!(machine, "aarch64\n");
    project.run(&["build", "--no-cache"]).success();
    project.run(&["lint"]).success();
    matrix("oci-layout://layout:v2");
    project.run(&["build"]).exits(4).says(&["has no image with the tag `v2`; its tags: v1"]);
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
