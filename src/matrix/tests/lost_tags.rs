use super::{family, matrix, warnings};
use crate::matrix::{Overrides, Pick, Selection};

/// The small matrix with another tag that has a condition.
fn tagged(rule: &str, more: &str) -> String {
    family(more).replace("tag: <%os%>-<%version%>", &format!("tags: [<%os%>-<%version%>, {rule}]"))
}

#[test]
fn a_tag_that_no_cell_has_is_a_warning() {
    let newest = "exclude: [{ version: 2.0.2 }]";
    for (rule, more, help) in [
        ("{ tag: new, when: os == \"ubunut\" }", "", "compare the condition"),
        ("{ tag: new, when: latest and os == \"debian\" }", "", "compare the condition"),
        (
            "{ tag: <%os%>, when: latest }",
            newest,
            "`latest` holds for version=2.0.2, and these cells are excluded",
        ),
        (
            "{ tag: new, when: os.kind is defined and os.kind == \"x\" }",
            "",
            "compare the condition",
        ),
        ("{ tag: new, when: prerelease and os == \"alpine\" }", "", "compare the condition"),
        (
            "{ tag: new, when: version == newest and os == \"alpine\" }",
            "vars: { newest: 2.0.3 }",
            "compare",
        ),
        ("{ tag: new, when: version > 2.0.2 }", "", "compare the condition"),
    ] {
        let shown = warnings(&tagged(rule, more));
        assert!(shown.contains("warning[unused-tag]: no cell has the tag"), "{rule}\n{shown}");
        assert!(shown.contains("--> matrix.yaml:2:") && shown.contains(help), "{rule}\n{shown}");
    }
    let text = "image: a\ntags: [<%os%>, { tag: new, when: latest }]\nplatforms: linux/amd64\naxes: { os: [ubuntu, edge] }\n";
    assert!(warnings(text).contains("no axis has versions"), "{}", warnings(text));
}

#[test]
fn a_tag_that_some_cell_has_is_not_a_warning() {
    for (rule, more) in [
        ("{ tag: <%os%>, when: latest }", ""),
        ("{ tag: new, when: latest and os == \"alpine\" }", ""),
        ("{ tag: new, when: os == \"debian\" }", "include: [{ os: debian, version: 1 }]"),
        // A switch for `--var`, alone or with a condition that is true for some cell.
        (
            "{ tag: <%version%>, when: channel == \"stable\" and os == \"alpine\" }",
            "vars: { channel: dev }",
        ),
        (
            "{ tag: new, when: not (dev == \"yes\") and latest and os == \"alpine\" }",
            "vars: { dev: \"yes\" }",
        ),
    ] {
        assert_eq!(warnings(&tagged(rule, more)), "", "{rule}");
    }
}

#[test]
fn a_moving_tag_whose_newest_cell_is_excluded_is_a_warning() {
    let newest = "exclude: [{ os: centos, version: \">=2.0.2\" }]\n";
    let both = "exclude: [{ os: [centos, alpine], version: 2.0.2 }]\n";
    for (rule, more, tags) in [
        ("{ tag: <%os%>, when: latest }", newest, "`centos`"),
        ("{ tag: <%os%>, when: latest }", both, "centos, alpine"),
        ("{ tag: <%os%>-2, when: latest and not os == \"alpine\" }", both, "`centos-2`"),
        (
            "{ tag: <%base%>, when: latest }",
            &format!("{newest}vars: {{ base: on-<%os%> }}\n"),
            "`on-centos`",
        ),
        ("{ tag: <%os%>, when: latest or os == \"none\" }", newest, "`centos`"),
    ] {
        let shown = warnings(&tagged(rule, more));
        assert!(shown.contains("warning[stalled-tag]: no cell has th"), "{rule}\n{shown}");
        assert!(
            shown.contains(tags) && shown.contains("os=centos version=2.0.2"),
            "{rule}\n{shown}"
        );
        assert!(shown.contains("--> matrix.yaml:2:"), "{rule}\n{shown}");
    }
    // By repository, too: each repository has its own `latest`.
    let text = tagged("{ tag: latest, when: latest }", newest).replace("me/app", "me/<%os%>");
    assert!(warnings(&text).contains("[stalled-tag]: no cell has the tag `latest`"), "{text}");
}

#[test]
fn a_tag_that_still_moves_or_never_moved_is_not_a_warning() {
    let newest = "exclude: [{ os: centos, version: \">=2.0.2\" }]\n";
    let again = format!("{newest}include: [{{ os: centos, version: 2.0.2 }}]\n");
    for (rule, more) in [
        ("{ tag: new, when: latest and os == \"ubuntu\" }", newest),
        // The tag contains the version, so it belongs to one version.
        ("{ tag: <%version%>-new-<%os%>, when: latest }", newest),
        ("{ tag: <%os%>, when: latest }", &again),
        // The whole system is excluded.
        ("{ tag: <%os%>, when: latest }", "exclude: [{ os: centos }]\n"),
        ("{ tag: <%os%>-<%version|patch%>x, when: not latest }", newest),
    ] {
        assert_eq!(warnings(&tagged(rule, more)), "", "{rule} {more}");
    }
}

#[test]
fn a_selection_does_not_affect_the_warnings() {
    let good = tagged("{ tag: <%os%>, when: latest }", "");
    let bad =
        tagged("{ tag: <%os%>, when: latest }", "exclude: [{ os: centos, version: 2.0.2 }]\n");
    for (text, count) in [(good, 0), (bad, 1)] {
        let matrix = matrix(&text);
        for only in ["version=2.0.0", "os=ubuntu", "version=2.0.1"] {
            let selection =
                Selection { only: vec![Pick::parse(only).unwrap()], ..Default::default() };
            let overrides = Overrides::default();
            let expansion = matrix.select(&selection, &overrides).unwrap().expand().unwrap();
            assert_eq!(expansion.warnings.len(), count, "{only}");
        }
    }
    let text =
        tagged("{ tag: new, when: version == new and os == \"alpine\" }", "vars: { new: \"3\" }\n");
    let matrix = matrix(&text);
    for (value, count) in [("2.0.1", 0), ("4", 1)] {
        let overrides =
            Overrides { vars: [("new".into(), value.into())].into(), ..Default::default() };
        let expansion = matrix.select(&Selection::default(), &overrides).unwrap().expand().unwrap();
        assert_eq!(expansion.warnings.len(), count, "{value}");
    }
}
