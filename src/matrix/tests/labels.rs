use super::{family, matrix};
use crate::matrix::{BaseLabels, BaseWanted, EPOCH, Facts, Overrides, Selection};

#[test]
fn auto_labels_come_from_git_and_the_cell() {
    let facts = Facts {
        revision: Some("abc".to_owned()),
        is_dirty: true,
        committed: Some(0),
        remote: Some("git@github.com:me/app.git".to_owned()),
    };
    let labelled = |more: &str, facts: &Facts| {
        let matrix = matrix(&family(more));
        let overrides = Overrides::default();
        let selected = matrix.select(&Selection::default(), &overrides).unwrap();
        (matrix.wants_facts().is_some(), selected.with_facts(facts.clone()).expand().unwrap().cells)
    };
    let shown = |map: &crate::input::TextMap| {
        let short = |(key, value): (&std::sync::Arc<str>, &std::sync::Arc<str>)| {
            format!("{}={value}", key.trim_start_matches("org.opencontainers.image."))
        };
        map.iter().map(short).collect::<Vec<_>>().join(" ")
    };
    let all = "title=app version=2.0.0 created=1970-01-01T00:00:00Z \
               source=https://github.com/me/app revision=abc-dirty ref.name=ubuntu-2.0.0";
    let (wants, cells) = labelled("labels: auto\n", &facts);
    let BaseWanted { labels, annotations } = cells[0].base;
    assert!(wants && (labels, annotations) == (BaseLabels::Name, BaseLabels::None));
    assert_eq!(shown(&cells[0].inputs.labels), all);
    let more = "labels: { auto: true, a: <%os%>, org.opencontainers.image.title: T }\n\
                annotations: auto\noverrides: [{ os: alpine, labels: { auto: false } }]\n";
    let (_, cells) = labelled(more, &facts);
    assert_eq!(shown(&cells[0].inputs.labels), all.replace("title=app", "title=T") + " a=ubuntu");
    assert_eq!(shown(&cells[0].inputs.annotations), all);
    assert_eq!(shown(&cells[6].inputs.labels), "a=alpine title=T");
    let (_, cells) = labelled("labels: auto\n", &Facts::default());
    assert_eq!(shown(&cells[0].inputs.labels), "title=app version=2.0.0 ref.name=ubuntu-2.0.0");
    let (wants, cells) = labelled("labels: { auto: [cell, base] }\n", &facts);
    assert_eq!(shown(&cells[0].inputs.labels), "title=app version=2.0.0 ref.name=ubuntu-2.0.0");
    assert!(!wants && cells[0].base.labels == BaseLabels::NameAndDigest);
    let (wants, cells) = labelled("annotations: { auto: git }\n", &facts);
    assert_eq!(
        shown(&cells[0].inputs.annotations),
        all[all.find("created").unwrap()..].split(" ref").next().unwrap()
    );
    assert!(wants && cells[0].base == BaseWanted::default());
    let (wants, cells) = labelled("labels: { auto: false }\n", &facts);
    assert!(!wants && cells[0].inputs.labels.is_empty());
}

#[test]
fn the_time_of_an_image_is_that_of_its_argument_then_of_the_variable_then_of_the_commit() {
    let argument = "args: { SOURCE_DATE_EPOCH: \"60\" }\n";
    for (more, flag, variable, arg, created) in [
        ("", None, None, None, "1970-01-01T00:00:00Z"),
        ("", None, Some(1), Some("1"), "1970-01-01T00:00:01Z"),
        (argument, None, Some(1), Some("60"), "1970-01-01T00:01:00Z"),
        (argument, Some("120"), Some(1), Some("120"), "1970-01-01T00:02:00Z"),
        ("", Some(""), Some(1), Some(""), "1970-01-01T00:00:00Z"),
    ] {
        let matrix = matrix(&family(&format!("labels: auto\n{more}")));
        let mut overrides = Overrides { epoch: variable, ..Default::default() };
        if let Some(value) = flag {
            overrides.inputs.args.insert(EPOCH.into(), value.into());
        }
        let selected = matrix.select(&Selection::default(), &overrides).unwrap();
        let facts = Facts { committed: Some(0), ..Default::default() };
        let cells = selected.with_facts(facts).expand().unwrap().cells;
        let inputs = &cells[0].inputs;
        assert_eq!(inputs.args.get(EPOCH).map(|value| &**value), arg, "{more} {flag:?}");
        let label = &inputs.labels["org.opencontainers.image.created"];
        assert_eq!(&**label, created, "{more} {flag:?} {variable:?}");
        // The variable is used only if nothing else names the argument.
        let is_used = more.is_empty() && flag.is_none() && variable.is_some();
        let asked = cells[0].asked_variables();
        assert_eq!(asked.iter().any(|one| one.span.is_none()), is_used, "{more} {flag:?}");
    }
}
