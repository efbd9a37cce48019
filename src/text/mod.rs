//! Text for users. Pure: values in, strings out.
//!
//! Untrusted text from builds, registries and files is cleaned here before it is shown: workflow
//! commands in it are made inert, and the secrets in URLs are hidden; in text that is not output of a build
//! also those of logins without a scheme. Column widths are measured in
//! terminal cells, not in characters. Times and sizes are formatted as briefly as possible.

mod ascii;
mod clean;
mod escape;
mod inert;
mod paint;
mod redact;
mod units;
mod width;

pub(crate) use ascii::only_ascii;
pub(crate) use clean::{clean, instruction};
pub(crate) use escape::{escaped, has_escapes, is_escape, replaced, unescaped};
pub(crate) use inert::inert;
pub(crate) use paint::Paint;
pub(crate) use redact::{hidden_logins, hide_words, redact, redact_login, redact_login_in_place};
pub(crate) use units::{ago, bytes, counted, duration, rough, seconds};
pub(crate) use width::{pad, width};

use std::borrow::Cow;

/// `text`, of one or several lines, without workflow commands and without the secrets in logins and URLs.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    match redact_login(text) {
        Cow::Borrowed(text) => inert(text),
        Cow::Owned(redacted) => Cow::Owned(inert(&redacted).into_owned()),
    }
}
