//! Values of an axis that come from elsewhere, such as the list of a project's releases. The core
//! fetches nothing: it says what is wanted, and is handed the text.

use std::collections::HashMap;
use std::sync::Arc;

use super::AxisValue;
use super::json::{Found, Path, PathError};
use super::latest::unknown_order;
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
    path: Option<Path>,
    path_span: Span,
    /// What stands before and after `<version>`.
    around: Option<(String, String)>,
    only: Vec<Pattern>,
    skip: Vec<Pattern>,
    limit: Option<usize>,
    /// The variable whose value is the token that the server of `from` wants.
    pub token: Option<TokenVariable>,
}

/// `token: { env: NAME }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenVariable {
    pub name: String,
    pub span: Span,
}

/// Between the texts of several pages, in what `from` led to. No JSON text holds it, as RFC 7464 has
/// it.
pub const PAGE: char = '\u{1e}';

/// The values of the axes that come from elsewhere, by the names of the axes.
pub type Resolved = HashMap<Arc<str>, Taken>;

/// The values of one axis, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    pub values: Vec<OutsideValue>,
    /// Two versions whose order cannot be known, although `limit`, `only` or `skip` depends on it.
    unordered: Option<(String, String)>,
}

/// A value that comes from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideValue {
    pub text: String,
    /// Where it comes from, it is marked as a pre-release.
    is_prerelease: bool,
}

impl OutsideValue {
    /// Whether it is a version that may become the latest one.
    fn is_stable(&self) -> bool {
        version::is_version(&self.text)
            && !self.is_prerelease
            && !version::is_prerelease(&self.text)
    }
}

impl Outside {
    /// Whether the entries of an axis are not its values, but say where these come from.
    pub(super) fn is_meant(entries: &[Entry]) -> bool {
        let from = entries.iter().find(|entry| entry.key == "from");
        from.is_some_and(|entry| !matches!(entry.value.kind, Kind::Map(_)))
    }

