//! Rendered paths and names.

use crate::error::{Diagnostic, Diagnostics, control_character};
use crate::template::Template;

/// The error for a rendered value that is not usable.
pub(crate) fn unusable(template: &Template, text: &str, why: String) -> Diagnostics {
    unusable_value(template, text, &why).into()
}

/// The same as one finding, for a help line.
pub(crate) fn unusable_value(template: &Template, text: &str, why: &str) -> Diagnostic {
    let word = match text {
        text if text == template.text() => String::new(),
        "" => "it renders to an empty string".to_owned(),
        text => format!("it renders to `{text}`"),
    };
    let finding = Diagnostic::error(why).at(&template.span(), word);
    match text.is_empty() {
        true => finding.help("write a value that is never empty"),
        false => finding,
    }
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

/// The path of a template, relative to its context directory unless it is absolute; without
/// unnecessary `.` and `..`.
pub(crate) fn template_path(text: &str) -> Result<String, String> {
    if let Some(why) = no_path(text) {
        return Err(why);
    }
    let path = cleaned(text);
    if text.ends_with('/') || matches!(&*path, "." | "..") || path.ends_with("/..") {
        return Err("this path is a directory, not a file".to_owned());
    }
    Ok(path)
}

/// The path of a template relative to the directory of matrix.yaml. Links are not followed, as in
/// `docker buildx bake`: `..` removes the part before it.
pub(crate) fn in_context(context: &str, template: &str) -> String {
    match template.starts_with('/') {
        true => template.to_owned(),
        false => cleaned(&format!("{context}/{template}")),
    }
}

/// The shortest form of a path; `.` if nothing remains.
fn cleaned(path: &str) -> String {
    let root = if path.starts_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if !root.is_empty() => {}
            part => parts.push(part),
        }
    }
    match (root, parts.join("/")) {
        ("", path) if path.is_empty() => ".".to_owned(),
        (root, path) => root.to_owned() + &path,
    }
}

/// Why `text` cannot be the directory of a build context, for which other tools accept more.
pub(crate) fn no_directory(text: &str) -> Option<(String, &'static str)> {
    const REMOTE: &str = "name it under `contexts`: `contexts: { src: URL }`, and use it with \
                          `COPY --from=src`";
    let (found, help) = match text.split_once("://") {
        Some(("docker-image" | "oci-layout", _)) => ("an image", REMOTE),
        Some(("http" | "https", rest)) if !is_git(rest) => ("a URL", REMOTE),
        Some(_) => ("a Git repository", REMOTE),
        None if is_git_ssh(text) => ("a Git repository", REMOTE),
        None if text == "-" => {
            ("standard input", "unpack the archive into a directory, and name the directory")
        }
        None => return None,
    };
    Some((format!("a context is a directory, not {found}"), help))
}

/// Whether the part of a URL after `https://` names a Git repository, by BuildKit's rules.
fn is_git(rest: &str) -> bool {
    rest.split(['#', '?']).next().is_some_and(|path| path.trim_end_matches('/').ends_with(".git"))
}

/// `git@host:path`
fn is_git_ssh(text: &str) -> bool {
    let Some((user, rest)) = text.split_once('@') else { return false };
    let is_user =
        !user.is_empty() && user.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    is_user && rest.split_once(':').is_some_and(|(host, _)| !host.is_empty() && !host.contains('/'))
}

/// The path of a script, which must be inside the directory of matrix.yaml.
pub(crate) fn script(text: &str) -> Result<String, String> {
    let outside = "this path is not a file inside the directory of the matrix";
    relative(text).map_err(|_| outside.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_anywhere_but_its_path_is_a_file() {
        for (context, text, wanted) in [
            (".", "Dockerfile", Ok("Dockerfile")),
            ("./", "./a//b/./Dockerfile", Ok("a/b/Dockerfile")),
            ("ctx", "Dockerfile", Ok("ctx/Dockerfile")),
            ("ctx/", "../dockerfiles/x", Ok("dockerfiles/x")),
            ("./ctx/sub", "../../x", Ok("x")),
            ("ctx", "../ctx/x", Ok("ctx/x")),
            (".", "../x", Ok("../x")),
            ("../ctx", "../x", Ok("../x")),
            ("..", "../x", Ok("../../x")),
            ("/abs/ctx", "../x", Ok("/abs/x")),
            ("/", "../x", Ok("/x")),
            ("ctx", "/abs/./x", Ok("/abs/x")),
            (".", "..x", Ok("..x")),
            (".", "x..", Ok("x..")),
            (".", "", Err(())),
            (".", ".", Err(())),
            (".", "a/..", Err(())),
            (".", "..", Err(())),
            (".", "../..", Err(())),
            (".", "a/", Err(())),
            (".", "/", Err(())),
            (".", "a\nb", Err(())),
        ] {
            let found = template_path(text).map(|path| in_context(context, &path));
            assert_eq!(found.as_deref().map_err(|_| ()), wanted, "{text} in {context}");
        }
    }

    #[test]
    fn what_is_no_directory_is_named() {
        for (text, wanted) in [
            ("https://git.example.invalid/a/b.git#main:sub", "a Git repository"),
            ("https://git.example.invalid/a/b.git", "a Git repository"),
            ("https://example.invalid/a.tar.gz", "a URL"),
            ("git://example.invalid/a", "a Git repository"),
            ("ssh://git@example.invalid/a", "a Git repository"),
            ("git@example.invalid:a/b.git#v1", "a Git repository"),
            ("me@example.invalid:a", "a Git repository"),
            ("docker-image://alpine", "an image"),
            ("oci-layout://a", "an image"),
            ("-", "standard input"),
            (".", ""),
            ("a@b/c:d", ""),
            ("a:b", ""),
            ("@a:b", ""),
            ("github.com/a/b", ""),
            ("C:/a", ""),
        ] {
            let found = no_directory(text).map(|(message, _)| message).unwrap_or_default();
            assert_eq!(found.is_empty(), wanted.is_empty(), "{text}: {found}");
            assert!(found.ends_with(wanted), "{text}: {found}");
        }
    }
}
