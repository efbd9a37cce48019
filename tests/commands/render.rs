//! `render --check`.

use crate::project::Project;

#[test]
fn a_folder_that_is_as_rendered_passes_without_a_word() {
    let project = Project::family();
    project.run(&["render", "--out", "out"]).exits(0);
    let run = project.run(&["render", "--out", "out", "--check"]).exits(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}

#[test]
fn every_difference_is_in_the_diff_and_nothing_is_written() {
    let project = Project::family();
    project.run(&["render", "--out", "out"]).exits(0);
    project.file("out/1.0-alpine.Dockerfile", "FROM alpine\n\tRUN echo \u{1b}[31m1.0\n");
    project.file("out/old.Dockerfile", "FROM old\n");
    project.file("out/README", "no Dockerfile");
    std::fs::remove_file(project.path("out/1.1-ubuntu.Dockerfile")).unwrap();
    let run = project.run(&["render", "--out", "out", "--check"]).exits(1);
    let run = run.says(&["1 differ, 1 missing, 1 stale", "onebuild render --out out"]);
    assert_eq!(
        run.stdout,
        "\
--- /dev/null
+++ out/1.1-ubuntu.Dockerfile
@@ -0,0 +1,2 @@
+FROM ubuntu:24.04
+RUN echo 1.1
--- out/1.0-alpine.Dockerfile
+++ out/1.0-alpine.Dockerfile
@@ -1,2 +1,2 @@
 FROM alpine
-\tRUN echo \\u{1b}[31m1.0
+\tRUN echo 1.0
--- out/old.Dockerfile
+++ /dev/null
@@ -1 +0,0 @@
-FROM old
"
    );
    assert!(!project.path("out/1.1-ubuntu.Dockerfile").exists());
    assert!(project.read("out/1.0-alpine.Dockerfile").contains("31m"));
}

#[test]
fn some_cells_alone_are_checked_without_a_look_at_the_others() {
    let project = Project::family();
    project.run(&["render", "--out", "out", "--os", "alpine"]).exits(0);
    project.run(&["render", "--out", "out", "--os", "alpine", "--check"]).exits(0);
    project
        .run(&["render", "--out", "out", "--version", "1.0", "--os", "alpine", "--check"])
        .exits(0);
    project.run(&["render", "--out", "out", "--check"]).exits(1).says(&["2 missing"]);
}

#[test]
fn a_folder_that_is_missing_lacks_everything_and_none_is_wrong_usage() {
    let project = Project::family();
    project.run(&["render", "--out", "none", "--check"]).exits(1).says(&["4 missing"]);
    assert!(!project.path("none").exists());
    project.run(&["render", "--check"]).exits(2).says(&["--out"]);
}

#[test]
fn line_ends_and_the_last_newline_count() {
    let project = Project::family();
    project.run(&["render", "--out", "out", "--os", "alpine"]).exits(0);
    for text in ["FROM alpine\r\n\tRUN echo 1.0\r\n", "FROM alpine\n\tRUN echo 1.0"] {
        project.file("out/1.0-alpine.Dockerfile", text);
        let run = project.run(&["render", "--out", "out", "--os", "alpine", "--check"]).exits(1);
        assert!(run.stdout.lines().count() > 3 && !run.stdout.contains('\r'), "{}", run.stdout);
    }
}
