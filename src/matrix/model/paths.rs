//! Rendered paths and names.

use crate::error::{Diagnostic, Diagnostics};
use crate::template::Template;

/// The error for a rendered value that is not usable.
pub(crate) fn unusable(template: &Template, text: &str, why: String) -> Diagnostics {
    let word = match text == template.text() {
        true => String::new(),
        false => format!("it renders to `{text}`"),
    };
    Diagnostic::error(why).at(&template.span(), word).into()
}

pub(crate) fn is_variable(text: &str) -> bool {
    !text.is_empty() && !text.contains('=') && !text.chars().any(char::is_control)
}

pub(crate) const NO_PATH: &str = "this is not a path";

/// A path of a file inside a directory, without `.` and `..`.
pub(crate) fn relative(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(NO_PATH);
    }
    if text.starts_with('/') {
        return Err("this path must be relative");
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() || parts.contains(&"..") || text.ends_with('/') {
        return Err("this path is not a file inside the directory");
    }
    Ok(parts.join("/"))
}

/// The path of a script, which must be inside the directory of matrix.yaml.
pub(crate) fn script(text: &str) -> Result<String, String> {
    let outside = "this path is not a file inside the directory of the matrix";
    relative(text).map_err(|_| outside.to_owned())
}
