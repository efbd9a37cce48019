//! Rendered paths and names.

use crate::error::{Diagnostic, Diagnostics, control_character};
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

/// Why no path can be this text; `None` if it can be one.
pub(crate) fn no_path(text: &str) -> Option<String> {
    match control_character(text) {
        _ if text.is_empty() => Some("the path is empty".to_owned()),
        found => found.map(|found| format!("the path contains {found}")),
    }
}

/// A path of a file inside a directory, without `.` and `..`.
pub(crate) fn relative(text: &str) -> Result<String, String> {
    if let Some(why) = no_path(text) {
        return Err(why);
    }
    if text.starts_with('/') {
        return Err("this path must be relative".to_owned());
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() || parts.contains(&"..") || text.ends_with('/') {
        return Err("this path is not a file inside the directory".to_owned());
    }
    Ok(parts.join("/"))
}

/// The path of a script, which must be inside the directory of matrix.yaml.
pub(crate) fn script(text: &str) -> Result<String, String> {
    let outside = "this path is not a file inside the directory of the matrix";
    relative(text).map_err(|_| outside.to_owned())
}
