//! The values of `auto` labels, from facts outside the matrix.
//!
//! The names: <https://github.com/opencontainers/image-spec/blob/main/annotations.md>

use std::sync::Arc;

use crate::image::{Repository, Tag};
use crate::input::TextMap;
use crate::matrix::model::{AutoLabels, Given};
use crate::matrix::selection::{EPOCH, Facts, Overrides};

/// The data for the labels of one cell.
pub(crate) struct LabelValues<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) repository: &'a Repository,
    pub(crate) tag: &'a Tag,
    pub(crate) axes: &'a [(Arc<str>, Arc<str>)],
    pub(crate) overrides: &'a Overrides,
}

impl LabelValues<'_> {
    /// The build arguments that the environment sets.
    pub(crate) fn args(&self) -> TextMap {
        let epoch = self.overrides.epoch;
        epoch.map(|seconds| (EPOCH.into(), seconds.to_string().into())).into_iter().collect()
    }

    /// Seconds since 1970: the time that the build gives the image, or else the commit's. Never the
    /// current time, which would change the image on every build.
    fn created(&self, args: &TextMap) -> Option<i64> {
        let given = self.overrides.inputs.args.get(EPOCH).or_else(|| args.get(EPOCH));
        given.and_then(|seconds| seconds.parse().ok()).or(self.facts.committed)
    }

    /// The requested labels of a cell with these build arguments.
    pub(crate) fn fill(&self, wanted: &Option<Given<AutoLabels>>, args: &TextMap) -> TextMap {
        let mut found = TextMap::new();
        let wanted = wanted.as_ref().map(|given| given.value).unwrap_or_default();
        let mut set = |is_wanted: bool, name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|_| is_wanted) {
                let name = format!("org.opencontainers.image.{name}");
                found.insert(name.into(), value.into());
            }
        };
        let name = self.repository.familiar();
        set(wanted.cell, "title", name.rsplit('/').next().map(str::to_owned));
        let version = self.axes.iter().find(|(axis, _)| &**axis == "version");
        let version = version.map_or(self.tag.as_str(), |(_, value)| value);
        set(wanted.cell, "version", Some(version.to_owned()));
        set(wanted.git, "created", self.created(args).and_then(timestamp));
        set(wanted.git, "source", self.facts.remote.as_deref().and_then(source_url));
        let dirty = if self.facts.is_dirty { "-dirty" } else { "" };
        set(
            wanted.git,
            "revision",
            self.facts.revision.as_ref().map(|commit| format!("{commit}{dirty}")),
        );
        set(wanted.cell, "ref.name", Some(self.tag.as_str().to_owned()));
        found
    }
}

/// RFC 3339 in UTC; `None` for years that it cannot express.
fn timestamp(seconds: i64) -> Option<String> {
    const DAY: i64 = 24 * 60 * 60;
    const LAST: i64 = 253_402_300_799;
    if !(0..=LAST).contains(&seconds) {
        return None;
    }
    let (mut days, time) = (seconds / DAY, seconds % DAY);
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + i64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    Some(format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1))
}

/// The URL of a remote as a web page, without user and password; `None` for a local path.
fn source_url(remote: &str) -> Option<String> {
    if remote.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let (host, path) = match remote.split_once("://") {
        Some(("http" | "https" | "ssh" | "git" | "git+ssh", rest)) => rest.split_once('/')?,
        Some(_) => return None,
        // `user@host:path`, as scp has it.
        None => remote.split_once(':').filter(|(host, _)| !host.contains('/'))?,
    };
    let host = host.rsplit('@').next()?;
    // The port belongs to Git's protocol.
    let host = match remote.starts_with("http") {
        true => host,
        false => host.split(':').next()?,
    };
    let path = path.split(['?', '#']).next()?.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let scheme = if remote.starts_with("http://") { "http" } else { "https" };
    // A password with a slash in it would look like the path.
    let usable = host.len() > 1 && !path.is_empty() && !path.contains('@');
    usable.then(|| format!("{scheme}://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_becomes_a_page_without_credentials() {
        for (remote, wanted) in [
            ("https://github.com/me/app.git", Some("https://github.com/me/app")),
            ("https://me:secret@github.com/me/app", Some("https://github.com/me/app")),
            ("https://me:a/b@c@github.com/x", None),
            ("git@github.com:me/app.git", Some("https://github.com/me/app")),
            ("ssh://git@git.example:2222/me/app.git/", Some("https://git.example/me/app")),
            ("http://git.example:3000/me/app", Some("http://git.example:3000/me/app")),
            ("https://git.example/a?token=x", Some("https://git.example/a")),
            ("/srv/git/app.git", None),
            ("../app", None),
            ("file:///srv/app", None),
            ("C:\\app", None),
            ("https://git.example/a\nb", None),
            ("", None),
        ] {
            assert_eq!(source_url(remote).as_deref(), wanted, "{remote}");
        }
    }

    #[test]
    fn a_time_is_written_in_utc() {
        assert_eq!(timestamp(0).unwrap(), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(1_700_000_000).unwrap(), "2023-11-14T22:13:20Z");
        assert_eq!(timestamp(951_782_400).unwrap(), "2000-02-29T00:00:00Z");
        assert_eq!(timestamp(1_735_689_599).unwrap(), "2024-12-31T23:59:59Z");
        assert_eq!(timestamp(253_402_300_799).unwrap(), "9999-12-31T23:59:59Z");
        assert_eq!((timestamp(i64::MAX), timestamp(-1)), (None, None));
    }
}
