//! `render --check`.

use crate::project::Project;

#[test]
fn an_up_to_date_directory_passes_without_output() {
    let project = Project::family();
    project.run(&["render", "--out", "out"]).exits(0);
    let run = project.run(&["render", "--out", "out", "--check"]).exits(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}

#[test]
fn the_diff_shows_every_difference_and_nothing_is_written() {
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
fn with_a_selection_only_its_cells_are_checked() {
    let project = Project::family();
    project.run(&["render", "--out", "out", "--os", "alpine"]).exits(0);
    project.run(&["render", "--out", "out", "--os", "alpine", "--check"]).exits(0);
    project
        .run(&["render", "--out", "out", "--version", "1.0", "--os", "alpine", "--check"])
        .exits(0);
    project.run(&["render", "--out", "out", "--check"]).exits(1).says(&["2 missing"]);
}

#[test]
fn a_missing_directory_lacks_all_files_and_none_is_wrong_usage() {
    let project = Project::family();
    project.run(&["render", "--out", "none", "--check"]).exits(1).says(&["4 missing"]);
    assert!(!project.path("none").exists());
    project.run(&["render", "--check"]).exits(2).says(&["--out"]);
}

#[test]
fn line_endings_and_the_final_newline_are_compared() {
    let project = Project::family();
    project.run(&["render", "--out", "out", "--os", "alpine"]).exits(0);
    let line_ends =
        |kind: &str| format!("out/1.0-alpine.Dockerfile: line ends differ ({kind} in the file)\n");
    for (text, wanted) in [
        ("FROM alpine\r\n\tRUN echo 1.0\r\n", Some(line_ends("CRLF"))),
        ("FROM alpine\r\n\tRUN echo 1.0\n", Some(line_ends("LF and CRLF"))),
        ("FROM alpine\n\tRUN echo 1.0", None),
    ] {
        project.file("out/1.0-alpine.Dockerfile", text);
        let run = project.run(&["render", "--out", "out", "--os", "alpine", "--check"]).exits(1);
        match wanted {
            Some(wanted) => assert_eq!(run.stdout, wanted),
            None => assert!(run.stdout.lines().count() > 3, "{}", run.stdout),
        }
    }
}

#[test]
fn a_committed_file_is_written_atomically_and_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::family();
    let files = "vars: { port: \"80\" }\nfiles:\n  deploy/run.sh:\n    template: run.tpl\n    \
                 when: latest and os == \"alpine\"\n";
    project.file("matrix.yaml", project.read("matrix.yaml") + files);
    project.file("run.tpl", "#!/bin/sh\r\n#% include \"more.tpl\"\necho ${A#<} <%prot%>");
    project.file("more.tpl", "docker run <%image%>:<%tag%>\n");
    let run = project.run(&["render", "--files"]).exits(3);
    assert!(run.stderr.contains("run.tpl:3:"), "{}", run.stderr);
    assert!(!project.path("deploy").exists());
    project.file("run.tpl", "#!/bin/sh\r\n#% include \"more.tpl\"\necho ${A#<} <%port%>");
    project.run(&["render", "--files"]).exits(0).says(&["deploy/run.sh: written"]);
    let wanted = "#!/bin/sh\r\ndocker run me/app:1.1-alpine\necho ${A#<} 80";
    assert_eq!(project.read("deploy/run.sh"), wanted);
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::write(project.path("deploy/run.sh"), "old").unwrap();
    std::fs::set_permissions(project.path("deploy/run.sh"), executable).unwrap();
    project.run(&["render", "--files", "--check"]).exits(1);
    assert_eq!(project.read("deploy/run.sh"), "old");
    project.run(&["render", "--files"]).exits(0);
    let mode = std::fs::metadata(project.path("deploy/run.sh")).unwrap().permissions().mode();
    assert_eq!((project.read("deploy/run.sh").as_str(), mode & 0o777), (wanted, 0o755));
    assert_eq!(std::fs::read_dir(project.path("deploy")).unwrap().count(), 1);
    // A var that only this template uses counts as used.
    let run = project.run(&["plan"]).exits(0);
    assert_eq!(run.stderr, "4 cells, 4 images, 2 platforms\n");
}
