//! Suggestions for misspelt names, and short lists.

/// The candidate nearest to `name`, if it is near enough to be the intended one.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Every version is near every other version, so a suggestion would mean nothing.
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    closest(name, candidates)
}

/// The same for a name with a version in it. A name with the same digits comes first.
pub(crate) fn nearest_name<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // In a version alone, every digit matters.
    if !name.contains(char::is_alphabetic) {
        return None;
    }
    let digits = |text: &str| text.chars().filter(|c| !c.is_alphabetic()).collect::<String>();
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let alike = candidates.iter().copied().filter(|candidate| digits(candidate) == digits(name));
    closest(name, alike).or_else(|| closest(name, candidates.iter().copied()))
}

fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    // A third of the letters may differ: a lower limit misses typos, a higher one suggests
    // unrelated names.
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names the first control character of `text`, or the first character that ends a line, for a
/// sentence such as "the value contains …".
pub(crate) fn control_character(text: &str) -> Option<String> {
    match text.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))? {
        '\n' | '\r' => Some("a line break".to_owned()),
        '\t' => Some("a tab".to_owned()),
        found => Some(format!("the control character U+{:04X}", u32::from(found))),
    }
}

/// `a, b, c`, cut after twelve items.
pub(crate) fn listed<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let items: Vec<&str> = items.into_iter().collect();
    let shown = items.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_character_is_named() {
        for (text, named) in [
            ("plain é", None),
            ("a\nb\u{7}", Some("a line break")),
            ("\r", Some("a line break")),
            ("a\tb", Some("a tab")),
            ("\u{1b}[2J", Some("the control character U+001B")),
            ("\u{2028}", Some("the control character U+2028")),
        ] {
            assert_eq!(control_character(text).as_deref(), named, "{text:?}");
        }
    }

    #[test]
    fn a_typo_gets_a_suggestion_and_an_unrelated_name_gets_none() {
        let known = ["version", "os", "type", "1"];
        for (typo, meant) in [
            ("verison", Some("version")),
            ("VERSION", Some("version")),
            ("so", Some("os")),
            ("typ", Some("type")),
            ("edition", None),
            ("2", None),
        ] {
            assert_eq!(nearest(typo, known), meant, "{typo}");
        }
    }

    #[test]
    fn a_name_with_the_same_version_is_suggested_first() {
        let known = ["2.0.1-alpine", "2.0.10-alpine", "2.0.11-alpine", "2.0.11-ubuntu", "2.0.12"];
        for (typo, meant) in [
            ("2.0.11-alpne", Some("2.0.11-alpine")),
            ("2.0.11-uuntu", Some("2.0.11-ubuntu")),
            ("2.0.21-alpine", Some("2.0.1-alpine")),
            ("2.0.13", None),
            ("something-else", None),
        ] {
            assert_eq!(nearest_name(typo, known), meant, "{typo}");
        }
    }
}
