//! Changes the logins in Docker's config file, as `docker login` and `docker logout` do.
//!
//! The text of all other fields and logins is kept as it is. The file is replaced as a whole, with the same
//! mode and owner; a new one is readable by its owner only.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde_json::error::Category;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::error::why;
use crate::regular;

/// Far larger than any real file.
const MAX_SIZE: usize = 1024 * 1024;

/// Maximum number of links that lead to the file, as for Linux.
const MAX_LINKS: usize = 40;

/// The key of the logins, in the case that Docker writes.
const AUTHS: &str = "auths";

/// Docker's indentation.
const INDENT: &str = "\t";

/// The logins by key, each with its JSON.
type Logins = IndexMap<String, String>;

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
    let text = read(path)?;
    let file = File::new(&text)?;
    let mut logins = file.logins()?;
    logins.insert(key.to_owned(), file.entry(auth));
    write(path, &file.with(&logins))?;
    Ok(())
}

/// Removes the entries of `auths` whose key `is_removed`. Returns whether there was one.
pub(super) fn remove(path: &Path, is_removed: impl Fn(&str) -> bool) -> Result<bool, Unchanged> {
    let text = read(path)?;
    let file = File::new(&text)?;
    let mut logins = file.logins()?;
    let before = logins.len();
    logins.retain(|key, _| !is_removed(key));
    let is_changed = logins.len() < before;
    if is_changed {
        write(path, &file.with(&logins))?;
    }
    Ok(is_changed)
}

