//! Axis values from a source, such as the list of a project's releases. The core does not fetch
//! them: it describes the source, and receives the text.

use std::collections::HashMap;
use std::sync::Arc;

use super::json_path::{Found, JsonPath, PathError};
use super::pattern::Pattern;
use crate::error::{Diagnostic, Diagnostics, Span};
use crate::version;
use crate::yaml::{Entry, NodeKind};

/// No project has more releases.
const MAX_VALUES: usize = 10_000;
/// The maximum length of a tag.
const MAX_LENGTH: usize = 128;

/// The source of an axis with `from`.
#[derive(Debug, Clone)]
pub struct AxisSource {
    pub axis: Arc<str>,
    /// A URL, or a file relative to the directory of matrix.yaml.
    pub from: String,
    /// The place of `from`.
    pub span: Span,
    /// The path to the values in JSON; without it the text is read line by line.
    pub(crate) path: Option<JsonPath>,
    pub(crate) path_span: Span,
    /// The text before and after `<version>`.
    pub(crate) around: Option<(String, String)>,
    pub(crate) only: Vec<Pattern>,
    pub(crate) skip: Vec<Pattern>,
    pub(crate) limit: Option<usize>,
    /// The variable with the token for the server of `from`.
    pub token: Option<TokenVariable>,
}

/// `token: { env: NAME }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenVariable {
    pub name: String,
    pub span: Span,
}

/// The separator between pages of a source. JSON cannot contain it; RFC 7464 uses it for this
/// purpose.
pub(crate) const PAGE: char = '\u{1e}';

/// The values of the axes with a source, by axis name.
pub(crate) type ResolvedAxes = HashMap<Arc<str>, SourceValues>;

/// The values of one axis, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceValues {
    pub values: Vec<SourceValue>,
    /// Two versions without a defined order that `limit`, `only` or `skip` depends on.
    pub(crate) unordered: Option<(String, String)>,
}

/// A value from a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceValue {
    pub text: String,
    /// The source marks it as a pre-release.
    pub(crate) is_prerelease: bool,
}

impl SourceValue {
    /// Whether it is a version that can become `latest`.
    fn is_stable(&self) -> bool {
        version::is_version(&self.text)
            && !self.is_prerelease
            && !version::is_prerelease(&self.text)
    }
}

impl AxisSource {
    /// Whether the entries of an axis describe a source instead of values.
    pub(crate) fn is_meant(entries: &[Entry]) -> bool {
        let from = entries.iter().find(|entry| entry.key == "from");
        from.is_some_and(|entry| !matches!(entry.value.kind, NodeKind::Map(_)))
    }

    /// The axis's values, oldest first, from `text`, the content of the source.
    pub fn values(&self, text: &str) -> Result<SourceValues, Diagnostics> {
        let wrong = |message: String| {
            let finding = Diagnostic::error(message).at(&self.span, "");
            Diagnostics::from(finding)
        };
        let page = |path: &JsonPath, page: &str| {
            path.texts(page).map_err(|error| match error {
                PathError::NotJson(error) => {
                    let message = format!("the content of this source is not JSON: {error}");
                    let help =
                        "correct the JSON; without `path`, each line of the source is a value";
                    Diagnostic::error(message).at(&self.span, "").help(help).into()
                }
                PathError::Nowhere(why) => {
                    let message = "the path does not match the content of the source";
                    let help = "write the path to the values, such as `.[].tag_name`";
                    Diagnostic::error(message).at(&self.path_span, why).help(help).into()
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
        let mut taken = SourceValues::default();
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
                    .at(&self.span, "read from this source")
                    .help("filter the lines with `pattern`, `only` or `skip`")
                    .into());
            }
            let is_prerelease = found.is_prerelease;
            taken.values.push(SourceValue { text: value.to_owned(), is_prerelease });
        }
        taken.values.sort_by(|left, right| version::sort(&left.text, &right.text));
        taken.values.dedup_by(|later, first| later.text == first.text);
        if taken.values.is_empty() {
            let found = match texts.first() {
                Some(first) => {
                    let shown: String = first.text.chars().take(60).collect();
                    format!("none of {} strings matches; the first is `{shown}`", texts.len())
                }
                None => "the source is empty".to_owned(),
            };
            return Err(wrong(format!("no values for axis `{}`: {found}", self.axis)));
        }
        if taken.values.len() > MAX_VALUES {
            return Err(wrong(format!("the source has more than {MAX_VALUES} values")));
        }
        if let Some(limit) = self.limit {
            taken.keep_newest(limit);
        }
        Ok(taken)
    }

    /// The text at `<version>`, if the rest matches the pattern.
    fn inside<'t>(&self, text: &'t str) -> Option<&'t str> {
        let Some((before, after)) = &self.around else { return Some(text) };
        let inside = text.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
        version::is_version(inside).then_some(inside)
    }
}

/// The characters of tags; a special character at the start would make it an option or a hidden
/// file.
fn is_usable(value: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+');
    value.len() <= MAX_LENGTH
        && value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value.chars().all(allowed)
}

/// A line of text.
fn line(line: &str) -> Found {
    Found { text: line.trim().to_owned(), is_prerelease: false }
}

impl SourceValues {
    /// Keeps the newest stable versions; pre-releases if there is no stable version; other values
    /// if there is no version at all.
    fn keep_newest(&mut self, limit: usize) {
        let values = std::mem::take(&mut self.values);
        let (stable, others): (Vec<_>, Vec<_>) =
            values.into_iter().partition(SourceValue::is_stable);
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
