//! The forms in which a run is described for other programs, made from its events. Pure.
//!
//! Each form is a function from a [`Recorded`] run to a text, so it can be made when the run ends, and later from
//! its record. Text of others (of templates, steps, registries) is escaped by each form as its readers need it.

mod annotations;
mod causes;
mod junit;
mod metadata;
mod outputs;
#[cfg(test)]
mod samples;
mod summary;
mod timings;
mod warnings;

use crate::record::Recorded;

pub(crate) use annotations::annotations;
pub(crate) use outputs::outputs;
pub(crate) use summary::{MAX_SUMMARY, summary};

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// Markdown, for GitHub's page of a run.
    Summary,
    /// JSON, as `docker buildx bake --metadata-file` writes it, and more.
    Metadata,
    /// JUnit XML.
    Junit,
    /// A page with a chart of cells and steps.
    TimingsPage,
    /// The same as a Chrome trace.
    Trace,
}

impl Form {
    /// Whether it shows the steps of cells.
    pub(crate) fn has_steps(self) -> bool {
        matches!(self, Self::TimingsPage | Self::Trace)
    }
}

/// The text of `run` in a form.
pub(crate) fn report(form: Form, run: &Recorded) -> String {
    match form {
        Form::Summary => summary(run, MAX_SUMMARY),
        Form::Metadata => metadata::metadata(run),
        Form::Junit => junit::junit(run),
        Form::TimingsPage => timings::page(run),
        Form::Trace => timings::trace(run),
    }
}
