//! Paths and names that come out of templates.

use crate::error::{Diagnostic, Diagnostics};
use crate::template::Template;

/// What came out of a template cannot be used.
pub(crate) fn unusable(template: &Template, text: &str, why: String) -> Diagnostics {
    let word = match text == template.text() {
        true => String::new(),
        false => format!("here it is `{text}`"),
    };
    Diagnostic::error(why).at(&template.span(), word).into()
}

pub(crate) fn is_variable(text: &str) -> bool {
    !text.is_empty() && !text.contains('=') && !text.chars().any(char::is_control)
}

pub(crate) const NO_PATH: &str = "this is not a path";

/// The path of a file inside a folder, without detours.
pub(crate) fn relative(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(NO_PATH);
    }
    if text.starts_with('/') {
        return Err("this path has to be relative");
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.is_empty() || parts.contains(&"..") || text.ends_with('/') {
        return Err("this path does not name a file inside the folder");
    }
    Ok(parts.join("/"))
}

/// The path of a script, which stays in the folder of matrix.yaml.
pub(crate) fn script(text: &str) -> Result<String, String> {
    let outside = "this path does not name a file in the folder of the matrix";
    relative(text).map_err(|_| outside.to_owned())
}
