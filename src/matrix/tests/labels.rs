use super::{family, matrix};
use crate::matrix::{BaseLabels, BaseWanted, Facts, Overrides, Selection};

#[test]
fn auto_labels_come_from_git_and_the_cell() {
    let facts = Facts {
        revision: Some("abc".to_owned()),
        is_dirty: true,
        created: Some(0),
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
