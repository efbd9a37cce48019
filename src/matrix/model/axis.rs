//! A dimension of the matrix.

use std::collections::HashMap;
use std::sync::Arc;

use super::pattern::Pattern;
use crate::error::{Diagnostic, Span, listed};
use crate::template::Value;
use crate::version;

/// A named list of values.
#[derive(Debug, Clone)]
pub struct Axis {
    pub name: Arc<str>,
    /// The place of its name in the file.
    pub key_span: Span,
    /// The place of its values in the file.
    pub span: Span,
    /// Without duplicates. Empty only while values from a source are not loaded.
    pub values: Vec<AxisValue>,
}

/// One value of an axis.
#[derive(Debug, Clone)]
pub struct AxisValue {
    pub text: Arc<str>,
    /// The value in templates: a string, or a record if it has properties.
    pub value: Value,
    /// Its place; all values of a range share one.
    pub span: Span,
    /// It belongs only to cells that `include` adds.
    pub(crate) included: bool,
    /// Its source marks it as a pre-release.
    pub(crate) is_marked: bool,
}

/// The value of an axis for which `latest` is true.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newest<'a> {
    pub(crate) value: &'a AxisValue,
    /// It is a pre-release, because the axis has no stable version.
    pub(crate) is_prerelease: bool,
}

impl AxisValue {
    /// Whether it is a pre-release.
    pub(crate) fn is_prerelease(&self) -> bool {
        self.is_marked || version::is_prerelease(&self.text)
    }
}

/// An index of an axis by the names of its values.
pub(crate) struct Lookup<'a> {
    axis: &'a Axis,
    numbers: HashMap<&'a str, usize>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(axis: &'a Axis) -> Self {
        let texts = axis.values.iter().map(|value| &*value.text);
        Self { axis, numbers: texts.zip(0..).collect() }
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.axis.values.len()
    }

    /// The index of a value.
    pub(crate) fn number(&self, text: &str) -> Option<usize> {
        self.numbers.get(text).copied()
    }

    /// The indexes of the matching values, ascending. Most patterns are plain values; only the
    /// others are tested against all values.
    pub(crate) fn matching(&self, pattern: &Pattern) -> Vec<usize> {
        match pattern {
            Pattern::Glob(text) if pattern.is_plain() => self.number(text).into_iter().collect(),
            _ => {
                let matches = |index: &usize| pattern.matches(&self.axis.values[*index].text);
                (0..self.len()).filter(matches).collect()
            }
        }
    }
}

impl Axis {
    /// Whether its values have properties.
    pub(crate) fn has_properties(&self) -> bool {
        self.values.iter().any(|value| matches!(value.value, Value::Record { .. }))
    }

    /// Lists its values for the user; a long range as its first and last value.
    pub fn known(&self) -> String {
        let texts: Vec<&str> = self.values.iter().map(|value| &*value.text).collect();
        let one_range = self.values.iter().all(|value| value.span == self.values[0].span);
        match texts.as_slice() {
            [] => "loaded from its source".to_owned(),
            [first, _, _, .., last] if one_range => format!("{first} to {last}"),
            _ => crate::error::listed(texts),
        }
    }

    /// Its newest stable version, or its newest pre-release if no version is stable; `None` if no
    /// value is a version. Values that only `include` adds, such as a release candidate, do not
    /// count. Nor do values that are not versions, such as `edge`; and if most values are names, as
    /// in `[amd64, arm64, 386]`, a number among them is a name, too.
    pub(crate) fn newest(&self) -> Option<Newest<'_>> {
        let is_name = |text: &str| {
            !version::is_version(text) && !version::is_channel(text) && !version::is_hash(text)
        };
        let listed = self.values.iter().filter(|value| !value.included);
        if listed.filter(|value| is_name(&value.text)).count() > self.versions().count() {
            return None;
        }
        let newest = |is_prerelease: bool| {
            let versions = self.versions().filter(|value| value.is_prerelease() == is_prerelease);
            let value = versions.max_by(|l, r| version::sort(&l.text, &r.text))?;
            Some(Newest { value, is_prerelease })
        };
        newest(false).or_else(|| newest(true))
    }

    /// The versions that can be the newest.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &AxisValue> {
        self.values.iter().filter(|value| !value.included && version::is_version(&value.text))
    }
}

/// The warning for two versions without a defined order.
pub(crate) fn unknown_order(span: &Span, one: &str, other: &str) -> Diagnostic {
    Diagnostic::warning(format!("`{one}` and `{other}` have no defined order"))
        .rule("unknown-version-order")
        .at(span, "")
        .help("list the versions one by one")
}

/// The help for a name that is no axis; `names` are the axes of the matrix.
pub(crate) fn known_axes<'n>(names: impl Iterator<Item = &'n str>) -> String {
    match listed(names) {
        names if names.is_empty() => "this matrix has no axes".to_owned(),
        names => format!("axes: {names}"),
    }
}
