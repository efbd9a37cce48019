//! `lint` with BuildKit's own findings.

use serde_json::Value;

use crate::support::Project;

const MATRIX: &str = "tag: v<%n%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { n: 1..12 }\n\
                      args: { API_TOKEN: x }";
/// The first line is removed by rendering, so that line numbers differ from the template's.
const DOCKERFILE: &str = "#% if n is defined\nFROM alpine:3.20 AS Base\n#% endif\nENV V=<%n%>\n\
                          MAINTAINER me\nCMD echo <%n%>\n";

fn linted(project: &Project, args: &[&str]) -> (i32, Vec<Value>) {
    let run = project.run(&[&["lint", "--format", "json"], args].concat());
    let found: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run}"));
    (run.code, found["findings"].as_array().unwrap().clone())
}

#[test]
fn buildkits_findings_point_at_the_template_once_for_all_cells() {
    let project = Project::new("lint", MATRIX, DOCKERFILE);
    let (code, found) = linted(&project, &[]);
    assert_eq!(code, 0, "{found:?}");
    let place = |finding: &Value| {
        let place = &finding["place"];
        format!("{} {}:{}", finding["rule"], place["file"], place["line"]).replace('"', "")
    };
    let mut places: Vec<String> = found.iter().map(place).collect();
    places.sort();
    assert_eq!(
        places,
        [
            "JSONArgsRecommended context/Dockerfile:6",
            "MaintainerDeprecated context/Dockerfile:5",
            "StageNameCasing context/Dockerfile:2",
            "secret-in-image matrix.yaml:7",
            "unpinned-base context/Dockerfile:2",
            "unused-build-arg matrix.yaml:7",
        ]
    );
    for finding in found.iter().filter(|finding| finding["rule"] != "unused-build-arg") {
        assert_eq!(finding["cells"].as_array().unwrap().len(), 12, "{finding}");
        let buildkits = finding["rule"].as_str().unwrap().starts_with(char::is_uppercase);
        assert_eq!(finding["url"].is_string(), buildkits, "{finding}");
    }
    assert_eq!(linted(&project, &["--strict"]).0, 3);
}

#[test]
fn a_dockerfile_that_cannot_be_built_is_an_error_at_its_line() {
    let project =
        Project::new("lint-bad", MATRIX, "#% if n == \"7\"\nFORM x\n#% endif\nFROM alpine:3.20\n");
    let (code, found) = linted(&project, &[]);
    assert_eq!(code, 3, "{found:?}");
    let error = found.iter().find(|finding| finding["severity"] == "error").unwrap();
    assert_eq!((&error["place"]["line"], &error["cells"][0]), (&2.into(), &"v7".into()), "{error}");
}

#[test]
fn a_wrong_pattern_is_an_error_in_the_ignore_file() {
    let project = Project::single("pattern", "FROM scratch\nCOPY Dockerfile /\n");
    project.file("context/.dockerignore", "*.log\n[a-\n");
    let (code, found) = linted(&project, &[]);
    assert_eq!(code, 3, "{found:?}");
    let error = found.iter().find(|finding| finding["rule"] == "buildkit").unwrap();
    assert_eq!(error["place"]["line"], 2, "{error}");
    assert!(
        error["message"].as_str().unwrap().contains("bad pattern `[a-`: missing `]`"),
        "{error}"
    );
}

#[test]
fn buildkits_findings_are_acknowledged_like_our_own() {
    let dockerfile = "# onebuild: allow StageNameCasing (the name of a product)\nFROM alpine:3.20 AS Base\n\
                      # onebuild: allow secret-in-image (a name, and no secret)\nENV API_TOKEN=<%n%>\n\
                      # onebuild: allow MaintainerDeprecated (there is none)\nRUN true\n";
    let matrix = "tag: v<%n%>\nplatforms: [linux/amd64]\naxes: { n: 1..3 }\n";
    let project = Project::new("lint-allowed", matrix, dockerfile);
    let rules = |args: &[&str]| {
        let (_, found) = linted(&project, args);
        let of = |finding: &Value| finding["rule"].as_str().unwrap().to_owned();
        let mut rules: Vec<String> = found.iter().map(of).collect();
        rules.sort();
        rules
    };
    assert_eq!(rules(&[]), ["unpinned-base", "unused-allow"]);
    // Only BuildKit checks its own rules.
    assert_eq!(rules(&["--no-engine"]), ["unpinned-base"]);
}
