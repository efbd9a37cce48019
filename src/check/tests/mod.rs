//! Tests of each rule: findings with their places, and cases without findings.

mod files;
mod names;
mod platforms;
mod same_image;

use super::{Subject, acknowledge, check};
use crate::allow::Asked;
use crate::error::{Diagnostics, SourceFile};
use crate::input::Root;
use crate::matrix::{Matrix, Overrides, Pick, Selection};
use crate::plan::{BuildRequest, FileKind, PlanFiles, plan};

/// A matrix, its templates by name, and a command line.
#[derive(Default)]
struct Project<'t> {
    matrix: &'t str,
    templates: &'t [(&'t str, &'t str)],
    only: &'t str,
    flags: Overrides,
    /// A template of another cell has an error.
    is_broken: bool,
}

impl Project<'_> {
    fn requests(
        &self,
        matrix: &Matrix,
        selection: &Selection,
        flags: &Overrides,
    ) -> (Vec<crate::matrix::Cell>, PlanFiles, Vec<BuildRequest>) {
        let cells = matrix.select(selection, flags).unwrap().expand().unwrap().cells;
        let mut files = PlanFiles::default();
        loop {
            let needed = files.needed(&cells);
            if needed.is_empty() {
                break;
            }
            for file in needed {
                let find = self.templates.iter().find(|(name, _)| *name == file.path);
                assert!(find.is_some() || file.kind == FileKind::IgnoreFile, "no {}", file.path);
                let found = find.map(|(name, text)| SourceFile::new(*name, *text));
                files.insert(&file, found).unwrap();
            }
        }
        let plan = plan(matrix, &cells, &files, &Root::default(), &Default::default()).unwrap();
        (cells, files, plan.requests)
    }

    fn warnings(&self) -> Diagnostics {
        let matrix = Matrix::parse(SourceFile::new("matrix.yaml", self.matrix)).unwrap();
        let only = self.only.split_whitespace().map(|pick| Pick::parse(pick).unwrap()).collect();
        let selection = Selection { only, ..Selection::default() };
        let (cells, files, requests) = self.requests(&matrix, &selection, &self.flags);
        let sources = files.sources();
        let whole = || {
            let (all, none) = (Selection::default(), Overrides::default());
            (!self.is_broken).then(|| self.requests(&matrix, &all, &none).2)
        };
        let (cells, requests) = (&cells, &requests);
        let found = check(Subject {
            matrix: &matrix,
            cells,
            requests,
            sources: &sources,
            whole: Some(&whole),
        });
        let mut allows = matrix.allows().clone();
        acknowledge(requests, &sources, &mut allows);
        let mut left = allows.filter(found);
        left.extend(allows.wrong().clone());
        left.extend(allows.unused(Asked::default()));
        left
    }

    /// `rule place`, in order.
    fn found(&self) -> Vec<String> {
        let warnings = self.warnings();
        let line = |warning: &crate::error::Diagnostic| {
            let place = warning.labels.first().map(|label| label.span.to_string());
            format!("{} {}", warning.rule.unwrap(), place.unwrap_or_default()).trim().to_owned()
        };
        warnings.iter().map(line).collect()
    }
}

/// The findings for these settings in the fifth line of the matrix, and this Dockerfile.
fn found(settings: &str, dockerfile: &str) -> Vec<String> {
    let matrix = format!(
        "image: me/app\ntag: <%v%>\nplatforms: [linux/amd64, linux/arm64]\naxes: {{ v: [\"1\"] }}\n{settings}"
    );
    let templates = [("Dockerfile", dockerfile)];
    Project { matrix: &matrix, templates: &templates, ..Project::default() }.found()
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_comment_in_a_template_acknowledges_a_finding_there() {
    let allow = "# onebuild: allow shared-cache-mount (one builder)";
    for (dockerfile, wanted) in [
        (format!("FROM a\n{allow}\nRUN --mount=type=cache,target=/b x\n"), &[][..]),
        (format!("FROM a\n{allow}\n# and more\nRUN --mount=type=cache,target=/b x\n"), &[]),
        (
            format!("FROM a\nRUN y && \\\n  {allow}\n  --mount=x\nRUN z\n"),
            &["unused-allow Dockerfile:3:21"],
        ),
        (format!("FROM a\nRUN --mount=type=cache,target=/b \\\n  {allow}\n  x\n"), &[]),
        (
            format!(
                "FROM a\n{allow}\n#% if v == \"1\"\nRUN --mount=type=cache,target=/b x\n#% endif\n"
            ),
            &[],
        ),
        (
            format!("FROM a\n{allow}\n\nRUN --mount=type=cache,target=/b x\n"),
            &["shared-cache-mount Dockerfile:4:1", "unused-allow Dockerfile:2:19"],
        ),
        (
            format!("{allow}\nFROM a\nRUN --mount=type=cache,target=/b x\n"),
            &["shared-cache-mount Dockerfile:3:1", "unused-allow Dockerfile:1:19"],
        ),
        (
            "FROM a\n# onebuild: allow shared-cache-mount\nRUN x\n".to_owned(),
            &["wrong-allow Dockerfile:2:1"],
        ),
        (
            "FROM a\n# onebuild: allow shared-cash (x)\nRUN x\n".to_owned(),
            &["wrong-allow Dockerfile:2:19"],
        ),
        // A here-document of a step is not a comment.
        (format!("FROM a\nRUN <<E\n{allow}\nE\n"), &[]),
    ] {
        assert_eq!(found("", &dockerfile), wanted, "{dockerfile}");
    }
    // The same in the matrix.
    let settings = "# onebuild: allow unused-base (for a branch)\nbases: { x: y }\n";
    assert_eq!(found(settings, "FROM a\n"), NOTHING);
    let settings = "bases:\n  # onebuild: allow unused-base (for a branch)\n  x: y\n  z: y\n";
    assert_eq!(found(settings, "FROM a\n"), ["unused-base matrix.yaml:8:3"]);
}

#[test]
fn thousands_of_versions_have_the_same_findings_as_a_few() {
    let matrix = "image: me/app\ntag: <%v%>-<%os%>\nplatforms: [linux/amd64, linux/arm64]\n\
                  axes: { os: [a, b], v: 1.0..1.1499 }\nargs: { V: <%v%>, UNUSED: x }\n";
    let dockerfile = "ARG V\nFROM <%os%>:<%v%>\nRUN --mount=type=cache,target=/b echo $V\n\
                      RUN --mount=type=secret,id=t x\nARG TARGETARCH=amd64\n";
    let templates = [("Dockerfile", dockerfile)];
    let found = Project { matrix, templates: &templates, ..Project::default() }.found();
    assert_eq!(
        found,
        [
            "unused-build-arg matrix.yaml:5:19",
            "missing-secret Dockerfile:4:1",
            "platform-arg-default Dockerfile:5:1",
            "arg-before-from Dockerfile:3:1",
            "shared-cache-mount Dockerfile:3:1",
        ]
    );
}
