//! A dimension of the matrix.

use std::collections::HashMap;
use std::sync::Arc;

use super::pattern::Pattern;
use crate::error::Span;
use crate::template::Value;
use crate::version;

/// A named list of values.
#[derive(Debug, Clone)]
pub struct Axis {
    pub name: Arc<str>,
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
    pub(super) included: bool,
}

/// An axis whose values are found by their texts.
pub(super) struct Lookup<'a> {
    axis: &'a Axis,
    numbers: HashMap<&'a str, usize>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(axis: &'a Axis) -> Self {
        let texts = axis.values.iter().map(|value| &*value.text);
        Self { axis, numbers: texts.zip(0..).collect() }
    }

    /// How many values the axis has.
    pub(super) fn len(&self) -> usize {
        self.axis.values.len()
    }

    /// The number of a value.
    pub(super) fn number(&self, text: &str) -> Option<usize> {
        self.numbers.get(text).copied()
    }

    /// The numbers of the values that match, ascending. Most patterns are a value: only the others
    /// are tried on all.
    pub(super) fn matching(&self, pattern: &Pattern) -> Vec<usize> {
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
    pub(super) fn has_properties(&self) -> bool {
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

    /// Its newest value, if all its values are versions. One that only `include` names does not
    /// count: it is an outsider, such as a release candidate.
    pub(super) fn newest(&self) -> Option<&AxisValue> {
        let listed = || self.values.iter().filter(|value| !value.included);
        let versions = listed().all(|value| version::is_version(&value.text));
        let newest = listed().max_by(|l, r| version::sort(&l.text, &r.text));
        newest.filter(|_| versions)
    }
}
