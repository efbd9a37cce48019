//! How versions compare, and which of them are final. Pure.
//!
//! There is one order for everything: `latest`, comparisons, ranges, `limit` and templates. It is
//! looser than SemVer, since images follow many schemes (`24.04`, `3.20`, `8u412-b08`, `3.13.0b4`,
//! `2.0.0.CR1`), and agrees with each of them where the scheme is clear; `schemes.rs` lists them.
//!
//! A version has numbers, what follows them, and build metadata after `+`. The numbers are compared
//! first, then what follows: a pre-release comes before the release, a variant such as `-alpine` with
//! the release, and a patch or revision after it. Numbers compare as numbers, also within letters.

mod part;
mod read;
#[cfg(test)]
mod schemes;
#[cfg(test)]
mod tests;
mod words;

use std::cmp::Ordering;

use part::{Part, number, word};
use read::Version;

/// Whether `text` looks like a version: a digit first, after a word such as `v`, `release-` or `jdk`
/// perhaps. Commit hashes, names and channels such as `edge` do not.
pub fn is_version(text: &str) -> bool {
    Version::read(text).is_version()
}

/// Whether `text` is a version that its project does not call final, such as `2.0.0-rc1`,
/// `3.13.0b4` or `1.0-SNAPSHOT`.
pub fn is_prerelease(text: &str) -> bool {
    let version = Version::read(text);
    version.is_version() && version.is_unfinished
}

/// Whether `text` names a channel, such as `edge`, `stable` or `nightly-slim`, which stands beside
/// versions without being one.
pub fn is_channel(text: &str) -> bool {
    text.split(['-', '_', '.']).next().is_some_and(words::is_channel)
}

/// Whether `text` looks like a commit hash.
pub fn is_hash(text: &str) -> bool {
    read::is_hash(text)
}

/// The order in which versions are sorted. It is total: spellings of one version have an order too,
/// so that a result never depends on how a list was written.
pub fn sort(left: &str, right: &str) -> Ordering {
    let (l, r) = (Version::read(left), Version::read(right));
    l.order(&r).0.then_with(|| build(&l, &r)).then_with(|| left.cmp(right))
}

/// Whether the order of two versions is known. It is not where words that are no pre-release and no
/// patch make the difference, such as `1.25-alpine` and `1.25-bookworm`.
pub fn is_order_known(left: &str, right: &str) -> bool {
    let (l, r) = (Version::read(left), Version::read(right));
    let (order, is_known) = l.order(&r);
    let builds = || match (l.build, r.build) {
        (Some(left), Some(right)) => Version::read(left).order(&Version::read(right)).1,
        _ => true,
    };
    l.is_version() && r.is_version() && is_known && (order.is_ne() || builds())
}

/// How `value` compares with `bound` in a condition; none where that cannot be known.
///
/// Spellings of one version are equal: `2.0` and `v2.0.0`. What only one of the two says does not
/// count where it is a variant or build metadata, so `1.25-alpine` is at least `1.25`.
pub fn compare(value: &str, bound: &str) -> Option<Ordering> {
    let (mut value, mut bound) = (Version::read(value), Version::read(bound));
    if !value.is_version() || !bound.is_version() {
        return None;
    }
    match (value.variant(), bound.variant()) {
        (Some(at), None) => value.suffix.truncate(at),
        (None, Some(at)) => bound.suffix.truncate(at),
        _ => {}
    }
    match value.order(&bound) {
        (_, false) => None,
        (Ordering::Equal, _) if value.counts_builds() && bound.counts_builds() => {
            Some(build(&value, &bound))
        }
        (order, _) => Some(order),
    }
}

/// Number `index` of a version: 0 is the major one.
pub fn part(text: &str, index: usize) -> Option<&str> {
    let version = Version::read(text);
    version.release.get(index).copied().filter(|_| version.prefix.is_empty())
}

/// Build metadata, where all else is equal. SemVer gives it no order; OpenJDK (`17.0.5+8`) and
/// Debian (`1.2-3+deb12u1`) count it.
fn build(left: &Version<'_>, right: &Version<'_>) -> Ordering {
    match (left.build, right.build) {
        (Some(left), Some(right)) => {
            let (left, right) = (Version::read(left), Version::read(right));
            left.order(&right).0
        }
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

impl Version<'_> {
    fn is_version(&self) -> bool {
        let starts = match self.suffix.first() {
            _ if !self.release.is_empty() => true,
            // `rc12`, `nightly-20241231`, `ls126`.
            Some(Part::Pre(_) | Part::Post(_)) => {
                matches!(self.suffix.get(1), Some(Part::Number(_)))
            }
            _ => false,
        };
        starts && self.prefix.is_empty()
    }

    /// Whether its builds are numbered, as OpenJDK's are: `17.0.5+8`.
    fn counts_builds(&self) -> bool {
        self.build.is_some_and(|build| build.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// Where it begins to say which variant it is.
    fn variant(&self) -> Option<usize> {
        self.suffix.iter().position(|part| matches!(part, Part::Variant(_)))
    }

    /// The order without build metadata, and whether it is known.
    fn order(&self, other: &Self) -> (Ordering, bool) {
        let prefix = word(self.prefix, other.prefix);
        if prefix.is_ne() {
            return (prefix, false);
        }
        let release = || {
            let longest = self.release.len().max(other.release.len());
            let at = |version: &Self, index: usize| *version.release.get(index).unwrap_or(&"0");
            let numbers = (0..longest).map(|index| number(at(self, index), at(other, index)));
            numbers.into_iter().find(|order| order.is_ne())
        };
        let numbers = number(self.epoch, other.epoch);
        if let Some(order) = Some(numbers).filter(|order| order.is_ne()).or_else(release) {
            return (order, true);
        }
        let longest = self.suffix.len().max(other.suffix.len());
        for index in 0..longest {
            let (left, right) = (self.suffix.get(index), other.suffix.get(index));
            let (left, right) = (left.unwrap_or(&Part::End), right.unwrap_or(&Part::End));
            let order = left.order(right);
            if order.is_ne() {
                let variants = matches!((left, right), (Part::Variant(_), Part::Variant(_)));
                return (order, !variants);
            }
        }
        (Ordering::Equal, true)
    }
}
