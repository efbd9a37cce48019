//! The name that was meant, and lists short enough to read.

/// The candidate nearest to `name`, if it is near enough to be what was meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A version is near every other version, so the nearest one says nothing.
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let lower = name.to_lowercase();
    // A third of the letters may differ: less misses typos, more suggests strangers.
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

/// `a, b, c`, cut after a dozen.
pub fn listed<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
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
    fn a_typo_finds_its_name_and_a_stranger_finds_none() {
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
}
