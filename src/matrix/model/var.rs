//! Names for templates that are computed from other names.

use std::sync::Arc;

use crate::error::Span;
use crate::template::{NameUse, Template};

/// A name for templates that is computed from other names.
#[derive(Debug, Clone)]
pub(crate) struct Var {
    pub(crate) name: Arc<str>,
    pub(crate) span: Span,
    pub(crate) value: VarValue,
}

#[derive(Debug, Clone)]
pub(crate) enum VarValue {
    Text(Template),
    List(Vec<Template>),
}

impl VarValue {
    /// Its place; `None` for an empty list.
    pub(crate) fn span(&self) -> Option<Span> {
        match self {
            Self::Text(template) => Some(template.span()),
            Self::List(items) => items.first().map(Template::span),
        }
    }

    pub(crate) fn templates(&self) -> &[Template] {
        match self {
            Self::Text(template) => std::slice::from_ref(template),
            Self::List(items) => items,
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = NameUse> {
        self.templates().iter().flat_map(Template::names)
    }
}
