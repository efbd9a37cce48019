//! Parses grants: `fs.read=PATH`, `ssh`, and lists of these.

use std::str::FromStr;

use super::{ALL, Grant, Grants};
use crate::error::nearest;
use crate::image::Repository;
use crate::input::fields;

const NAMES: [&str; 9] = [
    "fs",
    "fs.read",
    "fs.write",
    "ssh",
    "network.host",
    "security.insecure",
    "image.push",
    "test.privileged",
    "test.volumes",
];

/// Grants separated by commas or line breaks. A grant in double quotes can contain commas. The
/// empty string grants nothing.
impl FromStr for Grants {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::default();
        for line in text.lines() {
            for field in fields(line)? {
                let field = field.trim();
                if !field.is_empty() {
                    all.0.extend(grants(field)?);
                }
            }
        }
        Ok(all)
    }
}

/// Parses one item, which can be two grants: `fs=PATH` is `fs.read=PATH` and `fs.write=PATH`.
fn grants(text: &str) -> Result<Vec<Grant>, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let alone = match name {
        "ssh" => Some(Grant::Ssh),
        "network.host" => Some(Grant::NetworkHost),
        "security.insecure" => Some(Grant::SecurityInsecure),
        "test.privileged" => Some(Grant::TestPrivileged),
        _ => None,
    };
    if let Some(grant) = alone {
        return match value {
            None => Ok(vec![grant]),
            Some(_) => Err(format!("`{name}` does not take a value: write {name}")),
        };
    }
    if !NAMES.contains(&name) {
        return Err(match nearest(name, NAMES) {
            Some(meant) => format!("there is no grant `{name}`; did you mean `{meant}`?"),
            None => format!("there is no grant `{name}`; grants: {}", NAMES.join(", ")),
        });
    }
    let (what, all) = match name {
        "image.push" => ("REPOSITORY", "every repository"),
        _ => ("PATH", "every path"),
    };
    let value = value.filter(|value| !value.is_empty()).ok_or_else(|| {
        format!("`{name}` requires a value: write {name}={what}, or {name}={ALL} for {all}")
    })?;
    if value.chars().any(char::is_control) {
        return Err(format!("the value of `{name}` contains a control character"));
    }
    match name {
        "image.push" if value != ALL => {
            value.parse::<Repository>().map_err(|error| format!("`{name}`: {error}"))?;
        }
        "test.volumes" if value != ALL && (!value.starts_with('/') || value.contains(':')) => {
            return Err(format!(
                "write {name}=PATH with only the absolute path on the engine's host"
            ));
        }
        _ if value == "~" || value.starts_with("~/") => {
            return Err(format!(
                "the shell does not expand the `~` in `{text}`: write the full path"
            ));
        }
        _ => {}
    }
    Ok(match name {
        "fs.read" => vec![Grant::Read(value.into())],
        "fs.write" => vec![Grant::Write(value.into())],
        "fs" => vec![Grant::Read(value.into()), Grant::Write(value.into())],
        "image.push" => vec![Grant::Push(value.to_owned())],
        _ => vec![Grant::TestVolumes(value.to_owned())],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        let grants: Grants = text.parse()?;
        Ok(grants.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn grants_are_separated_by_commas_or_lines() {
        for (text, wanted) in [
            ("", ""),
            ("ssh", "ssh"),
            ("fs=../a", "fs.read=../a fs.write=../a"),
            ("fs.read=*,ssh", "fs.read=* ssh"),
            ("fs.read=/a\n  network.host \n\n,", "fs.read=/a network.host"),
            ("\"fs.read=/a,b\",fs.write=/c=d", "fs.read=/a,b fs.write=/c=d"),
            ("test.volumes=/var/run/docker.sock", "test.volumes=/var/run/docker.sock"),
            ("test.privileged,security.insecure", "test.privileged security.insecure"),
            ("image.push=me/cache,image.push=*", "image.push=me/cache image.push=*"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn an_invalid_grant_has_a_helpful_error() {
        for (text, word) in [
            ("fs.raed=/a", "did you mean `fs.read`?"),
            ("network.hots", "did you mean `network.host`?"),
            ("SSH", "did you mean `ssh`?"),
            ("everything", "grants: fs, fs.read"),
            ("fs.read", "write fs.read=PATH, or fs.read=* for every path"),
            ("fs.read=", "write fs.read=PATH"),
            ("image.push", "image.push=* for every repository"),
            ("image.push=A", "upper-case"),
            ("ssh=default", "does not take a value: write ssh"),
            ("test.volumes=data", "absolute path"),
            ("test.volumes=/a:/b", "absolute path"),
            ("fs.read=~/.npmrc", "the shell does not expand the `~`"),
            ("fs=~", "the shell does not expand the `~`"),
            ("\"ssh", "quote is not closed"),
        ] {
            let error = shown(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn a_displayed_flag_parses_to_its_grant() {
        for (path, flag) in [
            ("../a", "--allow fs.read=../a"),
            ("/with space", "--allow 'fs.read=/with space'"),
            ("/a,b", "--allow '\"fs.read=/a,b\"'"),
            ("/it's", r"--allow 'fs.read=/it'\''s'"),
        ] {
            let grant = Grant::Read(path.into());
            assert_eq!(grant.flag(), flag);
            let field = super::super::listed_word(&grant.to_string()).into_owned();
            assert_eq!(field.parse::<Grants>().unwrap().0, [grant]);
        }
    }

    #[test]
    fn grants_cover_the_right_requests() {
        for (granted, wanted, covers) in [
            ("ssh", Grant::Ssh, true),
            ("network.host", Grant::Ssh, false),
            ("fs.read=*", Grant::Read("/a".into()), true),
            ("fs.read=*", Grant::Write("/a".into()), false),
            ("fs=*", Grant::Write("/a".into()), true),
            ("image.push=docker.io/me/cache", Grant::Push("me/cache".to_owned()), true),
            ("image.push=me/cache", Grant::Push("me/cache2".to_owned()), false),
            ("image.push=*", Grant::Push("me/cache".to_owned()), true),
            ("test.volumes=/b/./", Grant::TestVolumes("//b".to_owned()), true),
            ("test.volumes=/b", Grant::TestVolumes("/a/../b".to_owned()), false),
            ("test.volumes=/b", Grant::TestVolumes("/b/c".to_owned()), false),
            ("test.volumes=/", Grant::TestVolumes("/b".to_owned()), false),
            ("test.volumes=*", Grant::TestVolumes("/b".to_owned()), true),
        ] {
            let grants: Grants = granted.parse().unwrap();
            assert_eq!(grants.has(&wanted), covers, "{granted} for {wanted}");
        }
    }
}
