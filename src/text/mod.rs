//! Text for users. Pure: values in, strings out.
//!
//! Untrusted text from builds, registries and files is cleaned here before it is shown: workflow
//! commands in it are made inert, and the secrets in URLs are hidden. Column widths are measured in
//! terminal cells, not in characters. Times and sizes are formatted as briefly as possible.

mod annotation;
mod ascii;
mod clean;
mod escape;
mod inert;
mod paint;
mod redact;
mod units;
mod width;

pub(crate) use annotation::{Annotated, annotation, in_repository};
pub(crate) use ascii::only_ascii;
pub(crate) use clean::{clean, instruction};
pub(crate) use escape::{escaped, has_escapes, is_escape, replaced, unescaped};
pub(crate) use inert::inert;
pub(crate) use paint::Paint;
pub(crate) use redact::{redact, redact_in_place, redact_login};
pub(crate) use units::{ago, bytes, counted, duration, rough, seconds};
pub(crate) use width::{pad, width};

use std::borrow::Cow;

/// `text`, of one or several lines, without workflow commands and without the secrets in URLs.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    match redact(text) {
        Cow::Borrowed(text) => inert(text),
        Cow::Owned(redacted) => Cow::Owned(inert(&redacted).into_owned()),
    }
}
