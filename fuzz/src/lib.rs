//! Invariants for any input: the bodies of the fuzz targets, and of the property tests in
//! `tests/fuzz.rs`, which includes this file.
//!
//! Each function accepts any string and panics if an invariant is violated. It returns whether the
//! input got as far as the invariants: if all inputs were refused early, the tests would prove
//! little.

use std::collections::HashSet;

use onebuild::parts::{
    self, Diagnostics, Dockerfile, Findings, Given, Matrix, Overrides, PlanFiles, Platform,
    Reference, Root, Rules, Scope, Selection, Source, SourceFile, Subject, Template, Value, plan,
};

/// More cells reveal nothing new about a file, and cost time.
const ENOUGH_CELLS: u128 = 200;

/// A matrix.yaml: read, selected, expanded.
pub fn matrix(text: &str) -> bool {
    let cells = cells(text);
    if let Err(found) = &cells {
        presentable(found);
    }
    cells.is_ok()
}

/// A range of versions, as the value of an axis.
pub fn range(text: &str) -> bool {
    // Control characters are an error of their own, which hides errors in the range.
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    if text.chars().any(char::is_control) {
        return false;
    }
    let file =
        format!("image: a\ntag: <%v%>\nplatforms: linux/amd64\naxes: {{ v: \"{quoted}\" }}\n");
    match Matrix::parse(SourceFile::new("matrix.yaml", file)) {
        Err(found) => {
            presentable(&found);
            false
        }
        Ok(matrix) => {
            let values = &matrix.axes()[0].values;
            let (first, last) = text.split_once("..").unwrap_or((text, text));
            assert_eq!(&*values[0].text, first);
            assert_eq!(&*values[values.len() - 1].text, last);
            let unique: HashSet<&str> = values.iter().map(|value| &*value.text).collect();
            assert_eq!(unique.len(), values.len(), "a value is listed twice");
            values.len() > 1
        }
    }
}

fn cells(text: &str) -> Result<(), Diagnostics> {
    let matrix = Matrix::parse(SourceFile::new("matrix.yaml", text))?;
    let overrides = Overrides::default();
    let selected = matrix.select(&Selection::default(), &overrides)?;
    if selected.product() > ENOUGH_CELLS {
        return Ok(());
    }
    let cells = selected.expand()?.cells;
    assert!(!cells.is_empty());
    let mut references = HashSet::new();
    for cell in &cells {
        assert!(!cell.references.is_empty() && !cell.platforms.is_empty());
        for reference in &cell.references {
            assert!(references.insert(reference), "two cells push {reference}");
        }
        let inside = !cell.dockerfile.starts_with('/');
        assert!(inside && cell.dockerfile.split('/').all(|part| part != ".."));
        let texts = cell.inputs.args.values().chain(cell.inputs.labels.values());
        assert!(!cell.name.chars().any(char::is_control));
        texts.for_each(|text| assert!(!text.contains('\0')));
    }
    Ok(())
}

/// A template, with the values of one cell.
pub fn template(text: &str) -> bool {
    let mut scope = Scope::default();
    scope.set("os", "alpine");
    scope.set("version", "2.0.10");
    let properties = [("suffix".into(), "-cn".into())];
    scope.set("type", Value::Record { text: "cn".into(), properties: properties.into() });
    scope.set("packages", Value::List([Value::from("curl"), Value::from("tar")].into()));
    scope.set("nested", "<%os%> {%os%}");
    scope.set("latest", Value::Truth(true));
    let rendered = Template::file(SourceFile::new("Dockerfile", text))
        .and_then(|template| template.render(&scope, &|_| None));
    match rendered {
        Err(found) => {
            presentable(&found);
            false
        }
        Ok(rendered) => {
            if !["<%", "{%", "#%"].iter().any(|marker| text.contains(marker)) {
                assert_eq!(rendered.text(), text, "text without placeholders is unchanged");
            }
            let count = u32::try_from(rendered.text().split_inclusive('\n').count()).unwrap_or(0);
            let lines = u32::try_from(text.lines().count()).unwrap_or(0);
            for line in 1..=count {
                let origin = rendered.origin(line).expect("every line has an origin");
                assert!((1..=lines).contains(&origin.line), "line {line} from {}", origin.line);
            }
            assert_eq!(rendered.origin(count + 1), None);
            rendered.text() != text
        }
    }
}