/// A missing or empty file is one without settings.
fn read(path: &Path) -> Result<String, Unchanged> {
    let text = match regular::read(path, MAX_SIZE) {
        Ok(text) => text.ok_or_else(|| Unchanged::Unreadable("larger than 1 MiB".to_owned()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Unchanged::Unreadable(why(&error))),
    };
    let text =
        String::from_utf8(text).map_err(|_| Unchanged::Unreadable("it is not UTF-8".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match text.trim() {
        "" | "null" => Ok("{}".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// The text of the file, and where its values are.
struct File<'t> {
    text: &'t str,
    fields: IndexMap<String, &'t RawValue>,
    indent: &'t str,
}

impl<'t> File<'t> {
    fn new(text: &'t str) -> Result<Self, Unchanged> {
        let fields = serde_json::from_str(text).map_err(|error| match error.classify() {
            Category::Data => Unchanged::OtherForm,
            _ => Unchanged::Malformed { line: error.line(), column: error.column() },
        })?;
        Ok(Self { text, fields, indent: indent(text).unwrap_or(INDENT) })
    }

    /// The value of `auths`. Docker finds the key in any case of letters.
    fn auths(&self) -> Option<&'t RawValue> {
        let is_auths = |(key, _): &(&String, &&RawValue)| key.eq_ignore_ascii_case(AUTHS);
        self.fields.iter().rfind(is_auths).map(|(_, value)| *value)
    }

    fn logins(&self) -> Result<Logins, Unchanged> {
        let Some(auths) = self.auths().map(RawValue::get) else { return Ok(Logins::new()) };
        let found: Option<IndexMap<String, &RawValue>> =
            serde_json::from_str(auths).map_err(|_| Unchanged::OtherForm)?;
        let found = found.unwrap_or_default().into_iter();
        Ok(found.map(|(key, value)| (key, value.get().to_owned())).collect())
    }

    /// The JSON of one login.
    fn entry(&self, auth: Option<&str>) -> String {
        let Some(auth) = auth else { return "{}".to_owned() };
        let line = format!("\n{}", self.indent.repeat(2));
        format!("{{{line}{}\"auth\": {}{line}}}", self.indent, json(auth))
    }

    /// The text with other logins.
    fn with(&self, logins: &Logins) -> String {
        let line = format!("\n{}", self.indent);
        let entry = |(key, value): (&String, &String)| {
            format!("{line}{}{}: {value}", self.indent, json(key))
        };
        let entries: Vec<String> = logins.iter().map(entry).collect();
        let auths = match entries.is_empty() {
            true => "{}".to_owned(),
            false => format!("{{{}{line}}}", entries.join(",")),
        };
        let text = self.text;
        match (self.auths(), self.fields.values().last()) {
            (Some(old), _) => {
                let Range { start, end } = self.place(old);
                format!("{}{auths}{}", &text[..start], &text[end..])
            }
            (None, Some(_)) => {
                // A key that is there twice has the place of its last value.
                let ends = self.fields.values().map(|value| self.place(value).end);
                let (before, after) = text.split_at(ends.max().unwrap_or(text.len()));
                format!("{before},{line}\"{AUTHS}\": {auths}{after}")
            }
            (None, None) => format!("{{{line}\"{AUTHS}\": {auths}\n}}"),
        }
    }

    /// Where a value is in the text.
    fn place(&self, value: &RawValue) -> Range<usize> {
        let start = value.get().as_ptr().addr() - self.text.as_ptr().addr();
        start..start + value.get().len()
    }
}

/// The whitespace before the first key, if it is on a line of its own.
fn indent(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('{')?;
    let line = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'))?;
    let (indent, _) = line.split_once('"')?;
    let is_indent = !indent.is_empty() && indent.bytes().all(|b| b == b' ' || b == b'\t');
    is_indent.then_some(indent)
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The file that is replaced: `path` may be a link into a directory of settings, which may not exist yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            // There is no file, or it is not a link.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
                ) =>
            {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(rustix::io::Errno::LOOP.into())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = target(path)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    // A new temporary file has mode 0600.
    let mut new = tempfile::Builder::new().prefix(".config.json.").tempfile_in(directory)?;
    new.write_all(text.as_bytes())?;
    match fs::metadata(&path) {
        Ok(old) => {
            // Only root may give files away.
            let _ = fchown(new.as_file(), Some(old.uid()), Some(old.gid()));
            new.as_file().set_permissions(old.permissions())?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
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
        let inner = "{\"auths\": {\n\t\t\"a\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t}\n\t}}";
        let one = "{\n\t\"auths\": {\n\t\t\"a\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t}\n\t}\n}";
        for (before, expected) in [
            ("", one),
            ("\u{feff} \n", one),
            ("null", one),
            ("{\"auths\": null}", inner),
            (r#"{"auths": {"a": {"auth": "b2xk", "identitytoken": "t"}}}"#, inner),
            (
                r#"{"x": [1.10, {}], "AUTHS": {"b": {"n":12345678901234567890123}}, "y": 1.0e+2}"#,
                "{\"x\": [1.10, {}], \"AUTHS\": {\n\t\t\"b\": {\"n\":12345678901234567890123},\n\t\t\"a\": \
                 {\n\t\t\t\"auth\": \"dTpw\"\n\t\t}\n\t}, \"y\": 1.0e+2}",
            ),
            (
                "{\n  \"x\": \"\\u00e9\\/\",\n  \"y\": [ ]\n}\n",
                "{\n  \"x\": \"\\u00e9\\/\",\n  \"y\": [ ],\n  \"auths\": {\n    \"a\": {\n      \"auth\": \
                 \"dTpw\"\n    }\n  }\n}\n",
            ),
            (
                "{\"y\": 1, \"x\": 2, \"y\": 3 }",
                "{\"y\": 1, \"x\": 2, \"y\": 3,\n\t\"auths\": {\n\t\t\"a\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t}\n\t} }",
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
        assert_eq!(after, "{\"auths\": {\n\t\t\"b\": {}\n\t}}");
        let after =
            changed(before, |path| remove(path, |key| key == "c").map(|removed| assert!(!removed)));
        assert_eq!(after, before);
    }

    #[test]
    fn a_file_keeps_its_mode_and_its_links_and_a_new_one_is_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let link = |name: &str, to: &str| std::os::unix::fs::symlink(to, path(name)).unwrap();
        let mode = |name: &str| path(name).metadata().unwrap().permissions().mode() & 0o777;
        for (number, kept) in [0o644, 0o640, 0o600].into_iter().enumerate() {
            let real = format!("real{number}.json");
            fs::write(path(&real), "{}").unwrap();
            fs::set_permissions(path(&real), fs::Permissions::from_mode(kept)).unwrap();
            link(&format!("link{number}"), &real);
            link(&format!("far{number}"), &format!("link{number}"));
            set(&path(&format!("far{number}")), "a", Some("dTpw")).unwrap();
            assert!(path(&format!("far{number}")).symlink_metadata().unwrap().is_symlink());
            assert!(path(&format!("link{number}")).symlink_metadata().unwrap().is_symlink());
            assert_eq!(mode(&real), kept);
            assert!(fs::read_to_string(path(&real)).unwrap().contains("dTpw"));
        }
        // A link to a file that is not there yet.
        link("config.json", "new/real.json");
        set(&path("config.json"), "a", Some("dTpw")).unwrap();
        assert!(path("config.json").symlink_metadata().unwrap().is_symlink());
        assert_eq!((mode("new"), mode("new/real.json")), (0o700, 0o600));
        link("round", "round");
        assert!(set(&path("round"), "a", None).is_err());
        let names = fs::read_dir(directory.path()).unwrap();
        let left = names.filter(|name| {
            name.as_ref().unwrap().file_name().to_string_lossy().starts_with(".config.json.")
        });
        assert_eq!(left.count(), 0);
    }
}
