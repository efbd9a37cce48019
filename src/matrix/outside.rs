//! Values of an axis that come from elsewhere, such as the list of a project's releases. The core
//! fetches nothing: it says what is wanted, and is handed the text.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::AxisValue;
use super::pattern::Pattern;
use super::reader::Reader;
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::template::Value;
use crate::version;
use crate::yaml::{Entry, Kind, Node};

/// More releases than this has nobody.
const MOST_VALUES: usize = 10_000;
/// A tag is no longer.
const LONGEST: usize = 128;

/// What an axis with `from` asks for.
#[derive(Debug, Clone)]
pub struct Outside {
    pub axis: Arc<str>,
    /// A URL, or a file counted from the folder of matrix.yaml.
    pub from: String,
    /// Where `from` stands.
    pub span: Span,
    /// The way to the values in JSON; without it the text is read line by line.
    path: Option<Vec<Step>>,
    path_span: Span,
    /// What stands before and after `<version>`.
    around: Option<(String, String)>,
    only: Vec<Pattern>,
    skip: Vec<Pattern>,
    limit: Option<usize>,
}

/// The values of the axes that come from elsewhere, by the names of the axes.
pub type Resolved = HashMap<Arc<str>, Vec<String>>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Item(usize),
    Each,
}

impl Outside {
    /// Whether the entries of an axis are not its values, but say where these come from.
    pub(super) fn is_meant(entries: &[Entry]) -> bool {
        let from = entries.iter().find(|entry| entry.key == "from");
        from.is_some_and(|entry| !matches!(entry.value.kind, Kind::Map(_)))
    }

    /// The axis's values, the oldest first, in `text`, which `from` led to.
    pub fn values(&self, text: &str) -> Result<Vec<String>, Diagnostics> {
        let wrong = |message: String| {
            let finding = Diagnostic::error(message).at(&self.span, "");
            Diagnostics::from(finding)
        };
        let mut texts = Vec::new();
        match &self.path {
            Some(path) => {
                let json: Json = serde_json::from_str(text)
                    .map_err(|error| wrong(format!("what was read here is not JSON: {error}")))?;
                follow(&json, path, &mut texts).map_err(|why| {
                    let message = "the path leads nowhere in what was read";
                    Diagnostic::error(message).at(&self.path_span, why)
                })?;
            }
            None => texts.extend(text.lines().map(|line| line.trim().to_owned())),
        }
        let mut values: Vec<String> = Vec::new();
        for text in texts.iter().filter(|text| !text.is_empty()) {
            let Some(value) = self.inside(text) else { continue };
            let matches = |pattern: &Pattern| pattern.matches(value);
            let wanted = self.only.is_empty() || self.only.iter().any(matches);
            if !wanted || self.skip.iter().any(matches) {
                continue;
            }
            if !is_usable(value) {
                let shown: String = value.chars().take(60).collect();
                return Err(Diagnostic::error(format!("`{shown}` cannot be part of a tag"))
                    .at(&self.span, "it was read here")
                    .help("say with `pattern`, `only` or `skip` which lines are meant")
                    .into());
            }
            values.push(value.to_owned());
        }
        values.sort_by(|left, right| version::sort(left, right));
        values.dedup();
        if values.is_empty() {
            let found = match texts.first() {
                Some(first) => {
                    let shown: String = first.chars().take(60).collect();
                    format!("none of {} texts fits, the first being `{shown}`", texts.len())
                }
                None => "nothing was there".to_owned(),
            };
            return Err(wrong(format!("no value for the axis `{}`: {found}", self.axis)));
        }
        if values.len() > MOST_VALUES {
            return Err(wrong(format!("more than {MOST_VALUES} values were read")));
        }
        let kept = self.limit.map_or(0, |limit| values.len().saturating_sub(limit));
        Ok(values.split_off(kept))
    }

    /// What `<version>` stands for, if the rest is as the pattern says.
    fn inside<'t>(&self, text: &'t str) -> Option<&'t str> {
        let Some((before, after)) = &self.around else { return Some(text) };
        let inside = text.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
        version::is_version(inside).then_some(inside)
    }
}

/// The letters of tags; not a sign first, which would make it an option or a hidden file.
fn is_usable(value: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+');
    value.len() <= LONGEST
        && value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value.chars().all(allowed)
}

