//! A line of a template, in the form in which dorny/test-reporter finds it.

use crate::outcome::Place;
use crate::text::clean;

/// Maximum length of the name of a file.
const NAME: usize = 200;

/// `at templates.centos.Template(Dockerfile:14)` for line 14 of `templates/centos/Dockerfile`.
///
/// The reader looks for a line of a Java stack trace: lower-case packages, which are directories, and a class that
/// begins with a capital letter. `None` for a file that cannot be named so.
pub(super) fn frame(place: &Place) -> Option<String> {
    let file = clean(&place.file, NAME);
    let (directories, name) = file.rsplit_once('/')?;
    let is_package = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.contains(['.', '(', ')', ' '])
    };
    let packages: Vec<&str> = directories.split('/').collect();
    let is_named = packages.iter().all(|name| is_package(name)) && !name.contains(['(', ')']);
    let line = place.line;
    is_named.then(|| format!("at {}.Template({name}:{line})", packages.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_in_directories_that_could_be_packages_is_named() {
        for (file, expected) in [
            ("templates/centos/Dockerfile", Some("at templates.centos.Template(Dockerfile:7)")),
            ("docker/app.Dockerfile", Some("at docker.Template(app.Dockerfile:7)")),
            ("Dockerfile", None),
            ("/abs/Dockerfile", None),
            ("../up/Dockerfile", None),
            ("Docker/Dockerfile", None),
            ("docker/v1.0/Dockerfile", None),
            ("docker/2/Dockerfile", None),
            ("a b/Dockerfile", None),
        ] {
            let place = Place { file: file.to_owned(), line: 7, text: String::new() };
            assert_eq!(frame(&place).as_deref(), expected, "{file}");
        }
    }
}
