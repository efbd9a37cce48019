//! The forms in which a run is described for other programs.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Project, Running, until};

const FORMS: [(&str, &str); 5] = [
    ("--junit", "run.xml"),
    ("--metadata-file", "run.json"),
    ("--summary", "run.md"),
    ("--timings", "run.html"),
    ("--timings", "trace.json"),
];

/// Prints what is in a JUnit file, as junitparser reads it.
const READER: &str = r#"
import json, sys
from junitparser import JUnitXml
def case(one):
    results = [[type(r).__name__, r.type, r.message, r.text] for r in one.result]
    return [one.classname, one.name, one.time, results]
report = JUnitXml.fromfile(sys.argv[1])
print(json.dumps({s.name: [s.tests, s.failures, s.skipped, [case(c) for c in s]] for s in report}))
"#;

/// Files in `directory` of the project.
fn flags(directory: &str) -> Vec<String> {
    let flag = |(flag, name): (&str, &str)| [flag.to_owned(), format!("{directory}/{name}")];
    FORMS.into_iter().flat_map(flag).collect()
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn a_form_made_from_the_record_is_the_one_made_at_the_end_of_the_run() {
    let matrix = "tag: v<%n%>\nplatforms: linux/amd64\naxes: { n: [1, 2, 3] }\n\
                  test: [test, <%n%>, -lt, \"3\"]\n";
    let step = "RUN echo <%n%> && [ <%n%> != 2 ] || { echo '\u{1b}[31mred <b>]]>'; exit 3; }";
    let dockerfile = format!("FROM alpine:3.20\nCOPY . /\n{step}\n");
    let project = Project::in_new_repository("forms", matrix, &dockerfile);
    let (made, later) = (flags("made"), flags("later"));
    let run = project.run(&[&["matrix", "--push", "--progress", "plain"], &*strs(&made)].concat());
    let run = run.exits(1);
    let shown = project.run(&[&["runs", "show"], &*strs(&later)].concat()).success();
    assert_eq!((&*shown.stdout, &*shown.stderr), ("", ""));
    for (_, name) in FORMS {
        let read = |directory| fs::read_to_string(project.path(directory).join(name)).unwrap();
        assert!(read("made") == read("later"), "{name}\n{}\n{}", read("made"), read("later"));
    }
    let again = project.run(&["runs", "show"]).success().stdout;
    let (head, report) = again.split_once("\n\n").unwrap();
    assert!(head.contains("\nresult:  1 pushed, 2 failed"), "{head}");
    assert!(run.stderr.contains(report), "{report}\n{}", run.stderr);

    let metadata: Value =
        serde_json::from_str(&fs::read_to_string(project.path("made/run.json")).unwrap()).unwrap();
    let (name, digest) = (&metadata["v1"]["image.name"], &metadata["v1"]["containerimage.digest"]);
    assert_eq!(*name, format!("{}:v1", project.repository()));
    assert_eq!(digest.as_str().unwrap(), project.store().digest("v1"));

    // Debian's, not that of another Python.
    let mut reader = Command::new("/usr/bin/python3");
    reader.args(["-c", READER]).arg(project.path("made/run.xml"));
    let read: Value = serde_json::from_str(&Running::start(reader).end().success().stdout).unwrap();
    let images = &read["images"];
    assert_eq!((&images[0], &images[1], &images[2]), (&3.into(), &1.into(), &1.into()), "{read}");
    let failed = &images[3][1];
    assert_eq!((&failed[0], &failed[1]), (&"n=2".into(), &"v2".into()), "{read}");
    let [kind, of, message, text] = &failed[3][0].as_array().unwrap()[..] else { panic!("{read}") };
    assert_eq!((kind, of), (&"Failure".into(), &"command".into()));
    assert!(message.as_str().unwrap().ends_with("(context/Dockerfile:3)"), "{message}");
    assert!(text.as_str().unwrap().contains("red <b>]]>"), "{text}");
    let tests = &read["smoke tests"];
    assert_eq!((&tests[0], &tests[1], &tests[2]), (&2.into(), &1.into(), &0.into()), "{read}");
    assert_eq!(tests[3][0][1], "smoke test of v1");
}

#[test]
fn a_report_that_cannot_be_written_at_the_end_is_said_and_ends_with_4() {
    let dockerfile = "FROM alpine:3.20\nRUN sleep 3; echo <%tag%>\n";
    let project = Project::single("formslost", dockerfile);
    let args = ["build", "--no-cache", "--output", "none", "--progress", "plain"];
    let run = project.start(&[&args[..], &["--junit", "out/run.xml"]].concat());
    until("the build runs", Duration::from_secs(60), || run.stderr().contains("RUN sleep"));
    fs::remove_dir_all(project.path("out")).unwrap();
    fs::write(project.path("out"), "").unwrap();
    run.end().exits(4).says(&["1 built, in ", "out/run.xml cannot be written"]);
}

#[test]
fn the_image_of_each_platform_is_described_as_the_registry_has_it() {
    for (name, platforms) in
        [("forms-index", "linux/amd64, linux/arm64"), ("forms-image", "linux/arm64")]
    {
        let matrix = format!("tag: v<%n%>\nplatforms: [{platforms}]\naxes: {{ n: [1] }}");
        let project = Project::new(name, &matrix, "FROM alpine:3.20\nCOPY Dockerfile /\n");
        let args = ["build", "--push", "--metadata-file", "run.json", "--summary", "run.md"];
        project.run(&args).exits(0);
        let all = fs::read_to_string(project.path("run.json")).unwrap();
        let all: Value = serde_json::from_str(&all).unwrap();
        let size = |blob: &Value| blob["size"].as_u64().unwrap();
        let expected: Vec<Value> = project
            .store()
            .images("v1")
            .iter()
            .map(|(platform, image)| {
                let layers = image["layers"].as_array().unwrap().iter().map(size).sum::<u64>();
                json!({
                    "platform": platform,
                    "id": image["config"]["digest"],
                    "size": size(&image["config"]) + layers,
                })
            })
            .collect();
        let mut found = all["v1"]["onebuild.images"].clone();
        for image in found.as_array_mut().unwrap() {
            let digest = image.as_object_mut().unwrap().remove("digest").unwrap();
            assert!(project.store().manifest(digest.as_str().unwrap()).is_some());
        }
        assert_eq!(found, Value::from(expected));
        let summary = fs::read_to_string(project.path("run.md")).unwrap();
        let shown = if name == "forms-index" { "`amd64 " } else { " MB` |" };
        assert!(summary.contains(shown), "{summary}");
    }
}
