//! Tests of which comment acknowledges which finding in YAML.

use super::{Allows, Asked, RULES, allowed};
use crate::error::{Diagnostic, SourceFile};
use crate::yaml::{self, Language};

const LANGUAGE: Language = Language { single: "", least: "", tags: &[] };

/// The acknowledgements of a file, and the file.
fn read(text: &str) -> (Allows, SourceFile) {
    let file = SourceFile::new("matrix.yaml", text);
    let document = yaml::read(&file, &LANGUAGE).unwrap();
    let mut allows = Allows::default();
    allows.read(&file, &document.comments, &document.root);
    (allows, file)
}

/// Whether `unused-base` is acknowledged at the word `HERE`.
fn covers(text: &str) -> bool {
    let (mut allows, file) = read(text);
    let start = text.find("HERE").unwrap();
    allows.cover("unused-base", &file.span(start..start + 4))
}

#[test]
fn a_comment_is_above_the_item_or_on_its_line() {
    let c = "# onebuild: allow unused-base (why)";
    for text in [
        format!("bases: {{ HERE: x }} {c}\n"),
        format!("{c}\nbases: {{ HERE: x }}\n"),
        format!("bases:\n  {c}\n  HERE: x\n"),
        format!("bases:\n  HERE: x {c}\n"),
        format!("bases:\n  HERE: {c}\n    x\n"),
        format!("bases: {{\n  a: b, HERE: x, {c}\n  c: d }}\n"),
        format!("bases: {{\n  {c}\n  HERE: x,\n  c: d }}\n"),
        format!("l: [\n  a,\n  HERE, {c}\n  b]\n"),
        format!("l: [\n  a,\n  {c}\n  HERE,\n  b]\n"),
        format!("l:\n  {c}\n  # more words\n  - HERE\n"),
        // A value on several lines belongs to its key.
        format!("{c}\nk: |\n  text\n  HERE\n"),
        format!("k: > {c}\n  text\n  HERE\n"),
        format!("{c}\nk: \"one\n  HERE\"\n"),
        format!("{c}\nk:\n  HERE\n"),
        // A key belongs to the list item above it.
        format!("tags:\n  {c}\n  - tag: a\n    when: HERE\n"),
        format!("tags:\n  - tag: a {c}\n    when: HERE\n"),
        format!("tags:\n  - tag: a\n    when: HERE {c}\n"),
        format!("tags:\n  - {{ tag: a,\n      when: HERE }} {c}\n"),
    ] {
        assert!(covers(&text), "{text}");
    }
}

#[test]
fn a_comment_elsewhere_acknowledges_nothing() {
    let c = "# onebuild: allow unused-base (why)";
    for text in [
        format!("{c}\nbases:\n  HERE: x\n"),
        format!("bases: {c}\n  HERE: x\n"),
        format!("bases:\n  HERE: x\n  {c}\n"),
        format!("bases:\n  a: x {c}\n  HERE: x\n"),
        format!("{c}\n\nHERE: x\n"),
        format!("l:\n  {c}\n  - a\n  - HERE\n"),
        "bases:\n  # onebuild: allow unused-context (why)\n  HERE: x\n".to_owned(),
        "bases:\n  # onebuild: allow unused-base\n  HERE: x\n".to_owned(),
        "k: \"# onebuild: allow unused-base (why)\"\nHERE: x\n".to_owned(),
        "# onebuild: allow unused-base (why)\nk: |\n  x\nHERE: x\n".to_owned(),
    ] {
        assert!(!covers(&text), "{text}");
    }
}

#[test]
fn an_alias_is_acknowledged_at_its_anchor() {
    let text = "x-b: &b\n  # onebuild: allow unused-base (why)\n  HERE: x\nbases: *b\n";
    assert!(covers(text));
    let text = "x-b: &b { HERE: x } # onebuild: allow unused-base (why)\nbases: { <<: *b, c: d }\n";
    assert!(covers(text));
}

#[test]
fn an_unused_acknowledgement_is_reported_if_its_rule_was_applied() {
    let unused = |text: &str, asked: Asked| {
        let allows = read(text).0;
        allows
            .unused(asked)
            .iter()
            .map(|diagnostic| diagnostic.message.clone())
            .collect::<Vec<_>>()
            .join("; ")
    };
    let (plan, lint) = (Asked::default(), Asked { lint: true, engine: false });
    let engine = Asked { lint: true, engine: true };
    let message = |rule: &str| format!("`{rule}` has no finding here to acknowledge");
    for (rules, asked, wanted) in [
        ("unused-base", plan, message("unused-base")),
        ("unpinned-base", plan, String::new()),
        ("unpinned-base", lint, message("unpinned-base")),
        ("base-platform", engine, String::new()),
        ("StageNameCasing", lint, String::new()),
        ("StageNameCasing", engine, message("StageNameCasing")),
        // Another matrix may need it.
        ("unused-base, unused-allow", plan, String::new()),
    ] {
        let text = format!("k: v # onebuild: allow {rules} (why)\n");
        assert_eq!(unused(&text, asked), wanted, "{rules} {asked:?}");
    }
}

#[test]
fn a_warning_explains_acknowledgement() {
    let (mut allows, file) = read("k: v\n");
    let at = |diagnostic: Diagnostic| diagnostic.at(&file.span(0..1), "").rule("unused-base");
    for (diagnostic, wanted) in [
        (
            at(Diagnostic::warning("a")),
            Some("acknowledge it with `# onebuild: allow unused-base (reason)`"),
        ),
        (
            at(Diagnostic::warning("b").help("remove it")),
            Some("remove it; or acknowledge it with `# onebuild: allow unused-base (reason)`"),
        ),
        (at(Diagnostic::remark("c")), None),
        // A comment is not possible here.
        (Diagnostic::warning("d").rule("unused-base"), None),
        (Diagnostic::warning("e").at(&file.span(0..1), ""), None),
    ] {
        let left = allows.filter(diagnostic.into());
        assert_eq!(left.iter().next().unwrap().help.as_deref(), wanted);
    }
}

#[test]
fn a_single_comment_is_parsed_like_those_of_a_file() {
    assert!(allowed("# onebuild: allow base-platform, unpinned-base (why)", "base-platform"));
    for comment in ["# onebuild: allow base-platform", "# onebuild: allow unpinned-base (why)", "#"]
    {
        assert!(!allowed(comment, "base-platform"), "{comment}");
    }
}

#[test]
fn each_rule_has_a_unique_name_and_is_documented() {
    let docs = include_str!("../../docs/lint.md");
    for (number, rule) in RULES.iter().enumerate() {
        let (name, finds) = (rule.name, rule.finds);
        assert!(RULES[..number].iter().all(|other| other.name != name), "{name}");
        assert!(docs.contains(&format!("| `{name}` | {finds} |\n")), "{name}");
    }
}
