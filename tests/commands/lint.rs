//! `lint` without an engine.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::project::{Project, Run};

#[test]
fn findings_point_at_the_template_once_for_all_cells() {
    let project = Project::family();
    let run = project.run(&["lint"]).exits(0).says(&["no engine is available"]);
    assert_eq!(
        run.stdout,
        "\
note: the base image `ubuntu:24.04` has no digest: its tag can move
 --> templates/ubuntu/Dockerfile:1:1
  |
1 | FROM ubuntu:24.04
  | ^^^^^^^^^^^^^^^^^
  |
  = note: unpinned-base: 1.0-ubuntu and 1 more
  = help: write a version and the digest of its index, which covers every platform: `alpine:3.20@sha256:…`

warning: the base image `alpine` has no tag, which means `latest`
 --> templates/alpine/Dockerfile:1:1
  |
1 | FROM alpine
  | ^^^^^^^^^^^
  |
  = note: base-without-tag: 1.0-alpine and 1 more
  = help: write a version and the digest of its index, which covers every platform: `alpine:3.20@sha256:…`; or acknowledge it with `# onebuild: allow base-without-tag (reason)`

1 warning, 1 note
"
    );
    project.run(&["lint", "--strict"]).exits(3);
}

#[test]
fn errors_in_the_matrix_are_findings_too() {
    let project = Project::family();
    project.file("matrix.yaml", "image: me/app\ntag: x\nplatforms: linux/amd64\naxis: {}\n");
    let run = project.run(&["lint", "--format", "json", "--no-engine"]).exits(3);
    assert_eq!(run.stderr, "");
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    let messages: Vec<_> = found["findings"].as_array().unwrap().iter().collect();
    assert!(messages.iter().any(|f| f["message"] == "unknown key `axis`"), "{found}");
    assert!(messages.iter().all(|f| f["severity"] == "error"), "{found}");
    assert_eq!(messages[0]["place"]["file"], "matrix.yaml");
}

#[test]
fn warnings_of_the_matrix_are_reported_once_as_findings() {
    let project = Project::family();
    let matrix = project.read("matrix.yaml") + "vars: { never: used }\nexclude: [{ os: arch }]\n";
    project.file("matrix.yaml", matrix);
    let run = project.run(&["lint", "--format", "github", "--no-engine"]).exits(0);
    assert_eq!(run.stderr, "");
    for word in ["the var `never` is not used", "matches no value of `os`"] {
        assert_eq!(run.stdout.matches(word).count(), 1, "{word}\n{}", run.stdout);
    }
    assert!(run.stdout.lines().all(|line| line.starts_with("::")), "{}", run.stdout);
    assert!(run.stdout.contains("::warning file=matrix.yaml,line=7,col="), "{}", run.stdout);
}

#[test]
fn sarif_has_a_rule_for_each_result() {
    let project = Project::family();
    let run = project.run(&["lint", "--format", "sarif", "--no-engine"]).exits(0);
    let sarif: Value = serde_json::from_str(&run.stdout).unwrap();
    let run = &sarif["runs"][0];
    let rules: Vec<_> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    for result in run["results"].as_array().unwrap() {
        assert!(rules.contains(&&result["ruleId"]), "{result}");
    }
    assert_eq!(rules.len(), 2);
}

#[test]
fn this_repository_has_no_unacknowledged_findings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let onebuild = |args: &[&str]| {
        Run::of(Command::new(env!("CARGO_BIN_EXE_onebuild")).args(args), root).exits(0)
    };
    onebuild(&["render", "--files", "--check"]);
    let run = onebuild(&["lint", "--no-engine", "--strict", "--format", "json"]);
    assert!(!run.stdout.contains("docker-compose.yml"), "{}", run.stdout);
    let text = std::fs::read_to_string(root.join("docker-compose.yml")).unwrap();
    assert_eq!(text.matches("# onebuild: allow").count(), 1);
}

#[test]
fn an_explicit_engine_must_answer() {
    let project = Project::family();
    let run = project.run(&["lint", "--host", "unix:///nowhere.sock"]);
    run.exits(4).says(&["/nowhere.sock"]);
    project.run(&["lint", "--host", "x", "--no-engine"]).exits(2);
    project.run(&["lint", "--os", "arch"]).exits(2).says(&["no value matching `arch`"]);
}
