//! Changes the logins in Docker's config file, as `docker login` and `docker logout` do.
//!
//! Everything else in the file is kept. It is replaced as a whole, readable by its owner only.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use serde::Serialize as _;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::error::why;
use crate::regular;

/// Far larger than any real file.
const MAX_SIZE: usize = 1024 * 1024;

/// The key of the logins, in the case that Docker writes.
const AUTHS: &str = "auths";

/// Why the file was not changed.
#[derive(Debug, Error)]
pub(super) enum Unchanged {
    #[error("{0}")]
    Unreadable(String),
    #[error("{line}:{column}: invalid JSON")]
    Malformed { line: usize, column: usize },
    /// The file, or its `auths`, is not an object.
    #[error("it does not have the form of Docker's config file")]
    OtherForm,
    #[error("{}", why(.0))]
    Unwritable(#[from] io::Error),
}

/// Sets the entry `key` of `auths` in the file at `path`: to base64 of `user:password`, or without
/// it to an empty entry, which says that a helper has the login.
pub(super) fn set(path: &Path, key: &str, auth: Option<&str>) -> Result<(), Unchanged> {
    let mut file = read(path)?;
    let mut entry = Map::new();
    if let Some(auth) = auth {
        entry.insert("auth".to_owned(), auth.into());
    }
    auths(&mut file)?.insert(key.to_owned(), entry.into());
    write(path, &file)
}

/// Removes the entries of `auths` whose key `is_removed`. Returns whether there was one.
pub(super) fn remove(path: &Path, is_removed: impl Fn(&str) -> bool) -> Result<bool, Unchanged> {
    let mut file = read(path)?;
    let auths = auths(&mut file)?;
    let before = auths.len();
    auths.retain(|key, _| !is_removed(key));
    let is_changed = auths.len() < before;
    if is_changed {
        write(path, &file)?;
    }
    Ok(is_changed)
}

/// A missing or empty file is one without settings.
fn read(path: &Path) -> Result<Map<String, Value>, Unchanged> {
    let text = match regular::read(path, MAX_SIZE) {
        Ok(text) => text.ok_or_else(|| Unchanged::Unreadable("larger than 1 MiB".to_owned()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Unchanged::Unreadable(why(&error))),
    };
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
    if text.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(text) {
        Ok(Value::Object(file)) => Ok(file),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(Unchanged::OtherForm),
        Err(error) => Err(Unchanged::Malformed { line: error.line(), column: error.column() }),
    }
}

/// The logins. Docker finds the key in any case of letters.
fn auths(file: &mut Map<String, Value>) -> Result<&mut Map<String, Value>, Unchanged> {
    let known = file.keys().rfind(|key| key.eq_ignore_ascii_case(AUTHS)).cloned();
    let auths = file.entry(known.unwrap_or_else(|| AUTHS.to_owned())).or_insert(Value::Null);
    if auths.is_null() {
        *auths = Map::new().into();
    }
    auths.as_object_mut().ok_or(Unchanged::OtherForm)
}

fn write(path: &Path, file: &Map<String, Value>) -> Result<(), Unchanged> {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"\t"));
    file.serialize(&mut serializer).map_err(io::Error::from)?;
    // The file may be a link into a directory of settings.
    let path = &match fs::canonicalize(path) {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error.into()),
    };
    let directory = path.parent().unwrap_or(Path::new("."));
    if !directory.as_os_str().is_empty() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    // A new temporary file has mode 0600.
    let mut new = tempfile::Builder::new()
        .prefix(".config.json.")
        .tempfile_in(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })?;
    new.write_all(&text)?;
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn changed(before: &str, change: impl FnOnce(&Path) -> Result<(), Unchanged>) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.json");
        fs::write(&path, before).unwrap();
        match change(&path) {
            Ok(()) => fs::read_to_string(&path).unwrap(),
            Err(error) => {
                assert_eq!(fs::read_to_string(&path).unwrap(), before);
                format!("error: {error}")
            }
        }
    }

    #[test]
    fn a_login_is_written_as_docker_writes_it_and_the_rest_is_kept() {
        let one = "{\n\t\"auths\": {\n\t\t\"a\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t}\n\t}\n}";
        for (before, expected) in [
            ("", one),
            ("\u{feff} \n", one),
            ("null", one),
            ("{\"auths\": null}", one),
            (r#"{"auths": {"a": {"auth": "b2xk", "identitytoken": "t"}}}"#, one),
            (
                r#"{"x": [1, {}], "AUTHS": {"b": {}}, "credsStore": "y"}"#,
                "{\n\t\"x\": [\n\t\t1,\n\t\t{}\n\t],\n\t\"AUTHS\": {\n\t\t\"b\": {},\n\t\t\"a\": \
                 {\n\t\t\t\"auth\": \"dTpw\"\n\t\t}\n\t},\n\t\"credsStore\": \"y\"\n}",
            ),
            ("{\n \"auths\": x}", "error: 2:11: invalid JSON"),
            ("[]", "error: it does not have the form of Docker's config file"),
            (r#"{"auths": []}"#, "error: it does not have the form of Docker's config file"),
        ] {
            assert_eq!(changed(before, |path| set(path, "a", Some("dTpw"))), expected, "{before}");
        }
        let helper = changed("", |path| set(path, "a", None));
        assert_eq!(helper, "{\n\t\"auths\": {\n\t\t\"a\": {}\n\t}\n}");
    }

    #[test]
    fn a_login_is_removed_under_all_its_keys() {
        let before = r#"{"auths": {"a": {}, "https://a": {}, "b": {}}}"#;
        let after = changed(before, |path| {
            remove(path, |key| key.ends_with('a')).map(|removed| assert!(removed))
        });
        assert_eq!(after, "{\n\t\"auths\": {\n\t\t\"b\": {}\n\t}\n}");
        let after =
            changed(before, |path| remove(path, |key| key == "c").map(|removed| assert!(!removed)));
        assert_eq!(after, before);
    }

    #[test]
    fn the_file_is_readable_by_its_owner_only_and_links_are_followed() {
        let directory = tempfile::tempdir().unwrap();
        let real = directory.path().join("real.json");
        fs::write(&real, "{}").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
        let link = directory.path().join("config.json");
        std::os::unix::fs::symlink("real.json", &link).unwrap();
        set(&link, "a", Some("dTpw")).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
        let new = directory.path().join("new/config.json");
        set(&new, "a", Some("dTpw")).unwrap();
        let mode = new.parent().unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
