//! A run as a step of GitHub Actions: its summary, its outputs and its annotations.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Project, Running};

/// What a runner reads of the file of outputs: NAME<<DELIMITER, lines, DELIMITER.
fn outputs(file: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut lines = file.split_terminator('\n');
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.split_once("<<").expect("every output has several lines");
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        found.push((name.to_owned(), serde_json::from_str(&value.join("\n")).unwrap()));
    }
    found
}

#[test]
fn a_step_has_a_summary_outputs_and_annotations_without_secrets() {
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: [1, 2, 3] }";
    let dockerfile = "FROM alpine:3.20\n\
        ARG NONCE\n\
        RUN --mount=type=secret,id=token,required=true test -s /run/secrets/token\n\
        RUN [ <%n%> != 2 ] || { echo '| no <b>pack`age</b> ::error::x @someone'; exit 3; }\n";
    let project = Project::in_new_repository("actions", matrix, dockerfile);
    // Other commands of the step have written into both files.
    let summary = project.file("runner/summary", "before");
    let output = project.file("runner/output", "other=1\n");
    let canary = format!("canary-{}", project.nonce());
    let args = ["matrix", "--push", "--secret", "id=token,env=ONEBUILD_TEST_VALUE"];
    let mut command = project.command(&args);
    command
        .env("ONEBUILD_TEST_VALUE", &canary)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", project.path("").parent().unwrap())
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("GITHUB_OUTPUT", &output);
    let run = Running::start(command).end().exits(1);

    let text = fs::read_to_string(&summary).unwrap();
    for part in [
        "before\n\n## ❌ onebuild: 1 of 3 cells failed\n",
        "2 pushed, 1 failed, in ",
        "### ❌ `v2` failed: `exit code 3 after ",
        "`context/Dockerfile:4`\n\n```\nRUN [ 2 != 2 ] || ",
        "\n\n```\n| no <b>pack`age</b> ::error::x @someone\n```\n",
        "| `2` | ❌ **failed** ",
        "| `v1` | ✅ pushed | ",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }

    let file = fs::read_to_string(&output).unwrap();
    let found = outputs(file.strip_prefix("other=1\n").expect("what was there stays"));
    let names: Vec<&str> = found.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["failed", "images", "digests"]);
    assert_eq!(found[0].1, json!(["v2"]));
    let mut pushed = run.images();
    pushed.sort();
    let references: Vec<&str> = pushed.iter().map(|(reference, _)| &**reference).collect();
    assert_eq!(found[1].1, json!(references));
    for (reference, digest) in &pushed {
        assert_eq!(found[2].1[reference], **digest);
        let tag = reference.rsplit(':').next().unwrap();
        assert_eq!(&project.store().digest(tag), digest);
    }

    let folder = project.nonce();
    let annotation = format!(
        "\n::error file={folder}/context/Dockerfile,line=4,title=v2 failed::exit code 3 on amd64 \
         (context/Dockerfile:4): | no <b>pack`age</b> ::error::x @someone\n"
    );
    assert!(run.stderr.contains(&annotation), "{run}");
    let is_group = |line: &str| line.starts_with("::group::v") || line == "::endgroup::";
    let obeyed = |line: &&str| line.trim_start().starts_with("::") && !is_group(line);
    assert_eq!(run.stderr.lines().filter(obeyed).count(), 1, "{run}");
    for text in [&text, &file, &run.stdout, &run.stderr] {
        assert!(!text.contains(&canary), "{text}");
    }
}
