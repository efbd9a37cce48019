use super::{cells, matrix, warnings};
use crate::error::{Severity, SourceFile};
use crate::matrix::{Files, Overrides, Selection};

/// A matrix whose only axis has these values.
fn versions(values: &str) -> String {
    let tags = "tags: ['<%v|replace(\"+\", \"_\")%>', { tag: latest, when: latest }]";
    format!("image: a\n{tags}\nplatforms: linux/amd64\naxes: {{ v: [{values}] }}\n")
}

/// The values with the tag `latest`.
fn latest(text: &str) -> String {
    let has = |references: &[crate::image::Reference]| {
        references.iter().any(|reference| reference.tag.as_ref().unwrap().as_str() == "latest")
    };
    let found = cells(text).into_iter().filter(|cell| has(&cell.references));
    found.map(|cell| cell.axes[0].1.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn latest_is_the_newest_stable_version() {
    for (values, wanted) in [
        ("8u92-b14, 8u402-b06, 8u412-b08", "8u412-b08"),
        ("1.0-ls99, 1.0-ls126", "1.0-ls126"),
        ("jdk-17.0.5_8, jdk-17.0.10_7", "jdk-17.0.10_7"),
        ("jdk-8, jdk-21, jdk-17", "jdk-21"),
        ("8-jdk, 21-jdk, 17-jdk", "21-jdk"),
        ("v1.9-alpine, v1.10-alpine", "v1.10-alpine"),
        ("17.0.5+8, 17.0.5+10", "17.0.5+10"),
        ("2.0.13, 2.1.0-rc.1", "2.0.13"),
        ("3.13.0b4, 3.12.5", "3.12.5"),
        ("18beta1, 17", "17"),
        ("22-ea, 21", "21"),
        ("2.1.0.CR1, 2.0.0.Final", "2.0.0.Final"),
        ("1.0.0-SNAPSHOT, 0.9.0", "0.9.0"),
        ("nightly-20241231, 1.0", "1.0"),
        ("edge, 3.20, 3.19", "3.20"),
        ("devel, stable, lts, 3f2a1b9, 1.0", "1.0"),
        ("1.25-alpine, 1.25, 1.24", "1.25"),
        ("3.20-alpine, 3.19-alpine", "3.20-alpine"),
        ("2.0.0-1, 2.0.0, 2.0.0-rc1", "2.0.0-1"),
        // There is no stable version.
        ("2.0.0-rc1..2.0.0-rc12", "2.0.0-rc12"),
        ("2.1.0-rc.1, edge, 2.1.0-rc.2", "2.1.0-rc.2"),
    ] {
        let text = versions(values);
        assert_eq!(latest(&text), wanted, "{values}");
        let stable = !values.contains("rc.2") && !values.contains("rc12");
        let shown = warnings(&text);
        assert_eq!(shown.is_empty(), stable, "{values}\n{shown}");
        assert!(stable || shown.starts_with("note: `v` has no stable version"), "{shown}");
    }
}

#[test]
fn an_axis_of_names_does_not_affect_latest() {
    let latest = |values: &str| {
        let text = format!(
            "image: a\ntag: <%v%>-<%x%>\nplatforms: linux/amd64\naxes: {{ v: [1, 2], x: [{values}] }}\n"
        );
        let cells = cells(&text);
        let latest =
            cells.iter().filter(|c| c.scope.get("latest").unwrap().as_text() == Some("true"));
        latest.map(|cell| cell.name.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(latest("ubuntu, alpine"), "2-ubuntu 2-alpine");
    assert_eq!(latest("amd64, arm64, 386"), "2-amd64 2-arm64 2-386");
    assert_eq!(latest("ubuntu-22.04, ubuntu-24.04, el9"), "2-ubuntu-22.04 2-ubuntu-24.04 2-el9");
    assert_eq!(latest("cpu, 12.4, 12.6"), "2-12.6");
    assert_eq!(latest("edge, nightly, sid, stable, 12"), "2-12");
}

#[test]
fn a_note_about_a_prerelease_is_not_a_warning() {
    let matrix = matrix(&versions("2.0-rc1"));
    assert!(!matrix.warnings().has_warnings());
    let errors = matrix.warnings().clone().into_errors();
    assert!(errors.iter().all(|finding| finding.severity == Severity::Note), "{errors}");
    let text = versions("2.0-rc1").replace("when: latest", "when: v == \"2.0-rc1\"");
    assert_eq!(warnings(&text), "", "nothing uses `latest`");
}

#[test]
fn a_release_that_is_marked_as_a_prerelease_is_never_the_latest() {
    let text = versions("").replace("[]", "{ from: x, path: \".[].n\" }");
    let releases = r#"[{"n":"2.0","prerelease":true},{"n":"1.0","prerelease":false}]"#;
    let sheet = Files::new(SourceFile::new("matrix.yaml", text)).unwrap().merged().unwrap();
    let taken = sheet.axis_sources()[0].values(releases).unwrap();
    let matrix = sheet.read(&[("v".into(), taken)].into()).unwrap();
    let overrides = Overrides::default();
    let cells = matrix.select(&Selection::default(), &overrides).unwrap().expand().unwrap().cells;
    let truth = |name: &str| -> Vec<&str> {
        cells.iter().map(|cell| cell.scope.get(name).unwrap().as_text().unwrap()).collect()
    };
    assert_eq!(
        (truth("latest"), truth("prerelease")),
        (vec!["true", "false"], vec!["false", "true"])
    );
}

#[test]
fn a_condition_can_test_for_prereleases() {
    let tags =
        "{ tag: pre-<%v%>, when: prerelease }, { tag: new, when: latest and not prerelease }";
    let text =
        versions("1.9, edge, 2.0-rc1, 1.10-alpine").replace("{ tag: latest, when: latest }", tags);
    let found: Vec<String> = cells(&text)
        .iter()
        .flat_map(|cell| cell.references.iter().skip(1))
        .map(|reference| reference.tag.as_ref().unwrap().to_string())
        .collect();
    assert_eq!(found, ["pre-2.0-rc1", "new"]);
}

#[test]
fn an_undefined_order_is_a_warning_if_something_depends_on_it() {
    let plain = |values: &str| versions(values).replace(", { tag: latest, when: latest }", "");
    let exclude = |text: String, bound: &str| format!("{text}exclude: [{{ v: \"{bound}\" }}]\n");
    for (text, place) in [
        (versions("1.25-alpine, 1.25-bookworm"), "4:12"),
        (versions("1.24, 1.25-jdk, 1.25-jre"), "4:12"),
        (versions("20241231-a1b2c3d, 20241231-0d4e5f6"), "4:12"),
        (versions("3f2a1b9, 9c0d2e4"), "4:12"),
        (exclude(plain("1.24, 1.25-alpine, 1.25-bookworm"), "<1.25-bookworm"), "5:16"),
    ] {
        let shown = warnings(&text);
        assert!(shown.contains("warning[unknown-version-order]: `"), "{text}\n{shown}");
        assert!(shown.contains(&format!("--> matrix.yaml:{place}\n")), "{text}\n{shown}");
    }
    for text in [
        plain("1.25-alpine, 1.25-bookworm"),
        plain("3f2a1b9, 9c0d2e4"),
        versions("1.25-alpine, 1.25-bookworm, 1.26-alpine"),
        versions("20241231-a1b2c3d, 20241230-0d4e5f6"),
        exclude(plain("1.24, 1.25-alpine, 1.25-bookworm"), "<1.25"),
    ] {
        assert_eq!(warnings(&text), "", "{text}");
    }
}

#[test]
fn a_flag_that_compares_versions_without_order_is_a_warning() {
    let matrix = matrix(
        "image: a\ntag: <%v%>\nplatforms: linux/amd64\naxes: { v: [1.25-alpine, 1.25-bookworm] }\n",
    );
    for (flag, count) in [("v=>=1.25-alpine", 1), ("v=>=1.25", 0), ("v=1.25-alpine", 0)] {
        let only = vec![crate::matrix::Pick::parse(flag).unwrap()];
        let overrides = Overrides::default();
        let selection = Selection { only, ..Default::default() };
        let expansion = matrix.select(&selection, &overrides).unwrap().expand().unwrap();
        assert_eq!(expansion.warnings.len(), count, "{flag}");
    }
}
