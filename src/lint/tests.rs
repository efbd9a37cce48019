//! Tests of the rules for Dockerfiles, and of the output formats.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::{Finding, Findings, Places, github, json, sarif, text};
use crate::error::{Diagnostic, Diagnostics, Severity, SourceFile, Span};
use crate::plan::{BuildRequest, Sources};
use crate::template::Rendered;

fn request(cell: &str, dockerfile: &str) -> BuildRequest {
    let mut request = BuildRequest::sample(cell);
    request.recipe.dockerfile = Arc::new(Rendered::verbatim("t/Dockerfile", dockerfile));
    request
}

/// All templates have this text.
struct One(Sources);

impl One {
    fn new(text: &str) -> Self {
        let file = SourceFile::new("t/Dockerfile", text);
        Self(Sources::new([(file.name().clone(), file)].into()))
    }
}

impl Places for One {
    fn line(&self, rendered: &Rendered, line: u32) -> Option<Span> {
        self.0.line(rendered, line)
    }

    fn key(&self, _: &str, key: &str) -> Option<Span> {
        let matrix = SourceFile::new("matrix.yaml", format!("{key}: here"));
        Some(matrix.span(0..key.len()))
    }
}

fn found(requests: &[BuildRequest], template: &str) -> Findings {
    let mut findings = Findings::default();
    findings.of_requests(requests, &mut One::new(template), true);
    findings
}

fn rules(findings: &Findings) -> Vec<String> {
    let line = |finding: &Finding| match finding.span() {
        Some(span) => format!("{} {span}", finding.rule),
        None => finding.rule.clone(),
    };
    findings.iter().map(line).collect()
}

#[test]
fn each_rule_has_its_findings_and_no_others() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let bad = format!(
        "FROM ubuntu\nFROM ubuntu:latest\nFROM ubuntu:24.04\nFROM ubuntu:24.04@{digest}\n\
         ARG TOKEN\nARG TOKEN=\nARG API_TOKEN=abc V=1\nENV PASSWORD=x USER=y\nENV DB_PASSWORD x y\n"
    );
    let mut request = request("c", &bad);
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect::<crate::input::TextMap>()
    };
    request.recipe.inputs.args = pairs(&[("GH_TOKEN", "x"), ("EMPTY_TOKEN", ""), ("VERSION", "1")]);
    request.recipe.inputs.labels = pairs(&[("my.password", "x")]);
    request.delivery.references = vec!["a:latest".parse().unwrap()];
    assert_eq!(
        rules(&found(&[request], &bad)),
        [
            "base-without-tag t/Dockerfile:1:1",
            "base-latest t/Dockerfile:2:1",
            "unpinned-base t/Dockerfile:3:1",
            // In these tests, args and labels have the same place.
            "secret-in-image matrix.yaml:1:1",
            "secret-in-image matrix.yaml:1:1",
            "latest-tag matrix.yaml:1:1",
            "secret-in-image t/Dockerfile:7:1",
            "secret-in-image t/Dockerfile:8:1",
            "secret-in-image t/Dockerfile:9:1",
        ]
    );
}

#[test]
fn two_secrets_on_one_line_are_two_findings_however_many_cells_there_are() {
    let of = |n: u32| format!("FROM a@sha256:{}\nENV A_TOKEN_{n}=x B_TOKEN=y\n", "0".repeat(64));
    let requests: Vec<BuildRequest> = (1..4).map(|n| request(&n.to_string(), &of(n))).collect();
    let findings = found(&requests, &of(1));
    let diagnostic: Vec<(&str, usize)> =
        findings.iter().map(|f| (&*f.diagnostic.message, f.cells.len())).collect();
    assert_eq!(
        diagnostic,
        [
            ("`A_TOKEN_1` in ENV looks like a secret", 3),
            ("`B_TOKEN` in ENV looks like a secret", 3)
        ]
    );
}

#[test]
fn many_cells_get_one_finding_per_place() {
    let requests: Vec<BuildRequest> =
        (1..=3).map(|n| request(&format!("c{n}"), &format!("FROM a:{n}\n"))).collect();
    let findings = found(&requests, "FROM a:<%n%>\n");
    assert_eq!(rules(&findings), ["unpinned-base t/Dockerfile:1:1"]);
    let cells = &findings.iter().next().unwrap().cells;
    assert_eq!(cells.iter().map(|cell| cell.to_string()).collect::<Vec<_>>(), ["c1", "c2", "c3"]);
    assert!(text(&findings, false).contains("unpinned-base: c1 and 2 more"));
}

fn hostile() -> Findings {
    let evil = "x\r\n::error::y\u{1b}[2J%0A::set-output name=a::b ##[group]c";
    let file = SourceFile::new("a,b:c\n::stop.yaml", "one\ntwo\n");
    let diagnostic = Diagnostic::error(evil).at(&file.span(4..7), "").help(evil);
    let mut findings = Findings::default();
    findings.add(Finding::new("a:b,c\nd", diagnostic), Some(&"cell".into()));
    findings.extend(&Diagnostics::from(Diagnostic::warning("odd")));
    findings
}

#[test]
fn an_annotation_is_one_line_and_never_another_command() {
    let text = github(&hostile(), Path::new(""));
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(
        text.lines().all(|line| line.starts_with("::error ") || line.starts_with("::warning "))
    );
    assert!(!text.contains(['\r', '\u{1b}']), "{text:?}");
    let first = text.lines().next().unwrap();
    assert!(first.contains("file=a%2Cb%3Ac%0A%3A%3Astop.yaml,line=2,col=1,title=a%3Ab%2Cc%0Ad::"));
    assert!(first.contains("%250A::set-output"), "{first}");
    assert!(first.contains("## [group]c") && !first.contains("##["), "{first}");
}

#[test]
fn json_and_sarif_have_the_same_findings() {
    let findings = hostile();
    let json: Value = serde_json::from_str(&json(&findings)).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["findings"][0]["place"]["line"], 2);
    assert_eq!(json["findings"][0]["cells"], serde_json::json!(["cell"]));
    assert_eq!(json["findings"][1]["severity"], "warning");
    let sarif: Value = serde_json::from_str(&sarif(&findings, Path::new("images"))).unwrap();
    let run = &sarif["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 2);
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "images/a%2Cb%3Ac%0A%3A%3Astop.yaml");
    assert_eq!(place["region"]["startLine"], 2);
    assert_eq!(run["results"][1]["locations"], serde_json::json!([]));
    assert_eq!(findings.count(Severity::Error), 1);
}

#[test]
fn errors_are_shown_as_every_other_command_shows_them() {
    let file = SourceFile::new("matrix.yaml", "x\n".repeat(200));
    let mut errors = Diagnostics::default();
    for number in 0..120 {
        // Three at each place.
        let place = file.span(number / 3 * 2..number / 3 * 2 + 1);
        errors.push(Diagnostic::error(format!("wrong {number}")).at(&place, "").help("fix it"));
        let place = file.span(2 * number + 1..2 * number + 2);
        errors.push(Diagnostic::error(format!("odd {number}")).at(&place, ""));
    }
    let mut findings = Findings::default();
    findings.extend(&errors);
    assert_eq!(text(&findings, false), errors.render(false) + "\n240 errors\n");
}
