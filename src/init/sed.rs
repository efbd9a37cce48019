//! What `sed` changes in a Dockerfile, other than placeholders of onebuild.

use super::part::{Part, Text, literal, source, split_once};

/// An expression of `sed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub line: usize,
    /// What is replaced, and by what; nothing, if the expression does something else.
    pub replaced: Option<(String, Text)>,
    /// The expression as it is written.
    pub script: String,
}

/// The expressions of a `sed` command that do not replace `{%name%}`.
pub(super) fn edits(line: usize, words: &[Text]) -> Vec<Edit> {
    let program = words.first().and_then(|word| literal(word)).unwrap_or_default();
    if !["sed", "gsed"].contains(&program.rsplit('/').next().unwrap_or_default()) {
        return Vec::new();
    }
    let mut found: Vec<Edit> = Vec::new();
    for script in scripts(&words[1..]) {
        let whole = Edit { line, replaced: None, script: source(script) };
        match replacements(script) {
            Some(pairs) => {
                let own = |pattern: &str| pattern.starts_with("{%") || pattern.starts_with("<%");
                let pairs = pairs.into_iter().filter(|(pattern, _)| !own(pattern));
                found.extend(pairs.map(|pair| Edit { replaced: Some(pair), ..whole.clone() }));
            }
            None => found.push(whole),
        }
    }
    found
}

/// The words after `-e`, or else the first one that is no option.
fn scripts(words: &[Text]) -> Vec<&Text> {
    let is = |word: &Text, options: &[&str]| {
        literal(word).is_some_and(|word| options.contains(&word.as_str()))
    };
    let after = |pair: &[Text]| is(&pair[0], &["-e", "--expression", "-ie"]);
    let given: Vec<&Text> =
        words.windows(2).filter(|pair| after(pair)).map(|pair| &pair[1]).collect();
    if !given.is_empty() || words.iter().any(|word| is(word, &["-f", "--file"])) {
        return given;
    }
    let is_option = |word: &Text| source(word).is_empty() || source(word).starts_with('-');
    words.iter().find(|word| !is_option(word)).into_iter().collect()
}

/// The pairs of `s/PATTERN/REPLACEMENT/;…`, with any separator. `None`: there is something else in the script.
fn replacements(script: &[Part]) -> Option<Vec<(String, Text)>> {
    let mut found = Vec::new();
    let mut rest = script.to_vec();
    loop {
        if let Some(Part::Text(text)) = rest.first_mut() {
            *text = text.trim_start_matches([' ', ';', '\n']).to_owned();
        }
        if source(&rest).is_empty() {
            return Some(found);
        }
        let Some(Part::Text(text)) = rest.first_mut() else { return None };
        let separator =
            text.strip_prefix('s')?.chars().next().filter(|c| c.is_ascii_punctuation())?;
        *text = text[2..].to_owned();
        let (pattern, after) = split_once(&rest, separator)?;
        let (replacement, flags) = split_once(&after, separator)?;
        let pattern = literal(&pattern)?;
        found.push((pattern, replacement));
        rest = flags;
        if let Some(Part::Text(text)) = rest.first_mut() {
            *text = text.trim_start_matches(['g', 'i', 'I', 'm', '1', '2']).to_owned();
        }
    }
}
