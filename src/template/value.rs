//! The values of names.

use std::sync::Arc;

/// A value. There are no numbers: `2.0` and `3.10` are strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(Arc<str>),
    /// A string with properties, such as the value of an axis.
    Record {
        text: Arc<str>,
        properties: Arc<[(Arc<str>, Value)]>,
    },
    List(Arc<[Value]>),
    Truth(bool),
}

impl Value {
    /// The string it prints as; `None` for a list.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Record { text, .. } => Some(text),
            Self::Truth(true) => Some("true"),
            Self::Truth(false) => Some("false"),
            Self::List(_) => None,
        }
    }

    /// The property called `name`.
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.properties().iter().find(|(key, _)| **key == *name).map(|(_, value)| value)
    }

    /// All properties; most values have none.
    pub fn properties(&self) -> &[(Arc<str>, Value)] {
        match self {
            Self::Record { properties, .. } => properties,
            _ => &[],
        }
    }

    /// Equality in expressions: a record counts as its string.
    pub(super) fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::List(left), Self::List(right)) => {
                left.len() == right.len()
                    && left.iter().zip(right.iter()).all(|(left, right)| left.same(right))
            }
            _ => self.as_text().is_some() && self.as_text() == other.as_text(),
        }
    }
}

impl<T: Into<Arc<str>>> From<T> for Value {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

/// The names that a template may use, with their values.
///
/// A list instead of a map: a cell has a dozen names, and there may be a hundred thousand cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(Vec<(Arc<str>, Value)>);

impl Scope {
    /// Defines `name`, or replaces its value.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| **key == *name).map(|(_, value)| value)
    }

    /// The names in the order in which they were defined.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }
}
