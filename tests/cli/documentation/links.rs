//! Links inside of the checkout.

use super::{in_checkout, pages, read, split};

/// The targets of the links in a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The anchor that GitHub generates for a heading.
pub fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || *c == ' ' || *c == '-' || *c == '_';
    heading.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// All anchors of a page.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for line in split(text).0.iter().filter(|line| line.starts_with('#')) {
        let name = anchor(line.trim_start_matches('#').trim());
        let same = anchors.iter().filter(|other| {
            other.strip_prefix(&name).is_some_and(|rest| {
                rest.is_empty() || rest.strip_prefix('-').is_some_and(|n| n.parse::<u32>().is_ok())
            })
        });
        let count = same.count();
        anchors.push(if count == 0 { name } else { format!("{name}-{count}") });
    }
    anchors
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    for page in pages().into_iter().chain(["CHANGELOG.md".to_owned()]) {
        let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = read(&page);
        for target in split(&text).0.iter().flat_map(|line| targets(line)) {
            if target.contains("://") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = match path {
                "" => page.clone(),
                path => format!("{folder}/{path}").trim_start_matches('/').to_owned(),
            };
            let leads = match (in_checkout(&path).exists(), heading) {
                (there, "") => there,
                (there, heading) => there && anchors(&read(&path)).iter().any(|a| a == heading),
            };
            if !leads {
                broken.push(format!("{page}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_page_is_linked_from_the_readme() {
    let readme = read("README.md");
    for page in pages().iter().skip(1) {
        assert!(readme.contains(&format!("]({page}")), "{page}");
    }
}

#[test]
fn headings_become_anchors_as_on_github() {
    assert_eq!(anchor("Command-line overrides"), "command-line-overrides");
    assert_eq!(anchor("`args`, `labels` & more"), "args-labels--more");
    assert_eq!(anchors("# A\n## B\n```sh\n# no\n```\n## B\n"), ["a", "b", "b-1"]);
}
