//! Values with their places in the file.

use std::sync::Arc;

use crate::error::Span;
use crate::template::Template;

/// `key: string with placeholders`, in the order of the file.
pub(crate) type Texts = Vec<(Arc<str>, Template)>;

/// A value that is not a template, and its place.
#[derive(Debug, Clone)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// Merges `new` over `old`, key by key.
pub(crate) fn merge<K: Clone + PartialEq, T: Clone>(old: &mut Vec<(K, T)>, new: &[(K, T)]) {
    for (key, value) in new {
        match old.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => known.clone_from(value),
            None => old.push((key.clone(), value.clone())),
        }
    }
}