/// A Dockerfile for several cells, and the lint rules for it.
pub fn check(text: &str) -> bool {
    let matrix = "image: a\ntag: <%os%>\nplatforms: [linux/amd64, linux/arm64]\naxes: { os: [x, y] }\n\
                  args: { V: \"1\", TARGETARCH: <%os%> }\nbases: { a:1: b }\ncontexts: { c: . }\n\
                  secrets: { s: { env: S } }\nssh: default\n";
    let matrix = Matrix::parse(SourceFile::new("matrix.yaml", matrix)).expect("it is valid");
    let overrides = Overrides::default();
    let selected = matrix.select(&Selection::default(), &overrides).expect("all of it");
    let cells = selected.expand().expect("it has two cells").cells;
    let mut files = PlanFiles::default();
    let template = files.needed(&cells).remove(0);
    let planned = files
        .insert(&template, Some(SourceFile::new("Dockerfile", text)))
        .and_then(|()| plan(&matrix, &cells, &files, &Root::default(), &Default::default()));
    let Ok(planned) = planned else { return false };
    let (requests, sources) = (&planned.requests, &files.sources());
    let subject = Subject { matrix: &matrix, cells: &cells, requests, sources, whole: None };
    let found = parts::check(subject);
    let is_found = found.render(false).contains("--> Dockerfile:");
    let mut allows = matrix.allows().clone();
    parts::acknowledge(requests, sources, &mut allows);
    harmless(&allows.filter(found).render(false));
    harmless(&allows.wrong().render(false));
    harmless(&allows.unused(Default::default()).render(false));
    is_found
}

/// An image name or a platform.
pub fn reference(text: &str) -> bool {
    let reference = text.parse::<Reference>();
    if let Ok(reference) = &reference {
        let (full, familiar) = (reference.to_string(), reference.familiar());
        assert_eq!(full.parse::<Reference>().as_ref(), Ok(reference), "{full}");
        assert_eq!(familiar.parse::<Reference>().as_ref(), Ok(reference), "{familiar}");
        assert!(full.is_ascii() && !full.contains(|c: char| c.is_control() || c == ' '));
    }
    let platform = text.parse::<Platform>();
    if let Ok(platform) = &platform {
        let shown = platform.to_string();
        assert_eq!(shown.parse::<Platform>().as_ref(), Ok(platform), "{shown}");
    }
    reference.is_ok() || platform.is_ok()
}

/// Patterns in .dockerignore syntax, one per line: entries of an ignored directory are ignored.
pub fn ignore_patterns(text: &str) -> bool {
    let patterns: Vec<&str> = text.lines().collect();
    let Ok(rules) = Rules::new(&patterns) else { return false };
    let mut is_any_ignored = false;
    for pattern in patterns.iter().rev().take(4) {
        let path = pattern.trim_start_matches(['!', '/']).replace(['*', '?'], "x");
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (mut parent, mut is_ignored) = (Default::default(), false);
        for end in 1..=parts.len() {
            let (judged, matched) = rules.judge(&parts[..end].join("/"), &parent);
            assert!(judged || !is_ignored || text.contains('!'), "{path:?} in {patterns:?}");
            (is_ignored, parent) = (judged, matched);
        }
        is_any_ignored |= is_ignored;
    }
    is_any_ignored
}

/// A Compose file: its findings have positions, and can be shown.
pub fn compose(text: &str) -> bool {
    let file = SourceFile::new("compose.yaml", text);
    let mut findings = Findings::default();
    findings.of_compose(&file);
    for finding in findings.iter() {
        assert!(finding.span().is_some_and(|span| span.file == file), "{finding:?}");
    }
    for shown in [parts::text(&findings, false), parts::github(&findings, std::path::Path::new(""))]
    {
        harmless(&shown);
    }
    assert!(parts::sarif(&findings, std::path::Path::new("")).starts_with('{'));
    findings.iter().next().is_some()
}

/// Findings can be shown: the output is not empty and has no terminal controls.
fn presentable(found: &Diagnostics) {
    let shown = found.render(false);
    assert!(found.has_errors() && shown.starts_with("error"), "{shown}");
    harmless(&shown);
}

fn harmless(shown: &str) {
    let harmful = |c: char| c.is_control() && c != '\n';
    assert!(!shown.contains(harmful), "{shown:?}");
}

/// A Dockerfile: its instructions, and the stages to build.
pub fn dockerfile(text: &str) -> bool {
    let file = Dockerfile::parse(text);
    let lines = u32::try_from(text.lines().count()).expect("inputs are short");
    let mut last = 0;
    for instruction in &file.instructions {
        assert!(last < instruction.first, "two instructions are on one line");
        assert!(instruction.first <= instruction.last && instruction.last <= lines.max(1));
        last = instruction.last;
    }
    for comment in &file.comments {
        assert!(comment.text.starts_with('#') && comment.line <= lines);
        file.comments_of(comment.line);
    }
    let _ = (file.declarations(), file.variable_uses());
    let platform = "linux/arm/v7".parse().expect("it is a platform");
    let args = [("A".into(), "a".into())].into();
    let given = Given {
        args: &args,
        target: None,
        platform: Some(&platform),
        build_platform: None,
        is_replaced: &|name| name == "b",
    };
    let built = file.evaluate(&given);
    let mut bare = built.clone();
    bare.stages.iter_mut().for_each(|stage| stage.mounts.clear());
    assert_eq!(file.stages(&given), bare);
    for (number, stage) in built.stages.iter().enumerate() {
        for used in &stage.uses {
            let Source::Stage(other) = used.source else { continue };
            assert!(other < built.stages.len());
        }
        // The chain of base stages must end.
        assert!(!matches!(stage.base, Source::Stage(below) if below >= number));
    }
    !built.stages.is_empty()
}
