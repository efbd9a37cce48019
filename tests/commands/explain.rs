//! `explain`.

use std::process::Command;

use serde_json::Value;

use crate::project::{Project, Run};

fn project() -> Project {
    let project = Project::family();
    let matrix = project.read("matrix.yaml")
        + "args: { GREETING: \"hello <%version%>\" }\nvars: { word: a }\ntarget: final\n";
    project.file("matrix.yaml", matrix);
    project
}

/// The value of a key, and its source.
fn line(output: &str, key: &str) -> String {
    let found = output.lines().find(|line| line.starts_with(&format!("{key} ")));
    let line = found.unwrap_or_else(|| panic!("{key}\n{output}"));
    line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_value_of_a_cell_has_its_source() {
    let project = project();
    let mut command = Command::new(env!("CARGO_BIN_EXE_onebuild"));
    command.args(["explain", "1.1-alpine", "--build-arg", "MORE=x", "--var", "word=b"]);
    let run =
        Run::with(&mut command, &project.path("."), &[("ONEBUILD_IMAGE", "you/app")]).exits(0);
    for (key, wanted) in [
        ("axes.os", "alpine matrix.yaml:6:22"),
        ("axes.version", "1.1 matrix.yaml:6:40"),
        ("image", "you/app $ONEBUILD_IMAGE"),
        ("tag", "1.1-alpine matrix.yaml:2:6"),
        ("platforms", "linux/amd64 linux/arm64 matrix.yaml:3:12"),
        ("args.GREETING", "hello 1.1 matrix.yaml:7:20"),
        ("args.MORE", "x --build-arg"),
        ("vars.word", "b --var"),
        ("target", "final matrix.yaml:9:9"),
        ("network", "default default"),
    ] {
        assert_eq!(line(&run.stdout, key), wanted, "{}", run.stdout);
    }
    assert!(run.stdout.starts_with("1.1-alpine: os=alpine version=1.1\n"), "{}", run.stdout);
}

#[test]
fn values_from_flags_have_their_source_too() {
    let project = project();
    let flags = "--label a.b=c --annotation d.e=f --target other --network host --ssh default \
                 --build-context more=sub --secret id=s,src=token --cache-from me/cache \
                 --cache-to type=inline";
    let args: Vec<&str> = ["explain", "1.1-alpine"].into_iter().chain(flags.split(' ')).collect();
    let run = project.run(&args).exits(0);
    for (key, wanted) in [
        ("labels.a.b", "c --label"),
        ("annotations.d.e", "f --annotation"),
        ("target", "other --target"),
        ("network", "host --network"),
        ("ssh.default", "the running agent --ssh"),
        ("contexts.more", "sub --build-context"),
        ("secrets.s", "the file token --secret"),
        ("cache_from", "type=registry,ref=me/cache:cache-1.1-alpine --cache-from"),
        ("cache_to", "type=inline --cache-to"),
    ] {
        assert_eq!(line(&run.stdout, key), wanted, "{}", run.stdout);
    }
}

#[test]
fn json_is_versioned_and_a_cell_can_be_named_by_its_image() {
    let project = project();
    let run = project.run(&["explain", "me/app:1.0-ubuntu", "--format", "json"]).exits(0);
    let output: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&output["version"], &output["cell"]), (&1.into(), &"1.0-ubuntu".into()));
    let values = output["values"].as_array().unwrap();
    let os = values.iter().find(|value| value["key"] == "axes.os").unwrap();
    assert_eq!((&os["source"]["file"], &os["source"]["line"]), (&"matrix.yaml".into(), &6.into()));
    assert!(values.iter().any(|value| value["source"]["default"] == true));
}

#[test]
fn an_unknown_cell_is_wrong_usage_with_a_suggestion() {
    let project = project();
    project.run(&["explain", "x1.1-alpine"]).exits(2).says(&["did you mean `1.1-alpine`?"]);
    project
        .run(&["explain", "0"])
        .exits(2)
        .says(&["there is no cell `0`", "the cells are 1.0-ubuntu"]);
}