/// Collects the texts at the end of a path.
fn follow(json: &Json, path: &[Step], found: &mut Vec<String>) -> Result<(), String> {
    let Some((step, rest)) = path.split_first() else {
        match json {
            Json::String(text) => found.push(text.clone()),
            Json::Number(number) => found.push(number.to_string()),
            // A release may lack what the others have.
            Json::Null => {}
            Json::Bool(_) | Json::Array(_) | Json::Object(_) => {
                return Err("it ends at something that is no text".to_owned());
            }
        }
        return Ok(());
    };
    match (step, json) {
        (Step::Key(key), Json::Object(entries)) => match entries.get(key) {
            Some(value) => follow(value, rest, found),
            None => Err(format!("there is no `{key}`")),
        },
        (Step::Key(key), _) => Err(format!("`{key}` is asked of something that is no object")),
        (Step::Each, Json::Array(items)) => {
            items.iter().try_for_each(|item| follow(item, rest, found))
        }
        (Step::Each, Json::Object(entries)) => {
            entries.values().try_for_each(|item| follow(item, rest, found))
        }
        (Step::Item(index), Json::Array(items)) => match items.get(*index) {
            Some(item) => follow(item, rest, found),
            None => Err(format!("there is no item {index} in a list of {}", items.len())),
        },
        (Step::Each | Step::Item(_), _) => Err("items are asked of something else".to_owned()),
    }
}

/// Reads `.[].tag_name`, `.releases[0].version`.
fn path(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (inside, after) = after.split_once(']')?;
            steps.push(match inside {
                "" => Step::Each,
                number => Step::Item(number.parse().ok()?),
            });
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (key, after) = after.split_at(end);
            match key {
                // `.[]` is `[]`.
                "" if after.starts_with('[') || (steps.is_empty() && after.is_empty()) => {}
                "" => return None,
                key => steps.push(Step::Key(key.to_owned())),
            }
            rest = after;
        }
    }
    (!text.is_empty()).then_some(steps)
}

impl Reader<'_> {
    /// The values of an axis that come from elsewhere, if they are here by now.
    pub(super) fn outside(&mut self, axis: &Entry, entries: &[Entry]) -> Vec<AxisValue> {
        const KEYS: [&str; 6] = ["from", "path", "pattern", "only", "skip", "limit"];
        let mut outside = Outside {
            axis: axis.key.as_str().into(),
            from: String::new(),
            span: axis.value.span.clone(),
            path: None,
            path_span: axis.value.span.clone(),
            around: None,
            only: Vec::new(),
            skip: Vec::new(),
            limit: None,
        };
        let errors = self.errors.len();
        for entry in entries {
            let what = format!("axes.{}.{}", axis.key, entry.key);
            match entry.key.as_str() {
                "only" => outside.only = self.patterns(&entry.value, &what),
                "skip" => outside.skip = self.patterns(&entry.value, &what),
                key if KEYS.contains(&key) => {
                    let Some((text, span)) = self.text(&entry.value, &what) else { continue };
                    self.outside_key(&mut outside, key, text, span);
                }
                _ => self.unknown(entry, &KEYS),
            }
        }
        if self.errors.len() > errors {
            return Vec::new();
        }
        let values = self.resolved.and_then(|resolved| resolved.get(&outside.axis));
        if let (None, Some(_)) = (values, self.resolved) {
            let message = format!("the values of `{}` were not read", outside.axis);
            self.error(&outside.span, message);
        }
        let value = |text: &String| {
            let text: Arc<str> = text.as_str().into();
            let value = Value::Text(text.clone());
            AxisValue { text, value, span: outside.span.clone(), included: false }
        };
        let values = values.into_iter().flatten().map(value).collect();
        self.outside.push(outside);
        values
    }

    fn outside_key(&mut self, outside: &mut Outside, key: &str, text: &str, span: &Span) {
        match key {
            "from" => {
                outside.span = span.clone();
                match source(text) {
                    Ok(()) => outside.from = text.to_owned(),
                    Err(why) => self.error(span, why),
                }
            }
            "path" => {
                outside.path_span = span.clone();
                outside.path = path(text);
                if outside.path.is_none() {
                    self.error(span, "a path is written `.[].tag_name` or `.releases[0].version`");
                }
            }
            "pattern" => match text.split_once("<version>") {
                Some((before, after)) if !after.contains("<version>") => {
                    outside.around = Some((before.to_owned(), after.to_owned()));
                }
                _ => self.error(span, "a pattern holds `<version>` once, such as `v<version>`"),
            },
            _ => match text.parse::<usize>() {
                Ok(limit) if limit > 0 => outside.limit = Some(limit),
                _ => self.error(span, "`limit` takes a number, 1 or more"),
            },
        }
    }

    fn patterns(&mut self, node: &Node, what: &str) -> Vec<Pattern> {
        let mut found = Vec::new();
        for (text, span) in self.texts(node, what) {
            match Pattern::parse(text) {
                Ok(pattern) => found.push(pattern),
                Err(why) => self.error(span, why),
            }
        }
        found
    }
}

/// Refuses what cannot be fetched, and what should not stand in a file.
fn source(from: &str) -> Result<(), &'static str> {
    if from.is_empty() || from.chars().any(char::is_control) {
        return Err("`from` takes a URL or a file");
    }
    match from.split_once("://") {
        Some(("http" | "https", rest)) => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            match host {
                "" => Err("this URL has no host"),
                host if host.contains('@') => Err("a password does not belong into this file"),
                _ => Ok(()),
            }
        }
        Some(_) => Err("`from` takes an http or https URL, or a file"),
        None => Ok(()),
    }
}
