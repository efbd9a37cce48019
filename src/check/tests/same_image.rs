//! Cells that differ only in their tags.

use super::*;

#[test]
fn an_axis_that_changes_the_tag_alone_is_found() {
    let found = |settings: &str, dockerfile: &str| {
        let matrix = format!(
            "image: me/app\ntag: <%v%>\nplatforms: linux/amd64\naxes: {{ v: [1.0, 1.1] }}\n{settings}"
        );
        let templates = [
            ("Dockerfile", dockerfile),
            ("1.0/Dockerfile", "FROM a\n"),
            ("1.1/Dockerfile", "FROM a\n"),
        ];
        let project = Project { matrix: &matrix, templates: &templates, ..Project::default() };
        let same = |line: &String| line.starts_with("same-image");
        project.found().into_iter().filter(same).collect::<Vec<_>>()
    };
    let wanted = ["same-image matrix.yaml:4:9"];
    for (settings, dockerfile) in [
        ("", "FROM a\n"),
        ("", "FROM a\n# <%v%>\n"),
        ("", "FROM a\nLABEL version=<%v%>\n"),
        ("", "FROM a\nMAINTAINER <%v%>\n"),
        ("labels: { v: <%v%> }", "FROM a\n"),
        ("labels: auto\nannotations: auto", "FROM a\n"),
        ("test: { run: [a, <%v%>] }", "FROM a\n"),
        ("cache_to: me/cache:<%v%>", "FROM a\n"),
        // An unused argument makes no difference, and has a warning of its own.
        ("args: { V: <%v%> }", "FROM a\n"),
        ("args: { V: <%v%> }", "ARG V\nFROM a\n"),
        ("args: { V: <%v%> }", "FROM a\nRUN x\nARG V\n"),
        ("args: { V: <%v%> }", "FROM a\nRUN x\nARG V\nLABEL v=$V\n"),
        ("args: { V: <%v%> }", "FROM a AS b\nARG V\nRUN x\nFROM a\n"),
        ("bases: { b:<%v|major%>: c:<%v%> }", "FROM a\n"),
        ("contexts: { b: <%v%> }", "FROM a\n"),
        // This stage is not built.
        ("", "FROM x AS b\nRUN <%v%>\nFROM a\n"),
        ("target: b", "FROM x AS b\nFROM a:<%v%>\n"),
    ] {
        assert_eq!(found(settings, dockerfile), wanted, "{settings}\n{dockerfile}");
    }
    for (settings, dockerfile) in [
        ("", "FROM a:<%v%>\n"),
        ("", "FROM a\nRUN x <%v%>\n"),
        ("", "FROM a\nENV V=<%v%>\n"),
        ("", "FROM a\nRUN <<E\n<%v%>\nE\n"),
        ("", "FROM a\nCOPY --chown=<%v%> a b\n"),
        ("", "# syntax=me/frontend\nFROM a\n# <%v%>\n"),
        ("args: { V: <%v%> }", "FROM a\nARG V\nRUN x\n"),
        ("args: { V: <%v%> }", "FROM a\nARG V\nENV X=$V\n"),
        ("args: { V: <%v%> }", "ARG V\nFROM a:$V\n"),
        ("args: { V: <%v%> }", "FROM a AS b\nARG V\nFROM b\nRUN x\n"),
        ("args: { HTTP_PROXY: http://<%v%> }", "FROM a\n"),
        ("contexts: { b: <%v%> }", "FROM a\nCOPY --from=b x y\n"),
        ("bases: { a: c:<%v%> }", "FROM a\n"),
        ("context: <%v%>", "FROM a\n"),
        ("target: s<%v|replace(\".\", \"\")%>", "FROM a AS s10\nRUN x\nFROM a AS s11\nRUN y\n"),
        ("overrides: [{ v: 1.1, platforms: linux/arm64 }]", "FROM a\n"),
        ("overrides: [{ v: 1.1, network: none }]", "FROM a\n"),
        (
            "secrets: { t: { env: T<%v|major%><%v|minor%> } }",
            "FROM a\nRUN --mount=type=secret,id=t x\n",
        ),
    ] {
        assert_eq!(found(settings, dockerfile), NOTHING, "{settings}\n{dockerfile}");
    }
}

#[test]
fn one_image_in_several_registries_is_intended() {
    let found = |image: &str, values: &str| {
        let matrix =
            format!("image: {image}\ntag: x\nplatforms: linux/amd64\naxes: {{ to: [{values}] }}\n");
        let templates = [("Dockerfile", "FROM a\n")];
        Project { matrix: &matrix, templates: &templates, ..Project::default() }.found()
    };
    assert_eq!(found("<%to%>/me/app", "ghcr.io, quay.io"), NOTHING);
    assert_eq!(found("me/<%to%>", "one, two"), ["same-image matrix.yaml:4:9"]);
}

#[test]
fn each_axis_without_a_difference_is_reported_once() {
    let matrix = "image: me/app\ntag: <%os%>-<%v%>-<%t%>\nplatforms: linux/amd64\n\
                  axes:\n  os: [a, b]\n  v: 1.1..1.20\n  t: [x, y]\n";
    for (dockerfile, wanted) in [
        ("FROM <%os%>\n", &["same-image matrix.yaml:6:3", "same-image matrix.yaml:7:3"][..]),
        ("FROM <%os%>:<%v%>\n", &["same-image matrix.yaml:7:3"]),
        (
            "FROM <%os%>:<%v%>\n#% if os == \"a\"\nRUN <%t%>\n#% endif\n",
            &["same-image matrix.yaml:7:3"],
        ),
        ("FROM <%os%>:<%v%><%t%>\n", &[]),
    ] {
        let templates = [("Dockerfile", dockerfile)];
        let project = Project { matrix, templates: &templates, ..Project::default() };
        assert_eq!(project.found(), wanted, "{dockerfile}");
    }
    // Cells of `include` can differ in two values at once.
    let matrix = "image: me/app\ntag: <%os%>-<%v%>\nplatforms: linux/amd64\naxes: { os: [a], v: [\"1\"] }\n\
                  include: [{ os: b, v: \"2\" }]\n";
    let templates = [("Dockerfile", "FROM x\n")];
    let project = Project { matrix, templates: &templates, ..Project::default() };
    assert_eq!(project.found(), ["same-image matrix.yaml:4:9"]);
}
