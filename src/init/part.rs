//! Strings of make and the shell in parts: what is text, what is a variable, and what is not understood.

/// A part of a string. The number is the line of the Makefile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    /// `$(NAME)`, `${NAME}` or `$N` of make.
    Variable(String, usize),
    /// `$name` or `${name}` of the shell.
    Shell(String, usize),
    /// Everything else with a `$`, or between backticks, as it is written.
    Unknown(String, usize),
}

/// A string in parts.
pub(super) type Text = Vec<Part>;

impl Part {
    /// The part as it is written.
    pub(super) fn source(&self) -> String {
        match self {
            Self::Text(text) | Self::Unknown(text, _) => text.clone(),
            Self::Variable(name, _) => format!("$({name})"),
            Self::Shell(name, _) => format!("${name}"),
        }
    }
}

/// The string as it is written.
pub(super) fn source(text: &[Part]) -> String {
    text.iter().map(Part::source).collect()
}

/// The string, if it has no variables.
pub(super) fn literal(text: &[Part]) -> Option<String> {
    text.iter().all(|part| matches!(part, Part::Text(_))).then(|| source(text))
}

/// Adds text to the last part, if that is text too.
pub(super) fn push_text(parts: &mut Text, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// Adds parts, and joins text with text.
pub(super) fn extend(parts: &mut Text, more: &[Part]) {
    for part in more {
        match part {
            Part::Text(text) => push_text(parts, text),
            other => parts.push(other.clone()),
        }
    }
}

/// Splits at the first character of text that matches.
pub(super) fn split_once(text: &[Part], at: char) -> Option<(Text, Text)> {
    let (index, before, after) = text.iter().enumerate().find_map(|(index, part)| match part {
        Part::Text(text) => text.split_once(at).map(|(before, after)| (index, before, after)),
        _ => None,
    })?;
    let (mut left, mut right) = (text[..index].to_vec(), Text::new());
    push_text(&mut left, before);
    push_text(&mut right, after);
    extend(&mut right, &text[index + 1..]);
    Some((left, right))
}

/// A path in a directory, without `.` and, where possible, without `..`. Absolute paths, URLs and `-` are as they are.
pub(super) fn joined(directory: &[Part], path: &[Part]) -> Text {
    let is_own = match path.first() {
        Some(Part::Text(text)) => text.starts_with('/') || text.contains("://") || text == "-",
        // `$(CURDIR)` and `$(shell pwd)` are absolute.
        Some(Part::Variable(name, _) | Part::Shell(name, _)) => {
            ["CURDIR", "PWD"].contains(&name.as_str())
        }
        Some(Part::Unknown(..)) => true,
        None => false,
    };
    if is_own {
        return path.to_vec();
    }
    let is_parent = |part: &Text| matches!(part.as_slice(), [Part::Text(text)] if text == "..");
    let mut found: Vec<Text> = Vec::new();
    for part in components(directory).into_iter().chain(components(path)) {
        if is_parent(&part) && found.last().is_some_and(|last| !is_parent(last)) {
            found.pop();
        } else {
            found.push(part);
        }
    }
    let mut out = Text::new();
    for (at, part) in found.iter().enumerate() {
        push_text(&mut out, if at == 0 { "" } else { "/" });
        extend(&mut out, part);
    }
    if out.is_empty() { vec![Part::Text(".".to_owned())] } else { out }
}

/// The components of a path, without empty ones and `.`.
fn components(path: &[Part]) -> Vec<Text> {
    let mut found = Vec::new();
    let mut rest = path.to_vec();
    while let Some((before, after)) = split_once(&rest, '/') {
        found.push(before);
        rest = after;
    }
    found.push(rest);
    found.retain(|part| {
        !part.is_empty() && literal(part).is_none_or(|text| !["", "."].contains(&text.as_str()))
    });
    found
}

/// Whether the text has only characters of a variable's name.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
