//! Writes YAML values.

/// A string as one scalar, with quotes if they are necessary.
pub(super) fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:-<>%+".contains(c);
    // A special character before a word is part of the word; before a space it would start a list.
    let first = text.strip_prefix('-').unwrap_or(text).chars().next();
    let simple = first.is_some_and(|c| c.is_ascii_alphanumeric() || "_./<".contains(c))
        && text.chars().all(plain)
        && !text.ends_with(':')
        && !matches!(text.to_ascii_lowercase().as_str(), "null" | "true" | "false" | "yes" | "no");
    if simple {
        return text.to_owned();
    }
    serde_json::to_string(text).expect("a string always serializes")
}

/// `[a, b]`.
pub(super) fn list<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| scalar(item)).collect();
    format!("[{}]", items.join(", "))
}

/// `{ a: b }`.
pub(super) fn map<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let pair = |(key, value): (&String, &String)| format!("{}: {}", scalar(key), scalar(value));
    let pairs: Vec<String> = pairs.into_iter().map(pair).collect();
    if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
}

/// Values as a list, with consecutive ones as a range: `2.0.0..2.0.13`.
pub(super) fn versions(values: &[String]) -> String {
    let number = |text: &str| {
        let digits = &text[text.trim_end_matches(|c: char| c.is_ascii_digit()).len()..];
        let at = text.len() - digits.len();
        let odd = digits.len() > 1 && digits.starts_with('0');
        let number = digits.parse::<u64>().ok().filter(|_| !odd)?;
        Some((text[..at].to_owned(), number))
    };
    let mut runs: Vec<(String, String)> = Vec::new();
    for value in values {
        let follows = runs.last().and_then(|(_, last)| {
            let ((before, last), (now, next)) = (number(last)?, number(value)?);
            Some(before == now && next == last + 1)
        });
        match runs.last_mut().filter(|_| follows == Some(true)) {
            Some((_, last)) => last.clone_from(value),
            None => runs.push((value.clone(), value.clone())),
        }
    }
    let run = |(first, last): (String, String)| {
        if first == last { first } else { format!("{first}..{last}") }
    };
    let runs: Vec<String> = runs.into_iter().map(run).collect();
    match runs.as_slice() {
        [only] if only.contains("..") => scalar(only),
        _ => list(&runs),
    }
}
