//! The order of versions, and which of them are pre-releases. Pure.
//!
//! There is one order for everything: `latest`, comparisons, ranges, `limit` and templates. It is
//! more tolerant than SemVer, since images follow many schemes (`24.04`, `3.20`, `8u412-b08`,
//! `3.13.0b4`, `2.0.0.CR1`). It agrees with each scheme where that scheme is clear; `schemes.rs`
//! lists them.
//!
//! A version has numbers, a suffix, and build metadata after `+`. The numbers are compared first,
//! then the suffix: a pre-release precedes the release, a variant such as `-alpine` equals it, and
//! a patch or revision follows it. Numbers within words also compare as numbers.

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

/// Whether `text` looks like a version: it starts with a digit, or with a prefix such as `v`,
/// `release-` or `jdk-` and a digit. Commit hashes, names and channels such as `edge` are not
/// versions.
pub(crate) fn is_version(text: &str) -> bool {
    Version::read(text).is_version()
}

/// Whether `text` is a pre-release, such as `2.0.0-rc1`, `3.13.0b4` or `1.0-SNAPSHOT`.
pub(crate) fn is_prerelease(text: &str) -> bool {
    let version = Version::read(text);
    version.is_version() && version.is_unfinished
}

/// Whether `text` is a channel, such as `edge`, `stable` or `nightly-slim`: a name that projects
/// use besides versions.
pub(crate) fn is_channel(text: &str) -> bool {
    text.split(['-', '_', '.']).next().is_some_and(words::is_channel)
}

/// Whether `text` looks like a commit hash.
pub(crate) fn is_hash(text: &str) -> bool {
    read::is_hash(text)
}

/// The order for sorting. It is total: different spellings of one version are ordered too, so that
/// no result depends on the order in a list.
pub(crate) fn sort(left: &str, right: &str) -> Ordering {
    let (l, r) = (Version::read(left), Version::read(right));
    l.order(&r).0.then_with(|| build(&l, &r)).then_with(|| left.cmp(right))
}

/// Whether two versions have a defined order. They do not if they differ in words that are neither
/// pre-releases nor patches, such as `1.25-alpine` and `1.25-bookworm`.
pub(crate) fn is_order_known(left: &str, right: &str) -> bool {
    let (l, r) = (Version::read(left), Version::read(right));
    let (order, is_known) = l.order(&r);
    let builds = || match (l.build, r.build) {
        (Some(left), Some(right)) => Version::read(left).order(&Version::read(right)).1,
        _ => true,
    };
    l.is_version() && r.is_version() && is_known && (order.is_ne() || builds())
}

/// How `value` compares with `bound` in a condition; `None` if they have no defined order.
///
/// Spellings of one version are equal: `2.0` and `v2.0.0`. A variant or build metadata that only
/// one of them has does not count, so `1.25-alpine` is at least `1.25`.
pub(crate) fn compare(value: &str, bound: &str) -> Option<Ordering> {
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

/// Number `index` of a version; 0 is the major version.
pub(crate) fn part(text: &str, index: usize) -> Option<&str> {
    let version = Version::read(text);
    version.release.get(index).copied().filter(|_| version.prefix.is_empty())
}

/// Compares build metadata, when all else is equal. SemVer gives it no order; OpenJDK (`17.0.5+8`)
/// and Debian (`1.2-3+deb12u1`) do.
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

    /// Whether its builds are numbered, as in OpenJDK: `17.0.5+8`.
    fn counts_builds(&self) -> bool {
        self.build.is_some_and(|build| build.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// The index at which its variant begins.
    fn variant(&self) -> Option<usize> {
        self.suffix.iter().position(|part| matches!(part, Part::Variant(_)))
    }

    /// The order without build metadata, and whether it is defined.
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
