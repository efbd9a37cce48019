//! The rules of .dockerignore: a list of patterns, in which later ones override earlier ones.
//!
//! BuildKit's include patterns have the same syntax. The behaviour is that of
//! <https://github.com/moby/patternmatcher>; see also
//! <https://docs.docker.com/build/concepts/context/#dockerignore-files>.

use super::glob::Glob;
use crate::error::{SourceFile, Span};

/// A checked list of patterns.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    /// Cleaned, without `!`.
    text: String,
    /// Whether it began with `!`.
    exception: bool,
    glob: Glob,
}

/// Which rules matched a directory, for its entries.
#[derive(Debug, Clone, Default)]
pub struct Matched(Vec<bool>);

/// An invalid pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad pattern `{pattern}`: {reason}")]
pub struct PatternError {
    pub pattern: String,
    pub reason: &'static str,
}

/// The first line of an ignore file that is no pattern, and what is wrong with it.
pub(crate) fn first_bad_line(file: &SourceFile) -> Option<(Span, PatternError)> {
    let mut lines = (1..).map_while(|number| file.line_range(number));
    lines.find_map(|range| {
        let line = file.span(range);
        let is_comment = line.text().starts_with('#');
        let error = Rules::new(&[line.text()]).err().filter(|_| !is_comment)?;
        Some((line, error))
    })
}

impl Rules {
    /// Parses patterns; empty ones are ignored.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, PatternError> {
        let patterns = patterns.iter().map(|pattern| pattern.as_ref().trim());
        let rules: Result<_, _> = patterns.filter(|text| !text.is_empty()).map(Rule::new).collect();
        Ok(Self { rules: rules? })
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the rules, applied in order, match `path` or one of its parent directories.
    #[cfg(test)]
    pub fn matches(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        let mut matched = false;
        for rule in self.rules.iter() {
            if rule.exception == matched
                && (rule.glob.matches(path) || parents.clone().any(|dir| rule.glob.matches(dir)))
            {
                matched = !rule.exception;
            }
        }
        matched
    }

    /// The same for a walk, which knows the result for the parent directory. The default `Matched`
    /// is that of the root.
    pub fn judge(&self, path: &str, parent: &Matched) -> (bool, Matched) {
        let mut matched = false;
        let mut each = vec![false; self.rules.len()];
        for (at, rule) in self.rules.iter().enumerate() {
            let inherited = parent.0.get(at).copied().unwrap_or(false);
            each[at] = inherited || (rule.exception == matched && rule.glob.matches(path));
            if each[at] {
                matched = !rule.exception;
            }
        }
        (matched, Matched(each))
    }

    /// Whether a rule (with `exceptions`, one that begins with `!`) could match an entry of `dir`,
    /// which itself is not matched. False positives are possible.
    pub fn reach_below(&self, dir: &str, exceptions: bool) -> bool {
        self.rules.iter().filter(|rule| rule.exception == exceptions).any(|rule| {
            let text = rule.text.strip_suffix("/**").unwrap_or(&rule.text);
            let text = text.strip_suffix("/*").unwrap_or(text);
            text.contains(['*', '[', ']', '?', '^', '\\'])
                || text
                    .strip_prefix(dir)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

impl Rule {
    fn new(pattern: &str) -> Result<Self, PatternError> {
        let error = |reason| PatternError { pattern: pattern.to_owned(), reason };
        let cleaned = clean(pattern);
        let (exception, text) = match cleaned.strip_prefix('!') {
            Some("") => return Err(error("a lone `!` has no pattern")),
            Some(text) => (true, text.to_owned()),
            None => (false, cleaned),
        };
        let glob = Glob::compile(&text).map_err(error)?;
        Ok(Self { text, exception, glob })
    }
}

/// The shortest form of a path, like Go's `filepath.Clean`.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}

#[cfg(test)]
#[path = "patterns_tests.rs"]
mod tests;
