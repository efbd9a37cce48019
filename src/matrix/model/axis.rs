//! A dimension of the matrix.

use std::collections::HashMap;
use std::sync::Arc;

use super::pattern::Pattern;
use crate::error::{Diagnostic, Span};
use crate::template::Value;
use crate::version;

/// A named list of values.
#[derive(Debug, Clone)]
pub struct Axis {
    pub name: Arc<str>,
    /// Where its name stands in the file.
    pub key_span: Span,
    /// Where its values stand in the file.
    pub span: Span,
    /// At least one, each once; none yet where they come from elsewhere.
    pub values: Vec<AxisValue>,
}

/// One value of an axis.
#[derive(Debug, Clone)]
pub struct AxisValue {
    pub text: Arc<str>,
    /// What templates see: the text, with its properties where it has some.
    pub value: Value,
    /// Where it stands; the values of a range share theirs.
    pub span: Span,
    /// It belongs to no cell but those that `include` adds.
    pub(crate) included: bool,
    /// Where it comes from, it is marked as a pre-release.
    pub(crate) is_marked: bool,
}

/// The value of an axis for which `latest` holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newest<'a> {
    pub(crate) value: &'a AxisValue,
    /// It is a pre-release, since no version of the axis is stable.
    pub(crate) is_prerelease: bool,
}

impl AxisValue {
    /// Whether it is a version that is not final.
    pub(crate) fn is_prerelease(&self) -> bool {
        self.is_marked || version::is_prerelease(&self.text)
    }
}

/// An axis whose values are found by their texts.
pub(crate) struct Lookup<'a> {
    axis: &'a Axis,
    numbers: HashMap<&'a str, usize>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn new(axis: &'a Axis) -> Self {
        let texts = axis.values.iter().map(|value| &*value.text);
        Self { axis, numbers: texts.zip(0..).collect() }
    }

    /// How many values the axis has.
    pub(crate) fn len(&self) -> usize {
        self.axis.values.len()
    }

    /// The number of a value.
    pub(crate) fn number(&self, text: &str) -> Option<usize> {
        self.numbers.get(text).copied()
    }

    /// The numbers of the values that match, ascending. Most patterns are a value: only the others
    /// are tried on all.
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
    /// Whether templates can ask its values for properties.
    pub(crate) fn has_properties(&self) -> bool {
        self.values.iter().any(|value| matches!(value.value, Value::Record { .. }))
    }

    /// Its values for a person: the ends alone where it is one long run.
    pub fn known(&self) -> String {
        let texts: Vec<&str> = self.values.iter().map(|value| &*value.text).collect();
        let one_range = self.values.iter().all(|value| value.span == self.values[0].span);
        match texts.as_slice() {
            [] => "read from elsewhere".to_owned(),
            [first, _, _, .., last] if one_range => format!("{first} to {last}"),
            _ => crate::error::listed(texts),
        }
    }

    /// Its newest stable version, or its newest pre-release where no version is stable; none where no
    /// value is a version. One that only `include` names does not count: it is an outsider, such as a
    /// release candidate. A value that is no version, such as `edge`, takes no part; where most values
    /// are names of something else, as in `[amd64, arm64, 386]`, a number among them is a name, too.
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

    /// The versions that may be the newest.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &AxisValue> {
        self.values.iter().filter(|value| !value.included && version::is_version(&value.text))
    }
}

/// The warning that something depends on the order of two versions which cannot be known.
pub(crate) fn unknown_order(span: &Span, one: &str, other: &str) -> Diagnostic {
    Diagnostic::warning(format!("the order of `{one}` and `{other}` cannot be known"))
        .rule("unknown-version-order")
        .at(span, "")
        .help("name the versions that you mean, one by one")
}