    /// The axis's values, the oldest first, in `text`, which `from` led to.
    pub fn values(&self, text: &str) -> Result<Taken, Diagnostics> {
        let wrong = |message: String| {
            let finding = Diagnostic::error(message).at(&self.span, "");
            Diagnostics::from(finding)
        };
        let page = |path: &Path, page: &str| {
            path.texts(page).map_err(|error| match error {
                PathError::NotJson(error) => {
                    wrong(format!("what was read here is not JSON: {error}"))
                }
                PathError::Nowhere(why) => {
                    let message = "the path leads nowhere in what was read";
                    Diagnostic::error(message).at(&self.path_span, why).into()
                }
            })
        };
        let texts: Vec<Found> = match &self.path {
            Some(path) => {
                let pages: Result<Vec<_>, Diagnostics> =
                    text.split(PAGE).map(|text| page(path, text)).collect();
                pages?.into_iter().flatten().collect()
            }
            None => text.split(PAGE).flat_map(str::lines).map(line).collect(),
        };
        let mut taken = Taken::default();
        for found in texts.iter().filter(|found| !found.text.is_empty()) {
            let Some(value) = self.inside(&found.text) else { continue };
            let mut undecided =
                self.only.iter().chain(&self.skip).filter_map(|p| p.undecided(value));
            if let Some(bound) = undecided.next() {
                taken.unordered = Some((value.to_owned(), bound.to_owned()));
            }
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
            let is_prerelease = found.is_prerelease;
            taken.values.push(OutsideValue { text: value.to_owned(), is_prerelease });
        }
        taken.values.sort_by(|left, right| version::sort(&left.text, &right.text));
        taken.values.dedup_by(|later, first| later.text == first.text);
        if taken.values.is_empty() {
            let found = match texts.first() {
                Some(first) => {
                    let shown: String = first.text.chars().take(60).collect();
                    format!("none of {} texts fits, the first being `{shown}`", texts.len())
                }
                None => "nothing was there".to_owned(),
            };
            return Err(wrong(format!("no value for the axis `{}`: {found}", self.axis)));
        }
        if taken.values.len() > MOST_VALUES {
            return Err(wrong(format!("more than {MOST_VALUES} values were read")));
        }
        if let Some(limit) = self.limit {
            taken.keep_newest(limit);
        }
        Ok(taken)
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

/// A line of a text.
fn line(line: &str) -> Found {
    Found { text: line.trim().to_owned(), is_prerelease: false }
}

impl Taken {
    /// Keeps the newest stable versions; pre-releases where there is no stable one, and values that are
    /// no versions where there is no version at all.
    fn keep_newest(&mut self, limit: usize) {
        let values = std::mem::take(&mut self.values);
        let (stable, others): (Vec<_>, Vec<_>) =
            values.into_iter().partition(OutsideValue::is_stable);
        let (versions, words): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|value| version::is_version(&value.text));
        let mut kinds = [stable, versions, words].into_iter();
        let mut dropped = kinds.find(|kind| !kind.is_empty()).unwrap_or_default();
        let kept = dropped.split_off(dropped.len().saturating_sub(limit));
        if let (Some(newest), Some(oldest)) = (dropped.last(), kept.first())
            && !version::is_order_known(&newest.text, &oldest.text)
        {
            self.unordered = Some((newest.text.clone(), oldest.text.clone()));
        }
        self.values = kept;
    }
}

impl Reader<'_> {
    /// The values of an axis that come from elsewhere, if they are here by now.
    pub(super) fn outside(&mut self, axis: &Entry, entries: &[Entry]) -> Vec<AxisValue> {
        const KEYS: [&str; 7] = ["from", "path", "pattern", "only", "skip", "limit", "token"];
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
            token: None,
        };
        let errors = self.errors.len();
        for entry in entries {
            let what = format!("axes.{}.{}", axis.key, entry.key);
            match entry.key.as_str() {
                "only" => outside.only = self.patterns(&entry.value, &what),
                "skip" => outside.skip = self.patterns(&entry.value, &what),
                "token" => outside.token = self.token(&entry.value, &what),
                key if KEYS.contains(&key) => {
                    let Some((text, span)) = self.text(&entry.value, &what) else { continue };
                    self.outside_key(&mut outside, key, text, span);
                }
                _ => self.unknown(entry, &KEYS),
            }
        }
        if let Some(token) = &outside.token
            && !outside.from.is_empty()
            && !is_safe(&outside.from)
        {
            let message = "a token is sent to an https URL alone, or to this machine";
            self.error(&token.span, message);
        }
        if self.errors.len() > errors {
            return Vec::new();
        }
        let values = self.resolved.and_then(|resolved| resolved.get(&outside.axis));
        if let (None, Some(_)) = (values, self.resolved) {
            let message = format!("the values of `{}` were not read", outside.axis);
            self.error(&outside.span, message);
        }
        if let Some((one, other)) = values.and_then(|taken| taken.unordered.as_ref()) {
            self.warnings.push(unknown_order(&outside.span, one, other));
        }
        let value = |found: &OutsideValue| {
            let text: Arc<str> = found.text.as_str().into();
            let value = Value::Text(text.clone());
            let span = outside.span.clone();
            AxisValue { text, value, span, included: false, is_marked: found.is_prerelease }
        };
        let values = values.into_iter().flat_map(|taken| &taken.values).map(value).collect();
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
                outside.path = Path::parse(text);
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

    /// `{ env: NAME }`: a token itself does not belong into a file.
    fn token(&mut self, node: &Node, what: &str) -> Option<TokenVariable> {
        let Kind::Map(entries) = &node.kind else {
            self.unfit(&node.span, what, "`{ env: NAME }`", &node.kind);
            return None;
        };
        let mut found = None;
        for entry in entries {
            if entry.key != "env" {
                self.unknown(entry, &["env"]);
                continue;
            }
            let (name, span) = self.text(&entry.value, &format!("{what}.env"))?;
            if name.is_empty() || name.contains(['=', '\0']) {
                self.error(span, "this names no variable of the environment");
                continue;
            }
            found = Some(TokenVariable { name: name.to_owned(), span: span.clone() });
        }
        if entries.is_empty() {
            self.error(&node.span, "a token needs `env`, the variable that holds it");
        }
        found
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

/// Whether nobody on the way reads what is sent there.
fn is_safe(from: &str) -> bool {
    let Some(rest) = from.strip_prefix("http://") else { return from.starts_with("https://") };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
